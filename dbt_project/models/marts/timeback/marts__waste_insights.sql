select
    insight.tenant,
    insight.session_user_id,
    insight.duration_sec as waste_duration_sec,
    insight.insight_type as waste_type,
    insight.session_id,
    insight.started_at_time,
    insight.ended_at_time,
    insight.description
from {{ ref('marts__session_insights') }} as insight
where insight.is_waste
