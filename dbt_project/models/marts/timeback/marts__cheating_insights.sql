select
    insight.tenant,
    insight.session_user_id,
    insight.session_id,
    insight.insight_type,
    insight.started_at_time,
    insight.ended_at_time,
    insight.duration_sec,
    insight.description
from {{ ref('marts__session_insights') }} as insight
where insight.category = 'Cheating'
