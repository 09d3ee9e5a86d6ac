-- An assignment ties each of its observers to each of its learners; the tie lasts until the last such assignment ends.
select
    learner.org_id,
    learner.employee_id as learner_employee_id,
    observer.employee_id as observer_employee_id,
    (array_agg(assignment.type order by assignment.created_date nulls last, assignment._id))[1] as affiliation_type,
    min(assignment.created_date) as date_created,
    case when bool_and(assignment.ended_date is not null) then max(assignment.ended_date) end as date_deleted,
    assignment._day as as_of_day
from {{ snapshot_of('assignments') }} as assignment
inner join {{ ref('marts__snapshot_assigned_people') }} as learner
    on assignment.org_id = learner.org_id and assignment._id = learner.assignment_id and learner.side = 'learner'
inner join {{ ref('marts__snapshot_assigned_people') }} as observer
    on assignment.org_id = observer.org_id and assignment._id = observer.assignment_id and observer.side = 'observer'
group by learner.org_id, learner.employee_id, observer.employee_id, assignment._day
