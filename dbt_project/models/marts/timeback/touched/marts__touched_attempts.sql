-- An attempt decides about all attempts of its student at its resource; an event or a score about its attempt.
with named as (
    select
        event.tenant,
        event.attempt_id
    from {{ changes_for('marts__attempts', ref('timeback__caliper_event')) }} as event -- noqa: RF04
    union
    select
        score.tenant,
        score.attempt_id
    from {{ changes_for('marts__attempts', ref('timeback__caliper_score')) }} as score
)

select
    attempt.tenant,
    attempt.assignee_id as student_id,
    attempt.assignable_id as resource_id
from {{ changes_for('marts__attempts', ref('timeback__caliper_attempt')) }} as attempt
where attempt.assignee_id is not null and attempt.assignable_id is not null
union
select
    attempt.tenant,
    attempt.assignee_id as student_id,
    attempt.assignable_id as resource_id
from named
inner join {{ newest_in_tenant(ref('timeback__caliper_attempt')) }} as attempt
    on named.attempt_id = attempt.id and {{ same_tenant('named', 'attempt') }}
where attempt.assignee_id is not null and attempt.assignable_id is not null
