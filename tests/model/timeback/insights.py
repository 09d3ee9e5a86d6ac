"""Insights: which of them count, what time they take of a session, and journals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from tests.model.roster.tenants import Tenant
from tests.model.roster.views import Caller
from tests.model.timeback.attempts import ViewRow
from tests.model.timeback.numbers import Interval, merged_seconds, rounded, seconds

CATEGORIES = ("Engagement", "Proctoring", "Cheating")


@dataclass(frozen=True)
class Insight:
    """An insight that counts: external, visible, confirmed where its type asks for that, and complete."""

    id: str
    session_id: str
    session_user_id: str | None
    slug: str
    category: str | None
    is_waste: bool
    is_proctored: bool
    start: datetime
    end: datetime
    description: str

    @property
    def interval(self) -> Interval:
        """Return from when to when it lasted."""
        return self.start, self.end

    @property
    def shows_waste(self) -> bool:
        """Tell whether its time counts as wasted."""
        return self.is_waste and self.category in CATEGORIES

    @property
    def shows_cheating(self) -> bool:
        """Tell whether it is about cheating."""
        return self.category == "Cheating"

    @property
    def shows_proctoring(self) -> bool:
        """Tell whether it is about the rules of a proctored session."""
        return self.category == "Proctoring" and self.is_proctored


def qualifying(tenant: Tenant) -> list[Insight]:
    """Return the insights that count."""
    found = []
    for row in tenant.recorded("insights_insight"):
        session = tenant.record("insights_session", row["insights_session_id"])
        kind = tenant.record("insights_type", row["insight_type_id"])
        start, end = row["started_at_time"], row["ended_at_time"]
        if not session or not kind or not start or not end or end < start:
            continue
        if None in (session["caliper_session_id"], kind["slug"], row["reason"]):
            continue
        if kind["visibility"] != "external" or not row["is_visible"] or not _is_confirmed(tenant, row):
            continue
        found.append(
            Insight(
                row["id"],
                session["caliper_session_id"],
                user_of_session(tenant, session["caliper_session_id"]),
                kind["slug"],
                kind["category"],
                bool(kind["is_waste"]),
                bool(session["is_proctored"]),
                start,
                end,
                row["reason"],
            )
        )
    return found


def user_of_session(tenant: Tenant, caliper_session_id: str) -> str | None:
    """Return whose session it is: what the insights_session with the lowest id says."""
    rows = [row for row in tenant.recorded("insights_session") if row["caliper_session_id"] == caliper_session_id]
    user: str | None = min(rows, key=lambda row: str(row["id"]))["user_id"]
    return user


def _is_confirmed(tenant: Tenant, insight: Any) -> bool:
    """Tell whether the latest review says that it is true, or the type asks for none."""
    config = tenant.record("insights_config", insight["insight_type_id"])
    if not config or not config["requires_review"]:
        return True
    reviews = [review for review in tenant.recorded("insights_review") if review["insight_id"] == insight["id"]]
    if not reviews:
        return False
    latest = max(reviews, key=lambda review: (review["reviewed_at"] or datetime.min, review["id"]))
    return bool(latest["result"] == "TruePositive")


def _seen(caller: Caller, shows: Callable[[Insight], bool]) -> list[Insight]:
    return [each for each in qualifying(caller.tenant) if shows(each) and caller.sees(each.session_user_id)]


def waste_insights(caller: Caller) -> Iterator[ViewRow]:
    """Insights into wasted time."""
    for each in _seen(caller, lambda insight: insight.shows_waste):
        own = (rounded(seconds(each.interval)), each.slug, each.session_id, each.start, each.end, each.description)
        yield *own, caller.org_ids(each.session_user_id)


def cheating_insights(caller: Caller) -> Iterator[ViewRow]:
    """Insights into cheating."""
    return _events(caller, lambda insight: insight.shows_cheating)


def proctoring_insights(caller: Caller) -> Iterator[ViewRow]:
    """Insights into broken rules of proctored sessions."""
    return _events(caller, lambda insight: insight.shows_proctoring)


def _events(caller: Caller, shows: Callable[[Insight], bool]) -> Iterator[ViewRow]:
    for each in _seen(caller, shows):
        own = (each.session_id, each.slug, each.start, each.end, rounded(seconds(each.interval)), each.description)
        yield *own, caller.org_ids(each.session_user_id)


def _summed(intervals: list[Interval]) -> Fraction:
    return sum(map(seconds, intervals), Fraction(0))


def sessions_waste(caller: Caller) -> Iterator[ViewRow]:
    """The wasted seconds of each session, those of insights at the same time added up."""
    return _totals(caller, lambda insight: insight.shows_waste, _summed)


def sessions_cheating(caller: Caller) -> Iterator[ViewRow]:
    """The seconds of each session during which cheating was seen."""
    return _totals(caller, lambda insight: insight.shows_cheating, merged_seconds)


def sessions_proctoring(caller: Caller) -> Iterator[ViewRow]:
    """The seconds of each proctored session during which a rule was broken."""
    return _totals(caller, lambda insight: insight.shows_proctoring, merged_seconds)


def _totals(
    caller: Caller, shows: Callable[[Insight], bool], total_of: Callable[[list[Interval]], Fraction]
) -> Iterator[ViewRow]:
    intervals: dict[tuple[str, str | None], list[Interval]] = defaultdict(list)
    for each in _seen(caller, shows):
        intervals[each.session_id, each.session_user_id].append(each.interval)
    for (session, user), found in intervals.items():
        total = rounded(total_of(found))
        if total > 0:
            yield session, total, caller.org_ids(user)


def student_journals(caller: Caller) -> Iterator[ViewRow]:
    """What students wrote during sessions, shown or not, whatever reviews say."""
    for row in caller.tenant.recorded("insights_insight"):
        session = caller.tenant.record("insights_session", row["insights_session_id"])
        kind = caller.tenant.record("insights_type", row["insight_type_id"])
        if not session or not kind or (kind["slug"], kind["visibility"]) != ("Journal", "external"):
            continue
        user, written, start = session["user_id"], row["reason"], row["started_at_time"]
        placed = (user, session["caliper_session_id"], session["application_id"])
        if None not in (*placed, written, start) and caller.sees(user):
            yield row["id"], *placed, written, start.date(), start, caller.org_ids(user)
