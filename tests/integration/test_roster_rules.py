"""The rules of rosters, one small example each; each example is an org of its own, all built together.

``first`` is loaded before the first build, ``then`` before the second: what must undo itself is in ``then``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.integration.roster_examples import Example, Package, build, example, logged, midnight, on
from tests.model.database import fresh_database
from tests.model.roster import platform
from tests.model.roster.entities import ENTITIES, TABLES, identity
from tests.model.roster.records import Sheet
from tests.model.roster.roster import rosters, state
from tests.model.roster.sheets import change, row, sheet

D1, D2, D3, D4 = (date(2026, 3, day) for day in (2, 3, 4, 5))
SHARED = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
Rows = Callable[..., list[tuple[Any, ...]]]
EXAMPLES: list[Example] = []


def case(org: str, *first: Package | date, then: tuple[Package | date, ...] = (), tenant: str = "") -> Example:
    EXAMPLES.append(example(org, *first, then=then, tenant=tenant))
    return EXAMPLES[-1]


@pytest.fixture(scope="module")
def built(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("roster-rules")
    with fresh_database(postgres_server, template_database, home) as settings:
        build(settings, EXAMPLES, D4)
        yield settings


@pytest.fixture
def ledger(built: Settings) -> Iterator[Connection]:
    with closing(connect(built)) as connection:
        yield connection


@pytest.fixture
def rows(ledger: Connection) -> Rows:
    """A function that returns an example's rows of a table, the named columns only, in a fixed order."""

    def of(shown: Example, table: str, columns: str, as_of: date | None = None) -> list[tuple[Any, ...]]:
        found = platform.rows(ledger, f"one_roster_{table}", as_of).get(shown.org, set())
        names = TABLES[f"one_roster_{table}"]
        return sorted((tuple(each[names.index(name)] for name in columns.split()) for each in found), key=repr)

    return of


def test_every_example_equals_the_model_in_every_table(ledger: Connection):
    for table in TABLES:
        stored = platform.rows(ledger, table)
        for each in EXAMPLES:
            known = rosters(logged(each)).get(each.org)
            assert stored.get(each.org, set()) == (state(known, table) if known else set()), (each.org, table)


def test_every_example_s_packages_are_what_the_model_says(ledger: Connection):
    expected = {
        (each.org, outcome.package.day): outcome.status
        for each in EXAMPLES
        for known in rosters(logged(each)).values()
        for outcome in known.outcomes
    }
    assert platform.packages(ledger) == expected


def test_a_roster_table_has_exactly_the_columns_of_its_contract(ledger: Connection):
    with ledger.cursor() as cursor:
        cursor.execute(
            "select table_name, array_agg(column_name::text order by ordinal_position) from information_schema.columns"
            " where table_schema = 'oneroster' and table_name = any (%s) group by table_name",
            (list(TABLES),),
        )
        assert dict(cursor.fetchall()) == {table: list(names) for table, names in TABLES.items()}


# full files ---------------------------------------------------------------------------------------------------

gone = case(
    "gone",
    on(D1, sheet("orgs", row("s1", name="North"), row("s2"))),
    on(D2, sheet("orgs", row("s2"))),
)


def test_a_row_that_a_full_file_no_longer_holds_ends_that_day(rows: Rows):
    assert rows(gone, "organization", "sourced_id name status date_last_modified") == [
        ("s1", "North", "tobedeleted", midnight(D2)),
        ("s2", "School", "active", midnight(D1)),
    ]
    assert rows(gone, "organization", "sourced_id status", D1) == [("s1", "active"), ("s2", "active")]


back = case(
    "back",
    on(D1, sheet("orgs", row("s1"), row("s2"))),
    on(D2, sheet("orgs", row("s2"))),
    then=(on(D3, sheet("orgs", row("s1"), row("s2"))),),
)


def test_an_ended_row_that_is_delivered_again_is_active_again(rows: Rows):
    assert rows(back, "organization", "sourced_id status date_last_modified") == [
        ("s1", "active", midnight(D3)),
        ("s2", "active", midnight(D1)),
    ]


changed = case(
    "changed",
    on(D1, sheet("orgs", row("s1", name="old"), row("s2"))),
    on(D2, sheet("orgs", row("s1", name="new"), row("s2"))),
)


def test_a_changed_row_is_modified_that_day_and_an_unchanged_one_keeps_its_time(rows: Rows):
    assert rows(changed, "organization", "sourced_id name date_last_modified") == [
        ("s1", "new", midnight(D2)),
        ("s2", "School", midnight(D1)),
    ]


silent = case("silent", on(D1, sheet("orgs", row("s1")), sheet("users", row("u1"))), on(D2, sheet("orgs", row("s1"))))


def test_a_file_that_is_not_in_the_package_says_nothing(rows: Rows):
    assert rows(silent, "user", "sourced_id status") == [("u1", "active")]


undated = case("undated", on(D1, sheet("orgs", change("s1", "not a date", ""), row("s2"))))


def test_a_full_file_s_dates_of_change_are_not_read(rows: Rows):
    assert rows(undated, "organization", "sourced_id status date_last_modified") == [
        ("s1", "active", midnight(D1)),
        ("s2", "active", midnight(D1)),
    ]


stray = case(
    "stray", on(D1, sheet("orgs", row("s1", status="inactive"), row("s2", dateLastModified="2026-01-01T00:00:00Z")))
)


def test_a_full_file_s_status_and_times_are_ignored(rows: Rows):
    assert rows(stray, "organization", "sourced_id status date_last_modified") == [
        ("s1", "active", midnight(D1)),
        ("s2", "active", midnight(D1)),
    ]


spoiled = case(
    "spoiled",
    on(D1, sheet("orgs", row("s1", name="old"), row("s2", name="old"), row("s3"))),
    on(D2, sheet("orgs", row("s1", type="planet"), row("s2", status="tobedeleted"))),
)


def test_a_row_that_was_set_aside_counts_as_present_and_keeps_what_is_known(rows: Rows):
    assert rows(spoiled, "organization", "sourced_id name status") == [
        ("s1", "old", "active"),
        ("s2", "old", "active"),
        ("s3", "School", "tobedeleted"),
    ]


double = case("double", on(D1, sheet("orgs", row("s1", name="first"), row("s2"), row("s1", name="last"))))


def test_of_two_lines_of_a_full_file_with_one_id_the_last_counts(rows: Rows):
    assert rows(double, "organization", "sourced_id name") == [("s1", "last"), ("s2", "School")]


nothing_new = case("nothing-new", on(D1, sheet("orgs", row("s1"))), on(D2))


def test_a_manifest_alone_changes_nothing(rows: Rows, ledger: Connection):
    assert rows(nothing_new, "organization", "sourced_id status") == [("s1", "active")]
    assert platform.packages(ledger)["nothing-new", D2] == "no_updates"


EMPTY = Sheet("orgs.csv", ENTITIES["orgs.csv"].headers, ())
empty = case("empty", on(D1, sheet("orgs", row("s1"))), on(D2, EMPTY, sheet("users", row("u1"))))


def test_an_empty_full_file_refuses_its_package_and_wipes_nothing(rows: Rows):
    assert rows(empty, "organization", "sourced_id status") == [("s1", "active")]
    assert rows(empty, "user", "sourced_id") == []


no_delta = case("no-delta", on(D1, sheet("orgs", row("s1"), row("s2"))), on(D2, sheet("orgs", row("s1")), orgs="delta"))


def test_rows_without_status_that_are_announced_as_changes_are_refused_and_end_nothing(rows: Rows):
    assert rows(no_delta, "organization", "sourced_id status") == [("s1", "active"), ("s2", "active")]


no_bulk = case("no-bulk", on(D1, sheet("orgs", row("s1"), row("s2"))), on(D2, sheet("orgs", change("s1")), orgs="bulk"))


def test_changes_that_are_announced_as_a_full_file_are_changes(rows: Rows):
    assert rows(no_bulk, "organization", "sourced_id status") == [("s1", "active"), ("s2", "active")]


# changes ------------------------------------------------------------------------------------------------------

LATE = "2026-03-03T08:30:00+01:00"
delta = case(
    "delta",
    on(D1, sheet("orgs", row("s1", name="old"), row("s2"), row("s3"))),
    on(
        D2,
        sheet(
            "orgs", change("s1", LATE, name="new"), change("s2", LATE, "tobedeleted"), change("s4", LATE, "inactive")
        ),
    ),
)


def test_changes_apply_to_the_rows_they_name_and_carry_their_own_time(rows: Rows):
    at = datetime(2026, 3, 3, 7, 30)
    assert rows(delta, "organization", "sourced_id name status date_last_modified") == [
        ("s1", "new", "active", at),
        ("s2", "School", "tobedeleted", at),
        ("s3", "School", "active", midnight(D1)),
        ("s4", "School", "inactive", at),
    ]


stale = case(
    "stale",
    on(D1, sheet("orgs", row("s1", name="full"), row("s2", name="full"))),
    on(
        D2,
        sheet(
            "orgs", change("s1", "2026-03-01T23:59:59Z", name="older"), change("s2", "2026-03-02T00:00:00Z", name="tie")
        ),
    ),
)


def test_a_change_older_than_what_is_known_is_ignored_and_one_of_the_same_time_is_not(rows: Rows):
    assert rows(stale, "organization", "sourced_id name") == [("s1", "full"), ("s2", "tie")]


ahead = case(
    "ahead",
    on(D1, sheet("orgs", change("s1", "2026-05-01T00:00:00Z", name="delta"))),
    on(D2, sheet("orgs", row("s1", name="full"))),
)


def test_a_full_file_applies_whatever_time_is_known(rows: Rows):
    assert rows(ahead, "organization", "name date_last_modified") == [("full", midnight(D2))]


unseen = case("unseen", on(D1, sheet("orgs", change("s1", LATE, "tobedeleted"))))


def test_the_end_of_a_row_never_seen_is_recorded(rows: Rows):
    assert rows(unseen, "organization", "sourced_id status") == [("s1", "tobedeleted")]


several = case(
    "several",
    on(
        D1,
        sheet(
            "orgs",
            change("s1", "2026-03-02T09:00:00Z", name="newest"),
            change("s1", "2026-03-02T08:00:00Z", name="older"),
            change("s2", "2026-03-02T09:00:00Z", name="first"),
            change("s2", "2026-03-02T09:00:00Z", name="last"),
        ),
    ),
)


def test_of_several_changes_of_a_row_the_newest_counts_and_of_one_time_the_last(rows: Rows):
    assert rows(several, "organization", "sourced_id name") == [("s1", "newest"), ("s2", "last")]


mixed = case(
    "mixed",
    on(D1, sheet("orgs", row("s1"), row("s2")), sheet("users", row("u1"), row("u2"))),
    on(D2, sheet("orgs", row("s1")), sheet("users", change("u1", LATE, "tobedeleted"))),
)


def test_each_file_of_a_package_has_a_mode_of_its_own(rows: Rows):
    assert rows(mixed, "organization", "sourced_id status") == [("s1", "active"), ("s2", "tobedeleted")]
    assert rows(mixed, "user", "sourced_id status") == [("u1", "tobedeleted"), ("u2", "active")]


# values -------------------------------------------------------------------------------------------------------

spelt = case(
    "spelt",
    on(
        D1,
        sheet("orgs", row(SHARED.upper(), type="School", identifier="")),
        sheet("users", row("u1", enabledUser="TRUE", grades="05, 06,,", email=" kept ")),
        sheet(
            "classes",
            row("k1", schoolSourcedId=SHARED.upper(), classType="SCHEDULED", termSourcedIds="t2,t1", periods=","),
        ),
    ),
)


def test_values_are_stored_in_the_standard_s_spelling_and_text_as_delivered(rows: Rows):
    assert rows(spelt, "organization", "type identifier") == [("school", None)]
    assert rows(spelt, "user", "enabled_user grades email") == [(True, ("05", "06"), " kept ")]
    terms = tuple(identity("spelt", "academicSession", term) for term in ("t2", "t1"))
    assert rows(spelt, "class", "class_type term_ids periods") == [("scheduled", terms, None)]


def test_a_uuid_is_the_id_and_any_other_sourced_id_makes_one_per_org(rows: Rows):
    assert rows(spelt, "organization", "id sourced_id") == [(SHARED, SHARED.upper())]
    assert rows(spelt, "class", "school_id course_id") == [(SHARED, identity("spelt", "course", "c1"))]
    assert rows(gone, "organization", "id")[0] != rows(back, "organization", "id")[0]


# enrollments --------------------------------------------------------------------------------------------------

enrolled = case(
    "enrolled",
    on(D1, sheet("enrollments", row("open"), row("dated", endDate="2026-06-30"), row("back"), row("twice"))),
    on(D2, sheet("enrollments", change("twice", "2026-03-03T01:00:00Z", "tobedeleted"))),
    on(D3, sheet("enrollments", row("back2"))),
    then=(
        on(
            D4,
            sheet(
                "enrollments",
                change("back", LATE[:8] + "05T00:00:00Z"),
                change("twice", LATE[:8] + "05T00:00:00Z", "tobedeleted"),
            ),
        ),
    ),
)


def test_an_enrollment_ends_on_its_own_end_date_or_else_on_the_day_it_ended(rows: Rows):
    assert rows(enrolled, "enrollment", "sourced_id status end_date") == [
        ("back", "active", None),
        ("back2", "active", None),
        ("dated", "tobedeleted", date(2026, 6, 30)),
        ("open", "tobedeleted", D3),
        ("twice", "tobedeleted", D2),
    ]


# roles of version 1.1 -----------------------------------------------------------------------------------------

roles = case(
    "roles",
    on(D1, sheet("users", row("u1", orgSourcedIds="s1, s2,s1", role="student"), row("u2", role="teacher"))),
    on(D2, sheet("users", row("u1", orgSourcedIds="s2,s3"), row("u2", role="Administrator"))),
    then=(on(D3, sheet("users", row("u1", orgSourcedIds="s1,s2"), row("u2", role="administrator"))),),
)


def test_a_role_begins_with_the_org_s_first_package_or_on_the_day_it_appears_and_reopens_as_it_began(rows: Rows):
    assert rows(roles, "role", "sourced_id status role_type begin_date end_date") == [
        ("u1|s1|student", "active", "primary", None, None),
        ("u1|s2|student", "active", "secondary", None, None),
        ("u1|s3|student", "tobedeleted", "secondary", D2, D3),
        ("u2|s1|administrator", "active", "primary", D2, None),
        ("u2|s1|teacher", "tobedeleted", "primary", None, D2),
    ]
    assert rows(roles, "role", "sourced_id status role_type end_date", D2)[:2] == [
        ("u1|s1|student", "tobedeleted", "primary", D2),
        ("u1|s2|student", "active", "primary", None),
    ]


def test_a_role_that_changes_alone_changes_no_user(rows: Rows):
    assert rows(roles, "user", "sourced_id date_last_modified") == [("u1", midnight(D1)), ("u2", midnight(D1))]


left = case(
    "left",
    on(D1, sheet("users", row("u1"), row("u2"))),
    on(D2, sheet("users", change("u1", LATE, "tobedeleted"))),
    then=(on(D3, sheet("users", change("u1", "2026-03-04T05:00:00Z"))),),
)


def test_the_roles_of_a_person_who_ends_end_and_reopen_with_the_person(rows: Rows):
    ended, began = datetime(2026, 3, 3, 7, 30), datetime(2026, 3, 4, 5)
    columns = "sourced_id status begin_date end_date date_last_modified"
    assert rows(left, "role", columns, D2)[0] == ("u1|s1|student", "tobedeleted", None, D2, ended)
    assert rows(left, "role", columns)[0] == ("u1|s1|student", "active", None, None, began)


# roles of version 1.2 -----------------------------------------------------------------------------------------

newer = case(
    "newer",
    on(D1, sheet("users", row("u1"), row("u2"))),
    on(
        D2,
        sheet("users", row("u1"), row("u2"), version="1.2"),
        sheet("roles", row("r1"), row("r2", userSourcedId="u2", beginDate="2025-08-01", endDate="2026-07-01")),
        version="1.2",
    ),
    then=(
        on(
            D3,
            sheet("users", change("u1", "2026-03-04T01:00:00Z", role="parent", orgSourcedIds="s9")),
            sheet("roles", row("r1"), row("r3", userSourcedId="u2", role="Principal", roleType="secondary")),
            version="1.2",
        ),
    ),
)


def test_roles_of_users_csv_end_on_the_first_day_with_roles_csv_which_then_says_who_has_which(rows: Rows):
    assert rows(newer, "role", "sourced_id role status begin_date end_date") == [
        ("r1", "student", "active", None, None),
        ("r2", "student", "tobedeleted", date(2025, 8, 1), date(2026, 7, 1)),
        ("r3", "principal", "active", D3, None),
        ("u1|s1|student", "student", "tobedeleted", None, D2),
        ("u2|s1|student", "student", "tobedeleted", None, D2),
    ]


left_newer = case(
    "left-newer",
    on(
        D1,
        sheet("users", row("u1"), row("u2"), version="1.2"),
        sheet("roles", row("open"), row("dated", endDate="2026-06-30"), row("other", userSourcedId="u2")),
        version="1.2",
    ),
    on(D2, sheet("users", row("u2"), version="1.2"), version="1.2"),
    then=(on(D3, sheet("users", row("u1"), row("u2"), version="1.2"), version="1.2"),),
)


def test_a_person_who_has_ended_holds_no_role_of_roles_csv_until_delivered_again(rows: Rows):
    assert rows(left_newer, "role", "sourced_id status end_date", D2) == [
        ("dated", "tobedeleted", date(2026, 6, 30)),
        ("open", "tobedeleted", D2),
        ("other", "active", None),
    ]
    assert rows(left_newer, "role", "sourced_id status end_date") == [
        ("dated", "active", date(2026, 6, 30)),
        ("open", "active", None),
        ("other", "active", None),
    ]


# agents -------------------------------------------------------------------------------------------------------

PUPIL, MOTHER = row("u1", agentSourcedIds="u2,nobody"), row("u2", role="parent")
agents = case(
    "agents",
    on(D1, sheet("users", PUPIL, MOTHER, row("u3"))),
    on(D2, sheet("users", row("u1"), row("u2", role="guardian"), row("u3", agentSourcedIds="u2"))),
    then=(on(D3, sheet("users", PUPIL, MOTHER, row("u3", agentSourcedIds="u2"))),),
)


def test_a_relation_ends_when_it_is_no_longer_delivered_and_reopens_as_it_began(rows: Rows):
    columns = "sourced_id status begin_date end_date date_created date_last_modified"
    assert rows(agents, "user_agent", columns, D2) == [
        ("u1|u2|parent", "inactive", None, D2, midnight(D1), midnight(D2)),
        ("u3|u2|guardian", "active", D2, None, midnight(D2), midnight(D2)),
    ]
    assert rows(agents, "user_agent", columns)[0] == ("u1|u2|parent", "active", None, None, midnight(D1), midnight(D3))


def test_when_the_role_of_the_agent_changes_one_relation_ends_and_another_begins(rows: Rows):
    assert rows(agents, "user_agent", "sourced_id relationship_type status begin_date end_date")[1:] == [
        ("u3|u2|guardian", "guardian", "inactive", D2, D3),
        ("u3|u2|parent", "parent", "active", D3, None),
    ]


parted = case(
    "parted",
    on(D1, sheet("users", PUPIL, MOTHER, row("u3", agentSourcedIds="u2"))),
    on(D2, sheet("users", change("u1", LATE, "tobedeleted", agentSourcedIds="u2"))),
    then=(on(D3, sheet("users", change("u2", "2026-03-04T00:00:00Z", "tobedeleted", role="parent"))),),
)


def test_neither_a_person_nor_an_agent_who_has_ended_has_a_relation(rows: Rows):
    assert rows(parted, "user_agent", "sourced_id status end_date", D2) == [
        ("u1|u2|parent", "inactive", D2),
        ("u3|u2|parent", "active", None),
    ]
    assert rows(parted, "user_agent", "sourced_id status end_date") == [
        ("u1|u2|parent", "inactive", D2),
        ("u3|u2|parent", "inactive", D3),
    ]


guided = case(
    "guided",
    on(
        D1,
        sheet("users", row("u1", agentSourcedIds="u2"), row("u2"), row("u3"), version="1.2"),
        sheet(
            "roles",
            row("r1", userSourcedId="u2", role="teacher", beginDate="2025-01-01"),
            row("r2", userSourcedId="u2", role="principal", roleType="secondary", beginDate="2026-01-01"),
        ),
        version="1.2",
    ),
    on(D2, sheet("roles", change("r1", LATE, userSourcedId="u3", role="teacher")), version="1.2"),
    then=(
        on(
            D3,
            sheet("roles", change("r2", "2026-03-04T00:00:00Z", userSourcedId="u3", role="principal")),
            version="1.2",
        ),
    ),
)


def test_the_type_of_a_relation_is_the_agent_s_primary_role_or_else_the_latest(rows: Rows):
    columns = "relationship_type status begin_date end_date"
    assert rows(guided, "user_agent", columns, D1) == [("teacher", "active", None, None)]
    assert rows(guided, "user_agent", columns, D2) == [
        ("principal", "active", D2, None),
        ("teacher", "inactive", None, D2),
    ]


def test_an_agent_whose_last_role_went_to_somebody_else_has_no_relation(rows: Rows):
    assert rows(guided, "user_agent", "relationship_type status end_date") == [
        ("principal", "inactive", D3),
        ("teacher", "inactive", D2),
    ]


# the deletion threshold ---------------------------------------------------------------------------------------


def users(count: int) -> Sheet:
    return sheet("users", *(row(f"u{number}") for number in range(count)))


def active(rows: Rows, case: Example) -> int:
    return sum(status == "active" for (status,) in rows(case, "user", "status"))


fifth = case("fifth", on(D1, users(100)), on(D2, users(80)))
more_than_a_fifth = case("more-than-a-fifth", on(D1, users(100)), on(D2, users(79), sheet("orgs", row("s1"))))
nineteen = case("nineteen", on(D1, users(40)), on(D2, users(21)))


def test_a_package_that_ends_a_fifth_or_fewer_than_twenty_is_applied(rows: Rows):
    assert active(rows, fifth) == 80
    assert active(rows, nineteen) == 21


def test_a_package_that_ends_more_is_held_whole(rows: Rows, ledger: Connection):
    assert active(rows, more_than_a_fifth) == 100
    assert rows(more_than_a_fifth, "organization", "sourced_id") == []
    report = platform.sync_report(ledger)["more-than-a-fifth", D2, "users.csv"]
    assert (report["ended"], report["stayed"]) == (21, 79)


ends = sheet("users", *(change(f"u{number}", LATE, "tobedeleted") for number in range(30)))
many_ends = case("many-ends", on(D1, users(60)), on(D2, ends))


def test_changes_that_end_much_are_held_too(rows: Rows):
    assert active(rows, many_ends) == 60


approved = case("approved", on(D1, users(60)), on(D2, users(20)), then=(D2,))
approved_before = case("approved-before", on(D1, users(60)), on(D2, users(20)), D2, then=(on(D2, users(19)),))


def test_an_approved_package_is_applied(rows: Rows):
    assert active(rows, approved) == 20


def test_other_bytes_need_another_approval(rows: Rows, ledger: Connection):
    assert active(rows, approved_before) == 60
    assert platform.packages(ledger)["approved-before", D2] == "held"


judged = case("judged", on(D1, users(60)), on(D2, users(20)), on(D3, users(55)))


def test_a_package_is_judged_against_what_was_last_applied(rows: Rows, ledger: Connection):
    assert active(rows, judged) == 55
    assert [platform.packages(ledger)["judged", day] for day in (D1, D2, D3)] == ["applied", "held", "applied"]


# order --------------------------------------------------------------------------------------------------------

late = case(
    "late",
    on(D2, sheet("users", row("u1"), row("u2"))),
    on(D3, sheet("users", row("u1"), row("u2", role="teacher"))),
    then=(on(D1, sheet("users", row("u1"))),),
)


def test_a_day_that_comes_late_is_folded_where_it_belongs(rows: Rows):
    assert rows(late, "role", "sourced_id begin_date end_date") == [
        ("u1|s1|student", None, None),
        ("u2|s1|student", D2, D3),
        ("u2|s1|teacher", D3, None),
    ]
    assert rows(late, "user", "sourced_id date_last_modified") == [("u1", midnight(D1)), ("u2", midnight(D2))]


corrected = case(
    "corrected",
    on(D1, sheet("orgs", row("s1"))),
    on(D2, sheet("orgs", row("s2")), sheet("courses", row("c1"))),
    then=(on(D2, sheet("orgs", row("s1"), row("s3"))),),
)


def test_a_day_delivered_again_replaces_its_files_and_keeps_those_it_leaves_out(rows: Rows):
    assert rows(corrected, "organization", "sourced_id status") == [("s1", "active"), ("s3", "active")]
    assert rows(corrected, "course", "sourced_id status") == [("c1", "active")]


SAME = sheet("orgs", row("s1"), row("s2", type="planet"), row("s3"))
repeated = case(
    "repeated",
    on(D1, SAME),
    on(D2, sheet("orgs", row("s1"), row("s2"))),
    on(D3, SAME),
    then=(on(D4, SAME), on(D1, sheet("orgs", row("s2")))),
)


def test_the_bytes_of_an_earlier_day_are_as_good_as_new_ones_also_when_that_day_is_replaced(rows: Rows):
    assert rows(repeated, "organization", "sourced_id status date_last_modified") == [
        ("s1", "active", midnight(D2)),
        ("s2", "active", midnight(D1)),
        ("s3", "active", midnight(D3)),
    ]


# several orgs -------------------------------------------------------------------------------------------------

ANNE = "aaaaaaaa-0000-4000-8000-000000000001"


def of_anne(org: str, *days: date, tenant: str) -> Example:
    """An org whose only student is Anne; it calls her after itself and has one school."""
    anne = row(ANNE, givenName=org, familyName="Shirley", orgSourcedIds=org)
    return case(org, *(on(day, sheet("orgs", row(org, name=org)), sheet("users", anne)) for day in days), tenant=tenant)


newest = (of_anne("z-first", D1, tenant="island"), of_anne("a-later", D2, tenant="island"))
highest = (of_anne("b-high", D1, D2, tenant="mainland"), of_anne("a-low", D1, D2, tenant="mainland"))
stays = of_anne("a-stays", D1, tenant="bay")
leaves = case(
    "b-leaves",
    on(D1, sheet("orgs", row("b-leaves")), sheet("users", row(ANNE, orgSourcedIds="b-leaves"), row("u2"))),
    on(D2, sheet("users", row("u2"))),
    tenant="bay",
)


@pytest.fixture(scope="module")
def seen(built: Settings) -> dict[str, tuple[str, ...]]:
    """The names under which everything shows Anne, with the organizations of each."""
    with platform.reader(built) as url, closing(psycopg2.connect(url)) as reader:
        with reader.cursor() as cursor:
            cursor.execute("set app.allowed_org_ids = '*'")
        return {found[1]: found[3] for found in platform.view_rows(reader, "students") if found[0] == ANNE}


def ids(*examples: Example) -> tuple[str, ...]:
    return tuple(sorted(identity(each.org, "org", each.org) for each in examples))


def test_of_a_person_of_two_orgs_the_newest_day_counts_and_the_roles_are_united(seen: dict[str, tuple[str, ...]]):
    assert seen["a-later Shirley"] == ids(*newest)
    assert "z-first Shirley" not in seen


def test_of_one_day_the_highest_name_of_an_org_counts_also_when_nothing_changed(seen: dict[str, tuple[str, ...]]):
    assert seen["b-high Shirley"] == ids(*highest)
    assert "a-low Shirley" not in seen


def test_a_person_leaves_the_org_that_ended_them_and_no_other(seen: dict[str, tuple[str, ...]]):
    # the name is from the newest row, which is the one that ended
    assert seen["Given Family"] == ids(stays)


def test_the_same_id_in_several_tenants_is_as_many_people(seen: dict[str, tuple[str, ...]]):
    assert set(seen) == {"a-later Shirley", "b-high Shirley", "Given Family"}
