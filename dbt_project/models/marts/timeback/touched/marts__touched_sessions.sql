select
    session.tenant,
    session.id
from {{ changes_for('marts__sessions', ref('timeback__caliper_session')) }} as session -- noqa: RF04
union
select
    watched.tenant,
    watched.caliper_session_id as id
from {{ changes_for('marts__sessions', ref('timeback__insights_session')) }} as watched
where watched.caliper_session_id is not null
