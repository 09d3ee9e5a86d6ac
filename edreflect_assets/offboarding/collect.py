"""A completeness report put together: one state of the database, read in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks import REFUSED
from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.errors import UsageError
from edreflect_assets.offboarding import verdict
from edreflect_assets.offboarding.contents import CompletenessReport, Delivery, Finding, LastBuild
from edreflect_assets.offboarding.database import query
from edreflect_assets.offboarding.differences import differences
from edreflect_assets.offboarding.history import legacy_exports, persons, school_years
from edreflect_assets.offboarding.snapshot import built_day, deliveries, groups, reported
from edreflect_assets.warehouse import pending

DAILY, LEGACY, SNAPSHOT = "edreflect", "legacy", "offboarding"

Progress = Callable[[str], None]


def collect_report(
    connection: Connection, org: str, day: date | None = None, progress: Progress = lambda _: None
) -> CompletenessReport:
    """Return what there is to know about an org's snapshot: that of ``day``, else the current one, else the newest.

    ``connection`` is in no transaction, and is left in none; nothing is written. ``progress`` is told what is looked at.
    Raises UsageError for an org that neither registry nor ledger know, and for a day without a snapshot.
    """
    # One state of everything: a build that ends in between would let figures disagree with each other.
    connection.set_session(isolation_level="REPEATABLE READ")
    try:
        return _collect(connection, org, day, progress)
    finally:
        connection.rollback()
        connection.set_session(isolation_level="DEFAULT")


def _collect(connection: Connection, org: str, day: date | None, progress: Progress) -> CompletenessReport:
    feeds = load_feeds()
    feed, daily, legacy = feeds[SNAPSHOT], feeds[DAILY], feeds[LEGACY]
    _require_known(connection, org)
    found = deliveries(connection, feed, org)
    delivery = reported(found, day)
    if day is not None and delivery is None:
        there = ", ".join(str(each.day) for each in found) or "none"
        raise UsageError(f"{org} has no snapshot of {day}; there are: {there}.")
    waiting = _pending(connection, org)
    reasons = list(_beforehand(connection, org, waiting, (feed, legacy)))
    progress("people and ids")
    old = legacy_exports(connection, daily, legacy, org)
    years = school_years(connection, daily, legacy, org)
    if delivery is None:
        people = persons(connection, org, has_snapshot=False)
        nothing = f"No snapshot of the offboarding product was delivered for {org}."
        advice = f" `edreflect load --feed {SNAPSHOT} --org {org} --source DIR` loads one."
        reasons = [Finding("nothing_delivered", 1, nothing + advice), *reasons]
        reasons += verdict.of_history(old, years, people)
        parts: dict[str, Any] = {"legacy": old, "school_years": years, "persons": people}
        return _report(connection, org, None, reasons=reasons, pending_loads=waiting, **parts)
    is_shown = built_day(connection, org) == delivery.day
    if delivery.is_current and not is_shown:
        text = (
            f"No build has applied the snapshot of {delivery.day} yet: its rows are not shown. Run `edreflect build`."
        )
        reasons.append(Finding("not_built", 1, text))
    people = persons(connection, org, has_snapshot=is_shown)
    figures = groups(connection, feed, org, delivery.day, is_shown=is_shown, progress=progress)
    compared, left_out = differences(connection, daily, org, delivery.day, progress) if is_shown else ((), ())
    reasons += verdict.of_delivery(delivery, found)
    reasons += verdict.of_groups(figures)
    reasons += verdict.of_history(old, years, people)
    reasons += verdict.of_differences(compared)
    return _report(
        connection,
        org,
        delivery,
        reasons=reasons,
        remarks=list(verdict.remarks(delivery, left_out, people, old)),
        pending_loads=waiting,
        deliveries=found,
        groups=figures,
        legacy=old,
        school_years=years,
        persons=people,
        differences=compared,
        not_compared=left_out,
    )


def _report(
    connection: Connection,
    org: str,
    delivery: Delivery | None,
    *,
    reasons: Sequence[Finding],
    remarks: Sequence[Finding] = (),
    **parts: Any,
) -> CompletenessReport:
    return CompletenessReport(
        org=org,
        day=delivery.day if delivery else None,
        reported_at=datetime.now(UTC).replace(microsecond=0),
        last_build=_last_build(connection),
        signable=not reasons,
        reasons=tuple(reasons),
        remarks=tuple(remarks),
        **parts,
    )


def _beforehand(connection: Connection, org: str, waiting: int, feeds: Sequence[Feed]) -> list[Finding]:
    """Return the reasons for which the figures are not the last word."""
    found = []
    if waiting:
        found.append(
            Finding(
                "pending",
                waiting,
                "Loads wait to be applied: this report is as of the last build. Run `edreflect build`, then report again.",
            )
        )
    for feed in feeds:
        days = [str(day) for org_id, day, *_ in query(connection, REFUSED, feed=feed.name) if org_id == org]
        if days:
            text = f"A delivery of feed {feed.name} stands refused, of {', '.join(days)}; `edreflect status` says more."
            found.append(Finding("refused", len(days), text))
    return found


def _require_known(connection: Connection, org: str) -> None:
    statement = """
        select exists (select from ops.orgs where org_id = %(org)s)
            or exists (select from ops.load_log where org_id = %(org)s)
    """
    if not query(connection, statement, org=org)[0][0]:
        raise UsageError(f"Org {ascii(org)[:80]} is neither in the registry nor in the ledger; `edreflect orgs list`.")


def _pending(connection: Connection, org: str) -> int:
    feeds = {name: load_feeds()[name] for name in (DAILY, LEGACY, SNAPSHOT)}
    ids = sorted({load_id for model in pending(connection, feeds) for load_id in model.load_ids})
    statement = "select count(*) from ops.load_log where load_id = any (%(ids)s) and org_id = %(org)s"
    return int(query(connection, statement, ids=ids, org=org)[0][0])


def _last_build(connection: Connection) -> LastBuild | None:
    rows = query(
        connection,
        "select build_id, finished_at at time zone 'UTC', status from ops.builds where status <> 'running'"
        " order by build_id desc limit 1",
    )
    return LastBuild(rows[0][0], rows[0][1].replace(tzinfo=UTC), rows[0][2]) if rows else None
