{{ config(
    meta={'groups': ['session_id'], 'changes': ['session_id', 'session_user_id']},
    indexes=[
        {'columns': ['session_id']},
        {'columns': ['session_user_id', 'started_at_time']},
    ],
) }}
-- depends_on: {{ ref('marts__touched_session_insights') }}
with watched as (
    select session.*
    from {{ newest_in_tenant(ref('timeback__insights_session')) }} as session -- noqa: RF04
    {{ only_touched('session', {'session_id': 'caliper_session_id'}) }}
    where session.caliper_session_id is not null
),

people as (
    select distinct on (watched.caliper_session_id, watched.tenant)
        watched.tenant,
        watched.caliper_session_id,
        watched.user_id
    from watched
    order by watched.caliper_session_id, watched.tenant, watched.id
),

insights as (
    {{ qualified_insights('watched') }}
)

select
    insight.tenant,
    insight.id,
    insight.session_id,
    people.user_id as session_user_id,
    insight.insight_type,
    insight.category,
    insight.is_waste,
    insight.is_proctored,
    insight.started_at_time,
    insight.ended_at_time,
    {{ seconds_between('insight.started_at_time', 'insight.ended_at_time') }} as duration_sec,
    insight.description
from insights as insight
inner join people
    on insight.session_id = people.caliper_session_id and {{ same_tenant('insight', 'people') }}
where {{ is_whole_insight('insight') }}
