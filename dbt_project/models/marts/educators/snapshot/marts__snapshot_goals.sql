select
    goal.org_id,
    goal._id as goal_id,
    holder.employee_id,
    goal.title as goal_title,
    goal.description as goal_description,
    goal.status as goal_status,
    goal.school_year,
    goal.created_date as goal_created_date,
    goal.due_date as goal_due_date,
    goal.completed_date as goal_completed_date,
    goal._day as as_of_day
from {{ snapshot_of('goals') }} as goal
-- its owner's, with a number or without; its author's if it names no people
left join lateral (
    select member.user_id
    from {{ snapshot_of('goals__users') }} as member
    left join {{ ref('marts__snapshot_people') }} as person
        on member.org_id = person.org_id and member.user_id = person.user_id
    where member.org_id = goal.org_id and member._id = goal._id
    order by member.role = 'owner' desc nulls last, person.employee_id asc nulls last
    limit 1
) as first_member on true
left join {{ ref('marts__snapshot_people') }} as holder
    on goal.org_id = holder.org_id and coalesce(first_member.user_id, goal.created_by) = holder.user_id
