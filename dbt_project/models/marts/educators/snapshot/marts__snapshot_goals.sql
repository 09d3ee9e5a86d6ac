select
    goal.org_id,
    goal._id as goal_id,
    coalesce(
        (
            select person.employee_id
            from {{ snapshot_of('goals__users') }} as member
            inner join {{ ref('marts__snapshot_people') }} as person
                on member.org_id = person.org_id and member.user_id = person.user_id
            where member.org_id = goal.org_id and member._id = goal._id
            order by member.role = 'owner' desc nulls last, person.employee_id asc
            limit 1
        ),
        author.employee_id
    ) as employee_id,
    goal.title as goal_title,
    goal.description as goal_description,
    goal.status as goal_status,
    goal.school_year,
    goal.created_date as goal_created_date,
    goal.due_date as goal_due_date,
    goal.completed_date as goal_completed_date,
    goal._day as as_of_day
from {{ snapshot_of('goals') }} as goal
left join {{ ref('marts__snapshot_people') }} as author
    on goal.org_id = author.org_id and goal.created_by = author.user_id
