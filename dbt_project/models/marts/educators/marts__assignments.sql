-- One row per learner; an assignment that reaches no learner is one row without.
select
    assignment.org_id,
    assignment._id as assignment_id,
    assignment.name as assignment_name,
    assignment.type as assignment_type,
    assignment.observation_template_id,
    (
        select template.name
        from {{ snapshot_of('observation_templates') }} as template
        where template.org_id = assignment.org_id and template._id = assignment.observation_template_id
        order by template.name
        limit 1
    ) as observation_template_name,
    learner.employee_id as learner_employee_id,
    array(
        select observer.employee_id
        from {{ ref('marts__snapshot_assigned_people') }} as observer
        where
            observer.org_id = assignment.org_id
            and observer.assignment_id = assignment._id
            and observer.side = 'observer'
        order by observer.employee_id
    ) as observer_employee_ids,
    assignment.school_year,
    assignment.status as assignment_status,
    assignment.start_date,
    assignment.due_date,
    assignment.created_date as assignment_created_date,
    assignment.ended_date as assignment_ended_date,
    'offboarding' as source,
    assignment._day as as_of_day
from {{ snapshot_of('assignments') }} as assignment
-- an array, so that the people of one assignment are looked up, not those of all
left join lateral unnest(array(  -- noqa: ST05
    select person.employee_id
    from {{ ref('marts__snapshot_assigned_people') }} as person
    where
        person.org_id = assignment.org_id
        and person.assignment_id = assignment._id
        and person.side = 'learner'
)) as learner (employee_id) on true
