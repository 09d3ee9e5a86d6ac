"""A snapshot is loaded by the names of its files, listed or not, and the ledger says whether it is complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from deliveries import PASSWORD
from landed_deliveries import DAY, deliver, rows
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.checks import CheckResult, checks_of, run_checks
from edreflect_assets.cli.deliveries import Loader, Selection
from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.database import connect, migrate
from edreflect_assets.errors import Refused
from edreflect_assets.gaps import expected_orgs, late_orgs, missing_days
from edreflect_assets.ingest import ingest, load_again
from edreflect_assets.loading.load import DeliveryReport, load_delivery
from edreflect_assets.loading.report import FileReport
from edreflect_assets.loading.snapshots import Completeness, snapshot_completeness
from edreflect_assets.orgs import add_org, load_registry
from edreflect_assets.settings import Settings
from edreflect_assets.sftp_server import SftpServer, SftpUser
from edreflect_assets.sources.folder import FolderSource
from edreflect_assets.sources.sftp import SftpSource
from edreflect_assets.status import status_grid
from edreflect_assets.warehouse import pending

FEED: Feed = load_feeds()["offboarding"]
ORG = "springfield"
LATER = date(2026, 3, 9)
MODEL = "offboarding__deliveries"

DOCUMENT = b"_id\nd1\n"
REQUIRED = ("artifacts", "assignments", "evidences", "groups", "observationTemplates", "observations", "ratings")
REQUIRED += ("rubrics", "snapshots", "users")
# The least that is complete: one file of each group that is not optional.
COMPLETE = {f"{group}.csv": DOCUMENT for group in REQUIRED}
DEFINITIONS = b'Field,Description\n_id,The ID of the user\nemail,"The user\'s email"\n'

Load = Callable[..., DeliveryReport]


@pytest.fixture
def load(connection: Connection, database: Settings) -> Iterator[Load]:
    """A function that loads files as one delivery of a day; afterwards no transaction may be open."""

    def run(
        files: dict[str, bytes], *, org_id: str = ORG, day: date | None = DAY, again: bool = False
    ) -> DeliveryReport:
        delivery = deliver(database, files, org_id=org_id, day=day, feed="offboarding")
        return load_delivery(connection, FEED, delivery, again=again)

    yield run
    assert connection.info.transaction_status == TRANSACTION_STATUS_IDLE


def by_file(report: DeliveryReport) -> dict[str, FileReport]:
    return {file.file: file for file in report.files}


def current(connection: Connection) -> dict[str, tuple[str, int]]:
    """Return table and rows of the current loads by file."""
    return {
        file: (table, count)
        for file, table, count in rows(
            connection, "select file, table_name, rows from ops.load_log where status = 'current' order by file"
        )
    }


def judged(connection: Connection, day: date = DAY, org_id: str = ORG) -> Completeness:
    found = snapshot_completeness(connection, FEED, org_id, day)
    connection.rollback()
    return found


# Files and tables -----------------------------------------------------------------------------------------------------


def test_a_listed_file_is_loaded_with_its_columns(load: Load, connection: Connection) -> None:
    users = b"_id,email,oldID,orgID,employeeID,isActive,createdDate\nu1,a@b.org,o1,77,e1,true,1262304000000\n"
    (file,) = load({"users.csv": users}).files
    assert (file.file, file.table, file.rows, file.status) == ("users.csv", "users", 1, "loaded")
    assert any("fname, lname, weaknesses, strengths are missing" in warning for warning in file.warnings)
    assert rows(
        connection,
        "select org_id, _load_id, _row, _line, _id, old_id, support_org_id, employee_id, created_date, fname"
        " from raw_offboarding.users",
    ) == [(ORG, file.load_id, 1, 2, "u1", "o1", "77", "e1", "1262304000000", None)]


def test_columns_nobody_listed_are_called_as_they_would_be_listed(load: Load, connection: Connection) -> None:
    (file,) = load({"users.csv": b"_id,homeSchoolID,org_id,_loadId\nu1,s1,x,y\n"}).files
    found = rows(connection, "select home_school_id, delivered_org_id, delivered__load_id from raw_offboarding.users")
    assert found == [("s1", "x", "y")]
    assert any("home_school_id" in warning for warning in file.warnings)


def test_an_unlisted_file_of_a_known_group_gets_a_table(load: Load, connection: Connection) -> None:
    report = load({"goals.posts.reactions.csv": b'_id,postId,"emoji code"\nd1,p1,"a ""b"""\nd2,,\n'})
    (file,) = report.files
    assert (file.table, file.rows, file.status) == ("goals__posts__reactions", 2, "loaded")
    assert file.warnings == ("not listed in the contract; loaded by the naming convention",)
    assert rows(connection, "select org_id, _row, _line, _id, post_id, emoji_code from raw_offboarding.goals__posts__reactions") == [
        (ORG, 1, 2, "d1", "p1", 'a "b"'),
        (ORG, 2, 3, "d2", None, None),
    ]  # fmt: skip
    assert rows(connection, "select warnings, unknown_columns from ops.load_log") == [
        ([file.warnings[0]], ["post_id", "emoji_code"])
    ]
    assert judged(connection).unlisted_files == ("goals.posts.reactions.csv",)


def test_its_table_is_made_as_migrations_make_tables(load: Load, connection: Connection) -> None:
    load({"goals.extra.csv": b"_id,a\nd1,1\n"})
    listed, made = (
        rows(
            connection,
            """
            select reloptions, array(
                select attname || ' ' || atttypid::regtype || ' ' || attnotnull from pg_attribute
                where attrelid = pg_class.oid and attnum between 1 and 4 order by attnum
            ), (select amname from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am on pg_am.oid = x.relam
                where i.indrelid = pg_class.oid)
            from pg_class where oid = %s::regclass
            """,
            f"raw_offboarding.{table}",
        )
        for table in ("goals", "goals__extra")
    )
    assert listed == made
    migrate(connection)


def test_a_later_delivery_adds_columns_to_an_unlisted_table(load: Load, connection: Connection) -> None:
    load({"goals.extra.csv": b"_id,a\nd1,1\n"})
    load({"goals.extra.csv": b"_id,b\nd1,2\n"}, day=LATER)
    assert rows(connection, "select a, b from raw_offboarding.goals__extra order by _load_id") == [
        ("1", None),
        (None, "2"),
    ]


def test_an_unlisted_file_without_the_document_id_is_refused(load: Load, connection: Connection) -> None:
    with pytest.raises(
        Refused, match=r"springfield.*2026-03-02.*goals\.extra\.csv: line 1: the header lacks the key column _id"
    ):
        load({"goals.extra.csv": b"a,b\n1,2\n", **COMPLETE})
    assert current(connection) == {}
    assert rows(connection, "select to_regclass('raw_offboarding.goals__extra')") == [(None,)]


def test_an_unlisted_file_may_have_as_many_columns_as_a_table_takes(load: Load, connection: Connection) -> None:
    header = ",".join(["_id", *(f"column{number}" for number in range(300))])
    load({"goals.wide.csv": f"{header}\n".encode()})
    columns = (
        "select count(*) from pg_attribute where attrelid = 'raw_offboarding.goals__wide'::regclass and attnum > 0"
    )
    assert rows(connection, columns) == [(4 + 301,)]
    header = ",".join(["_id", *(f"column{number}" for number in range(2000))])
    with pytest.raises(Refused, match=r"goals\.wide\.csv: the raw table raw_offboarding\.goals__wide cannot take"):
        load({"goals.wide.csv": f"{header}\n".encode()})


def test_files_of_no_group_and_other_files_are_left_aside(load: Load, connection: Connection) -> None:
    files = by_file(load({"payments.csv": b"_id\n1\n", "readme.txt": b"hello", "users.csv": DOCUMENT}))
    assert {name: file.status for name, file in files.items()} == {
        "payments.csv": "unlisted",
        "readme.txt": "unlisted",
        "users.csv": "loaded",
    }
    assert "known are artifacts, assignments, eoyClassifications," in files["payments.csv"].warnings[0]
    assert files["readme.txt"].warnings == ("only *.csv files belong to this feed",)
    assert list(current(connection)) == ["users.csv"]
    assert judged(connection).unlisted_files == ()


def test_names_match_in_any_case(load: Load, connection: Connection) -> None:
    load({"OBSERVATIONS.WORK.csv": b"_id,WORKID\nd1,w1\n", "eoy.Classifications.CSV": b"_id,snapshotid\nd1,s1\n"})
    assert current(connection) == {
        "eoyClassifications.csv": ("eoy_classifications", 1),
        "observations.work.csv": ("observations__work", 1),
    }
    assert rows(connection, "select work_id from raw_offboarding.observations__work") == [("w1",)]


def test_an_unlisted_file_in_another_case_is_the_same_file(load: Load, connection: Connection) -> None:
    """Its table keeps the name that the first one gave it, for every org."""
    load({"goals.fooBar.csv": DOCUMENT})
    (again,) = load({"GOALS.FOOBAR.CSV": DOCUMENT}).files
    assert (again.file, again.status) == ("goals.fooBar.csv", "unchanged")
    (other,) = load({"goals.foobar.csv": DOCUMENT}, org_id="shelbyville", day=LATER).files
    assert (other.file, other.table) == ("goals.fooBar.csv", "goals__foo_bar")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("users.csv", "USERS.csv"),
        ("eoyClassifications.csv", "eoy.classifications.csv"),
        ("goals.fooBar.csv", "goals.FOOBAR.csv"),
        ("goals.fooBar.csv", "goals.foo_bar.csv"),
    ],
)
def test_two_files_of_one_table_are_refused(load: Load, connection: Connection, one: str, other: str) -> None:
    with pytest.raises(Refused, match="deliver one of them"):
        load({one: DOCUMENT, other: DOCUMENT})
    assert current(connection) == {}


def test_all_levels_of_indicators_land_in_one_table(load: Load, connection: Connection) -> None:
    files = {
        f"rubrics{'.indicators' * level}.csv": f"_id,indicatorId,parentIndicatorId\nr1,i{level},i{level - 1}\n".encode()
        for level in range(1, 5)
    }
    levels = {
        f"rubrics{'.indicators' * level}.proficiencyLevels.csv": f"_id,indicatorId\nr1,i{level}\n".encode()
        for level in range(1, 5)
    }
    report = load({**files, **levels})
    assert {file.table for file in report.files} == {"rubrics__indicators", "rubrics__indicators__proficiency_levels"}
    assert not any("not listed" in warning for file in report.files for warning in file.warnings)
    depth = "(length(file) - length(replace(file, 'indicators', ''))) / length('indicators')"
    for table in ("rubrics__indicators", "rubrics__indicators__proficiency_levels"):
        found = rows(
            connection,
            f"select {depth}, indicator_id from raw_offboarding.{table} raw"
            " join ops.load_log on load_log.load_id = raw._load_id order by 1",
        )
        assert found == [(level, f"i{level}") for level in range(1, 5)]
    assert judged(connection).unlisted_files == ()


def test_a_fifth_level_refuses_the_delivery(load: Load, connection: Connection) -> None:
    deep = f"rubrics{'.Indicators' * 5}.csv"
    with pytest.raises(Refused) as refused:
        load({**COMPLETE, deep: b"_id\nr1\n"})
    assert "holds indicators 5 times, but rubrics are at most 4 levels deep" in str(refused.value)
    assert all(word in str(refused.value) for word in (ORG, "2026-03-02", f"rubrics{'.indicators' * 5}.csv"))
    assert current(connection) == {}
    assert rows(connection, "select status, table_name, bytes from ops.load_log") == [
        ("refused", "rubrics__indicators", 7)
    ]
    load(COMPLETE)
    assert len(current(connection)) == len(COMPLETE)


def test_tables_with_long_names_stay_apart(load: Load, connection: Connection) -> None:
    forms = "observationTemplates.activities.steps.forms.elements"
    load({f"{forms}.csv": DOCUMENT, f"{forms}.choices.csv": DOCUMENT, f"{forms}.choices.hints.csv": DOCUMENT})
    tables = [table for table, _ in current(connection).values()]
    assert len(set(tables)) == 3
    assert all(len(table) <= 54 for table in tables)
    for table in tables:
        assert rows(connection, f"select count(*) from raw_offboarding.{table}") == [(1,)]
        indexes = "select count(*) from pg_index where indrelid = %s::regclass"
        assert rows(connection, indexes, f"raw_offboarding.{table}") == [(1,)]


def test_what_belongs_to_nested_indicators_is_one_table_of_all_levels(load: Load, connection: Connection) -> None:
    load({"rubrics.indicators.hints.csv": DOCUMENT, "rubrics.indicators.indicators.hints.csv": DOCUMENT})
    assert set(current(connection).values()) == {("rubrics__indicators__hints", 1)}


def test_a_file_whose_table_another_of_the_day_has_become_is_refused(load: Load, connection: Connection) -> None:
    load({"goals.moreNotes.csv": DOCUMENT})
    with pytest.raises(Refused, match=r"'goals\.moreNotes\.csv', which this day has already"):
        load({"goals.more_notes.csv": DOCUMENT})
    load({"goals.more_notes.csv": DOCUMENT}, day=LATER)
    assert rows(connection, "select day, file from ops.load_log where status = 'current' order by day") == [
        (DAY, "goals.moreNotes.csv"),
        (LATER, "goals.more_notes.csv"),
    ]


# Definitions ----------------------------------------------------------------------------------------------------------


def test_definitions_are_kept_and_are_nobodys_data(load: Load, connection: Connection) -> None:
    spelt = b"\xef\xbb\xbfFIELD,description\r\npostId,The post\r\n"
    files = by_file(load({**COMPLETE, "users.csv": DEFINITIONS, "goals.posts.definitions.csv": spelt}))
    assert (files["users.csv"].table, files["users.csv"].rows) == ("field_definitions", 2)
    assert "does not count as a file of its group" in files["users.csv"].warnings[0]
    assert rows(
        connection,
        """
        select definitions.org_id, file, profile ->> 'describes', field, description
        from raw_offboarding.field_definitions as definitions
        join ops.load_log on load_log.load_id = definitions._load_id and status = 'current'
        order by file, _row
        """,
    ) == [
        (ORG, "goals.posts.definitions.csv", "goals__posts", "postId", "The post"),
        (ORG, "users.csv", "users", "_id", "The ID of the user"),
        (ORG, "users.csv", "users", "email", "The user's email"),
    ]
    assert rows(connection, "select count(*) from raw_offboarding.users") == [(0,)]
    assert judged(connection) == Completeness(("users",), judged(connection).missing_tables, ())
    # The optional group has definitions only: it was not delivered, and none of its tables is missing.
    assert not [table for table in judged(connection).missing_tables if table.startswith("goals")]


def test_data_may_follow_definitions_of_the_same_name(load: Load, connection: Connection) -> None:
    load({**COMPLETE, "users.csv": DEFINITIONS})
    assert not judged(connection).is_complete
    again = by_file(load({"users.csv": DEFINITIONS}))
    assert (again["users.csv"].status, again["users.csv"].table) == ("unchanged", "field_definitions")
    load({"users.csv": DOCUMENT})
    assert current(connection)["users.csv"] == ("users", 1)
    assert judged(connection).is_complete


def test_a_header_that_only_begins_like_definitions_is_data(load: Load) -> None:
    with pytest.raises(Refused, match="lacks the key column _id"):
        load({"users.csv": b"Field,Description,More\n1,2,3\n"})


# Whole or not ---------------------------------------------------------------------------------------------------------


def test_a_snapshot_is_complete_without_its_optional_groups(load: Load, connection: Connection) -> None:
    report = load(COMPLETE)
    found = judged(connection)
    assert found.is_complete
    assert found.unlisted_files == ()
    assert "assignments__learners" in found.missing_tables
    assert not [table for table in found.missing_tables if table.startswith(("goals", "slo", "eoy"))]
    assert {finding["code"] for finding in report.findings} == {"missing_table"}
    assert {finding["severity"] for finding in report.findings} == {"warning"}
    assert rows(connection, "select feed, org_id, day, is_complete from ops.snapshot_deliveries") == [
        ("offboarding", ORG, DAY, True)
    ]


def test_a_listed_table_that_is_absent_is_a_warning_beside_unlisted_files(load: Load) -> None:
    report = load({**COMPLETE, "assignments.people.csv": DOCUMENT, "assignments.learners.csv": DOCUMENT})
    texts = {finding["file"]: finding["text"] for finding in report.findings}
    assert texts["assignments.observers.csv"] == (
        "it did not come; unlisted files of its group are assignments.people.csv"
    )
    assert texts["evidences.goals.csv"] == "it did not come; its group has no unlisted file"
    assert "assignments.learners.csv" not in texts


def test_a_group_without_a_file_makes_a_snapshot_incomplete_and_loses_nothing(
    load: Load, connection: Connection
) -> None:
    report = load({file: data for file, data in COMPLETE.items() if file not in {"ratings.csv", "users.csv"}})
    assert judged(connection).missing_groups == ("ratings", "users")
    errors = [finding for finding in report.findings if finding["severity"] == "error"]
    assert [(finding["code"], finding["file"]) for finding in errors] == [
        ("incomplete", "ratings.csv"),
        ("incomplete", "users.csv"),
    ]
    assert "does not become the current one" in errors[0]["text"]
    assert len(current(connection)) == len(COMPLETE) - 2
    # An unlisted file is one of its group, and what comes later completes the day.
    load({"ratings.extra.csv": DOCUMENT, "users.roles.csv": DOCUMENT})
    assert judged(connection).is_complete


def test_nothing_delivered_is_nothing_complete(connection: Connection) -> None:
    assert judged(connection).missing_groups == tuple(sorted(REQUIRED))


def test_the_same_bytes_again_make_no_load(load: Load, connection: Connection) -> None:
    files = {**COMPLETE, "goals.extra.csv": DOCUMENT}
    first = load(files)
    again = load(files)
    assert {file.status for file in again.files} == {"unchanged"}
    assert again.findings == first.findings
    assert [replace(file, status="loaded") for file in again.files] == list(first.files)


def test_other_bytes_take_the_place_of_those_of_their_day(load: Load, connection: Connection) -> None:
    load({**COMPLETE, "goals.extra.csv": DOCUMENT})
    report = by_file(load({**COMPLETE, "goals.extra.csv": b"_id\nd1\nd2\n"}))
    assert {name for name, file in report.items() if file.status == "loaded"} == {"goals.extra.csv"}
    assert current(connection)["goals.extra.csv"] == ("goals__extra", 2)
    assert rows(connection, "select status, count(*) from ops.load_log group by 1 order by 1") == [
        ("current", len(COMPLETE) + 1),
        ("superseded", 1),
    ]


def test_two_loaders_may_make_the_same_table(database: Settings, connection: Connection) -> None:
    def run(org_id: str) -> str:
        delivery = deliver(database, {"goals.extra.csv": b"_id,a\nd1,1\n"}, org_id=org_id, feed="offboarding")
        with closing(connect(database)) as own:
            return load_delivery(own, FEED, delivery).files[0].status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(run, [f"org{number}" for number in range(8)])) == {"loaded"}
    assert rows(connection, "select count(*) from raw_offboarding.goals__extra") == [(8,)]


# What waits for a build -----------------------------------------------------------------------------------------------


def test_every_load_waits_for_the_one_model_until_it_is_applied(load: Load, connection: Connection) -> None:
    report = load({"users.csv": DOCUMENT, "goals.extra.csv": DOCUMENT, "groups.csv": DEFINITIONS, "x.csv": b"1\n"})
    ids = sorted(file.load_id for file in report.files if file.table)
    assert len(ids) == 3
    assert [(model.model, list(model.load_ids)) for model in pending(connection)] == [(MODEL, ids)]
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into ops.applied (model, load_id) select %s, unnest(%s)", (MODEL, ids[1:]))
    assert [model.load_ids for model in pending(connection)] == [(ids[0],)]
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into ops.applied (model, load_id) values (%s, %s)", (MODEL, ids[0]))
    assert pending(connection) == []
    connection.rollback()
    # A retired load waits, too, so that what it led to is taken back.
    (newer,) = load({"goals.extra.csv": b"_id\nd2\n"}).files
    retired = by_file(report)["goals.extra.csv"].load_id
    assert [model.load_ids for model in pending(connection)] == [(retired, newer.load_id)]
    connection.rollback()


# Checks ---------------------------------------------------------------------------------------------------------------


def checked(connection: Connection, database: Settings) -> dict[str, CheckResult]:
    results = run_checks(connection, FEED, load_registry(database), datetime.now(UTC))
    connection.rollback()
    assert [result.name for result in results] == [check.name for check in checks_of(FEED)]
    return {result.name: result for result in results}


def test_the_checks_of_a_snapshot_pass_on_an_empty_ledger(connection: Connection, database: Settings) -> None:
    results = checked(connection, database)
    assert all(result.passed for result in results.values())
    assert {"snapshots_complete", "listed_tables_present"} <= set(results)
    assert not {"chain_of_days", "freshness"} & set(results)
    assert "snapshots_complete" not in {check.name for check in checks_of(load_feeds()["edreflect"])}


def test_incomplete_snapshots_are_named_with_org_day_and_groups(
    load: Load, connection: Connection, database: Settings
) -> None:
    partial = {file: data for file, data in COMPLETE.items() if file != "ratings.csv"}
    load(partial)
    load({"users.csv": DOCUMENT}, org_id="shelbyville")
    load(COMPLETE, org_id="capital")
    failed = checked(connection, database)["snapshots_complete"]
    assert (failed.passed, failed.severity) == (False, "error")
    assert f"{ORG}, {DAY}: no file of ratings" in failed.text
    assert f"shelbyville, {DAY}: no file of artifacts, assignments," in failed.text
    assert "capital" not in failed.text
    assert "does not become the current one" in failed.text
    assert "folder of the same day" in failed.text
    # Completed in place, and made up for by a later one.
    load({"ratings.csv": DOCUMENT})
    load(COMPLETE, org_id="shelbyville", day=LATER)
    assert checked(connection, database)["snapshots_complete"].passed


def test_missing_tables_are_named_with_what_is_beside_them(
    load: Load, connection: Connection, database: Settings
) -> None:
    load({**COMPLETE, "snapshots.activities.csv": DOCUMENT, "snapshots.indexes.csv": DOCUMENT})
    failed = checked(connection, database)["listed_tables_present"]
    assert (failed.passed, failed.severity) == (False, "warn")
    assert f"{ORG}, {DAY}: snapshots.activityWorks.csv did not come beside the unlisted snapshots.activities.csv" in (
        failed.text
    )
    load(dict.fromkeys(FEED.files, DOCUMENT), day=LATER)
    assert checked(connection, database)["listed_tables_present"].passed


def test_unlisted_files_are_reported_and_every_row_is_accounted_for(
    load: Load, connection: Connection, database: Settings
) -> None:
    load({**COMPLETE, "goals.extra.csv": b"_id,a\nd1,1\n", "payments.csv": b"_id\n1\n"})
    results = checked(connection, database)
    assert f"{ORG}, {DAY}: payments.csv is unlisted" in results["files_as_documented"].text
    assert (
        f"{ORG}, {DAY}: goals.extra.csv is unlisted, loaded as raw_offboarding.goals__extra"
        in results["files_as_documented"].text
    )
    assert "goals.extra.csv" not in results["columns_as_documented"].text
    assert results["rows_balanced"].passed
    with connection, connection.cursor() as cursor:
        cursor.execute("delete from raw_offboarding.goals__extra")
    assert "goals.extra.csv" in checked(connection, database)["rows_balanced"].text


def test_nobody_waits_for_another_snapshot(load: Load, connection: Connection, database: Settings) -> None:
    add_org(database, ORG, host="h", user="u", password_env="P")
    load(COMPLETE, day=date(2026, 1, 5))
    load(COMPLETE, day=date(2026, 1, 9))
    registry, now = load_registry(database), datetime.now(UTC)
    assert missing_days(connection, FEED, registry, now) == {}
    assert late_orgs(connection, FEED, registry, now) == []
    # Nor does it end what is expected of an org that names no feeds.
    assert expected_orgs(connection, registry, load_feeds()["edreflect"]) == {ORG}
    grid = {row.feed: row for row in status_grid(connection, database)}
    connection.rollback()
    assert (grid["offboarding"].gaps, grid["offboarding"].last_day) == (0, date(2026, 1, 9))
    assert not grid["offboarding"].needs_person
    assert grid["offboarding"].pending == 2 * len(COMPLETE)


# From a source --------------------------------------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path: Path) -> Path:
    folder = tmp_path / "served" / ORG / "offboarding" / DAY.isoformat()
    folder.mkdir(parents=True)
    for name, data in {
        **COMPLETE,
        "GOALS.Extra.csv": b"_id,a\nd1,1\n",
        "eoy.classifications.csv": DOCUMENT,
        "users.definitions.csv": DEFINITIONS,
        "notes.txt": b"hello",
    }.items():
        (folder / name).write_bytes(data)
    return tmp_path / "served"


FROM_SOURCE = {
    **{file: (file.removesuffix(".csv"), 1) for file in COMPLETE if file != "observationTemplates.csv"},
    "observationTemplates.csv": ("observation_templates", 1),
    "goals.Extra.csv": ("goals__extra", 1),
    "eoyClassifications.csv": ("eoy_classifications", 1),
    "users.definitions.csv": ("field_definitions", 2),
}


def test_a_snapshot_comes_over_sftp(
    served: Path, connection: Connection, database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPRINGFIELD_PASSWORD", PASSWORD)
    with SftpServer({"spring": SftpUser(served, PASSWORD)}) as server:
        org = add_org(
            database,
            ORG,
            host=server.host,
            port=server.port,
            user="spring",
            password_env="SPRINGFIELD_PASSWORD",
            host_key=server.host_key,
            stable_seconds=0,
        )
        with SftpSource(org) as source:
            assert source.days(FEED, ORG) == [DAY]
            first = ingest(connection, database, FEED, org, DAY, source)
            again = ingest(connection, database, FEED, org, DAY, source)
    assert current(connection) == FROM_SOURCE
    assert by_file(first)["notes.txt"].status == "unlisted"
    assert {file.status for file in again.files} == {"unchanged", "unlisted"}
    assert judged(connection).is_complete


def test_the_command_line_says_what_is_not_complete(
    served: Path, connection: Connection, database: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    (served / ORG / "offboarding" / DAY.isoformat() / "ratings.csv").unlink()
    org = add_org(database, ORG)
    with FolderSource(served) as source:
        Loader(database, connection, Selection(feeds=("offboarding",))).load([(org, source)])
    connection.rollback()
    said = "".join(capsys.readouterr())
    assert f"offboarding of {ORG}, {DAY}: 12 files, 13 rows, 1 file not loaded" in said
    assert "not complete: no file of ratings" in said
    assert "edreflect report" not in said


def test_a_snapshot_comes_from_a_folder_and_is_loaded_again_from_what_landed(
    served: Path, connection: Connection, database: Settings
) -> None:
    org = add_org(database, ORG)
    with FolderSource(served) as source:
        ingest(connection, database, FEED, org, DAY, source)
    report = load_again(connection, database, FEED, org, DAY)
    assert {file.status for file in report.files} == {"loaded", "unlisted"}
    assert current(connection) == FROM_SOURCE
