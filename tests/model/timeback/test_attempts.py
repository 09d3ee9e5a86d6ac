"""The model's attempts, answers and sessions agree with examples worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest

from tests.model.timeback.examples import at, shown, u


def attempt(key: str, count: str = "", start: str = "", **others: str) -> dict[str, str]:
    return {"id": key, "assignee_id": u(1), "assignable_id": "r", "count": count, "started_at_time": start, **others}


@pytest.mark.parametrize(
    ("rows", "shown_starts"),
    [
        # without a count, the earliest alone; one without a time is never the earliest of several
        ([attempt("a", "", at(2)), attempt("b", "", at(1)), attempt("c", "", "")], [1]),
        ([attempt("b", "", at(1)), attempt("a", "", at(1))], [1]),
        # those that carry a count stand for themselves, but count among all when the earliest is looked for
        ([attempt("a", "2", at(1)), attempt("b", "", at(2))], []),
        ([attempt("a", "1", at(2)), attempt("b", "1", at(3)), attempt("c", "", at(4))], [2, 3]),
        # one that is left out is an attempt all the same
        ([attempt("a", "", at(5), ended_at_time=at(4)), attempt("b", "", at(6))], []),
        # of another person
        ([attempt("a", "", at(1)), attempt("b", "", at(2), assignee_id=u(2))], [1, 2]),
    ],
)
def test_first_attempts(rows: list[Mapping[str, str]], shown_starts: list[int]) -> None:
    found = shown("attempts", caliper_attempt=rows)
    assert sorted(row[4].minute for row in found) == shown_starts


def test_an_attempt_belongs_to_the_session_of_its_earliest_event_that_has_one() -> None:
    def event(key: str, session: str, time: str) -> dict[str, str]:
        return {"id": key, "attempt_id": "a", "session_id": session, "event_time": time}

    events = [
        event("1", "", at(1)),
        event("4", "late", at(3)),
        event("3", "tie", at(2)),
        event("2", "first", at(2)),
        event("0", "undated", ""),
    ]
    assert shown("attempts", caliper_attempt=[attempt("a", "1")], caliper_event=events)[0][2] == "first"
    assert shown("attempts", caliper_attempt=[attempt("a", "1")], caliper_event=events[-1:])[0][2] == "undated"


def test_an_attempt_is_right_when_its_highest_score_is_the_best() -> None:
    def is_correct(*scores: tuple[str, str, str]) -> bool | None:
        rows = [{"id": i, "attempt_id": "a", "score_given": given, "max_score": best} for i, given, best in scores]
        answer: bool | None = shown("attempts", caliper_attempt=[attempt("a", "1")], caliper_score=rows)[0][7]
        return answer

    assert is_correct() is None
    assert is_correct(("1", "1.0", "1"), ("2", "0", "1")) is False
    assert is_correct(("1", "0", "1"), ("2", "1.0", "1")) is True
    assert is_correct(("1", "1", "1"), ("2", "1", "")) is None


def test_how_long_an_attempt_took_is_what_the_client_says_or_its_interval() -> None:
    def duration(said: str, end: str) -> Decimal | None:
        row = attempt("a", "1", at(0), duration_sec=said, ended_at_time=end)
        answer: Decimal | None = shown("attempts", caliper_attempt=[row])[0][6]
        return answer

    assert duration("2.5", at(9)) == 3
    assert duration("", "2026-03-02T10:00:00.5Z") == 1
    assert duration("", "") is None


def test_answers_of_a_session() -> None:
    rows = [
        attempt("a", "1", at(2), duration_sec="1", assignable_id="q1"),
        attempt("b", "1", "2026-03-01T23:59:59Z", duration_sec="1.6", assignable_id="q2"),
        attempt("c", "1", at(2), duration_sec="", assignable_id="q2"),
        attempt("d", "1", at(2), duration_sec="900", assignable_id="no question"),
    ]
    events = [{"id": key, "attempt_id": key, "session_id": "s"} for key in "abcd"]
    scores = [
        {"id": "1", "attempt_id": "a", "score_given": "1", "max_score": "1"},
        {"id": "2", "attempt_id": "b", "score_given": "0", "max_score": "1"},
    ]
    questions = [{"id": "q1"}, {"id": "q2"}]
    found = shown(
        "aggregated_session_attempts",
        caliper_attempt=rows,
        caliper_event=events,
        caliper_score=scores,
        caliper_assessment_item=questions,
    )
    # 1 and 2 seconds, each already rounded, are 1.5 on average
    assert found == [("s", u(1), date(2026, 3, 1), 2, 1, Decimal(2), ())]


def test_a_session_is_proctored_when_any_record_of_it_says_so() -> None:
    rows = [
        {"id": "s", "user_id": u(1), "started_at_time": at(0), "ended_at_time": "2026-03-02T10:01:00.5Z"},
        {"id": "no start", "ended_at_time": at(1)},
        {"id": "backwards", "started_at_time": at(1), "ended_at_time": at(0)},
    ]
    observed = [
        {"id": u(1), "caliper_session_id": "s", "is_proctored": "", "webcam_enabled": "no"},
        {"id": u(2), "caliper_session_id": "s", "is_proctored": "yes"},
    ]
    (found,) = shown("sessions", caliper_session=rows, insights_session=observed)
    assert (found[0], found[6:9]) == ("s", (61, False, True))
