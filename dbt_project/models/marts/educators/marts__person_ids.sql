-- Ids from before the refresh are today's where a map or an account's oldID knows them.
select distinct
    account.org_id,
    coalesce(renewed.user_id, account.user_id) as user_id,
    account.employee_id,
    account._source as source
from {{ ref('edreflect__user_accounts') }} as account
left join lateral (
    select person._id as user_id
    from {{ snapshot_of('users') }} as person
    where
        person.org_id = account.org_id
        and person.old_id = account.user_id
        and account._unmapped && array['user_id']
    order by person._id
    limit 1
) as renewed on true
where account.user_id is not null and account.employee_id is not null

union

select
    person.org_id,
    person._id as user_id,
    person.employee_id,
    'offboarding' as source
from {{ snapshot_of('users') }} as person
where person.employee_id is not null
