-- A stand-in: the steps of the daily export, until other feeds' steps are joined to them here.
select
    step.org_id,
    step.step_id,
    step.observation_group_id,
    step.step_name,
    step.step_type,
    step.step_order,
    step.step_status,
    step.step_scheduled_date,
    step.step_completed_date,
    'daily' as source,  -- noqa: RF04
    null::date as as_of_day
from {{ ref('edreflect__observation_steps') }} as step
