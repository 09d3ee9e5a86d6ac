"""The sensors over registry and ledger, and the dbt assets: level-triggered, never lost, never hot-looped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from dagster_world import FEED
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.checks import checks_of
from edreflect_assets.orchestration.attempts import Backoff
from edreflect_assets.orchestration.partitions import ORGS
from edreflect_assets.orchestration.sensors import (
    BUILD_JOB,
    pending_loads_sensor,
    registry_sensor,
    work_to_do,
)
from edreflect_assets.orgs import add_org, remove_org
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import build_session, builder_lock, pending
from edreflect_assets.warehouse.messages import safe_message

DAY = date(2026, 1, 5)
NOW_OR_NEVER = Backoff(attempts=3, first=timedelta(0), longest=timedelta(0))


@dg.op
def nothing() -> None:
    pass


BUILD = dg.GraphDefinition(name=BUILD_JOB, node_defs=[nothing]).to_job()


def tick(
    settings: Settings, instance: dg.DagsterInstance, backoff: Backoff = NOW_OR_NEVER
) -> dg.RunRequest | dg.SkipReason:
    context = dg.build_sensor_context(instance=instance, resources={"settings": settings})
    result = pending_loads_sensor(backoff)(context)
    assert isinstance(result, dg.RunRequest | dg.SkipReason)
    return result


def attempt(instance: dg.DagsterInstance, request: object) -> dg.DagsterRun:
    assert isinstance(request, dg.RunRequest), request
    return instance.create_run_for_job(BUILD, tags=dict(request.tags), status=dg.DagsterRunStatus.STARTED)


def test_nothing_is_requested_while_nothing_is_pending(database: Settings, instance: dg.DagsterInstance) -> None:
    assert isinstance(tick(database, instance), dg.SkipReason)


def test_a_load_that_lands_during_a_build_starts_the_next_one(
    database: Settings, instance: dg.DagsterInstance, connection: Connection, record: Callable[..., int]
) -> None:
    record("springfield", DAY)
    run = attempt(instance, tick(database, instance))
    during = record("springfield", date(2026, 1, 6))
    assert "is building" in str(tick(database, instance))
    _apply_all(connection, but=during)
    instance.report_run_canceled(run)
    assert isinstance(tick(database, instance), dg.RunRequest)
    _apply_all(connection)
    assert isinstance(tick(database, instance), dg.SkipReason)


def test_failing_work_is_tried_a_bounded_number_of_times_and_new_work_starts_afresh(
    database: Settings, instance: dg.DagsterInstance, record: Callable[..., int]
) -> None:
    record("springfield", DAY)
    keys = set()
    for _ in range(NOW_OR_NEVER.attempts):
        request = tick(database, instance)
        assert isinstance(request, dg.RunRequest)
        keys.add(request.run_key)
        instance.report_run_failed(attempt(instance, request))
    assert len(keys) == NOW_OR_NEVER.attempts
    assert "needs a person" in str(tick(database, instance))
    record("springfield", date(2026, 1, 6))
    assert isinstance(tick(database, instance), dg.RunRequest)


def test_the_wait_doubles_after_each_failure(
    database: Settings, instance: dg.DagsterInstance, record: Callable[..., int]
) -> None:
    record("springfield", DAY)
    slow = Backoff(first=timedelta(hours=1))
    instance.report_run_failed(attempt(instance, tick(database, instance, slow)))
    assert "the next one is due" in str(tick(database, instance, slow))
    assert [slow.wait(n) for n in (1, 2, 3, 9)] == [timedelta(hours=n) for n in (1, 2, 4, 4)]


def test_a_new_date_a_new_project_and_a_failed_build_are_work_too(connection: Connection) -> None:
    now = datetime(2026, 1, 6, 0, 5, tzinfo=UTC)
    assert work_to_do(connection, now) is None
    from edreflect_assets.warehouse import project_checksum  # noqa: PLC0415

    def build(status: str, checksum: str, today: date, pinned: bool = False) -> str:
        with connection, connection.cursor() as cursor:
            cursor.execute("update ops.clock set today = %s, pinned = %s", (today, pinned))
            cursor.execute("insert into ops.builds (status, project_checksum) values (%s, %s)", (status, checksum))
        return (work_to_do(connection, now) or ("", ""))[1]

    assert build("succeeded", project_checksum(), now.date()) == ""
    assert "made for 2026-01-05" in build("succeeded", project_checksum(), DAY)
    assert build("succeeded", project_checksum(), DAY, pinned=True) == ""
    assert "project has changed" in build("succeeded", "another", now.date())
    assert "did not succeed" in build("failed", project_checksum(), now.date())


def test_an_unreachable_database_is_a_reason_and_not_an_error(
    database: Settings, instance: dg.DagsterInstance, closed_port: int
) -> None:
    gone = Settings(home=database.home, database_url=f"postgresql://u@127.0.0.1:{closed_port}/d")
    assert "cannot be reached" in str(tick(gone, instance))


def test_the_partitions_follow_the_registry(database: Settings, instance: dg.DagsterInstance) -> None:
    sensor = registry_sensor()

    def known() -> set[str]:
        context = dg.build_sensor_context(instance=instance, resources={"settings": database})
        result = sensor(context)
        if isinstance(result, dg.SensorResult):
            for change in result.dynamic_partitions_requests or []:
                if isinstance(change, dg.AddDynamicPartitionsRequest):
                    instance.add_dynamic_partitions(change.partitions_def_name, change.partition_keys)
                else:
                    for key in change.partition_keys:
                        instance.delete_dynamic_partition(change.partitions_def_name, key)
        return set(instance.get_dynamic_partitions(str(ORGS.name)))

    assert known() == set()
    add_org(database, "springfield")
    add_org(database, "shelbyville")
    assert known() == {"springfield", "shelbyville"}
    remove_org(database, "shelbyville")
    assert known() == {"springfield"}


def test_fetch_build_and_publish_from_an_sftp_folder(
    definitions: dg.Definitions,
    database: Settings,
    connection: Connection,
    instance: dg.DagsterInstance,
    register: Callable[..., None],
    deliver: Callable[..., object],
) -> None:
    """One org-day through both jobs; a second build has nothing to do, and one beside another builder waits."""
    register("springfield")
    deliver("springfield", DAY)
    repository = definitions.get_repository_def()
    ingest = repository.get_job("ingest_edreflect")
    build = repository.get_job(BUILD_JOB)
    assert ingest.execute_in_process(instance=instance, partition_key=f"{DAY}|springfield").success
    assert pending(connection)
    connection.rollback()
    result = build.execute_in_process(instance=instance)
    assert result.success
    evaluated = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert {check.name for check in checks_of(FEED)} <= set(evaluated)
    assert not any("read more" in f"{check.description}{check.metadata}" for check in evaluated.values())
    with connection, connection.cursor() as cursor:
        cursor.execute("select goal_id, goal_title from edreflect.goals where org_id = 'springfield'")
        assert cursor.fetchall() == [("7", "read more")]
        cursor.execute("select status, error from ops.builds order by build_id desc limit 1")
        assert cursor.fetchone() == ("succeeded", None)
    assert pending(connection) == []
    # One model asked for by hand is built with its tests, and nothing else.
    goals = dg.AssetKey(["edreflect", "goals"])
    again = build.execute_in_process(instance=instance, asset_selection=[goals])
    assert again.success
    assert {event.asset_key for event in again.get_asset_materialization_events()} == {goals}
    assert isinstance(tick(database, instance), dg.SkipReason)
    # A view that stands is not run for a new day, and shows it all the same.
    deliver("springfield", DAY + timedelta(days=1))
    assert ingest.execute_in_process(instance=instance, partition_key=f"{DAY + timedelta(days=1)}|springfield").success
    later = build.execute_in_process(instance=instance)
    definitions_of = {
        event.asset_key.to_user_string(): event.materialization.metadata.get("definition")
        for event in later.get_asset_materialization_events()
        if event.asset_key
    }
    assert definitions_of["edreflect/goals"] is None
    assert "unchanged" in str(definitions_of["analytics/educator_goals"])
    assert not any(key.startswith("staging/") for key in definitions_of)
    with connection, connection.cursor() as cursor:
        cursor.execute("drop view analytics.educator_goals")
    with build_session(database) as record:
        assert record.selection is None


def _apply_all(connection: Connection, but: int | None = None) -> None:
    """Record every pending load as applied, as the models of a build do."""
    with connection, connection.cursor() as cursor:
        for model in pending(connection):
            for load_id in model.load_ids:
                if load_id != but:
                    cursor.execute("insert into ops.applied (model, load_id) values (%s, %s)", (model.model, load_id))


@pytest.mark.parametrize(
    "message",
    [
        'Database Error in model goals\n  invalid input syntax for type integer: "Marge Simpson"\n  compiled code at x',
        'Database Error\n  duplicate key value violates unique constraint "goals_key"\n  DETAIL:  Key (x)=(Marge Simpson)',
        'Database Error\n  value "Marge Simpson" is out of range for type integer\n  CONTEXT:  Marge Simpson',
    ],
)
def test_messages_of_the_database_lose_the_values_of_rows(message: str) -> None:
    assert "Marge" not in safe_message(message)
    assert "Database Error" in safe_message(message)


def test_the_builders_lock_is_what_the_assets_take(database: Settings) -> None:
    with builder_lock(database), pytest.raises(Exception, match="Another build is running"), builder_lock(database):
        pass
