"""When deliveries are requested: by the org's local clock, and when a server holds what the ledger does not."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster_world import FEED, GOALS
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.contracts import load_feeds
from edreflect_assets.ingest import ingest
from edreflect_assets.orchestration.attempts import Backoff
from edreflect_assets.orchestration.instance import open_instance
from edreflect_assets.orchestration.jobs import ingest_jobs
from edreflect_assets.orchestration.late_files import changed_deliveries, late_files_sensor, rotated
from edreflect_assets.orchestration.partitions import ORGS
from edreflect_assets.orchestration.raw import PERMANENT_TAG
from edreflect_assets.orchestration.schedules import due_requests
from edreflect_assets.orgs import add_org, load_registry, pause_org
from edreflect_assets.settings import Settings
from edreflect_assets.sources.sftp import SftpSource

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)
LATE = late_files_sensor(FEED, ingest_jobs(FEED), backoff=Backoff(attempts=3, first=timedelta(0), longest=timedelta(0)))


def hours(settings: Settings, first: datetime, count: int) -> list[str]:
    """Return the run keys that so many hourly ticks request."""
    keys = []
    for hour in range(count):
        until = first + timedelta(hours=hour)
        keys += [str(r.run_key) for _, r in due_requests(FEED, settings, until - timedelta(hours=1), until)]
    return keys


@pytest.mark.parametrize("timezone", ["America/Chicago", "Asia/Kathmandu", "Pacific/Auckland", "UTC"])
def test_every_expected_day_is_requested_once_when_its_local_hour_has_come(tmp_path: Path, timezone: str) -> None:
    """A week over the clock change of the United States, weekdays only, one holiday."""
    settings = Settings(home=tmp_path)
    add_org(
        settings,
        "springfield",
        host="h",
        user="u",
        password_env="P",
        timezone=timezone,
        expect={"days": "weekdays", "fetch_at": "06:30", "holidays": ["2026-03-10"]},
    )
    keys = hours(settings, datetime(2026, 3, 5, tzinfo=UTC), 24 * 8)
    days = [date.fromisoformat(key.rpartition("/")[2]) for key in keys]
    assert len(days) == len(set(days))
    assert {date(2026, 3, 6), date(2026, 3, 9), date(2026, 3, 11)} <= set(days)
    assert date(2026, 3, 10) not in days
    assert not any(day.weekday() > 4 for day in days)


def test_paused_orgs_and_orgs_without_a_server_are_not_requested(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    add_org(settings, "local")
    add_org(settings, "asleep", host="h", user="u", password_env="P")
    pause_org(settings, "asleep")
    assert hours(settings, datetime(2026, 3, 5, tzinfo=UTC), 24) == []


def test_the_hourly_tick_requests_the_partition_of_an_org_added_a_minute_ago(
    definitions: dg.Definitions, database: Settings, tmp_path: Path
) -> None:
    add_org(database, "springfield", host="sftp.example", user="u", password_env="P", expect={"fetch_at": "06:00"})
    schedule = definitions.get_repository_def().get_schedule_def("edreflect_hourly")
    with (
        open_instance(Settings(home=tmp_path / "persistent")) as instance,
        dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=datetime(2026, 3, 5, 6, tzinfo=UTC),
            repository_def=definitions.get_repository_def(),
            resources={"settings": database},
        ) as context,
    ):
        [request] = schedule.evaluate_tick(context).run_requests or []
        assert instance.get_dynamic_partitions(str(ORGS.name)) == ["springfield"]
    assert request.tags["dagster/partition/day"] == "2026-03-05"
    assert request.tags["dagster/partition/org"] == "springfield"
    assert request.tags["edreflect/host"] == "sftp.example:22"


def tick(settings: Settings, instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    context = dg.build_sensor_context(instance=instance, cursor=cursor, resources={"settings": settings})
    result = LATE(context)
    assert isinstance(result, dg.SensorResult)
    return result


def finish(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus, **tags: str) -> None:
    """Record a run for a request, as the daemon would after launching it."""
    run = instance.create_run_for_job(_job(request), tags={**request.tags, **tags}, status=status)
    if status is dg.DagsterRunStatus.FAILURE:
        instance.report_run_failed(run)


def _job(request: dg.RunRequest) -> dg.JobDefinition:
    @dg.op
    def nothing() -> None:
        pass

    return dg.GraphDefinition(name=str(request.job_name), node_defs=[nothing]).to_job()


def test_a_new_a_loaded_and_a_redelivered_day(
    database: Settings,
    instance: dg.DagsterInstance,
    register: Callable[..., None],
    deliver: Callable[..., Path],
    record: Callable[..., int],
) -> None:
    register("springfield")
    folder = deliver("springfield", YESTERDAY)
    deliver("springfield", TODAY - timedelta(days=30))
    [request] = tick(database, instance).run_requests
    assert request.tags["edreflect/delivery"] == f"edreflect/springfield/{YESTERDAY}"

    record("springfield", YESTERDAY, bytes=len(GOALS), loaded_at=datetime.now(UTC) + timedelta(seconds=1))
    assert tick(database, instance).run_requests == []

    later = datetime.now(UTC).timestamp() + 3600
    os.utime(folder / "Goals.csv", (later, later))
    [again] = tick(database, instance).run_requests
    assert again.run_key != request.run_key


def test_a_snapshot_is_found_when_it_is_there_and_asked_for_by_no_clock(
    database: Settings,
    instance: dg.DagsterInstance,
    register: Callable[..., None],
    connection: Connection,
    served: Path,
) -> None:
    """However its files are spelt: what the ledger has of them is not new."""
    feed = load_feeds()["offboarding"]
    register("springfield", feeds=["edreflect", "offboarding"], expect={"fetch_at": "00:00"})
    now = datetime.now(UTC)
    assert due_requests(FEED, database, now - timedelta(days=1), now)
    assert due_requests(feed, database, now - timedelta(days=1), now) == []
    folder = served / "springfield" / "offboarding" / YESTERDAY.isoformat()
    folder.mkdir(parents=True)
    for name in ("USERS.csv", "eoy.classifications.csv", "goals.fooBar.csv", "payments.csv"):
        (folder / name).write_bytes(b"_id\n1\n")
        os.utime(folder / name, (now.timestamp() - 3600,) * 2)
    org = load_registry(database)["springfield"]
    [(day, listing)] = changed_deliveries(connection, feed, org, now)
    assert (day, len(listing)) == (YESTERDAY, 4)
    with SftpSource(org) as source:
        ingest(connection, database, feed, org, day, source)
    assert list(changed_deliveries(connection, feed, org, now)) == []
    (folder / "goals.fooBar.csv").rename(folder / "goals.FOOBAR.csv")
    assert list(changed_deliveries(connection, feed, org, now)) == []
    (folder / "users.roles.csv").write_bytes(b"_id\n1\n")
    assert len(list(changed_deliveries(connection, feed, org, now))) == 1


def test_a_listing_is_requested_until_a_run_succeeded_and_not_after_a_permanent_failure(
    database: Settings, instance: dg.DagsterInstance, register: Callable[..., None], deliver: Callable[..., Path]
) -> None:
    register("springfield")
    deliver("springfield", YESTERDAY)
    [first] = tick(database, instance).run_requests
    finish(instance, first, dg.DagsterRunStatus.STARTED)
    assert tick(database, instance).run_requests == []
    for run in instance.get_runs():
        instance.report_run_failed(run)
    [second] = tick(database, instance).run_requests
    assert second.run_key != first.run_key
    finish(instance, second, dg.DagsterRunStatus.FAILURE, **{PERMANENT_TAG: "true"})
    result = tick(database, instance)
    assert result.run_requests == []
    assert "failed for good" in str(result.skip_reason)
    deliver("springfield", YESTERDAY, {"Goals.csv": GOALS + b"8,more\n"})
    assert len(tick(database, instance).run_requests) == 1


def test_an_unreachable_org_is_passed_over_with_a_reason_and_the_cursor_goes_on(
    database: Settings,
    instance: dg.DagsterInstance,
    register: Callable[..., None],
    deliver: Callable[..., Path],
    closed_port: int,
) -> None:
    register("ogdenville", port=closed_port)
    register("springfield")
    deliver("springfield", YESTERDAY)
    result = tick(database, instance)
    assert [r.tags["edreflect/delivery"] for r in result.run_requests] == [f"edreflect/springfield/{YESTERDAY}"]
    assert result.cursor == "springfield"


def test_no_org_is_begun_after_the_deadline_and_the_next_tick_goes_on_where_it_ended(
    database: Settings, instance: dg.DagsterInstance, register: Callable[..., None]
) -> None:
    register("a", "b", "c")
    sensor = late_files_sensor(FEED, ingest_jobs(FEED), deadline_seconds=-1)
    result = sensor(dg.build_sensor_context(instance=instance, cursor="b", resources={"settings": database}))
    assert isinstance(result, dg.SensorResult)
    assert result.cursor == "b"
    assert [org.org_id for org in rotated(list(load_registry(database).values()), "b")] == ["c", "a", "b"]
