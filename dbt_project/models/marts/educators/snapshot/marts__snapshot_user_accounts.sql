select
    person.org_id,
    number.employee_id,
    person._id as user_id,
    person.email,
    person.fname as first_name,
    person.lname as last_name,
    person.is_active,
    null::text as title,
    person.created_date,
    person._day as as_of_day
from {{ snapshot_of('users') }} as person
inner join {{ ref('marts__snapshot_people') }} as number
    on person.org_id = number.org_id and person._id = number.user_id
