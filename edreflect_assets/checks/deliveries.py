"""Whether the days that were expected came, whole and on time."""

from __future__ import annotations

from datetime import datetime

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks.base import (
    WINDOW,
    CheckResult,
    Registry,
    day_list,
    plural,
    query,
    result,
    where,
    window_start,
)
from edreflect_assets.contracts import Feed
from edreflect_assets.gaps import late_orgs, missing_days

# A delivery smaller than this share of the smallest of the seven before it (a week, so week ends compare like with
# like) is suspicious, and so is a file delivered again with less than this share of its former rows.
SHRINK_SHARE = 0.5
SHRINK_FLOOR = 20

_GAP_IN_EXPORTS = "A daily export holds only what changed on its day, so the changes of a missing day are unknown"
_GAP_IN_PACKAGES = (
    "The package that follows holds changes only, so those of a missing day are unknown until a full list is delivered"
)

# A delivery stands refused until a later one of the same org and day is taken, which the loader notes.
REFUSED = """
    select r.org_id, r.day, r.file, r.reason
    from (
        select distinct on (org_id, day) org_id, day, file, reason, load_id, feed
        from ops.load_log where feed = %(feed)s and status = 'refused' and resolved_at is null
        order by org_id, day, load_id desc
    ) as r
    where not exists (
        select from ops.load_log l
        where l.feed = r.feed and l.org_id = r.org_id
          and (l.day = r.day or (l.day is null and r.day is null))
          and l.status = 'current' and l.load_id > r.load_id)
    order by r.org_id, r.day
"""


def chain_of_days(connection: Connection, feed: Feed, registry: Registry, now: datetime) -> CheckResult:
    """Find days that were expected between an org's first and last delivered day, and whose changes are lost."""
    gaps = missing_days(connection, feed, registry, now)
    found = [
        f"{org}: {plural(len(days), 'day')} missing ({day_list(days)})" for org, days in sorted(gaps.items()) if days
    ]
    return result(
        "chain_of_days",
        "error",
        found,
        good="No expected day is missing between the first and the last delivered day of any org.",
        meaning=_GAP_IN_PACKAGES if feed.package else _GAP_IN_EXPORTS,
        resolve="Fetch the days with `edreflect run --org ORG --from DAY --to DAY`, ask the source to export them "
        "again, or list them as holidays of the org in the registry",
        missing={org: [day.isoformat() for day in days] for org, days in gaps.items() if days},
    )


def freshness(connection: Connection, feed: Feed, registry: Registry, now: datetime) -> CheckResult:
    """Find orgs whose last expected day has not been delivered although its hour has passed in their time zone."""
    found = [
        f"{late.org_id}: {late.expected} was expected by {late.expected_by}, "
        + (f"the last delivered day is {late.delivered}" if late.delivered else "no day was ever delivered")
        for late in late_orgs(connection, feed, registry, now)
    ]
    return result(
        "freshness",
        "error",
        found,
        good="Every org has delivered the last day expected of it.",
        meaning="What is published for these orgs is out of date",
        resolve="See what is on their server with `edreflect orgs check ORG`; if the day is there, run "
        "`edreflect run --org ORG`, if not, ask the source; `edreflect orgs pause ORG` ends the alarm",
    )


def refused_deliveries(connection: Connection, feed: Feed, _registry: Registry, _now: datetime) -> CheckResult:
    """Find deliveries that were refused and have not been loaded since."""
    found = [
        f"{where(org, day)}: {file}: {reason}" if file else f"{where(org, day)}: {reason}"
        for org, day, file, reason in query(connection, REFUSED, feed=feed.name)
    ]
    return result(
        "refused_deliveries",
        "error",
        found,
        good="No delivery stands refused.",
        meaning="Nothing of such a day was loaded; what was loaded for it before is still current",
        resolve="Have the source correct the file; the next delivery of that day is loaded by itself. "
        "`edreflect load --again` tries the landed bytes once more",
    )


def shrink(connection: Connection, feed: Feed, _registry: Registry, now: datetime) -> CheckResult:
    """Find files delivered again with far fewer rows, and days far smaller than any of the seven before them."""
    figures = {"feed": feed.name, "kept": SHRINK_SHARE, "floor": SHRINK_FLOOR}
    again = query(
        connection,
        """
        with before as (
            select distinct on (org_id, file, on_day) org_id, file, coalesce(day, '-infinity') as on_day, rows
            from ops.load_log where status = 'superseded' and feed = %(feed)s
            order by org_id, file, on_day, load_id desc
        )
        select n.org_id, n.day, n.file, before.rows, n.rows
        from ops.load_log n
        join before
          on before.org_id = n.org_id and before.file = n.file and before.on_day = coalesce(n.day, '-infinity')
        where n.load_id > %(after)s and n.feed = %(feed)s and n.status = 'current'
          and before.rows >= %(floor)s and n.rows < %(kept)s * before.rows
        order by n.org_id, n.day, n.file
        """,
        after=window_start(connection, now),
        **figures,
    )
    smaller = query(
        connection,
        """
        with days as (
            select org_id, day, sum(rows) as total
            from ops.load_log
            where feed = %(feed)s and status = 'current' and day >= %(since)s
            group by org_id, day
        ),
        compared as (
            select org_id, day, total,
                   min(total) over week as least,
                   count(*) over week as known
            from days
            window week as (partition by org_id order by day rows between 7 preceding and 1 preceding)
        )
        select org_id, day, least, total from compared
        where known = 7 and least >= %(floor)s and total < %(kept)s * least and day >= %(reported)s
        order by org_id, day
        """,
        since=(now - 3 * WINDOW).date(),
        reported=(now - WINDOW).date(),
        **figures,
    )
    found = [f"{where(org, day)}: {file} had {old} rows, delivered again {new}" for org, day, file, old, new in again]
    found += [
        f"{where(org, day)}: {new} rows, the seven days before at least {old} each" for org, day, old, new in smaller
    ]
    return result(
        "shrink",
        "warn",
        found,
        good="No delivery is far smaller than what the org delivered before.",
        meaning="The export may have been cut short; nothing was removed because of it beyond what its files say",
        resolve="Compare with the source; if the export was incomplete, have it exported and load the day again",
    )
