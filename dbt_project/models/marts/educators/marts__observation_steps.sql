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
    step.source,
    step.as_of_day
from {{ ref('marts__merged_observation_steps') }} as step
-- left out with its observation; a step of one that is not known stays
left join lateral (
    {{ observation_of('step') }}
) as observation on true
where observation.observation_is_deleted is not true
