"""Snapshots of the offboarding product of every shape, loaded and built into what is current and what was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.database import connect
from edreflect_assets.errors import Refused
from edreflect_assets.loading.load import DeliveryReport
from edreflect_assets.settings import Settings
from tests.integration.snapshot_world import (
    FEED,
    FIRST,
    ODD_COLUMNS,
    SECOND,
    THIRD,
    changed_sheets,
    delivery,
    is_nested,
    minimal,
    odd_sheets,
    plausible,
    values,
)
from tests.model.database import fresh_database
from tests.model.picture import platform
from tests.model.picture.platform import counted, fetch

TABLES = [table for table in FEED.tables if table != "field_definitions"]


@dataclass
class World:
    """What was loaded and built, and what was seen on the way."""

    settings: Settings
    reports: dict[str, DeliveryReport | Refused] = field(default_factory=dict)
    versions: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    seen: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def load(self, org: str, day: Any, sheets: Any) -> DeliveryReport | Refused:
        with closing(connect(self.settings)) as connection:
            self.reports[f"{org} {day}"] = platform.load(connection, self.settings, delivery(org, day, sheets))
        return self.reports[f"{org} {day}"]

    def build(self, select: str = platform.STORED) -> None:
        """Build, and look at which version each stored row of ``leaving`` is."""
        platform.apply_pending(self.settings, select)
        with closing(connect(self.settings)) as connection:
            self.versions.append(
                {
                    table: {
                        row["at"]: row["version"]
                        for row in fetch(
                            connection,
                            "select ctid::text as at, xmin::text as version"
                            f" from offboarding_log.{table} where org_id = 'leaving'",
                        )
                    }
                    for table in TABLES
                }
            )


@pytest.fixture(scope="module")
def world(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with fresh_database(postgres_server, template_database, tmp_path_factory.mktemp("snapshots")) as settings:
        made = World(settings)
        made.load("leaving", FIRST, plausible("leaving"))
        made.load("staying", FIRST, plausible("staying", rows=3))
        made.load("odd", FIRST, odd_sheets())
        made.load(
            "deep", FIRST, minimal(rubrics__indicators__indicators__indicators__indicators__indicators=[{"_id": "r"}])
        )
        made.build(platform.EVERYTHING)
        with closing(connect(settings)) as connection:
            for table in TABLES:
                made.seen[table] = fetch(
                    connection, f"select * from offboarding.{table} where org_id in ('leaving', 'staying')"
                )
        made.load("leaving", SECOND, changed_sheets())
        incomplete = {file: rows for file, rows in plausible("leaving").items() if not file.startswith("users")}
        made.load("leaving", THIRD, incomplete)
        made.build()
        with closing(connect(settings)) as connection:
            made.seen["second"] = fetch(connection, "select * from offboarding.artifacts where org_id = 'leaving'")
        made.load("leaving", SECOND, {"artifacts.csv": changed_sheets()["artifacts.csv"][:1]})
        made.build()
        yield made


@pytest.fixture
def database(world: World) -> Iterator[Connection]:
    with closing(connect(world.settings)) as connection:
        yield connection


def rows_of_table(sheets: Any, table: str) -> list[dict[str, Any]]:
    return [row for file, rows in sheets.items() if FEED.files[file].table == table for row in values(file, rows)]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_holds_exactly_the_rows_that_were_delivered(world: World, table: str) -> None:
    """Of both orgs: they have the same ids, and each its own texts."""
    expected = []
    for org, rows in (("leaving", 2), ("staying", 3)):
        own = {"org_id": org, "_day": FIRST, "_json": None}
        expected += [own | row for row in rows_of_table(plausible(org, rows=rows), table)]
    assert counted(world.seen[table]) == counted(expected)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_types_of_the_contract(database: Connection, table: str) -> None:
    types = {"timestamp": "timestamp without time zone"}
    found = fetch(
        database,
        "select column_name, data_type from information_schema.columns where table_schema = 'offboarding' and table_name = %s",
        table,
    )
    expected = {column.name: types.get(column.data_type, column.data_type) for column in FEED.tables[table].columns}
    expected |= {"org_id": "text", "_day": "date", "_json": "jsonb"} | (
        {"level": "integer"} if is_nested(table) else {}
    )
    assert {row["column_name"]: row["data_type"] for row in found} == expected


def test_nothing_that_has_its_parents_is_an_orphan(database: Connection) -> None:
    assert fetch(database, "select * from offboarding.orphans where org_id in ('leaving', 'staying')") == []


def test_a_second_snapshot_writes_only_the_rows_that_changed(world: World) -> None:
    first, second = world.versions[:2]
    written = {
        table: (len(first[table].items() - second[table].items()), len(second[table].items() - first[table].items()))
        for table in TABLES
        if first[table] != second[table]
    }
    assert written == {"artifacts": (1, 1), "goals__questions": (1, 0), "users__grades": (0, 2)}


@pytest.mark.parametrize("table", ["artifacts", "goals__questions", "users__grades", "rubrics__indicators"])
def test_as_of_a_day_shows_the_snapshot_of_that_time(database: Connection, table: str) -> None:
    redelivered = changed_sheets()
    redelivered["artifacts.csv"] = redelivered["artifacts.csv"][:1]
    for day, sheets in ((FIRST, plausible("leaving")), (SECOND, redelivered), (THIRD, redelivered)):
        found = fetch(database, f"select * from offboarding.{table}_as_of(%s) where org_id = 'leaving'", day)
        assert counted(found, frozenset({"org_id"})) == counted(rows_of_table(sheets, table)), day


def test_an_incomplete_snapshot_does_not_become_current(world: World, database: Connection) -> None:
    found = fetch(
        database,
        "select day, is_complete, is_current, missing_groups from offboarding.deliveries where org_id = 'leaving'",
    )
    assert {row["day"]: (row["is_complete"], row["is_current"], row["missing_groups"]) for row in found} == {
        FIRST: (True, False, []),
        SECOND: (True, True, []),
        THIRD: (False, False, ["users"]),
    }
    report = world.reports[f"leaving {THIRD}"]
    assert isinstance(report, DeliveryReport)
    assert [(each["code"], each["file"]) for each in report.findings] == [("incomplete", "users.csv")]


def test_a_file_that_is_delivered_again_replaces_the_one_before(world: World, database: Connection) -> None:
    assert {row["name"] for row in world.seen["second"]} == {"renamed", "name 2 of leaving"}
    found = fetch(database, "select name, _day from offboarding.artifacts where org_id = 'leaving'")
    assert found == [{"name": "renamed", "_day": SECOND}]
    loads = fetch(
        database,
        "select status from ops.load_log where org_id = 'leaving' and day = %s and file = 'artifacts.csv' order by load_id",
        SECOND,
    )
    assert [load["status"] for load in loads] == ["superseded", "current"]
    second, third = world.versions[1:3]
    assert {table for table in TABLES if second[table] != third[table]} == {"artifacts"}


def test_indicators_of_five_levels_are_refused(world: World, database: Connection) -> None:
    refusal = world.reports[f"deep {FIRST}"]
    assert isinstance(refusal, Refused)
    assert "at most 4 levels deep" in str(refusal)
    assert fetch(database, "select 1 from ops.load_log where org_id = 'deep' and status = 'current'") == []


def test_indicators_of_four_levels_are_one_table(database: Connection) -> None:
    found = fetch(
        database,
        "select indicator_id, level, parent_indicator_id as above from offboarding.rubrics__indicators where org_id = 'odd'",
    )
    assert {(row["indicator_id"], row["level"], row["above"]) for row in found} == {
        ("top", 1, None), ("below", 2, "top"), ("lost", 2, "gone"), ("third", 3, "below"), ("fourth", 4, "third"),
    }  # fmt: skip


def test_orphans_are_counted_and_named(database: Connection) -> None:
    found = fetch(
        database, "select table_name, parent_table, orphans, sample_ids from offboarding.orphans where org_id = 'odd'"
    )
    assert {(row["table_name"], row["parent_table"], row["orphans"], *row["sample_ids"]) for row in found} == {
        ("observations__work", "observations", 2, "o2"),
        ("observations__work__steps", "observations__work", 1, "o1"),
        ("rubrics__indicators", "rubrics__indicators", 1, "r1"),
    }  # fmt: skip


def test_times_are_iso_or_milliseconds(database: Connection) -> None:
    found = fetch(database, "select _id, created_date::text as at from offboarding.users where org_id = 'odd'")
    assert {row["_id"]: row["at"] for row in found} == {
        "ada": "2026-02-01 08:01:00",
        "eve": "2026-02-01 08:01:00",
        "dan": "1967-04-07 00:00:00",
    }


def test_a_row_with_a_cell_that_does_not_fit_is_set_aside_by_line_and_column(database: Connection) -> None:
    found = fetch(
        database,
        "select line, column_name, quarantine.reason from ops.quarantine join ops.load_log using (load_id)"
        " where org_id = 'odd' and file = 'users.csv' order by line",
    )
    assert [(row["line"], row["column_name"]) for row in found] == [
        (4, "created_date"),
        (5, "is_active, created_date"),
        (7, "_id"),
        (8, "_id"),
        (9, "old_id, employee_id"),
    ]
    assert found[2]["reason"] == "key is empty"
    assert {row["reason"] for row in found[3:]} == {"key is longer than 400 bytes"}


def test_json_in_a_cell_is_kept_and_offered_parsed(database: Connection) -> None:
    found = {row["_id"]: row for row in fetch(database, "select * from offboarding.artifacts where org_id = 'odd'")}
    assert found["a1"]["name"] == '{"pages": [1, 2]}'
    assert found["a1"]["_json"] == {"name": {"pages": [1, 2]}, "type": []}
    assert found["a2"]["_json"] is None


def test_people_who_share_a_number_are_listed_and_flagged_and_stay_two(database: Connection) -> None:
    found = fetch(
        database, "select conflict, employee_ids, user_ids, sources from marts.person_conflicts where org_id = 'odd'"
    )
    assert found == [
        {
            "conflict": "employee number of several accounts", "employee_ids": ["e-1"], "user_ids": ["ada", "eve"],
            "sources": ["offboarding"],
        }
    ]  # fmt: skip
    educators = fetch(
        database,
        "select employee_id, account_count, has_identity_conflict as flag from marts.educators where org_id = 'odd'",
    )
    assert {(row["employee_id"], row["account_count"], row["flag"]) for row in educators} == {
        ("e-1", 2, True),
        ("e-4", 1, False),
    }


def test_an_unlisted_file_of_a_known_group_is_queryable_as_it_came(world: World, database: Connection) -> None:
    found = fetch(database, "select _id, badge_name, given_on from offboarding.users__badges where org_id = 'odd'")
    assert found == [{"_id": "ada", "badge_name": "gold", "given_on": "1769932860000"}]
    assert fetch(database, "select unlisted_files from offboarding.deliveries where org_id = 'odd'") == [
        {"unlisted_files": ["rubrics.indicators.hints.csv", "users.badges.csv", "users.badgesDocument.csv"]}
    ]
    report = world.reports[f"odd {FIRST}"]
    assert isinstance(report, DeliveryReport)
    assert any("users.badges.csv" in each["text"] for each in report.findings)


def test_columns_and_tables_may_be_called_like_the_platforms_own(database: Connection) -> None:
    table = FEED.match("users.badgesDocument.csv").table  # type: ignore[union-attr]
    (found,) = fetch(database, f"select * from offboarding.{table}")
    own = {"_hash", "level", "_day", "_json", "valid_from", "valid_to"}
    for column in ODD_COLUMNS:
        assert found[f"delivered_{column}" if column in own else column] == "kept"
    assert fetch(database, f"select _id, day from offboarding.{table}_as_of(%s)", THIRD) == [
        {"_id": "ada", "day": "kept"}
    ]
    hints = fetch(database, "select level, delivered_level from offboarding.rubrics__indicators__hints")
    assert hints == [{"level": 1, "delivered_level": "kept"}]
