"""What analysts see of programs that are cohorts, worked out by hand, and under which scope they see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.access import expand_grants
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt
from tests.integration.campus_world import FEED, fetch
from tests.integration.roster_tables import insert_org, insert_rosters, seen, uid
from tests.integration.scope_world import Login, logins
from tests.integration.timeback_tables import COHORT_VIEWS, insert_records, timeback_database
from tests.model.bulk import Row

# Today is 2026-03-10 (roster_tables.TODAY).
CAMPUS: dict[str, list[dict[str, Any]]] = {
    "programs": [
        {"program_id": "a", "program_name": "Readers", "program_category": "Cohort", "description": "Read."},
        {"program_id": "b", "program_name": "Writers", "program_category": "Cohort: Cohort", "school_year": 2026},
        {"program_id": "c", "program_name": "Chess", "program_category": "Sport"},
        {"program_id": "d", "program_name": "Lower case", "program_category": "cohort"},
        {"program_id": "e", "program_name": "Without"},
    ],
    "program_participation": [
        {"participation_id": "s1", "program_id": "a", "student_unique_id": "n-ada", "begin_date": "2026-01-05"},
        {"participation_id": "s2", "program_id": "a", "student_unique_id": "n-ada", "begin_date": "2026-02-05"},
        {"participation_id": "s3", "program_id": "a", "student_unique_id": "n-twin", "end_date": "2026-03-10"},
        {"participation_id": "s4", "program_id": "a", "student_unique_id": "n-bob", "end_date": "2026-03-09"},
        {"participation_id": "s5", "program_id": "a", "student_unique_id": "n-nobody", "begin_date": "2026-03-11"},
        {"participation_id": "s6", "program_id": "b", "student_unique_id": "n-left", "begin_date": "2026-01-05"},
        {"participation_id": "s7", "program_id": "b", "student_unique_id": "n-tom"},
        {"participation_id": "s8", "program_id": "b", "student_unique_id": "n-west"},
        {"participation_id": "s9", "program_id": "b", "student_unique_id": None},
        {"participation_id": "s10", "program_id": "c", "student_unique_id": "n-ada"},
        {"participation_id": "s11", "program_id": "gone", "student_unique_id": "n-ada"},
        {"participation_id": "s12", "program_id": "b", "student_unique_id": "n-shared"},
    ],
    "program_staff": [
        {"program_staff_id": "t1", "program_id": "a", "staff_unique_id": "e1"},
        {"program_staff_id": "t2", "program_id": "a", "staff_unique_id": "e2", "end_date": "2026-03-10"},
        {"program_staff_id": "t3", "program_id": "a", "staff_unique_id": "e3", "end_date": "2026-01-01"},
    ],
}


def people(*named: tuple[str, str, str, str]) -> dict[str, list[dict[str, Any]]]:
    """Return rosters of people: id, number, role and status."""
    return {
        "user": [
            {"id": name, "given_name": name, "family_name": "X", "identifier": number, "status": status}
            for name, number, _, status in named
        ],
        "role": [
            {"id": f"role of {name}", "user_id": name, "organization_id": "school", "role": kind}
            for name, _, kind, _ in named
        ],
    }


def fill(connection: Connection) -> None:
    """Insert three orgs, two of one tenant, that deliver the same ids; north's rosters have all kinds of people."""
    for org, tenant in (("north", "one"), ("west", "one"), ("south", "two")):
        insert_org(connection, org, tenant)
    insert_rosters(
        connection,
        "north",
        people(
            ("ada", "n-ada", "student", "active"),
            ("bob", "n-bob", "student", "active"),
            ("twin one", "n-twin", "student", "active"),
            ("twin two", "n-twin", "student", "active"),
            ("left once", "n-left", "student", "tobedeleted"),
            ("came after", "n-left", "student", "active"),
            ("tom", "n-tom", "teacher", "active"),
            ("shared", "n-shared", "student", "active"),
        ),
    )
    insert_rosters(
        connection,
        "west",
        people(("west", "n-west", "student", "active"), ("another", "n-shared", "student", "active")),
    )
    insert_rosters(connection, "south", people(("southern", "n-nobody", "student", "active")))
    insert_records(connection, "north", CAMPUS, FEED.name)
    insert_records(
        connection, "south", {"programs": [CAMPUS["programs"][0] | {"program_name": "Readers south"}]}, FEED.name
    )
    insert_records(connection, "south", {"program_participation": CAMPUS["program_participation"][:1]}, FEED.name)


@pytest.fixture(scope="module")
def settings(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with timeback_database(postgres_server, template_database, tmp_path_factory.mktemp("cohorts"), fill) as made:
        with closing(connect(made)) as connection:
            expand_grants(connection)
        yield made


@pytest.fixture(scope="module")
def login(settings: Settings) -> Iterator[Login]:
    with closing(connect(settings)) as owner, logins(owner, settings) as login:
        yield login


@pytest.fixture(scope="module")
def north(login: Login) -> Connection:
    return login("north")


def shown(session: Connection, view: str, *columns: str, scope: str = uid("org north")) -> list[Row]:
    return sorted((tuple(row[name] for name in columns) for row in seen(session, view, scope)), key=repr)


def test_programs_of_the_category_are_cohorts_with_those_who_are_in_them_today(north: Connection) -> None:
    assert shown(north, "cohorts", "program_id", "name", "school_year", "student_count", "staff_count") == [
        ("a", "Readers", None, 2, 2),
        ("b", "Writers", 2026, 4, 0),
    ]
    [first] = [row for row in seen(north, "cohorts", uid("org north")) if row["program_id"] == "a"]
    assert (first["org_id"], first["as_of_day"], first["org_ids"]) == ("north", "2026-01-01", [uid("org north")])


def test_a_stay_is_current_from_its_first_day_to_its_last(north: Connection) -> None:
    found = dict(shown(north, "student_cohorts", "participation_id", "is_current"))
    assert {stay for stay, current in found.items() if not current} == {"s4", "s5"}
    assert set(found) == {f"s{number}" for number in (*range(1, 10), 12)}


def test_a_student_is_found_by_number_or_not_at_all(north: Connection) -> None:
    """In the org's own rosters first; nobody who is no student, and neither of two."""
    assert dict(shown(north, "student_cohorts", "participation_id", "student_id")) == {
        "s1": uid("ada"),
        "s2": uid("ada"),
        "s3": None,
        "s4": uid("bob"),
        "s5": None,
        "s6": uid("came after"),
        "s7": None,
        "s8": uid("west"),
        "s9": None,
        "s12": uid("shared"),
    }


@pytest.mark.parametrize("view", COHORT_VIEWS)
def test_a_reader_sees_the_programs_of_its_own_orgs_only(login: Login, north: Connection, view: str) -> None:
    every = ",".join(uid(f"org {org}") for org in ("north", "west", "south"))
    assert {row["org_id"] for row in seen(north, view, every)} == {"north"}
    assert {row["org_id"] for row in seen(login("south"), view, every)} == {"south"}
    assert seen(login("west"), view, every) == []
    assert seen(login(), view, every) == []
    assert {row["org_id"] for row in seen(login("north", "south"), view, every)} == {"north", "south"}
    assert {row["org_id"] for row in seen(login("*"), view, "*")} == {"north", "south"}


@pytest.mark.parametrize("view", COHORT_VIEWS)
@pytest.mark.parametrize("scope", [None, "", "  ", "{}", uid("org south"), uid("school")])
def test_without_its_own_scope_a_reader_sees_nothing(north: Connection, view: str, scope: str | None) -> None:
    assert seen(north, view, scope) == []


@pytest.mark.parametrize("view", COHORT_VIEWS)
def test_only_readers_of_analytics_may_select_and_the_barrier_stands(settings: Settings, view: str) -> None:
    with closing(connect(settings)) as owner:
        [(options, analysts, evaluators)] = fetch(
            owner,
            sql.SQL(
                "select reloptions, has_table_privilege('analyst_read', oid, 'select'),"
                " has_table_privilege('evaluation_read', oid, 'select') from pg_class where oid = {}::regclass"
            )
            .format(sql.Literal(f"analytics.{view}"))
            .as_string(owner),
        )
    assert (options, analysts, evaluators) == (["security_barrier=true"], True, False)


def test_data_tests_count_what_is_not_shown_or_joined_and_fail_nothing(settings: Settings) -> None:
    report = run_dbt(settings, ["test", "--select", "marts.infinite_campus", "--exclude-resource-type", "unit_test"])
    assert report.failures == ()
    assert {warning.split(":")[0] for warning in report.warnings} == {
        "program_of_a_stay_is_known",
        "student_of_a_cohort_is_in_the_rosters",
    }


def test_unit_tests_of_the_marts_pass(settings: Settings) -> None:
    report = run_dbt(settings, ["test", "--select", "marts.infinite_campus", "--resource-type", "unit_test"])
    assert report.failures == ()
    assert report.nodes
