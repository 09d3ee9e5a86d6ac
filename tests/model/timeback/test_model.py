"""The model of the TimeBack feed keeps the properties that the log promises, and agrees with examples of its rules."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edreflect_assets.contracts import load_feeds
from tests.model.records import DoesNotCast
from tests.model.roster.log import Log as RosterLog
from tests.model.roster.roster import rosters
from tests.model.roster.tenants import Tenant
from tests.model.roster.views import EVERYTHING
from tests.model.timeback.examples import D1, D2, D3, ORG, delivered, u
from tests.model.timeback.log import Delivery, Log, Row, state
from tests.model.timeback.records import cast, read
from tests.model.timeback.tables import DELETED, TABLES
from tests.model.timeback.tenants import tenant_of
from tests.model.timeback.views import TIMEBACK_VIEWS, VIEWS, view
from tests.properties import roster_history
from tests.properties.roster_history import DAYS
from tests.properties.timeback_history import random_history

# A history draws more choices than hypothesis can shrink; a failure names the seed instead.
seeds = st.integers(min_value=0, max_value=2**32)


def everything(log: Log, as_of: date | None = None) -> dict[str, set[Row]]:
    return {name: state(log, ORG, name, as_of) for name in TABLES}


def history(seed: int) -> tuple[Delivery, ...]:
    return random_history(Random(seed), ORG, "tenant", (ORG, "shelbyville")).deliveries


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_the_order_of_days_does_not_matter_while_versions_of_a_day_keep_theirs(seed: int) -> None:
    deliveries = history(seed)
    in_order = sorted(deliveries, key=lambda each: each.day)
    assert everything(Log(in_order)) == everything(Log(deliveries))


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_as_of_a_day_is_the_state_of_a_log_that_ends_with_it(seed: int) -> None:
    deliveries = history(seed)
    log = Log(deliveries)
    for day in DAYS:
        until = Log(each for each in deliveries if each.day <= day)
        assert everything(log, day) == everything(until, day)
        assert {name: {row[:-1] for row in rows} for name, rows in everything(until).items()} == everything(until, day)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_repeating_what_is_current_changes_nothing(seed: int) -> None:
    log = Log(history(seed))
    before = everything(log)
    for day in log.days(ORG):
        assert log.load(Delivery(ORG, day, log.files(ORG, day)))
    assert everything(log) == before


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_a_scope_sees_the_rows_of_everything_that_overlap_it(seed: int) -> None:
    tenant = a_tenant(seed)
    orgs = sorted({str(row["id"]) for row in tenant.rows("one_roster_organization")})
    scope = frozenset(Random(seed).sample(orgs, min(2, len(orgs))))
    for name in set(VIEWS) - OPEN - {"class_enrollments", "course_enrollments"}:
        seen: Counter[tuple[Any, ...]] = Counter()
        for found, times in view(name, [tenant], D3, EVERYTHING).items():
            if common := scope & set(found[-1]):
                seen[*found[:-1], tuple(sorted(common))] += times
        assert view(name, [tenant], D3, scope) == seen, name
        assert not view(name, [tenant], D3, frozenset()), name


OPEN = {
    "schools", "classes", "school_usage_stats", "courses", "units", "lessons", "subjects", "tests", "questions", "unit_courses",
    "question_tests", "test_parents", "resource_relations", "curriculum_items", "case_courses", "case_subjects", "grades",
    "learning_apps", "learning_app_subjects",
}  # fmt: skip


def a_tenant(seed: int) -> Tenant:
    known = rosters(RosterLog(roster_history.random_history(Random(seed), ORG, "tenant").deliveries))
    return tenant_of("tenant", Log(history(seed)), [ORG], known.values())


def test_the_files_are_those_of_the_contract() -> None:
    feed = load_feeds()["timeback"]
    assert set(feed.files) == {table.file for table in TABLES.values()}
    for table in TABLES.values():
        contract = feed.files[table.file]
        assert contract.key == table.key
        assert {c.name: c.data_type for c in contract.columns} == {**table.columns, DELETED: "boolean"}
    assert len(TABLES) == 27
    assert (len(TIMEBACK_VIEWS), len(VIEWS)) == (31, 41)


def test_the_latest_day_counts_and_a_removal_holds_until_the_key_comes_again() -> None:
    key, upper = u(0xABC), u(0xABC).upper()

    def row_of(title: str, deleted: str = "") -> Delivery:
        return delivered(ORG, days.pop(0), cf_document=[{"identifier": key, "title": title, "_deleted": deleted}])

    days = [D2, D1]
    log = Log([row_of("second"), row_of("first, late")])
    assert state(log, ORG, "cf_document") == {(ORG, key, "second", D2)}
    log.load(delivered(ORG, D3, cf_document=[{"identifier": upper, "title": "x", "_deleted": "YES"}]))
    assert state(log, ORG, "cf_document") == set()
    assert state(log, ORG, "cf_document", D2) == {(ORG, key, "second")}
    log.load(delivered(ORG, D3, cf_document=[{"identifier": upper, "title": "third", "_deleted": "no"}]))
    assert state(log, ORG, "cf_document") == {(ORG, key, "third", D3)}


def test_the_later_line_counts_and_what_does_not_fit_was_not_delivered() -> None:
    log = Log(
        [
            delivered(ORG, D1, cf_item_subject=[{"cf_item_id": u(1), "subject_id": u(2)}, {"cf_item_id": u(1)}]),
            delivered(ORG, D1, caliper_score=[{"id": "s", "score_given": "1"}, {"id": "s", "score_given": "2"}]),
            delivered(ORG, D2, caliper_score=[{"id": "s", "score_given": "much"}]),
        ]
    )
    assert state(log, ORG, "caliper_score") == {(ORG, "s", None, Decimal(2), None, D1)}
    assert {place[2]: said.uncast for place, said in log.contents().items() if said.uncast} == {
        "cf_item_subject.csv": 1,
        "caliper_score.csv": 1,
    }
    log.load(delivered(ORG, D3, caliper_score=[{"id": "s", "score_given": "much", "_deleted": "on"}]))
    assert state(log, ORG, "caliper_score") == set()


def test_a_flag_that_is_none_sets_its_row_aside() -> None:
    said = read(TABLES["cf_document"], f"identifier,_deleted\n{u(1)},perhaps\n".encode())
    assert (said.records, said.uncast) == ((), 1)


@pytest.mark.parametrize("text", ["6F9619FF-8B86-D011-B42D-00CF4FC964FF", "{6f9619ff8b86d011b42d00cf4fc964ff}"])
def test_uuids_come_in_many_spellings(text: str) -> None:
    assert cast(text, "uuid") == "6f9619ff-8b86-d011-b42d-00cf4fc964ff"


def test_a_uuid_with_a_space_before_it_is_none() -> None:
    with pytest.raises(DoesNotCast):
        cast(f" {u(1)}", "uuid")


def test_of_the_orgs_of_a_tenant_the_newest_day_counts_then_the_highest_name() -> None:
    def of(org: str, day: date, title: str, deleted: str = "") -> Delivery:
        return delivered(org, day, cf_document=[{"identifier": u(1), "title": title, "_deleted": deleted}])

    log = Log([of("B", D2, "B"), of("a", D2, "a"), of("c", D1, "c")])

    def title() -> str:
        return str(tenant_of("one", log, log.orgs).recorded("cf_document")[0]["title"])

    assert title() == "a"
    # what an org removes is gone from that org alone
    log.load(of("a", D3, "", "true"))
    assert title() == "B"
