-- A resource that becomes a question, or is none any more, concerns every session in which it was attempted.
select
    attempt.tenant,
    attempt.session_id,
    attempt.student_id
from {{ changes_for('marts__aggregated_session_attempts', ref('marts__attempts')) }} as attempt
where attempt.session_id is not null
union
select
    attempt.tenant,
    attempt.session_id,
    attempt.student_id
from {{ changes_for('marts__aggregated_session_attempts', ref('timeback__caliper_assessment_item')) }} as question
inner join {{ ref('marts__attempts') }} as attempt
    on question.id = attempt.resource_id and {{ same_tenant('question', 'attempt') }}
where attempt.session_id is not null
