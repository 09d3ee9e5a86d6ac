"""Rosters in Dagster: a delivery shows what validation found, a build what it changed and what it holds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster_world import FEED
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.orchestration.ledger_checks import ledger_checks
from edreflect_assets.orchestration.partitions import org_day_key
from edreflect_assets.orchestration.raw import raw_asset_key, raw_assets
from edreflect_assets.orchestration.rosters import sync_metadata
from edreflect_assets.orchestration.schedules import due_requests
from edreflect_assets.settings import Settings

sys.path.append(str(Path(__file__).parents[1] / "integration"))

from roster_packages import DAY, FILES, ORG, ROSTER, package


def test_a_delivery_reports_modes_and_findings(
    database: Settings,
    instance: dg.DagsterInstance,
    register: Callable[..., None],
    served: Path,
) -> None:
    register(ORG)
    folder = served / ORG / "oneroster" / DAY.isoformat()
    folder.mkdir(parents=True)
    bad = "bad,k1,s1,u2,headmaster,,,\nworse,k1,s1,u2,principal,,,\n"
    for name, content in package(enrollments=FILES["enrollments.csv"] + bad).items():
        (folder / name).write_bytes(content)
    result = dg.materialize(
        [raw_assets(ROSTER)[0], ledger_checks(ROSTER)],
        instance=instance,
        resources={"settings": database},
        partition_key=org_day_key(ORG, DAY),
    )
    (materialized,) = result.asset_materializations_for_node(raw_asset_key(ROSTER).path[0])
    metadata = materialized.metadata
    modes = {record.data["file"]: record.data["mode"] for record in metadata["per_file"].records}
    assert modes["users.csv"] == "bulk"
    assert modes["manifest.csv"] == ""
    assert metadata["errors"].value == 2
    found = [record.data for record in metadata["findings"].records if record.data["code"] == "OR307"]
    assert [(record["file"], record["column"], record["findings"]) for record in found] == [
        ("enrollments.csv", "role", 2)
    ]
    assert "headmaster" not in str(metadata)
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks["package_findings"] is False
    assert checks["packages_held"] is True


def test_a_build_shows_what_the_newest_package_of_each_org_changed(connection: Connection, database: Settings) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            create table oneroster.packages (org_id text, day date, status text, load_ids bigint[], approval_id bigint);
            create table oneroster.sync_report (
                org_id text, day date, file text, mode text, applied boolean, delivered bigint, added bigint,
                changed bigint, ended bigint, returned bigint, stayed bigint, stale bigint, rejected bigint,
                active_before bigint);
            insert into ops.load_log (feed, org_id, day, file, status)
            values ('oneroster', 'springfield', '2026-09-02', 'users.csv', 'current');
            insert into oneroster.packages values
                ('springfield', '2026-09-01', 'applied', '{}', null), ('springfield', '2026-09-02', 'held', '{1}', null);
            insert into oneroster.sync_report values
                ('springfield', '2026-09-01', 'users.csv', 'bulk', true, 60, 60, 0, 0, 0, 0, 0, 0, 0),
                ('springfield', '2026-09-02', 'users.csv', 'bulk', false, 10, 0, 0, 50, 0, 10, 0, 0, 60);
            """
        )
    metadata = sync_metadata(database)["oneroster__packages"]
    (record,) = metadata["sync_report"].records
    assert {name: record.data[name] for name in ("org", "day", "status", "file", "delivered", "ended")} == {
        "org": "springfield",
        "day": "2026-09-02",
        "status": "held",
        "file": "users.csv",
        "delivered": 10,
        "ended": 50,
    }
    assert metadata["held"] == "springfield, 2026-09-02"


def test_packages_are_asked_for_by_the_clock_where_they_are_announced(
    database: Settings, register: Callable[..., None]
) -> None:
    register("springfield")
    register("shelbyville", feeds=["oneroster"])
    after, until = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 2, tzinfo=UTC)
    assert [org for org, _ in due_requests(ROSTER, database, after, until)] == ["shelbyville"]
    assert [org for org, _ in due_requests(FEED, database, after, until)] == ["springfield"]
