select
    number.org_id,
    number.employee_id,
    item.group_id,
    (
        select known.name
        from {{ snapshot_of('groups') }} as known
        where known.org_id = item.org_id and known._id = item.group_id
        order by known.name
        limit 1
    ) as group_name,
    item._day as as_of_day
from {{ ref('marts__snapshot_people') }} as number
inner join {{ snapshot_of('users__groups') }} as item
    on number.org_id = item.org_id and number.user_id = item._id
