"""The model's insights and journals agree with examples worked out by hand."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.model.roster.log import Log as RosterLog
from tests.model.roster.roster import rosters
from tests.model.roster.sheets import delivery, row, sheet
from tests.model.timeback.examples import D1, ORG, at, delivered, insight, observed, shown, u
from tests.model.timeback.log import Log
from tests.model.timeback.numbers import merged_seconds, rounded
from tests.model.timeback.tenants import tenant_of
from tests.model.timeback.views import view

INTERVALS = [
    insight(1, at(0), at(2)),
    insight(2, at(1), at(3)),
    insight(3, at(3), at(4)),
    insight(4, at(0), at(1)),
    insight(5, at(10), "2026-03-02T10:10:00.5Z"),
    insight(6, at(9), at(8)),
]


def test_overlapping_touching_and_contained_intervals_count_once_where_they_are_merged() -> None:
    assert shown("sessions_cheating", insights_insight=INTERVALS, **observed()) == [("s", 241, ())]
    assert shown("sessions_proctoring", insights_insight=INTERVALS, **observed("Proctoring")) == [("s", 241, ())]
    assert shown("sessions_waste", insights_insight=INTERVALS, **observed()) == [("s", 361, ())]
    assert len(shown("cheating_insights", insights_insight=INTERVALS, **observed())) == 5


def test_a_total_is_rounded_once_and_nothing_is_no_row() -> None:
    short = [insight(key, at(key), f"2026-03-02T10:{key:02}:00.{fraction}Z") for key, fraction in ((1, "3"), (2, "15"))]
    assert shown("sessions_waste", insights_insight=short, **observed()) == []
    assert shown("sessions_waste", insights_insight=[*short, insight(3, at(3), at(3, 1))], **observed()) == [
        ("s", 1, ())
    ]


@pytest.mark.parametrize(
    ("reviews", "counts"),
    [
        ([], False),
        ([("1", "TruePositive", "")], True),
        ([("1", "TruePositive", at(1)), ("2", "FalsePositive", at(2))], False),
        ([("2", "TruePositive", at(1)), ("1", "Inconclusive", at(1))], True),
        # one without a date is older than any other
        ([("9", "FalsePositive", ""), ("1", "TruePositive", at(1))], True),
        ([("9", "FalsePositive", ""), ("1", "TruePositive", "")], False),
    ],
)
def test_where_a_type_asks_for_reviews_the_latest_decides(reviews: list[tuple[str, str, str]], counts: bool) -> None:
    rows = [
        {"id": u(int(key)), "insight_id": u(1), "result": result, "reviewed_at": time} for key, result, time in reviews
    ]
    found = shown(
        "cheating_insights",
        insights_insight=[insight(1, at(0), at(1))],
        insights_review=rows,
        insights_config=[{"insight_type_id": u(1), "requires_review": "true"}],
        **observed(),
    )
    assert bool(found) == counts


@pytest.mark.parametrize(
    ("change", "of_type", "names"),
    [
        ({}, {}, ["sessions_cheating", "waste_insights"]),
        ({}, {"is_waste": ""}, ["sessions_cheating"]),
        ({}, {"category": "Proctoring"}, ["proctoring_insights", "waste_insights"]),
        ({}, {"category": "cheating"}, []),
        ({}, {"visibility": "internal"}, []),
        ({}, {"slug": ""}, []),
        ({"reason": ""}, {}, []),
        ({"is_visible": ""}, {}, []),
        ({"insights_session_id": u(9)}, {}, []),
    ],
)
def test_which_views_an_insight_is_in(change: dict[str, str], of_type: dict[str, str], names: list[str]) -> None:
    rows = [insight(1, at(0), at(1)) | change]
    asked = ("proctoring_insights", "sessions_cheating", "waste_insights")
    assert [name for name in asked if shown(name, insights_insight=rows, **observed(**of_type))] == names


def test_journals_need_a_start_and_words_but_neither_an_end_nor_to_be_shown() -> None:
    rows = [
        insight(1, at(5), "", is_visible="false", reason="Dear diary"),
        insight(2, at(5), at(4), reason=" "),
        insight(3, "", at(4)),
        insight(4, at(5), at(6), reason=""),
    ]
    found = shown("student_journals", insights_insight=rows, **observed("Journal", "Journal"))
    time = datetime(2026, 3, 2, 10, 5)
    assert found == [
        (u(key), u(7), "s", u(8), text, time.date(), time, ()) for key, text in ((1, "Dear diary"), (2, " "))
    ]


def test_whose_session_it_is_says_the_record_with_the_lowest_id() -> None:
    school, other = u(0x51), u(0x52)
    people = [row(u(7), role="student", orgSourcedIds=school), row(u(6), role="student", orgSourcedIds=other)]
    known = rosters(RosterLog([delivery(ORG, D1, [sheet("users", *people)])]))
    files = observed()
    files["insights_session"].append({"id": u(0), "caliper_session_id": "s", "user_id": u(6)})
    log = Log([delivered(ORG, D1, insights_insight=INTERVALS, **files)])
    tenant = tenant_of("one", log, [ORG], known.values())
    assert list(view("sessions_cheating", [tenant], D1, frozenset({other}))) == [("s", 241, (other,))]
    assert not view("sessions_cheating", [tenant], D1, frozenset({school}))


def test_halves_are_rounded_away_from_zero() -> None:
    assert [rounded(Decimal(text)) for text in ("0.5", "1.5", "-0.5", "2.4999")] == [1, 2, -1, 2]
    assert rounded(Fraction(1, 3), 2) == Decimal("0.33")


def test_no_interval_lasts_no_time() -> None:
    assert merged_seconds([]) == 0
