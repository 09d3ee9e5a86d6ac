{{ config(
    meta={'groups': ['student_id', 'resource_id'], 'changes': ['student_id', 'resource_id', 'session_id']},
    indexes=[
        {'columns': ['resource_id', 'student_id']},
        {'columns': ['student_id', 'date']},
        {'columns': ['session_id', 'student_id']},
    ],
) }}
-- depends_on: {{ ref('marts__touched_attempts') }}
with attempts as (
    select
        attempt.tenant,
        attempt.id,
        attempt.assignee_id,
        attempt.assignable_id,
        attempt.count,
        attempt.started_at_time,
        attempt.ended_at_time,
        attempt.duration_sec,
        row_number() over (
            partition by attempt.tenant, attempt.assignee_id, attempt.assignable_id
            order by attempt.started_at_time, attempt.id collate "C" -- noqa: RF02
        ) as place
    from {{ newest_in_tenant(ref('timeback__caliper_attempt')) }} as attempt
    {{ only_touched('attempt', {'student_id': 'assignee_id', 'resource_id': 'assignable_id'}) }}
    where attempt.assignee_id is not null and attempt.assignable_id is not null
),

first_attempts as (
    select attempts.*
    from attempts
    where
        (attempts.count = 1 or (attempts.count is null and attempts.place = 1))
        and {{ is_in_order('attempts.started_at_time', 'attempts.ended_at_time') }}
),

sessions as (
    select distinct on (attempt.id, attempt.tenant)
        attempt.tenant,
        attempt.id,
        event.session_id
    from first_attempts as attempt
    inner join {{ newest_in_tenant(ref('timeback__caliper_event')) }} as event -- noqa: RF04
        on attempt.id = event.attempt_id and {{ same_tenant('attempt', 'event') }}
    where event.session_id is not null
    order by attempt.id, attempt.tenant, event.event_time, event.id collate "C" -- noqa: RF02
),

scores as (
    select distinct on (attempt.id, attempt.tenant)
        attempt.tenant,
        attempt.id,
        score.score_given = score.max_score as is_correct
    from first_attempts as attempt
    inner join {{ newest_in_tenant(ref('timeback__caliper_score')) }} as score
        on attempt.id = score.attempt_id and {{ same_tenant('attempt', 'score') }}
    order by attempt.id, attempt.tenant, score.id collate "C" desc -- noqa: RF02
)

select
    attempt.tenant,
    attempt.assignee_id as student_id,
    attempt.assignable_id as resource_id,
    sessions.session_id,
    {{ utc_date('attempt.started_at_time') }} as date, -- noqa: RF04
    attempt.started_at_time as start_time,
    attempt.ended_at_time as end_time,
    coalesce(
        round(attempt.duration_sec),
        {{ seconds_between('attempt.started_at_time', 'attempt.ended_at_time') }}
    ) as duration_sec,
    scores.is_correct,
    attempt.id as attempt_id
from first_attempts as attempt
left join sessions on attempt.id = sessions.id and {{ same_tenant('attempt', 'sessions') }}
left join scores on attempt.id = scores.id and {{ same_tenant('attempt', 'scores') }}
