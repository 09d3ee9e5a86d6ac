"""What Dagster keeps of an org goes with it: partition, runs, events, ticks, files; what it keeps of others stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickData, TickStatus
from psycopg2 import sql

from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.errors import EdreflectError
from edreflect_assets.orchestration.instance import open_instance
from edreflect_assets.orchestration.partitions import ORGS, partition_key
from edreflect_assets.orchestration.purge import DagsterTraces, has_dagster
from edreflect_assets.orchestration.raw import raw_asset_key
from edreflect_assets.orchestration.requests import ingest_job_name
from edreflect_assets.orgs import load_registry
from edreflect_assets.purge import Purge, Subject
from edreflect_assets.settings import Settings

FEED = load_feeds()["edreflect"]
GONE, OTHER = "marigold", "tansy"
MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)
GOALS = b"goal_id,goal_title\n7,read more\n"


@pytest.fixture(params=["sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, database: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings whose Dagster keeps its state in Postgres, or in SQLite as with the embedded server."""
    monkeypatch.setenv("DAGSTER_HOME", str(database.dagster_home))
    if request.param == "postgres":
        assert database.database_url is not None
        monkeypatch.setenv("EDREFLECT_DATABASE_URL", database.database_url)
        return database
    return Settings(home=database.home)


@pytest.fixture
def filled(
    storage: Settings,
    database: Settings,
    definitions: dg.Definitions,
    register: Callable[..., None],
    deliver: Callable[..., Path],
) -> Settings:
    """An instance with runs of each org alone, one of both, a failed one, a tick and a build's check that name them."""
    register(GONE, OTHER)
    for org in (GONE, OTHER):
        for day in (MONDAY, TUESDAY):
            deliver(org, day, {"Goals.csv": GOALS})
    with open_instance(storage) as instance:
        instance.add_dynamic_partitions(str(ORGS.name), [GONE, OTHER])
        # the other's newest event is older than the gone one's
        for org in (OTHER, GONE):
            ingest(definitions, instance, org, MONDAY, MONDAY)
        ingest(definitions, instance, GONE, date(2026, 1, 9), date(2026, 1, 9))
        key = dg.AssetKey("shared")
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(asset_key=key, check_name="all_there", passed=False, description=f"{GONE} is late.")
        )
        instance.report_runless_asset_event(dg.AssetMaterialization(key, description="of nobody"))
        instance.report_runless_asset_event(dg.AssetMaterialization(key, description=f"of {GONE}"))
        instance.create_tick(
            TickData(
                instigator_origin_id="origin",
                instigator_name="edreflect_late_files",
                instigator_type=InstigatorType.SENSOR,
                status=TickStatus.SUCCESS,
                timestamp=0.0,
                run_ids=[],
                run_keys=[f"edreflect/{GONE}/2026-01-05", f"edreflect/{OTHER}/2026-01-05"],
                selector_id="selector",
            )
        )
        instance.run_storage.set_cursor_values({"cursor": f"after {GONE}"})
    return storage


def test_nothing_of_it_is_left_and_the_others_keep_theirs(filled: Settings, database: Settings) -> None:
    subject = subject_of(database)
    traces = DagsterTraces(filled)
    assert has_dagster(filled)
    counted = traces.count(subject)
    assert {"partitions", "runs", "events", "ticks", "results of checks"} <= set(counted)
    assert traces.running(subject) == []
    before = events_of_other(filled)
    assert before

    assert traces.delete(subject, rewrite=True) == []
    assert traces.count(subject) == {}
    assert events_of_other(filled) == before
    with open_instance(filled) as instance:
        assert instance.get_dynamic_partitions(str(ORGS.name)) == [OTHER]
        assert {run.tags["dagster/partition/org"] for run in instance.get_runs()} == {OTHER}
        (tick,) = instance.get_ticks("origin", "selector")
        assert tick.tick_data.run_keys == ["edreflect/(purged)/2026-01-05", f"edreflect/{OTHER}/2026-01-05"]
        newest = instance.get_latest_materialization_event(dg.AssetKey("shared"))
        assert newest is not None
        assert newest.asset_materialization is not None
        assert newest.asset_materialization.description == "of nobody"
        partitions = instance.get_materialized_partitions(raw_asset_key(FEED))
        assert partitions == {str(partition_key(OTHER, MONDAY))}
    # files that name it, and what landed, are deleted by the purge itself
    assert [held for held in holders(filled, database) if ".db" in held or not held.startswith("/")] == []
    # once more: nothing to do, nothing wrong
    assert traces.delete(subject, rewrite=True) == []


def test_a_purge_takes_dagsters_part_with_it(filled: Settings, database: Settings) -> None:
    job = Purge(database, GONE, traces=DagsterTraces(filled))
    record = job.run()
    job.end()
    assert "Dagster: partitions" in record.text
    assert holders(filled, database) == []
    assert GONE not in load_registry(database)


def test_it_does_not_begin_while_a_run_of_it_is_in_progress(
    filled: Settings, database: Settings, definitions: dg.Definitions
) -> None:
    with open_instance(filled) as instance:
        job = definitions.resolve_job_def(ingest_job_name(FEED, dayless=False))
        key = partition_key(GONE, TUESDAY)
        run = instance.create_run_for_job(job, tags={"dagster/partition": str(key)}, status=dg.DagsterRunStatus.STARTED)
        other = {"dagster/partition": str(partition_key(OTHER, TUESDAY))}
        instance.create_run_for_job(job, tags=other, status=dg.DagsterRunStatus.STARTED)
    with pytest.raises(EdreflectError, match=f"run {run.run_id}"):
        Purge(database, GONE, traces=DagsterTraces(filled)).run()
    assert GONE in load_registry(database)


def ingest(definitions: dg.Definitions, instance: dg.DagsterInstance, org: str, first: date, last: date) -> None:
    """Run the ingest job for some days of an org, as the schedule does; it may fail."""
    job = definitions.resolve_job_def(ingest_job_name(FEED, dayless=False))
    key = partition_key(org, first)
    job.execute_in_process(
        instance=instance,
        partition_key=key,
        tags={"edreflect/delivery": f"edreflect/{org}/{first}"},
        raise_on_error=False,
    )


def subject_of(settings: Settings) -> Subject:
    org = load_registry(settings)[GONE]
    return Subject(GONE, org.org_uuid, org.tenant, alone=True)


def events_of_other(settings: Settings) -> list[str]:
    with open_instance(settings) as instance:
        runs = [run for run in instance.get_runs() if run.tags.get("dagster/partition/org") == OTHER]
        return [repr(entry) for run in runs for entry in instance.all_logs(run.run_id)]


def holders(filled: Settings, database: Settings) -> list[str]:
    """Return the files below the home, SQLite's in bytes, and Dagster's tables that hold the org's name."""
    found = [
        str(path)
        for path in filled.home.rglob("*")
        if GONE in str(path.relative_to(filled.home)) or (path.is_file() and GONE.encode() in path.read_bytes())
    ]
    for path in [*filled.dagster_home.rglob("*.db"), *filled.dagster_home.rglob(".db")]:
        with closing(sqlite3.connect(path)) as connection:
            found += [f"{path}: {line}" for line in connection.iterdump() if GONE in line]
    with closing(connect(database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("select schemaname, tablename from pg_tables where schemaname = 'dagster'")
        for schema, table in cursor.fetchall():
            cursor.execute(
                sql.SQL("select t::text from {} as t where t::text like %s").format(sql.Identifier(schema, table)),
                (f"%{GONE}%",),
            )
            found += [f"{table}: {row}" for (row,) in cursor.fetchall()]
    # what the SFTP server of the test serves, and the registry as long as nobody has taken the org out of it
    apart = [str(filled.home / "served"), *([str(filled.home / "orgs.yml")] if GONE in load_registry(database) else [])]
    return [path for path in found if not path.startswith(tuple(apart))]
