select
    number.org_id,
    number.employee_id,
    item.grade,
    item._day as as_of_day
from {{ ref('marts__snapshot_people') }} as number
inner join {{ snapshot_of('users__grades') }} as item
    on number.org_id = item.org_id and number.user_id = item._id
