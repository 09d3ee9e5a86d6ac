select
    session.tenant,
    session.student_id
from {{ changes_for('marts__student_usage', ref('marts__sessions')) }} as session -- noqa: RF04
where session.student_id is not null
union
select
    insight.tenant,
    insight.session_user_id as student_id
from {{ changes_for('marts__student_usage', ref('marts__session_insights')) }} as insight
where insight.session_user_id is not null
