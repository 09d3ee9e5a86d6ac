"""Which expected days are not there: the ledger's days beside the registry's expectations."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.orgs import Org
from edreflect_assets.schedule_expectations import expected_days, late_days

# How far back an org that never delivered anything is asked for; its history is nobody's to guess.
NEVER_SEEN = timedelta(days=14)


@dataclass(frozen=True)
class LateOrg:
    """An org whose last expected day is overdue; ``delivered`` is its last delivered day, None if there is none."""

    org_id: str
    expected: date
    expected_by: str
    delivered: date | None


def delivered_days(connection: Connection, feed: Feed) -> dict[str, list[date]]:
    """Return the days with a current load by org, in order; an index-only scan of the ledger."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select org_id, array_agg(day order by day)
            from (
                select distinct org_id, day from ops.load_log
                where feed = %s and status = 'current' and day is not null
            ) as days
            group by org_id
            """,
            (feed.name,),
        )
        return dict(cursor.fetchall())


def expected_orgs(connection: Connection, registry: Mapping[str, Org], feed: Feed) -> set[str]:
    """Return the orgs that are to deliver a feed.

    An org that lists its feeds is to deliver those. One without a list is asked for what it has delivered before, and
    before its first delivery for the feeds that are expected of everyone. Nobody is to deliver what is delivered once.
    """
    if not feed.recurring:
        return set()
    unlisted = [org.org_id for org in registry.values() if not org.feeds]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select org.org_id, bool_or(known.feed = %(feed)s)
            from unnest(%(orgs)s::text[]) as org (org_id)
            cross join unnest(%(feeds)s::text[]) as known (feed)
            where exists (
                select from ops.load_log
                where load_log.feed = known.feed and load_log.org_id = org.org_id and status = 'current'
            )
            group by org.org_id
            """,
            {"feed": feed.name, "orgs": unlisted, "feeds": [feed.name, *_recurring_feeds()]},
        )
        delivered = dict(cursor.fetchall())
    return {
        org.org_id
        for org in registry.values()
        if (feed.name in org.feeds if org.feeds else delivered.get(org.org_id, feed.expected))
    }


def _recurring_feeds() -> list[str]:
    """Return the feeds whose deliveries say what else to expect: a last snapshot does not stand for daily exports."""
    return [feed.name for feed in load_feeds().values() if feed.recurring]


def missing_days(
    connection: Connection, feed: Feed, registry: Mapping[str, Org], now: datetime
) -> dict[str, list[date]]:
    """Return, by org, the expected days between its first and last delivered day whose changes are lost.

    Of a daily export that is each day without a load; of packages those without a load before one that holds changes
    only: a full list makes up for all days before it, and so does every delivery of a feed of snapshots. Paused orgs expect nothing, and of a feed that is not recurring
    nobody does. Days after ``now`` are never missing.
    """
    if not feed.recurring:
        return {}
    changes = days_of_changes(connection, feed)
    gaps: dict[str, list[date]] = {}
    for org_id, days in delivered_days(connection, feed).items():
        org = registry.get(org_id)
        if org is None or org.paused:
            continue
        last = min(days[-1], now.astimezone(org.timezone).date())
        gaps[org_id] = [
            day for day in inner_gaps(org, days, None if changes is None else changes[org_id]) if day <= last
        ]
    return gaps


def days_of_changes(connection: Connection, feed: Feed) -> defaultdict[str, set[date]] | None:
    """Return the days by org on which a delivery held changes instead of full lists; None where each one does."""
    if feed.holds_snapshots:
        return defaultdict(set)
    if feed.package is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select org_id, array_agg(distinct day) from ops.load_log
            where feed = %s and status = 'current' and mode = 'delta' group by org_id
            """,
            (feed.name,),
        )
        # An org that only ever delivers full lists loses nothing.
        return defaultdict(set, {org_id: set(days) for org_id, days in cursor})


def inner_gaps(org: Org, days: list[date], changes: set[date] | None) -> list[date]:
    """Return the expected days between the delivered ``days``, sorted, that have no delivery.

    ``changes`` None: each of them is missed. Otherwise only where the next delivered day is one of these.
    """
    there = set(days)
    gaps = [day for day in expected_days(org.expect, days[0], days[-1]) if day not in there] if days else []
    return gaps if changes is None else [day for day in gaps if days[bisect(days, day)] in changes]


def overdue_days(org: Org, delivered: list[date], now: datetime) -> list[date]:
    """Return the expected days after an org's last delivered one whose deadline has passed."""
    first = delivered[-1] + timedelta(days=1) if delivered else (now - NEVER_SEEN).date()
    return late_days(org.expect, org.timezone, first, now)


def late_orgs(connection: Connection, feed: Feed, registry: Mapping[str, Org], now: datetime) -> list[LateOrg]:
    """Return the orgs that have not delivered the last day expected of them by now."""
    delivered = delivered_days(connection, feed)
    expected = expected_orgs(connection, registry, feed)
    late = []
    for org in registry.values():
        # An org without a server is loaded by hand: nothing is late there.
        if org.org_id not in expected or org.paused or not org.host:
            continue
        days = delivered.get(org.org_id, [])
        overdue = overdue_days(org, days, now)
        if overdue:
            expected_by = f"{org.expect.expected_by:%H:%M} {org.timezone.key}"
            late.append(LateOrg(org.org_id, overdue[-1], expected_by, days[-1] if days else None))
    return late
