select
    session.tenant,
    session.session_user_id,
    session.session_id,
    session.cheating_duration_sec
from {{ ref('marts__session_insight_times') }} as session -- noqa: RF04
where session.cheating_duration_sec is not null
