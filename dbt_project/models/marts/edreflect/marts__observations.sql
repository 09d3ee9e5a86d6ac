select
    observation.org_id,
    observation.observation_group_id,
    observation.observation_template_id,
    observation.observation_template_name,
    observation.observation_type,
    observation.observation_status,
    observation.learner_employee_id,
    observation.observer_employee_id,
    {{ observation_school_year('observation') }} as school_year,
    coalesce(
        observation.school_year_id,
        {{ id_of_year('observation.school_year') }}
    ) as school_year_id,
    observation.observation_created_date,
    observation.observation_scheduled_date,
    observation.observation_completed_date,
    observation.source,
    observation.as_of_day
from {{ ref('marts__merged_observations') }} as observation
where observation.observation_is_deleted is not true
