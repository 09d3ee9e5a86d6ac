-- An educator may have several accounts; one stands for the person, the same one in every query: an active account
-- before an inactive one, then the youngest, then by its remaining values.
with accounts as (
    select distinct on (person.org_id, person.employee_id)
        person.org_id,
        person.employee_id,
        person.user_id,
        person.email,
        person.first_name,
        person.last_name,
        person.title,
        person.is_active,
        person.created_date as account_created_date,
        person.source,
        person.as_of_day,
        (count(*) over (partition by person.org_id, person.employee_id))::integer as account_count
    from {{ ref('marts__merged_user_accounts') }} as person
    where person.employee_id is not null
    order by
        person.org_id asc,
        person.employee_id asc,
        person.is_active desc nulls last,
        person.created_date desc nulls last,
        person.user_id desc nulls last,
        person.email asc nulls last,
        person.first_name asc nulls last,
        person.last_name asc nulls last,
        person.title asc nulls last
)

select
    person.org_id,
    person.employee_id,
    person.user_id,
    person.email,
    person.first_name,
    person.last_name,
    person.title,
    person.is_active,
    person.account_created_date,
    person.account_count,
    {{ values_of_educator('user_roles', 'role_name', 'person') }} as role_names,
    {{ values_of_educator('user_roles', 'organization_id', 'person') }} as organization_ids,
    {{ values_of_educator('user_roles', 'organization_name', 'person') }} as organization_names,
    {{ values_of_educator('user_grades', 'grade', 'person') }} as grades,
    {{ values_of_educator('user_subjects', 'subject', 'person') }} as subjects,
    {{ values_of_educator('user_groups', 'group_id', 'person') }} as group_ids,
    {{ values_of_educator('user_groups', 'group_name', 'person') }} as group_names,
    {{ values_of_educator('user_rubrics', 'rubric_id', 'person') }} as rubric_ids,
    guide.guide_id,
    guide.guide_matched_by,
    0 < (
        select count(*)
        from {{ ref('marts__person_ids') }} as claim
        where
            claim.org_id = person.org_id
            and claim.employee_id = person.employee_id
            and claim.user_id <> person.user_id
    ) as has_identity_conflict,
    person.source,
    person.as_of_day
from accounts as person
-- A left join, so that a query without these two columns looks nobody up.
left join lateral (  -- noqa: ST05
    {{ guide_of_educator('person') | indent(4) }}
) as guide on true
