-- An observation, its steps and its legacy dates meet in a group, not in a join: the join's other sides would be read
-- for every org, and no index leads to an observation's steps.
with observation_rows as (
    select
        observation.org_id,
        observation.observation_group_id,
        observation.observation_template_id,
        observation.observation_template_name,
        observation.observation_type,
        observation.learner_employee_id,
        observation.observer_employee_id,
        observation.school_year,
        observation.observation_completed_date,
        null::timestamp as step_completed_date,
        null::timestamp as legacy_feedback_date
    from {{ ref('marts__observations') }} as observation
    where observation.observation_completed_date is not null

    union all

    select
        step.org_id,
        step.observation_group_id,
        null as observation_template_id,
        null as observation_template_name,
        null as observation_type,
        null as learner_employee_id,
        null as observer_employee_id,
        null as school_year,
        null as observation_completed_date,
        step.step_completed_date,
        null as legacy_feedback_date
    from {{ ref('marts__observation_steps') }} as step
    where
        step.step_completed_date is not null
        and (step.step_type ilike '%feedback%' or step.step_name ilike '%feedback%')

    union all

    select
        legacy.org_id,
        legacy.observation_group_id,
        null as observation_template_id,
        null as observation_template_name,
        null as observation_type,
        null as learner_employee_id,
        null as observer_employee_id,
        null as school_year,
        null as observation_completed_date,
        null as step_completed_date,
        legacy.feedback_date as legacy_feedback_date
    from {{ ref('marts__legacy_feedback_dates') }} as legacy
),

-- One row of the group is the observation's, so that the least of its values is its value.
completed_observations as (
    select
        observation_row.org_id,
        observation_row.observation_group_id,
        min(observation_row.observation_template_id) as observation_template_id,
        min(observation_row.observation_template_name) as observation_template_name,
        min(observation_row.observation_type) as observation_type,
        min(observation_row.learner_employee_id) as learner_employee_id,
        min(observation_row.observer_employee_id) as observer_employee_id,
        min(observation_row.school_year) as school_year,
        min(observation_row.observation_completed_date) as observation_completed_date,
        coalesce(min(observation_row.step_completed_date), min(observation_row.legacy_feedback_date))
            as feedback_completed_date,
        case
            when min(observation_row.step_completed_date) is not null then 'step'
            when min(observation_row.legacy_feedback_date) is not null then 'legacy'
            else 'none'
        end as feedback_date_source
    from observation_rows as observation_row
    where observation_row.observation_group_id is not null
    group by observation_row.org_id, observation_row.observation_group_id
    having min(observation_row.observation_completed_date) is not null
)

select
    completed.org_id,
    completed.observation_group_id,
    completed.observation_template_id,
    completed.observation_template_name,
    completed.observation_type,
    completed.learner_employee_id,
    completed.observer_employee_id,
    completed.school_year,
    completed.observation_completed_date,
    completed.feedback_completed_date,
    completed.feedback_date_source,
    trim_scale(
        round(
            round(extract(epoch from completed.feedback_completed_date - completed.observation_completed_date) / 3600)
            / 24, 4
        )
    ) as days_to_feedback
from completed_observations as completed
