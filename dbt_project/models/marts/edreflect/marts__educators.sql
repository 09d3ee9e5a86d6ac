-- An educator may have several accounts; one stands for the person, the same one in every query: an active account
-- before an inactive one, then the youngest, then by its remaining values.
with accounts as (
    select distinct on (account.org_id, account.employee_id)
        account.org_id,
        account.employee_id,
        account.user_id,
        account.email,
        account.first_name,
        account.last_name,
        account.title,
        account.is_active,
        account.created_date as account_created_date,
        (count(*) over (partition by account.org_id, account.employee_id))::integer as account_count
    from {{ ref('edreflect__user_accounts') }} as account
    where account.employee_id is not null
    order by
        account.org_id,
        account.employee_id,
        account.is_active desc nulls last,
        account.created_date desc nulls last,
        account.user_id desc nulls last,
        account.email nulls last,
        account.first_name nulls last,
        account.last_name nulls last,
        account.title nulls last
)

select
    account.org_id,
    account.employee_id,
    account.user_id,
    account.email,
    account.first_name,
    account.last_name,
    account.title,
    account.is_active,
    account.account_created_date,
    account.account_count,
    {{ values_of_educator('user_roles', 'role_name', 'account') }} as role_names,
    {{ values_of_educator('user_roles', 'organization_id', 'account') }} as organization_ids,
    {{ values_of_educator('user_roles', 'organization_name', 'account') }} as organization_names,
    {{ values_of_educator('user_grades', 'grade', 'account') }} as grades,
    {{ values_of_educator('user_subjects', 'subject', 'account') }} as subjects,
    {{ values_of_educator('user_groups', 'group_id', 'account') }} as group_ids,
    {{ values_of_educator('user_groups', 'group_name', 'account') }} as group_names,
    {{ values_of_educator('user_rubrics', 'rubric_id', 'account') }} as rubric_ids
from accounts as account
