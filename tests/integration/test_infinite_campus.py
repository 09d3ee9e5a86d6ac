"""Infinite Campus: a file is the whole state of its table.

Each example is an org of its own, all built together. ``FIRST`` is loaded before the first build, ``THEN`` before the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.checks import CheckResult, checks_of, run_checks
from edreflect_assets.database import connect
from edreflect_assets.errors import Refused
from edreflect_assets.gaps import expected_orgs, missing_days
from edreflect_assets.orgs import add_org, load_registry
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import pending
from tests.integration import campus_world as platform
from tests.integration.campus_world import FEED, fetch
from tests.model.bulk import TABLES, Delivery, Log
from tests.model.database import fresh_database

D1, D2, D3, D4 = (date(2026, 3, day) for day in (2, 3, 4, 5))
PROGRAMS = "program_id,program_name,program_category,description,district_number,school_year\n"
STAYS = "participation_id,program_id,student_unique_id,begin_date,end_date\n"
TOGGLES = "resource,enabled\n"


def programs(*names: str) -> str:
    """Return a file of programs whose names say which they are."""
    return PROGRAMS + "".join(f"{name[0]},{name},Cohort,,0100,2026\n" for name in names)


def stays(*lines: str) -> str:
    return STAYS + "".join(f"{line}\n" for line in lines)


# org -> deliveries in the order in which they are loaded, before the first build and before the second
FIRST: dict[str, list[tuple[date, dict[str, str]]]] = {
    "absence": [(D1, {"programs": programs("a", "b")})],
    "repeated": [(D1, {"programs": programs("a old", "b", "a new")})],
    "late": [(D2, {"programs": programs("a second", "b")})],
    "older": [(D3, {"programs": programs("a third")})],
    "corrected": [(D1, {"programs": programs("a", "b")}), (D2, {"programs": programs("a", "b", "c")})],
    "withdrawn": [
        (D1, {"program_participation": stays("s1,p,n1,,")}),
        (D2, {"program_participation": stays("s2,p,n2,,")}),
    ],
    "quiet": [(D1, {"program_participation": stays("s1,p,n1,,"), "resource_toggles": f"{TOGGLES}cohorts,true\n"})],
    "partly": [(D1, {"programs": programs("a"), "program_participation": stays("s1,a,n1,,")})],
    "malformed": [(D1, {"program_participation": stays("s1,p,n1,2026-01-05,", "s2,p", "s3,p,n3,,,,")})],
    "uncast": [(D1, {"program_participation": stays("s1,p,n1,2026-01-05,", "s2,p,n2,2026-02-30,", ",p,n3,,")})],
    "unusable": [(D1, {"program_participation": stays("s1,p,n1,,")})],
    "settings": [
        (
            D1,
            {
                "resource_preferences": "program_category,cohort_scope_code,cohort_type_code,mapped\nCohort,,Other,true\n",
                "resource_toggles": f"{TOGGLES}cohorts,true\nstaffCohortAssociations,false\n",
                "program_staff": "program_staff_id,program_id,staff_unique_id,begin_date,end_date\nt1,a,e1,2026-01-05,\n",
            },
        )
    ],
}
THEN: dict[str, list[tuple[date, dict[str, str]]]] = {
    "absence": [(D2, {"programs": programs("b", "c")})],
    "late": [(D1, {"programs": programs("a first", "z")})],
    "older": [(D1, {"programs": programs("a first")}), (D4, {"programs": programs("d")})],
    "corrected": [(D2, {"programs": programs("a again")})],
    "withdrawn": [(D2, {"program_participation": STAYS})],
    "quiet": [(D2, {"program_participation": STAYS, "resource_toggles": TOGGLES})],
    "partly": [(D2, {"programs": programs("b")})],
    "unusable": [(D2, {"program_participation": stays("s1,p,n1,yesterday,", ",p,n2,,")})],
}
ORGS = list(FIRST)


@pytest.fixture(scope="module")
def built(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with fresh_database(postgres_server, template_database, tmp_path_factory.mktemp("campus")) as settings:
        for part in (FIRST, THEN):
            with closing(connect(settings)) as connection:
                for org, deliveries in part.items():
                    for day, files in deliveries:
                        platform.load(connection, settings, Delivery(org, day, files))
            platform.build_reconciled(settings)
        yield settings


@pytest.fixture(scope="module")
def owner(built: Settings) -> Iterator[Connection]:
    with closing(connect(built)) as connection:
        yield connection


@pytest.fixture(scope="module")
def log() -> Log:
    log = Log()
    for part in (FIRST, THEN):
        for org, deliveries in part.items():
            for day, files in deliveries:
                assert log.load(Delivery(org, day, files))
    return log


@pytest.mark.parametrize("table", TABLES)
def test_every_example_equals_the_model(owner: Connection, log: Log, table: str) -> None:
    found, history = platform.rows(owner, table), platform.history(owner, table)
    for org in ORGS:
        assert found.get(org, set()) == log.state(org, table), org
        assert history.get(org, set()) == log.history(org, table), org
    for day in (date(2026, 3, 1), D1, D2, D3, D4):
        found = platform.rows_as_of(owner, table, day)
        assert found == {org: {row[:-1] for row in rows} for org in ORGS if (rows := log.state(org, table, day))}


@pytest.mark.parametrize(
    ("org", "names", "day"),
    [
        ("absence", {"b", "c"}, D2),
        ("repeated", {"a new", "b"}, D1),
        ("late", {"a second", "b"}, D2),
        ("older", {"d"}, D4),
        ("corrected", {"a again"}, D2),
        ("partly", {"b"}, D2),
    ],
)
def test_the_newest_file_of_programs_is_what_is_true(owner: Connection, org: str, names: set[str], day: date) -> None:
    rows = platform.rows(owner, "programs")[org]
    assert ({row[1] for row in rows}, {row[-1] for row in rows}) == (names, {day})


def test_a_row_has_the_types_of_the_contract(owner: Connection) -> None:
    [row] = platform.rows(owner, "programs")["corrected"]
    assert row == ("a", "a again", "Cohort", None, "0100", 2026, D2)
    assert platform.rows(owner, "resource_preferences")["settings"] == {("Cohort", None, "Other", True, D1)}
    assert platform.rows(owner, "resource_toggles")["settings"] == {
        ("cohorts", True, D1),
        ("staffCohortAssociations", False, D1),
    }
    assert platform.rows(owner, "program_staff")["settings"] == {("t1", "a", "e1", date(2026, 1, 5), None, D1)}


@pytest.mark.parametrize("org", ["quiet", "unusable", "withdrawn"])
def test_a_file_without_rows_to_take_leaves_the_state_of_the_day_before(owner: Connection, org: str) -> None:
    assert platform.rows(owner, "program_participation")[org] == {("s1", "p", "n1", None, None, D1)}


def test_a_file_that_did_not_come_leaves_its_table(owner: Connection) -> None:
    assert platform.rows(owner, "program_participation")["partly"] == {("s1", "a", "n1", None, None, D1)}


def test_what_was_true_is_known_with_its_days(owner: Connection) -> None:
    history = {(row[1], *row[-2:]) for row in platform.history(owner, "programs")["older"]}
    assert history == {("a first", D1, D3), ("a third", D3, D4), ("d", D4, None)}
    assert {row[1] for row in platform.rows_as_of(owner, "programs", D2)["older"]} == {"a first"}


def test_records_that_cannot_be_read_or_taken_are_set_aside_with_line_and_reason(owner: Connection) -> None:
    found = fetch(
        owner,
        "select org_id, line, column_name, q.reason from ops.quarantine q join ops.load_log l using (load_id)"
        " where org_id = any (%s) order by 1, 2",
        ["malformed", "uncast", "unusable"],
    )
    assert [(org, line, column) for org, line, column, _ in found] == [
        ("malformed", 3, None),
        ("malformed", 4, None),
        ("uncast", 3, "begin_date"),
        ("uncast", 4, "participation_id"),
        ("unusable", 2, "begin_date"),
        ("unusable", 3, "participation_id"),
    ]
    assert [reason for *_, reason in found][2:4] == [
        "value does not cast to the type of the column",
        "key is empty",
    ]
    assert {row[0] for row in platform.rows(owner, "program_participation")["uncast"]} == {"s1"}
    assert {row[0] for row in platform.rows(owner, "program_participation")["malformed"]} == {"s1"}


def test_one_key_has_one_row(owner: Connection) -> None:
    [(definition,)] = fetch(
        owner, "select indexdef from pg_indexes where schemaname = 'infinite_campus' and indexname = 'programs_key'"
    )
    assert "UNIQUE" in definition
    assert "(org_id, program_id) NULLS NOT DISTINCT" in definition


def test_a_build_reads_the_newest_day_by_index(owner: Connection) -> None:
    """However many days came before it."""
    [(definition,)] = fetch(
        owner,
        "select indexdef from pg_indexes where schemaname = 'infinite_campus_log' and indexname = 'programs_by_key'",
    )
    assert definition.endswith("(org_id, _day)")


def test_the_columns_are_described_in_the_database(owner: Connection) -> None:
    [(text,)] = fetch(owner, "select col_description('infinite_campus.programs'::regclass, 2)")
    assert "Identifies the program" in text


def test_programs_without_rows_refuse_the_delivery_and_nothing_changes(
    database: Settings, connection: Connection
) -> None:
    before = Delivery("north", D1, {"programs": programs("a"), "program_participation": stays("s1,a,n1,,")})
    platform.load(connection, database, before)
    platform.build_reconciled(database)
    after = Delivery("north", D2, {"programs": PROGRAMS, "program_participation": stays("s2,a,n2,,")})
    with pytest.raises(Refused) as raised:
        platform.load(connection, database, after)
    text = str(raised.value)
    assert all(part in text for part in ("north", "2026-03-03", "programs.csv", "holds no rows", "export it again"))
    assert pending(connection) == []
    connection.commit()
    platform.build_reconciled(database)
    assert {row[1] for row in platform.rows(connection, "programs")["north"]} == {"a"}
    assert {row[0] for row in platform.rows(connection, "program_participation")["north"]} == {"s1"}
    refused = checked(connection, database)["refused_deliveries"]
    assert not refused.passed
    assert "north, 2026-03-03: programs.csv: " in refused.text

    platform.load(connection, database, replace(after, files={**after.files, "programs": programs("b")}))
    assert checked(connection, database)["refused_deliveries"].passed


def test_programs_of_which_no_record_can_be_read_are_as_good_as_none(
    database: Settings, connection: Connection
) -> None:
    with pytest.raises(Refused, match="holds no rows that can be read"):
        platform.load(connection, database, Delivery("north", D1, {"programs": f"{PROGRAMS}a,b\n"}))


def test_a_file_without_rows_and_one_that_did_not_come_are_told(database: Settings, connection: Connection) -> None:
    whole = {"programs": programs("a"), "program_participation": stays("s1,a,n1,,"), "resource_toggles": TOGGLES}
    platform.load(connection, database, Delivery("north", D1, whole))
    found = checked(connection, database)["bulk_files_delivered"]
    assert found.text.startswith("north, 2026-03-02: resource_toggles.csv without rows. Such a file changes nothing")
    toggles = f"{TOGGLES}cohorts,true\n"
    report = platform.load(
        connection, database, Delivery("north", D2, {"programs": programs("a"), "program_participation": STAYS})
    )
    assert [(file.file, file.rows, file.status) for file in report.files] == [
        ("program_participation.csv", 0, "loaded"),
        ("programs.csv", 1, "loaded"),
    ]
    found = checked(connection, database)["bulk_files_delivered"]
    assert (found.passed, found.severity) == (False, "warn")
    assert "north, 2026-03-03: program_participation.csv without rows" in found.text
    assert "north, 2026-03-03: resource_toggles.csv did not come" in found.text
    assert "program_staff.csv" not in found.text
    for day, files in ((D1, {**whole, "resource_toggles": toggles}), (D2, {**whole, "resource_toggles": toggles})):
        platform.load(connection, database, Delivery("north", day, files))
    assert checked(connection, database)["bulk_files_delivered"].passed


def test_what_is_set_aside_counts_as_deleted_and_the_check_says_so(database: Settings, connection: Connection) -> None:
    platform.load(connection, database, Delivery("north", D1, {"program_participation": stays("s1,a,n1,,", "s2")}))
    assert "count as deleted until a later file has them" in checked(connection, database)["quarantine"].text


def test_a_day_between_two_snapshots_is_no_loss_and_nobody_is_asked_before_a_first_one(
    database: Settings, connection: Connection
) -> None:
    for org in ("north", "south"):
        add_org(database, org, host="h", user="u", password_env="P")
    registry = load_registry(database)
    assert expected_orgs(connection, registry, FEED) == set()
    connection.commit()
    for day in (D1, D4):
        platform.load(connection, database, Delivery("north", day, {"programs": programs("a")}))
    assert expected_orgs(connection, registry, FEED) == {"north"}
    assert missing_days(connection, FEED, registry, datetime(2026, 3, 9, tzinfo=UTC)) == {"north": []}
    assert "chain_of_days" not in {check.name for check in checks_of(FEED)}


def test_the_same_bytes_again_are_no_load_and_a_late_day_writes_no_newer_one(
    database: Settings, connection: Connection
) -> None:
    delivery = Delivery("north", D2, {"programs": programs("a")})
    platform.load(connection, database, delivery)
    platform.build_reconciled(database)
    report = platform.load(connection, database, delivery)
    assert [file.status for file in report.files] == ["unchanged"]
    assert pending(connection) == []
    connection.commit()


def checked(connection: Connection, settings: Settings) -> dict[str, CheckResult]:
    """Run the feed's checks; the connection is left without a transaction."""
    results = run_checks(connection, FEED, load_registry(settings), datetime.now(UTC))
    connection.rollback()
    return {result.name: result for result in results}
