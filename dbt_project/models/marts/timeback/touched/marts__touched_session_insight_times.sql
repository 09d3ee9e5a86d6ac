select distinct
    insight.tenant,
    insight.session_id
from {{ changes_for('marts__session_insight_times', ref('marts__session_insights')) }} as insight
