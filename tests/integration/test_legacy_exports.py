"""Exports from before the refresh, loaded and built: today's ids where a map knows them, everything that is gone queryable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.database import connect
from edreflect_assets.errors import Refused
from edreflect_assets.loading.load import DeliveryReport
from edreflect_assets.settings import Settings
from tests.integration.snapshot_world import LONG
from tests.model.database import fresh_database
from tests.model.picture import platform
from tests.model.picture.log import Delivery
from tests.model.picture.platform import fetch
from tests.properties.educator_ids import id_map

REFRESH, LATER = date(2020, 8, 1), date(2026, 3, 2)
LEGACY = {
    "Observations.csv": b"observation_group_id,observation_template_id,employee_id_learner,observation_group_status,school_year,"
    b"observation_accepted_date\n11,21,e-1,done,2019,2019-11-05T10:00:00\n12,21,e-2,open,2018,\n",
    "Observation_Feedback.csv": b"observation_group_id,feedback,feedback_date\n11,well done,2019-11-06T10:00:00\n",
    "Rubrics.csv": b"rubric_id,rubric_name,school_year_id\n11,Framework,10\n12,Other,2000\n",
    "User_Groups.csv": b"employee_id,group_id,group_name\ne-1,31,Staff\n",
    "User_Artifacts.csv": b"artifact_id,employee_id,uploaded_content_id\n41,e-1,c-1\n42,e-1,\n43,e-1,\n",
    "Observation_Survey.csv": b"Observation Group ID,Answer\n11,fine\n",
    "Aggregated_EOY_Reports_Summary.csv": b"employee_id,summary\ne-1,\n",
    "Observation_Template_Scheduling_Groups.csv": b"template_id,group_id\n21,31\n21,32\n",
}
MAPS = {
    "observation_group_ids.csv": id_map({"11": "obs-eleven"}),
    "observation_template_ids.csv": id_map({"21": "tpl-one"}),
    "rubric_ids.csv": id_map({"11": "rub-eleven"}),
    "artifact_ids.csv": id_map({"41": "art-one"}),
    "artifact_content_ids.csv": id_map({"41": "art-never", "42": "art-two"}),
    "user_group_ids.csv": id_map({}),
}


@pytest.fixture(scope="module")
def reports() -> dict[str, DeliveryReport | Refused]:
    return {}


@pytest.fixture(scope="module")
def settings(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with fresh_database(postgres_server, template_database, tmp_path_factory.mktemp("legacy")) as made:
        yield made


@pytest.fixture(scope="module")
def database(settings: Settings, reports: dict[str, DeliveryReport | Refused]) -> Iterator[Connection]:
    """``mapped`` delivered its legacy export, its maps and a day; ``plain`` a legacy export alone, with the same old ids."""
    with closing(connect(settings)) as connection:

        def load(feed: str, org: str, day: date | None, files: Mapping[str, bytes]) -> None:
            reports[f"{feed} {org} {day}"] = platform.load(connection, settings, Delivery(feed, org, day, files))

        load("legacy", "mapped", REFRESH, LEGACY)
        load("legacy", "plain", REFRESH, LEGACY)
        load("edreflect", "mapped", None, MAPS)
        load("legacy", "odd", REFRESH, {"Rubrics.csv": LEGACY["Rubrics.csv"]})
        load("edreflect", "odd", None, {"rubric_ids.csv": id_map({"11": LONG, "12": "rub-twelve"})})
        day = {"Rubrics.csv": b"rubric_id,rubric_name,school_year\nrub-eleven,Framework 2,2026\n"}
        load("edreflect", "mapped", LATER, day)
        load("edreflect", "plain", REFRESH, {"Rubrics.csv": LEGACY["Rubrics.csv"]})
        platform.apply_pending(settings, platform.EVERYTHING)
        yield connection


def _rows(database: Connection, columns: str, table: str, org: str = "mapped") -> list[tuple[Any, ...]]:
    found = fetch(database, f"select {columns} from {table} where org_id = %s order by 1, 2", org)
    return [tuple(row.values()) for row in found]


def test_everything_is_loaded_and_nothing_is_set_aside(
    database: Connection, reports: dict[str, DeliveryReport | Refused]
) -> None:
    report = reports[f"legacy mapped {REFRESH}"]
    assert isinstance(report, DeliveryReport)
    assert {file.file: file.status for file in report.files} == dict.fromkeys(LEGACY, "loaded")
    assert fetch(database, "select org_id from ops.quarantine join ops.load_log using (load_id)") == [{"org_id": "odd"}]


def test_columns_that_the_source_removed_stay_queryable_in_the_raw_tables(database: Connection) -> None:
    raw = "raw_edreflect.observations"
    assert _rows(database, "observation_group_id, observation_accepted_date", raw) == [
        ("11", "2019-11-05T10:00:00"),
        ("12", None),
    ]
    assert _rows(database, "feedback, feedback_date", "raw_edreflect.observation_feedback") == [
        ("well done", "2019-11-06T10:00:00")
    ]
    assert ("41", "c-1") in _rows(database, "artifact_id, uploaded_content_id", "raw_edreflect.user_artifacts")


def test_the_three_deprecated_files_are_kept_as_they_came(database: Connection) -> None:
    assert _rows(database, "observation_group_id, answer", "raw_legacy.observation_survey") == [("11", "fine")]
    assert _rows(database, "employee_id, summary", "raw_legacy.aggregated_eoy_reports_summary") == [("e-1", None)]
    groups = _rows(database, "group_id, template_id", "raw_legacy.observation_template_scheduling_groups")
    assert groups == [("31", "21"), ("32", "21")]


def test_ids_are_todays_where_a_map_knows_them_and_else_kept_and_named(database: Connection) -> None:
    shown = "observation_group_id, observation_template_id, _source, _day, _unmapped"
    assert _rows(database, shown, "edreflect.observations") == [
        ("12", "tpl-one", "legacy", REFRESH, ["observation_group_id"]),
        ("obs-eleven", "tpl-one", "legacy", REFRESH, []),
    ]
    assert [row[-1] for row in _rows(database, shown, "edreflect.observations", "plain")] == [
        ["observation_group_id", "observation_template_id"]
    ] * 2


def test_an_id_that_no_index_can_hold_translates_nothing(database: Connection) -> None:
    assert _rows(database, "rubric_id, _unmapped", "edreflect.rubrics", "odd") == [
        ("11", ["rubric_id"]),
        ("rub-twelve", []),
    ]
    assert fetch(database, "select line, column_name, reason from ops.quarantine") == [
        {"line": 2, "column_name": "new_id", "reason": "key is longer than 400 bytes"}
    ]


def test_groups_were_never_mapped(database: Connection) -> None:
    assert _rows(database, "group_id, group_name, _unmapped", "edreflect.user_groups") == [
        ("31", "Staff", ["group_id"])
    ]


def test_artifacts_and_their_contents_share_todays_ids(database: Connection) -> None:
    assert _rows(database, "artifact_id, _unmapped", "edreflect.user_artifacts") == [
        ("43", ["artifact_id"]),
        ("art-one", []),
        ("art-two", []),
    ]


def test_the_year_and_its_id_are_filled_from_each_other(database: Connection) -> None:
    years = _rows(database, "observation_group_id, school_year, school_year_id", "edreflect.observations", "plain")
    assert years == [("11", 2019, 10), ("12", 2018, 9)]
    assert _rows(database, "rubric_id, school_year", "edreflect.rubrics", "plain") == [("11", 2019), ("12", None)]


def test_a_daily_export_of_the_same_day_is_refused(reports: dict[str, DeliveryReport | Refused]) -> None:
    """Its rows would stand beside those of the export from before the refresh."""
    refusal = reports[f"edreflect plain {REFRESH}"]
    assert isinstance(refusal, Refused)
    assert f"this org has one as of {REFRESH}" in str(refusal)


def test_a_later_day_takes_over(database: Connection) -> None:
    shown = "rubric_id, rubric_name, _source, _day, _unmapped"
    assert _rows(database, shown, "edreflect.rubrics") == [
        ("12", "Other", "legacy", REFRESH, ["rubric_id"]),
        ("rub-eleven", "Framework 2", "daily", LATER, None),
    ]


def test_the_published_views_say_where_a_row_comes_from(database: Connection) -> None:
    shown = "observation_group_id, school_year, school_year_id, source, as_of_day"
    assert ("obs-eleven", 2019, 10, "legacy", REFRESH) in _rows(database, shown, "marts.observations")
    assert _rows(database, "observation_group_id, feedback_date::text", "marts.legacy_feedback_dates") == [
        ("obs-eleven", "2019-11-06 10:00:00")
    ]


@pytest.mark.parametrize("forgotten", ["the loads it applied", "its logic"])
def test_a_table_that_begins_anew_keeps_the_views_that_read_its_log(
    settings: Settings, database: Connection, forgotten: str
) -> None:
    shown = "select o.*, c.oid from marts.observations as o, pg_class as c where c.oid = 'marts.observations'::regclass"
    before = fetch(database, f"{shown} order by org_id, observation_group_id")
    with database, database.cursor() as cursor:
        if forgotten == "its logic":
            cursor.execute("comment on table edreflect_log.observations is 'another'")
        cursor.execute("delete from ops.applied where model = 'edreflect__observations'")

    platform.apply_pending(settings, "edreflect__observations")
    assert fetch(database, f"{shown} order by org_id, observation_group_id") == before

    platform.apply_pending(settings, "edreflect__observations+")
    assert fetch(database, f"{shown} order by org_id, observation_group_id") == before
    with database, database.cursor() as cursor:
        cursor.execute("delete from ops.applied where model = 'edreflect__observations'")
    platform.apply_pending(settings, "edreflect__observations")
    left = "select relname from pg_class where relname like 'observations\\_\\_replaced%%' and relkind = 'r'"
    assert fetch(database, left) == []
