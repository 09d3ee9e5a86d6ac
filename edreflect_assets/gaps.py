"""Which expected days are not there: the ledger's days beside the registry's expectations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Feed
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


def expected_orgs(registry: Mapping[str, Org], feed: Feed) -> list[Org]:
    """Return the orgs that are to deliver a feed by themselves: not paused, and with a server to fetch from."""
    return [org for org in registry.values() if org.delivers(feed.name) and not org.paused and org.host]


def missing_days(
    connection: Connection, feed: Feed, registry: Mapping[str, Org], now: datetime
) -> dict[str, list[date]]:
    """Return, by org, the expected days between its first and last delivered day that have no load.

    Paused orgs expect nothing. Days after ``now`` are never missing.
    """
    gaps: dict[str, list[date]] = {}
    for org_id, days in delivered_days(connection, feed).items():
        org = registry.get(org_id)
        if org is None or org.paused:
            continue
        there = set(days)
        last = min(days[-1], now.astimezone(org.timezone).date())
        gaps[org_id] = [day for day in expected_days(org.expect, days[0], last) if day not in there]
    return gaps


def overdue_days(org: Org, delivered: list[date], now: datetime) -> list[date]:
    """Return the expected days after an org's last delivered one whose deadline has passed."""
    first = delivered[-1] + timedelta(days=1) if delivered else (now - NEVER_SEEN).date()
    return late_days(org.expect, org.timezone, first, now)


def late_orgs(connection: Connection, feed: Feed, registry: Mapping[str, Org], now: datetime) -> list[LateOrg]:
    """Return the orgs that have not delivered the last day expected of them by now."""
    delivered = delivered_days(connection, feed)
    late = []
    for org in expected_orgs(registry, feed):
        days = delivered.get(org.org_id, [])
        overdue = overdue_days(org, days, now)
        if overdue:
            expected_by = f"{org.expect.expected_by:%H:%M} {org.timezone.key}"
            late.append(LateOrg(org.org_id, overdue[-1], expected_by, days[-1] if days else None))
    return late
