-- Templates are in the offboarding product alone; of others the export's observations tell id and title, the title that
-- the youngest of them has.
select
    template.org_id,
    template._id as observation_template_id,
    template.name as observation_template_name,
    template.type as observation_template_type,
    template.description as observation_template_description,
    template.school_year,
    template.is_active,
    template.created_date as observation_template_created_date,
    template.modified_date as observation_template_modified_date,
    (
        select count(*)::integer
        from {{ snapshot_of('observation_templates__activities') }} as activity
        where activity.org_id = template.org_id and activity._id = template._id
    ) as activity_count,
    (
        select count(*)::integer
        from {{ snapshot_of('observation_templates__activities__steps') }} as step
        where step.org_id = template.org_id and step._id = template._id
    ) as step_count,
    'offboarding' as source,
    template._day as as_of_day
from {{ snapshot_of('observation_templates') }} as template

union all

select
    mentioned.org_id,
    mentioned.observation_template_id,
    mentioned.observation_template_name,
    null as observation_template_type,
    null as observation_template_description,
    null as school_year,
    null as is_active,
    null as observation_template_created_date,
    null as observation_template_modified_date,
    null as activity_count,
    null as step_count,
    mentioned.source,
    mentioned.as_of_day
from (
    select distinct on (observation.org_id, observation.observation_template_id)
        observation.org_id,
        observation.observation_template_id,
        observation.observation_template_name,
        observation.source,
        observation.as_of_day
    from {{ ref('marts__merged_observations') }} as observation
    where observation.observation_template_id is not null
    order by
        observation.org_id asc,
        observation.observation_template_id asc,
        observation.as_of_day desc,
        observation.observation_created_date desc nulls last,
        observation.observation_template_name asc nulls last,
        observation.source asc
) as mentioned
where
    0 = (
        select count(*)
        from {{ snapshot_of('observation_templates') }} as template
        where template.org_id = mentioned.org_id and template._id = mentioned.observation_template_id
    )
