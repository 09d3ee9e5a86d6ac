-- An assignment ties each of its observers to each of its learners; the tie lasts until the last such assignment ends.
select
    assignment.org_id,
    learner.employee_id as learner_employee_id,
    observer.employee_id as observer_employee_id,
    assignment._day as as_of_day,
    (array_agg(assignment.type order by assignment.created_date nulls last, assignment._id))[1] as affiliation_type,
    min(assignment.created_date) as date_created,
    case when bool_and(assignment.ended_date is not null) then max(assignment.ended_date) end as date_deleted
from {{ snapshot_of('assignments') }} as assignment
-- arrays, so that the people of one assignment are looked up, not those of all
cross join
    lateral unnest(array(  -- noqa: ST05
        select person.employee_id
        from {{ ref('marts__snapshot_assigned_people') }} as person
        where
            person.org_id = assignment.org_id
            and person.assignment_id = assignment._id
            and person.side = 'learner'
    )) as learner (employee_id)
cross join
    lateral unnest(array(  -- noqa: ST05
        select person.employee_id
        from {{ ref('marts__snapshot_assigned_people') }} as person
        where
            person.org_id = assignment.org_id
            and person.assignment_id = assignment._id
            and person.side = 'observer'
    )) as observer (employee_id)
group by assignment.org_id, learner.employee_id, observer.employee_id, assignment._day
