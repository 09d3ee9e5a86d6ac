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
    select
        insight.tenant,
        insight.id,
        watched.caliper_session_id,
        watched.is_proctored,
        insight.started_at_time,
        insight.ended_at_time,
        insight.reason,
        kind.slug,
        kind.category,
        kind.is_waste,
        config.requires_review
    from watched
    inner join {{ newest_in_tenant(ref('timeback__insights_insight')) }} as insight
        on watched.id = insight.insights_session_id and {{ same_tenant('watched', 'insight') }}
    inner join {{ newest_in_tenant(ref('timeback__insights_type')) }} as kind
        on insight.insight_type_id = kind.id and {{ same_tenant('insight', 'kind') }}
    left join {{ newest_in_tenant(ref('timeback__insights_config')) }} as config
        on insight.insight_type_id = config.insight_type_id and {{ same_tenant('insight', 'config') }}
    where
        insight.is_visible
        and insight.reason is not null
        and insight.ended_at_time >= insight.started_at_time
        and kind.visibility = 'external'
        and kind.slug is not null
        and kind.category in ('Engagement', 'Proctoring', 'Cheating')
),

-- a review without a time is older than any other
reviews as (
    select distinct on (insight.id, insight.tenant)
        insight.tenant,
        insight.id,
        review.result
    from insights as insight
    inner join {{ newest_in_tenant(ref('timeback__insights_review')) }} as review
        on insight.id = review.insight_id and {{ same_tenant('insight', 'review') }}
    where insight.requires_review
    order by insight.id, insight.tenant, review.reviewed_at desc nulls last, review.id desc
)

select
    insight.tenant,
    insight.id,
    insight.caliper_session_id as session_id,
    people.user_id as session_user_id,
    insight.slug as insight_type,
    insight.category,
    coalesce(insight.is_waste, false) as is_waste,
    coalesce(insight.is_proctored, false) as is_proctored,
    insight.started_at_time,
    insight.ended_at_time,
    {{ seconds_between('insight.started_at_time', 'insight.ended_at_time') }} as duration_sec,
    insight.reason as description
from insights as insight
inner join people
    on insight.caliper_session_id = people.caliper_session_id and {{ same_tenant('insight', 'people') }}
left join reviews on insight.id = reviews.id and {{ same_tenant('insight', 'reviews') }}
where not coalesce(insight.requires_review, false) or reviews.result = 'TruePositive'
