with programs as (
    select
        program.org_id,
        program.school_year,
        program.program_id,
        program.program_name,
        program.program_category,
        program.description,
        program._day as day,
        preference.cohort_scope_code,
        preference.cohort_type_code,
        ods.org_id is not null as has_ods,
        ods.max_identifier,
        ods.cohort_type,
        ods.descriptor_namespace,
        ods.districts,
        ods.school_year as only_year,
        coalesce({{ is_cohort('program') }}, false) as is_cohort,
        coalesce(preference.mapped, false) and preference.cohort_type_code is not null as is_mapped,
        case when program.district_number ~ '^[0-9]{1,18}$' then program.district_number::bigint end as district
    from {{ ref('infinite_campus__programs') }} as program
    left join {{ ref('infinite_campus__resource_preferences') }} as preference
        on program.org_id = preference.org_id and program.program_category = preference.program_category
    left join {{ ref('edfi__ods') }} as ods on program.org_id = ods.org_id
),

judged as (
    select
        *,
        is_cohort and is_mapped as qualifies,
        case when cohort_type = 'mapped' then cohort_type_code else 'Other' end as type_code,
        case
            when not is_cohort then 'its category is not Cohort'
            when not is_mapped then 'its category is not mapped to a cohort type in resource_preferences.csv'
            when not has_ods then 'no ODS is registered for the org'
            when school_year is null then 'its school year is empty'
            when school_year not between 1900 and 9999 then 'its school year is not a year'
            when school_year <> only_year then 'its school year is not the one that the ODS takes'
            when btrim(coalesce(program_name, '')) = '' then 'its name is empty'
            when char_length(program_name) > max_identifier
                then format('its name is longer than the %s characters that the data standard allows', max_identifier)
            when district is null then 'its district number is not a whole number'
            when not districts @> to_jsonb(district) then 'its district number is not one of the org''s in the registry'
        end as complaint,
        case
            when school_year is not null and program_name is not null and district is not null
                then jsonb_build_object('cohortIdentifier', program_name, 'educationOrganizationId', district)
        end as natural_key
    from programs
),

owned as (
    select
        *,
        {{ edfi_owner('program_id') }} as owner
    from judged
),

sent as (
    select
        *,
        coalesce(
            complaint,
            case when owner <> program_id then 'another program has the same name and district, and the lower id' end
        ) as reason,
        case when complaint is null and owner <> program_id then owner end as owned_by,
        case
            when natural_key is not null and has_ods
                then jsonb_strip_nulls(jsonb_build_object(
                    'cohortIdentifier', program_name,
                    'educationOrganizationReference', jsonb_build_object('educationOrganizationId', district),
                    'cohortTypeDescriptor', {{ edfi_descriptor('CohortTypeDescriptor', 'type_code') }},
                    'cohortScopeDescriptor', {{ edfi_descriptor('CohortScopeDescriptor', 'cohort_scope_code') }},
                    'cohortDescription', description
                ))
        end as payload
    from owned
)

select
    org_id,
    school_year,
    program_id as campus_key,
    natural_key,
    payload,
    qualifies,
    reason,
    owned_by,
    day,
    md5(payload::text) as payload_hash,
    md5(jsonb_build_array(program_category, description)::text) as source_hash
from sent
