select
    evidence.org_id,
    evidence._id as evidence_id,
    learner.employee_id as learner_employee_id,
    collector.employee_id as collected_by_employee_id,
    evidence.observation_id as observation_group_id,
    evidence.step_id,
    evidence.artifact_id,
    evidence.title as evidence_title,
    evidence.text as evidence_text,
    array(
        select distinct aim.goal_id
        from {{ snapshot_of('evidences__goals') }} as aim
        where aim.org_id = evidence.org_id and aim._id = evidence._id and aim.goal_id is not null
        order by aim.goal_id
    ) as goal_ids,
    array(
        select distinct aim.indicator_id
        from {{ snapshot_of('evidences__indicators') }} as aim
        where aim.org_id = evidence.org_id and aim._id = evidence._id and aim.indicator_id is not null
        order by aim.indicator_id
    ) as indicator_ids,
    evidence.created_date as evidence_created_date,
    evidence.modified_date as evidence_modified_date,
    'offboarding' as source,
    evidence._day as as_of_day
from {{ snapshot_of('evidences') }} as evidence
left join {{ ref('marts__snapshot_people') }} as learner
    on evidence.org_id = learner.org_id and evidence.user_id = learner.user_id
left join {{ ref('marts__snapshot_people') }} as collector
    on evidence.org_id = collector.org_id and evidence.collected_by = collector.user_id
