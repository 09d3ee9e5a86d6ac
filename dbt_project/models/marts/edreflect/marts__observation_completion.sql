{%- set days_after_due = 'coalesce(done.completed_date::date, ' ~ today() ~ ') - assigned.due_date::date' %}
-- Assignments and observations meet in a window over the learner's rows of both, not in a join: the join's second side
-- would be read for every org, and no index leads to a learner's observations.
with learner_rows as (
    select
        true as is_assignment,
        assigned.org_id,
        assigned.learner_employee_id,
        assigned.assignment_id,
        assigned.assignment_name,
        assigned.assignment_type,
        assigned.assignment_status,
        assigned.observation_template_id,
        assigned.observation_template_name,
        assigned.observer_employee_ids,
        assigned.school_year,
        assigned.start_date,
        assigned.due_date,
        assigned.assignment_created_date,
        assigned.assignment_ended_date,
        assigned.source as assignment_source,
        assigned.as_of_day,
        null::text as observation_group_id,
        null::text as observer_employee_id,
        null::timestamp as observation_completed_date
    from {{ ref('marts__assignments') }} as assigned

    union all

    select
        false as is_assignment,
        observation.org_id,
        observation.learner_employee_id,
        null as assignment_id,
        null as assignment_name,
        null as assignment_type,
        null as assignment_status,
        observation.observation_template_id,
        null as observation_template_name,
        null as observer_employee_ids,
        observation.school_year,
        null as start_date,
        null as due_date,
        null as assignment_created_date,
        null as assignment_ended_date,
        null as assignment_source,
        null as as_of_day,
        observation.observation_group_id,
        observation.observer_employee_id,
        observation.observation_completed_date
    from {{ ref('marts__observations') }} as observation
    where observation.learner_employee_id is not null and observation.observation_completed_date is not null
),

learner_observations as (
    select
        learner_row.is_assignment,
        learner_row.org_id,
        learner_row.learner_employee_id,
        learner_row.assignment_id,
        learner_row.assignment_name,
        learner_row.assignment_type,
        learner_row.assignment_status,
        learner_row.observation_template_id,
        learner_row.observation_template_name,
        learner_row.observer_employee_ids,
        learner_row.school_year,
        learner_row.start_date,
        learner_row.due_date,
        learner_row.assignment_created_date,
        learner_row.assignment_ended_date,
        learner_row.assignment_source,
        learner_row.as_of_day,
        array_agg(learner_row.observation_group_id) filter (where not learner_row.is_assignment) over learner
            as done_group_ids,
        array_agg(learner_row.observation_template_id) filter (where not learner_row.is_assignment) over learner
            as done_template_ids,
        array_agg(learner_row.observer_employee_id) filter (where not learner_row.is_assignment) over learner
            as done_observer_ids,
        array_agg(learner_row.school_year) filter (where not learner_row.is_assignment) over learner
            as done_school_years,
        array_agg(learner_row.observation_completed_date) filter (where not learner_row.is_assignment) over learner
            as done_dates
    from learner_rows as learner_row
    window learner as (partition by learner_row.org_id, learner_row.learner_employee_id)
)

select
    assigned.org_id,
    assigned.assignment_id,
    assigned.learner_employee_id,
    assigned.assignment_name,
    assigned.assignment_type,
    assigned.assignment_status,
    assigned.observation_template_id,
    assigned.observation_template_name,
    assigned.observer_employee_ids,
    assigned.school_year,
    assigned.start_date,
    assigned.due_date,
    assigned.assignment_created_date,
    assigned.assignment_ended_date,
    done.observation_group_id,
    done.observer_employee_id,
    done.completed_date as observation_completed_date,
    assigned.assignment_source as source,  -- noqa: RF04
    assigned.as_of_day,
    case
        when done.completed_date is not null and ({{ days_after_due }}) > 0 then 'completed late'
        when done.completed_date is not null then 'completed'
        when ({{ days_after_due }}) > 0 then 'overdue'
        else 'open'
    end as completion_status,
    done.completed_date is not null as is_completed,
    case
        when ({{ days_after_due }}) > 0 then false
        when done.completed_date is not null and assigned.due_date is not null then true
    end as is_on_time,
    case when assigned.due_date is not null then greatest({{ days_after_due }}, 0) end as days_late
from learner_observations as assigned
left join lateral (
    select
        candidate.observation_group_id,
        candidate.observer_employee_id,
        candidate.completed_date
    from
        unnest(
            assigned.done_group_ids,
            assigned.done_template_ids,
            assigned.done_observer_ids,
            assigned.done_school_years,
            assigned.done_dates
        ) as candidate (
            observation_group_id,
            observation_template_id,
            observer_employee_id,
            school_year,
            completed_date
        )
    where
        (
            assigned.observation_template_id is null
            or candidate.observation_template_id = assigned.observation_template_id
        )
        and (
            coalesce(cardinality(assigned.observer_employee_ids), 0) = 0
            or candidate.observer_employee_id = any(assigned.observer_employee_ids)
        )
        and (assigned.school_year is null or candidate.school_year = assigned.school_year)
    order by candidate.completed_date, candidate.observation_group_id
    limit 1
) as done on true
where assigned.is_assignment
