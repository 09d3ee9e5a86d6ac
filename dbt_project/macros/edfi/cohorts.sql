{#
  A code of a mapping as an Ed-Fi descriptor in the org's namespace, null without a code. A code that is a descriptor
  already stays as it is.
#}
{% macro edfi_descriptor(descriptor, code) -%}
case
                        when {{ code }} like 'uri://%#%' then {{ code }}
                        else descriptor_namespace || '/{{ descriptor }}#' || {{ code }}
                    end
{%- endmacro %}

{#
  The record that is sent of those with one natural key: the first one by its id. Keys are compared without regard to case,
  as some ODSs do. Reads the columns complaint (null: the record can be sent) and natural_key of its relation.
#}
{% macro edfi_owner(id) -%}
first_value({{ id }}) over (
            partition by org_id, school_year, lower(natural_key::text), complaint is null
            order by {{ campus_order(id) }}
        )
{%- endmacro %}

{# Campus ids in the order in which they were given out: by number where they are numbers, and before any others. #}
{% macro campus_order(id) -%}
case when {{ id }} ~ '^[0-9]{1,18}$' then {{ id }}::bigint end nulls last, {{ id }} collate "C"
{%- endmacro %}

{#
  Associations of people with cohorts, as they should be in the ODS: one row per delivered participation.
  Takes the reconciled relation, its key, its column of the person's id, and what Ed-Fi calls that person (student, staff).
#}
{% macro edfi_associations(participations, record_key, unique_id, person) -%}
with participations as (
    select
        participation.org_id,
        cohort.school_year,
        participation.{{ record_key }} as campus_key,
        participation.{{ unique_id }} as unique_id,
        participation.begin_date,
        participation.end_date,
        participation._day as day,
        cohort.natural_key as cohort,
        cohort.campus_key is not null as has_program,
        coalesce(cohort.qualifies, true) as qualifies,
        cohort.reason as cohort_reason
    from {{ participations }} as participation
    left join {{ ref('edfi__cohorts') }} as cohort
        on participation.org_id = cohort.org_id and participation.program_id = cohort.campus_key
),

judged as (
    select
        participations.*,
        case
            when not has_program then 'its program is not in programs.csv'
            when not qualifies then 'its program is not to be sent: ' || cohort_reason
            when cohort_reason is not null then 'its program cannot be sent: ' || cohort_reason
            when btrim(coalesce(unique_id, '')) = '' then 'its {{ unique_id }} is empty'
            when char_length(unique_id) > 32 then 'its {{ unique_id }} is longer than the 32 characters of Ed-Fi'
            when begin_date is null then 'its begin date is empty'
        end as complaint,
        case
            when cohort is not null and unique_id is not null and begin_date is not null
                then cohort || jsonb_build_object('{{ person }}UniqueId', unique_id, 'beginDate', begin_date)
        end as natural_key
    from participations
),

owned as (
    select
        judged.*,
        {{ edfi_owner('campus_key') }} as owner
    from judged
),

sent as (
    select
        owned.*,
        coalesce(
            complaint,
            case when owner <> campus_key then 'another record says the same, and has the lower id' end
        ) as reason,
        case when complaint is null and owner <> campus_key then owner end as owned_by,
        case
            when natural_key is not null
                then jsonb_strip_nulls(jsonb_build_object(
                    'cohortReference', cohort,
                    '{{ person }}Reference', jsonb_build_object('{{ person }}UniqueId', unique_id),
                    'beginDate', begin_date,
                    'endDate', end_date
                ))
        end as payload
    from owned
)

select
    org_id,
    school_year,
    campus_key,
    natural_key,
    payload,
    md5(payload::text) as payload_hash,
    md5(jsonb_build_array(end_date)::text) as source_hash,
    qualifies,
    reason,
    owned_by,
    day
from sent
{%- endmacro %}
