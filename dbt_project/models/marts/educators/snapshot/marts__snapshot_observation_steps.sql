-- A step stands below each observer's work on it: once here, as far as it has come.
select distinct on (step.org_id, step._id, step.step_id)
    step.step_id,
    step._id as observation_group_id,
    step.name as step_name,
    step.type as step_type,
    step."order" as step_order,
    step.status as step_status,
    step.scheduled_date as step_scheduled_date,
    step.completed_date as step_completed_date,
    step.org_id,
    step._day as as_of_day
from {{ snapshot_of('observations__work__steps') }} as step
order by
    step.org_id asc,
    step._id asc,
    step.step_id asc,
    step.completed_date desc nulls last,
    step.scheduled_date desc nulls last,
    step.status asc,
    step.name asc
