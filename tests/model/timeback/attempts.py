"""Attempts, what is worked out of their events and scores, and sessions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.model.roster.tenants import Tenant
from tests.model.roster.views import Caller
from tests.model.timeback.numbers import rounded, seconds
from tests.model.timeback.records import Columns, Value

ViewRow = tuple[Value, ...]


@dataclass(frozen=True)
class Attempt:
    """A row of the attempts view, with nothing of who may see it."""

    student_id: str
    resource_id: str
    session_id: str | None
    start: datetime | None
    end: datetime | None
    duration: Decimal | None
    is_correct: bool | None

    @property
    def date(self) -> date | None:
        """Return the UTC day of the start."""
        return self.start.date() if self.start else None


def nulls_last(value: Any, then: str) -> tuple[bool, Any, str]:
    """Return what puts the earliest first, those without a time last, and equal ones by their id."""
    return value is None, value or 0, then


def first_attempts(tenant: Tenant) -> list[Attempt]:
    """Return the attempts that count as someone's first at something."""
    return [
        Attempt(
            row["assignee_id"],
            row["assignable_id"],
            _session_of(tenant, row["id"]),
            row["started_at_time"],
            row["ended_at_time"],
            _duration(row),
            _is_correct(tenant, row["id"]),
        )
        for row in tenant.recorded("caliper_attempt")
        if row["assignee_id"] and row["assignable_id"] and _is_first(tenant, row) and not _ends_before_it_starts(row)
    ]


def _is_first(tenant: Tenant, row: Any) -> bool:
    if row["count"] is not None:
        return bool(row["count"] == 1)
    same = [
        other
        for other in tenant.recorded("caliper_attempt")
        if (other["assignee_id"], other["assignable_id"]) == (row["assignee_id"], row["assignable_id"])
    ]
    earliest = min(same, key=lambda other: nulls_last(other["started_at_time"], other["id"]))
    return bool(earliest["id"] == row["id"])


def _ends_before_it_starts(row: Columns) -> bool:
    start, end = row["started_at_time"], row["ended_at_time"]
    return isinstance(start, datetime) and isinstance(end, datetime) and end < start


def _session_of(tenant: Tenant, attempt_id: str) -> str | None:
    events = [
        event
        for event in tenant.recorded("caliper_event")
        if event["attempt_id"] == attempt_id and event["session_id"] is not None
    ]
    if not events:
        return None
    return str(min(events, key=lambda event: nulls_last(event["event_time"], event["id"]))["session_id"])


def _duration(row: Columns) -> Decimal | None:
    given, start, end = row["duration_sec"], row["started_at_time"], row["ended_at_time"]
    if isinstance(given, Decimal):
        return rounded(given)
    return rounded(seconds((start, end))) if isinstance(start, datetime) and isinstance(end, datetime) else None


def _is_correct(tenant: Tenant, attempt_id: str) -> bool | None:
    scores = [score for score in tenant.recorded("caliper_score") if score["attempt_id"] == attempt_id]
    if not scores:
        return None
    highest = max(scores, key=lambda score: str(score["id"]))
    given, best = highest["score_given"], highest["max_score"]
    return None if given is None or best is None else bool(given == best)


def attempts(caller: Caller) -> Iterator[ViewRow]:
    """First attempts of those whom the caller sees."""
    for each in first_attempts(caller.tenant):
        if caller.sees(each.student_id):
            times = (each.date, each.start, each.end, each.duration)
            own = (each.student_id, each.resource_id, each.session_id, *times, each.is_correct)
            yield *own, caller.org_ids(each.student_id)


def aggregated_session_attempts(caller: Caller) -> Iterator[ViewRow]:
    """What each person answered in each session: first attempts at questions."""
    answered: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for each in first_attempts(caller.tenant):
        is_question = caller.tenant.record("caliper_assessment_item", each.resource_id)
        if each.session_id is not None and is_question and caller.sees(each.student_id):
            answered[each.session_id, each.student_id].append(each)
    for (session, student), rows in answered.items():
        judged = [row.is_correct for row in rows if row.is_correct is not None]
        times = [Fraction(row.duration) for row in rows if row.duration is not None]
        average = rounded(sum(times, Fraction(0)) / len(times)) if times else None
        day = min((row.date for row in rows if row.date), default=None)
        yield session, student, day, len(judged), judged.count(True), average, caller.org_ids(student)


def known_sessions(tenant: Tenant) -> list[Any]:
    """Return the rows of caliper_session that have a start and do not end before it."""
    rows = tenant.recorded("caliper_session")
    return [row for row in rows if row["started_at_time"] and not _ends_before_it_starts(row)]


def session_seconds(row: Any) -> Decimal | None:
    """Return a session's length in whole seconds, None for one without an end."""
    end = row["ended_at_time"]
    return rounded(seconds((row["started_at_time"], end))) if end else None


def sessions(caller: Caller) -> Iterator[ViewRow]:
    """Sessions of those whom the caller sees; those without a person are for callers who see everything."""
    for row in known_sessions(caller.tenant):
        if not caller.sees(row["user_id"]):
            continue
        observed = [
            each for each in caller.tenant.recorded("insights_session") if each["caliper_session_id"] == row["id"]
        ]
        start = row["started_at_time"]
        yield (
            row["id"],
            row["user_id"],
            row["client_id"],
            start.date(),
            start,
            row["ended_at_time"],
            session_seconds(row),
            any(each["webcam_enabled"] for each in observed),
            any(each["is_proctored"] for each in observed),
            caller.org_ids(row["user_id"]),
        )
