{{ config(
    materialized='incremental',
    incremental_strategy='difference',
    full_refresh=false,
    on_schema_change='fail',
    contract={'enforced': true},
    indexes=[
        {'columns': ['org_id', 'user_id'], 'unique': true},
        {'columns': ['org_id', 'employee_id']},
    ],
) }}
-- The account's own employee number, else the one that the daily export last gave this account; else the one that an
-- export from before the refresh gave it by the id of that time, if no map knows that.
select distinct on (found.org_id, found.user_id)
    found.org_id,
    found.user_id,
    found.employee_id,
    found.known_by
from (
    select
        person.org_id,
        person._id as user_id,
        person.employee_id,
        'snapshot' as known_by,
        1 as preference,
        null::date as account_day
    from {{ snapshot_of('users') }} as person
    where person.employee_id is not null

    union all

    select
        person.org_id,
        person._id as user_id,
        account.employee_id,
        'export' as known_by,
        2 as preference,
        account._day as account_day
    from {{ snapshot_of('users') }} as person
    inner join {{ ref('edreflect__user_accounts') }} as account
        on person.org_id = account.org_id and person._id = account.user_id
    where person.employee_id is null and account.employee_id is not null

    union all

    select
        person.org_id,
        person._id as user_id,
        account.employee_id,
        'export' as known_by,
        3 as preference,
        account._day as account_day
    from {{ snapshot_of('users') }} as person
    inner join {{ ref('edreflect__user_accounts') }} as account
        on person.org_id = account.org_id and person.old_id = account.user_id
    where person.employee_id is null and account.employee_id is not null and account._unmapped && array['user_id']
) as found
order by
    found.org_id asc,
    found.user_id asc,
    found.preference asc,
    found.account_day desc nulls last,
    found.employee_id asc
