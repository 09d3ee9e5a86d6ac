{{ config(
    meta={'groups': ['id'], 'changes': ['id', 'student_id']},
    indexes=[
        {'columns': ['id', 'tenant'], 'unique': true},
        {'columns': ['student_id', 'date']},
    ],
) }}
-- depends_on: {{ ref('marts__touched_sessions') }}
with sessions as (
    select session.*
    from {{ newest_in_tenant(ref('timeback__caliper_session')) }} as session -- noqa: RF04
    {{ only_touched('session', {'id': 'id'}) }}
    where
        session.started_at_time is not null
        and {{ is_in_order('session.started_at_time', 'session.ended_at_time') }}
),

watched as (
    select
        session.tenant,
        session.id,
        bool_or(coalesce(watched.webcam_enabled, false)) as webcam_enabled,
        bool_or(coalesce(watched.is_proctored, false)) as is_proctored
    from sessions as session -- noqa: RF04
    inner join {{ newest_in_tenant(ref('timeback__insights_session')) }} as watched
        on session.id = watched.caliper_session_id and {{ same_tenant('session', 'watched') }}
    group by session.tenant, session.id
)

select
    session.tenant,
    session.id,
    session.user_id as student_id,
    session.client_id as learning_app_id,
    {{ utc_date('session.started_at_time') }} as date, -- noqa: RF04
    session.started_at_time as start_time,
    session.ended_at_time as end_time,
    {{ seconds_between('session.started_at_time', 'session.ended_at_time') }} as duration_sec,
    coalesce(watched.webcam_enabled, false) as webcam_enabled,
    coalesce(watched.is_proctored, false) as is_proctored
from sessions as session -- noqa: RF04
left join watched on session.id = watched.id and {{ same_tenant('session', 'watched') }}
