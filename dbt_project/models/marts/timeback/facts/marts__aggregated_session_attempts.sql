{{ config(
    meta={'groups': ['session_id', 'student_id']},
    indexes=[
        {'columns': ['session_id', 'student_id', 'tenant'], 'unique': true},
        {'columns': ['student_id', 'date']},
    ],
) }}
-- depends_on: {{ ref('marts__touched_aggregated_session_attempts') }}
select
    attempt.tenant,
    attempt.session_id,
    attempt.student_id,
    {{ utc_date('min(attempt.start_time)') }} as date, -- noqa: RF04
    count(attempt.is_correct)::integer as total_questions_answered,
    (count(*) filter (where attempt.is_correct))::integer as total_questions_correct,
    round(avg(attempt.duration_sec)) as avg_duration_sec
from {{ ref('marts__attempts') }} as attempt
{{ only_touched('attempt', {'session_id': 'session_id', 'student_id': 'student_id'}) }}
where
    attempt.session_id is not null
    and exists (
        select 1 as found
        from {{ newest_in_tenant(ref('timeback__caliper_assessment_item')) }} as question
        where question.id = attempt.resource_id and {{ same_tenant('question', 'attempt') }}
    )
group by attempt.tenant, attempt.session_id, attempt.student_id
