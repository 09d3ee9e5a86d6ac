-- Accounts and employee numbers should pair up one to one within an org, whichever source names them.
select
    claim.org_id,
    'employee number of several accounts' as conflict,
    array[claim.employee_id] as employee_ids,
    array_agg(distinct claim.user_id order by claim.user_id) as user_ids,
    array_agg(distinct claim.source order by claim.source) as sources
from {{ ref('marts__person_ids') }} as claim
group by claim.org_id, claim.employee_id
having count(distinct claim.user_id) > 1

union all

select
    claim.org_id,
    'account with several employee numbers' as conflict,
    array_agg(distinct claim.employee_id order by claim.employee_id) as employee_ids,
    array[claim.user_id] as user_ids,
    array_agg(distinct claim.source order by claim.source) as sources
from {{ ref('marts__person_ids') }} as claim
group by claim.org_id, claim.user_id
having count(distinct claim.employee_id) > 1
