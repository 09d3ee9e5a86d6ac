"""The model of rosters agrees with the contract's own examples, and keeps the properties that the log promises."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.roster.entities import ENTITIES, TABLES, identity
from tests.model.roster.log import Delivery, Log
from tests.model.roster.records import DoesNotFit, Sheet, date_time, items
from tests.model.roster.roster import Row, rosters, state
from tests.model.roster.sheets import change, delivery, row, sheet
from tests.model.roster.tenants import Tenant, tenant
from tests.model.roster.views import EVERYTHING, VIEWS, view
from tests.properties.roster_history import DAYS, random_history

ORG = "springfield"
D1, D2, D3 = DAYS[:3]
# A history draws more choices than hypothesis can shrink; a failure names the seed instead.
seeds = st.integers(min_value=0, max_value=2**32)
Tables = dict[str, set[Row]]


def everything(log: Log, as_of: date | None = None) -> dict[str, Tables]:
    return {org: {table: state(known, table, as_of) for table in TABLES} for org, known in rosters(log).items()}


def history(seed: int) -> tuple[Delivery, ...]:
    return random_history(Random(seed), ORG, "tenant").deliveries


def tenants_of(seed: int) -> list[Tenant]:
    log = Log(
        each
        for number in range(4)
        for each in random_history(Random(seed + number), f"org-{number}", f"tenant-{number % 2}").deliveries
    )
    known = rosters(log)
    return [
        tenant(f"tenant-{number}", [known[org] for org in known if int(org[-1]) % 2 == number]) for number in (0, 1)
    ]


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_the_order_of_days_does_not_matter_while_versions_of_a_day_keep_theirs(seed: int):
    deliveries = history(seed)
    in_order = sorted(deliveries, key=lambda delivery: delivery.day)
    assert everything(Log(in_order)) == everything(Log(deliveries))


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_repeating_what_is_current_changes_nothing(seed: int):
    log = Log(history(seed))
    before = everything(log)
    for package in log.packages(ORG):
        assert log.load(Delivery(ORG, package.day, log.sheets(ORG, package.day)))
    assert everything(log) == before


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_as_of_a_day_is_the_roster_of_a_log_that_ends_with_it(seed: int):
    deliveries = history(seed)
    log = Log(deliveries)
    for day in DAYS:
        until = everything(Log(delivery for delivery in deliveries if delivery.day <= day))
        empty: Tables = {table: set() for table in TABLES}
        assert everything(log, day).get(ORG, empty) == until.get(ORG, empty)


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_ids_are_unique_and_what_has_ended_has_an_end(seed: int):
    for tables in everything(Log(history(seed))).values():
        for table, rows in tables.items():
            assert len({found[1] for found in rows}) == len(rows), table
            ended = [found for found in rows if found[3] == "tobedeleted" and "end_date" in TABLES[table]]
            if table != "one_roster_academic_session":
                assert all(found[TABLES[table].index("end_date")] for found in ended), table


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_a_scope_sees_the_rows_of_everything_that_overlap_it(seed: int):
    tenants = tenants_of(seed)
    orgs = sorted({str(row["id"]) for each in tenants for row in each.rows("one_roster_organization")})
    scope = frozenset(Random(seed).sample(orgs, min(3, len(orgs))))
    for name in set(VIEWS) - {"schools", "classes", "class_enrollments", "course_enrollments"}:
        seen: Counter[tuple[object, ...]] = Counter()
        for found, times in view(name, tenants, DAYS[-1], EVERYTHING).items():
            org_ids = found[-1]
            assert isinstance(org_ids, tuple)
            if common := scope & set(org_ids):
                seen[*found[:-1], tuple(sorted(common))] += times
        assert view(name, tenants, DAYS[-1], scope) == seen, name
        assert not view(name, tenants, DAYS[-1], frozenset()), name


def test_an_id_is_the_sourced_id_or_made_from_it():
    upper = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
    assert identity(ORG, "user", upper) == upper.lower()
    # md5 of 'springfield|user|u1', worked out with md5sum
    assert identity(ORG, "user", "u1") == "9f564392-a0ad-1e9e-3065-a10516c8d80b"


def test_every_file_of_the_contract_becomes_a_table_once():
    assert len({entity.table for entity in ENTITIES.values()}) == len(ENTITIES) == 7
    assert len(TABLES) == 8


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T23:30:00-05:00", datetime(2026, 3, 2, 4, 30)),
        ("2026-03-01T05:00:00+05:30", datetime(2026, 2, 28, 23, 30)),
        ("2026-03-01T05:00:00.25Z", datetime(2026, 3, 1, 5, 0, 0, 250000)),
    ],
)
def test_times_are_utc(text: str, moment: datetime):
    assert date_time(text) == moment


def test_a_list_is_what_stands_between_its_commas():
    assert items("a, b,, c ") == ("a", "b", "c")
    assert items(" ,") == ()


def test_a_day_is_no_time():
    with pytest.raises(DoesNotFit):
        date_time("yesterday")


def test_a_refused_file_refuses_its_whole_package_and_keeps_what_was_current():
    first = delivery(ORG, D1, [sheet("orgs", row("s1"))])
    log = Log([first])
    before = everything(log)
    empty = Sheet("users.csv", ENTITIES["users.csv"].headers, ())
    assert not log.load(delivery(ORG, D1, [sheet("orgs", row("s2")), empty]))
    assert not log.load(delivery(ORG, D2, [sheet("orgs", row("s2"))], orgs="delta"))
    assert everything(log) == before


def test_a_package_that_ends_much_is_held_until_approved_and_an_approval_is_for_those_bytes():
    users = [row(f"u{number}") for number in range(40)]
    log = Log([delivery(ORG, D1, [sheet("users", *users)]), delivery(ORG, D2, [sheet("users", *users[:20])])])

    def active() -> int:
        return sum(row[3] == "active" for row in state(rosters(log)[ORG], "one_roster_user"))

    assert active() == 40
    log.approve(ORG, D2)
    assert active() == 20
    log.load(delivery(ORG, D2, [sheet("users", *users[:19])]))
    assert active() == 40
    # each later package is judged against what was last applied, and changes of a held one are not there
    log.load(delivery(ORG, D3, [sheet("users", *users[:21])]))
    assert active() == 21


def test_what_a_held_package_holds_is_not_there_on_that_day():
    enrollments = [row(f"e{number}") for number in range(25)]
    log = Log([delivery(ORG, D1, [sheet("enrollments", *enrollments)])])
    log.load(delivery(ORG, D2, [sheet("enrollments", enrollments[0]), sheet("orgs", change("s1"))]))
    assert state(rosters(log)[ORG], "one_roster_organization") == set()


def test_a_name_of_two_spaces_is_no_name():
    log = Log([delivery(ORG, D1, [sheet("users", row("u1", givenName=" ", familyName=" "))])])
    everyone = tenant("one", rosters(log).values())
    assert view("students", [everyone], D1) == Counter()
