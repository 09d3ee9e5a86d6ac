select
    observation.org_id,
    observation._id as observation_group_id,
    observation.observation_template_id,
    (
        select template.name
        from {{ snapshot_of('observation_templates') }} as template
        where template.org_id = observation.org_id and template._id = observation.observation_template_id
        order by template.name
        limit 1
    ) as observation_template_name,
    learner.employee_id as learner_employee_id,
    observer.employee_id as observer_employee_id,
    observation.school_year,
    {{ id_of_year('observation.school_year') }} as school_year_id,
    observation.status as observation_status,
    observation.type as observation_type,
    observation.created_date as observation_created_date,
    observation.scheduled_date as observation_scheduled_date,
    observation.completed_date as observation_completed_date,
    observation.is_deleted as observation_is_deleted,
    observation._day as as_of_day
from {{ snapshot_of('observations') }} as observation
left join {{ ref('marts__snapshot_people') }} as learner
    on observation.org_id = learner.org_id and observation.learner_id = learner.user_id
left join {{ ref('marts__snapshot_people') }} as observer
    on observation.org_id = observer.org_id and observation.observer_id = observer.user_id
