"""The raw asset over real SFTP: what one run reports for each of its partitions, and whom trouble does not stop."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date

import dagster as dg
import pytest
from dagster_world import FEED, GOALS
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.checks import checks_of
from edreflect_assets.orchestration.ledger_checks import ledger_checks
from edreflect_assets.orchestration.partitions import days_by_org, org_day_key
from edreflect_assets.orchestration.raw import PERMANENT_TAG, raw_asset_key, raw_assets
from edreflect_assets.orgs import Org
from edreflect_assets.settings import Settings
from edreflect_assets.sources.sftp import RetryPolicy, SftpSource

DAYS = [date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)]
KEY = raw_asset_key(FEED)


def impatient(org: Org) -> SftpSource:
    return SftpSource(org, retry=RetryPolicy(attempts=1))


def run(
    settings: Settings, instance: dg.DagsterInstance, orgs: list[str], days: list[date]
) -> dg.ExecuteInProcessResult:
    """Materialize days x orgs in one run, from the first to the last of each as their partitions are ordered."""
    return dg.materialize(
        raw_assets(FEED, retry_seconds=0, open_source=impatient)[:1],
        instance=instance,
        resources={"settings": settings},
        tags={
            "dagster/asset_partition_range_start": str(org_day_key(orgs[0], days[0])),
            "dagster/asset_partition_range_end": str(org_day_key(orgs[-1], days[-1])),
        },
        raise_on_error=False,
    )


def loaded(connection: Connection) -> set[tuple[str, date]]:
    with connection, connection.cursor() as cursor:
        cursor.execute("select org_id, day from ops.loads where status = 'current'")
        return set(cursor.fetchall())


def events(
    instance: dg.DagsterInstance, kind: dg.DagsterEventType
) -> list[dg.AssetMaterialization | dg.AssetObservation]:
    fetch = {
        dg.DagsterEventType.ASSET_MATERIALIZATION: instance.fetch_materializations,
        dg.DagsterEventType.ASSET_OBSERVATION: instance.fetch_observations,
    }[kind]
    entries = [record.event_log_entry for record in fetch(KEY, limit=100).records]
    return [event for entry in entries if (event := entry.asset_materialization or entry.asset_observation)]


def test_one_org_unreachable_and_one_refused_do_not_stop_the_third(
    database: Settings,
    connection: Connection,
    instance: dg.DagsterInstance,
    register: Callable[..., None],
    deliver: Callable[..., object],
    closed_port: int,
) -> None:
    # Neither alphabetical nor the order of the folders.
    register("springfield", "ogdenville")
    register("shelbyville", port=closed_port)
    for day in DAYS:
        deliver("springfield", day)
        deliver("ogdenville", day, {"Goals.csv": GOALS, "Ratings.csv": b"rating_id,rating_value\n1,2\n"})
    result = run(database, instance, ["springfield", "shelbyville"], DAYS)

    assert not result.success
    assert loaded(connection) == {("springfield", day) for day in DAYS}
    materialized = events(instance, dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert {event.partition for event in materialized} == {str(org_day_key("springfield", day)) for day in DAYS}
    failure = str(
        result.failure_data_for_node(KEY.path[-1]).error.cause or result.failure_data_for_node(KEY.path[-1]).error
    )
    assert "6 of 9 deliveries failed" in failure
    for org in ("ogdenville", "shelbyville"):
        assert org in failure
    assert "Ratings.csv" in failure
    assert "read more" not in failure
    # Something was transient, so what is left is tried again by the sensor.
    assert PERMANENT_TAG not in instance.get_run_by_id(result.run_id).tags


def test_a_transient_failure_is_tried_again_without_what_is_settled(
    database: Settings,
    connection: Connection,
    instance: dg.DagsterInstance,
    register: Callable[..., None],
    deliver: Callable[..., object],
    closed_port: int,
) -> None:
    register("springfield")
    register("shelbyville", port=closed_port)
    deliver("springfield", DAYS[0])
    result = run(database, instance, ["springfield", "shelbyville"], DAYS[:1])
    kinds = [event.event_type for event in result.all_events]
    assert kinds.count(dg.DagsterEventType.STEP_RESTARTED) == 2
    assert len(events(instance, dg.DagsterEventType.ASSET_MATERIALIZATION)) == 1
    assert loaded(connection) == {("springfield", DAYS[0])}


def test_a_permanent_failure_is_not_tried_again(
    database: Settings, instance: dg.DagsterInstance, register: Callable[..., None], deliver: Callable[..., object]
) -> None:
    register("springfield")
    deliver("springfield", DAYS[0], {"Ratings.csv": b""})
    result = run(database, instance, ["springfield"], DAYS[:1])
    assert not result.success
    assert dg.DagsterEventType.STEP_UP_FOR_RETRY not in {event.event_type for event in result.all_events}
    assert instance.get_run_by_id(result.run_id).tags[PERMANENT_TAG] == "true"


def test_a_day_that_is_not_there_is_information_and_not_materialized(
    database: Settings, instance: dg.DagsterInstance, register: Callable[..., None], deliver: Callable[..., object]
) -> None:
    register("springfield")
    deliver("springfield", DAYS[0])
    result = run(database, instance, ["springfield"], DAYS)
    assert result.success
    assert [e.partition for e in events(instance, dg.DagsterEventType.ASSET_MATERIALIZATION)] == [
        str(org_day_key("springfield", DAYS[0]))
    ]
    observed = events(instance, dg.DagsterEventType.ASSET_OBSERVATION)
    assert {event.partition for event in observed} == {str(org_day_key("springfield", day)) for day in DAYS[1:]}


def test_the_metadata_holds_a_row_per_file_and_the_status_of_one_partition_is_known(
    database: Settings, instance: dg.DagsterInstance, register: Callable[..., None], deliver: Callable[..., object]
) -> None:
    register("springfield")
    deliver("springfield", DAYS[0], {"Goals.csv": GOALS + b"8,\n", "Observation_Survey.csv": b"a\n1\n"})
    assert run(database, instance, ["springfield"], DAYS[:1]).success
    [event] = events(instance, dg.DagsterEventType.ASSET_MATERIALIZATION)
    files = {record.data["file"]: record.data for record in event.metadata["per_file"].value.records}
    assert files["Goals.csv"]["rows"] == 2
    assert files["Goals.csv"]["distinct_keys"] == 2
    assert files["Goals.csv"]["nulls"] == "goal_title 1"
    assert files["Observation_Survey.csv"]["status"] == "deprecated"
    assert event.metadata["dagster/partition_row_count"].value == 2
    assert instance.get_materialized_partitions(KEY) == {str(org_day_key("springfield", DAYS[0]))}


def test_checks_that_run_with_a_partition_are_evaluated(
    database: Settings, instance: dg.DagsterInstance, register: Callable[..., None], deliver: Callable[..., object]
) -> None:
    register("springfield")
    deliver("springfield", DAYS[0])
    result = dg.materialize(
        [raw_assets(FEED)[0], ledger_checks(FEED)],
        instance=instance,
        resources={"settings": database},
        partition_key=org_day_key("springfield", DAYS[0]),
    )
    assert {evaluation.check_name for evaluation in result.get_asset_check_evaluations()} == {
        check.name for check in checks_of(FEED)
    }
    assert len(events(instance, dg.DagsterEventType.ASSET_MATERIALIZATION)) == 1


def test_files_without_a_day_are_partitioned_by_org(
    database: Settings,
    connection: Connection,
    instance: dg.DagsterInstance,
    register: Callable[..., None],
    deliver: Callable[..., object],
) -> None:
    register("springfield")
    deliver("springfield", None, {"goal_ids.csv": b"old_id,new_id\n1,7\n"})
    result = dg.materialize(
        raw_assets(FEED)[1:], instance=instance, resources={"settings": database}, partition_key="springfield"
    )
    assert result.success
    assert loaded(connection) == {("springfield", None)}


@pytest.mark.parametrize("seed", range(5))
def test_keys_may_come_in_any_order(seed: int) -> None:
    keys = [org_day_key(org, day) for org in ("a", "b", "c") for day in DAYS]
    random.Random(seed).shuffle(keys)
    assert days_by_org(keys) == {"a": DAYS, "b": DAYS, "c": DAYS}
