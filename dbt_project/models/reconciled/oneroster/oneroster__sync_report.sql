-- depends_on: {{ ref('oneroster__packages') }}
select
    org_id,
    day,
    file,
    mode,
    applied,
    delivered,
    added,
    changed,
    ended,
    returned,
    stayed,
    stale,
    rejected,
    active_before
from oneroster_log.sync_report
