"""The state of every org at a glance: what ``edreflect status`` shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks import REFUSED
from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.gaps import days_of_changes, delivered_days, expected_orgs, inner_gaps, overdue_days
from edreflect_assets.orgs import Org, load_registry
from edreflect_assets.roster.approval import held_packages
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import pending


@dataclass(frozen=True)
class StatusRow:
    """One org and feed: counts of days, deliveries, rows and loads; ``note`` is a clause where something is special.

    ``gaps`` counts ``missing_days``: expected days since the first delivery that have passed and have no load. ``held``
    counts ``held_days``: packages that change nothing until a person approves them.
    ``pending`` counts loads that some model has not applied yet.
    """

    org: str
    feed: str
    last_day: date | None
    gaps: int
    refused: int
    held: int
    quarantined: int
    pending: int
    note: str = ""
    missing_days: tuple[date, ...] = ()
    held_days: tuple[date, ...] = ()
    incomplete: bool = False

    @property
    def needs_person(self) -> bool:
        """Whether somebody has to act: days or file groups are missing, or a delivery stands refused or held."""
        return bool(self.gaps or self.refused or self.held or self.incomplete)


def status_grid(connection: Connection, settings: Settings, day: date | None = None) -> list[StatusRow]:
    """Return one row per org and feed: every org of the registry, seen or not, and those that only the ledger knows.

    ``day`` leaves out days after it, as if it were the evening of that day. Raises ConfigurationError when the registry
    cannot be read.
    """
    registry = load_registry(settings)
    now = datetime.now(UTC)
    if day is not None:
        now = min(now, datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1))
    waiting = _pending_by_org(connection)
    rows = []
    for feed in load_feeds().values():
        delivered = _delivered(connection, feed, day)
        refused = _refused(connection, feed, day)
        set_aside = _quarantined(connection, feed, day)
        held = _held(connection, feed, day)
        changes = days_of_changes(connection, feed)
        known = expected_orgs(connection, registry, feed)
        lacking = _lacking(connection, feed, day)
        for org_id in sorted(known | set(delivered) | set(refused)):
            days = delivered.get(org_id, [])
            org = registry.get(org_id) if feed.recurring else None
            missing = _missing(org, days, now, None if changes is None else changes[org_id])
            rows.append(
                StatusRow(
                    org=org_id,
                    feed=feed.name,
                    last_day=days[-1] if days else None,
                    gaps=len(missing),
                    refused=refused.get(org_id, 0),
                    held=len(held.get(org_id, [])),
                    quarantined=set_aside.get(org_id, 0),
                    pending=waiting.get((org_id, feed.name), 0),
                    note=_note(registry.get(org_id), days, lacking.get(org_id, [])),
                    missing_days=tuple(missing),
                    held_days=tuple(held.get(org_id, [])),
                    incomplete=org_id in lacking,
                )
            )
    return rows


def build_trouble(connection: Connection) -> str | None:
    """Return a sentence when the last finished build failed, None when it succeeded or there was none."""
    rows = _query(
        connection,
        "select build_id, finished_at, status from ops.builds where status <> 'running' order by build_id desc limit 1",
    )
    if not rows or rows[0][2] != "failed":
        return None
    build_id, finished_at, _ = rows[0]
    return (
        f"The last build ({build_id}, {finished_at:%Y-%m-%d %H:%M} UTC) failed; what it did not build is as it was before "
        f"it; `select error from ops.builds where build_id = {build_id}` says why, `edreflect build` tries again."
    )


def _delivered(connection: Connection, feed: Feed, day: date | None) -> dict[str, list[date]]:
    all_days = delivered_days(connection, feed)
    if day is None:
        return all_days
    return {org: until for org, days in all_days.items() if (until := [d for d in days if d <= day])}


def _missing(org: Org | None, days: list[date], now: datetime, changes: set[date] | None) -> list[date]:
    if org is None or org.paused:
        return []
    # An org without a server is loaded by hand: nothing is overdue there.
    return inner_gaps(org, days, changes) + (overdue_days(org, days, now) if org.host else [])


def _held(connection: Connection, feed: Feed, day: date | None) -> dict[str, list[date]]:
    days: dict[str, list[date]] = {}
    for package in held_packages(connection, feed) if feed.package else ():
        if day is None or package.day <= day:
            days.setdefault(package.org_id, []).append(package.day)
    return days


def _lacking(connection: Connection, feed: Feed, day: date | None) -> dict[str, list[str]]:
    """Return the file groups that the newest snapshot of an org lacks, of the orgs of which it is not complete."""
    if feed.convention is None:
        return {}
    newest = _query(
        connection,
        """
        select distinct on (org_id) org_id, missing_groups
        from ops.snapshot_deliveries
        where feed = %(feed)s and (%(day)s::date is null or day <= %(day)s)
        order by org_id, day desc
        """,
        feed=feed.name,
        day=day,
    )
    return {org_id: groups for org_id, groups in newest if groups}


def _note(org: Org | None, days: list[date], lacking: list[str]) -> str:
    if org is None:
        return "not in the registry"
    if org.paused:
        return "paused"
    if lacking:
        return f"incomplete: no file of {', '.join(lacking)}"
    return "" if days else "never delivered"


def _refused(connection: Connection, feed: Feed, day: date | None) -> dict[str, int]:
    counts: dict[str, int] = {}
    for org_id, refused_day, *_ in _query(connection, REFUSED, feed=feed.name):
        if day is None or refused_day is None or refused_day <= day:
            counts[org_id] = counts.get(org_id, 0) + 1
    return counts


def _quarantined(connection: Connection, feed: Feed, day: date | None) -> dict[str, int]:
    return dict(
        _query(
            connection,
            """
            select l.org_id, count(distinct (q.load_id, q.line))
            from ops.quarantine q join ops.load_log l using (load_id)
            where l.feed = %(feed)s and l.status = 'current'
              and (%(day)s::date is null or l.day is null or l.day <= %(day)s)
            group by l.org_id
            """,
            feed=feed.name,
            day=day,
        )
    )


def _pending_by_org(connection: Connection) -> Mapping[tuple[str, str], int]:
    load_ids = sorted({load_id for model in pending(connection) for load_id in model.load_ids})
    return {
        (org_id, feed): count
        for org_id, feed, count in _query(
            connection,
            "select org_id, feed, count(*) from ops.load_log where load_id = any(%(ids)s) group by org_id, feed",
            ids=load_ids,
        )
    }


def _query(connection: Connection, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall()
