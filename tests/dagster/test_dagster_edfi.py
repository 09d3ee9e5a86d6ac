"""Cohorts in a state's ODS through Dagster: by org, after the models, with a guard, checks and a schedule."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import dagster as dg
import pytest

from edreflect_assets.edfi.resources import RESOURCES
from edreflect_assets.fake_ods import Fault, RequestInfo
from edreflect_assets.orchestration.edfi import (
    CONFIRMED,
    PUBLISH_OP,
    SENDABLE,
    due_orgs,
    ods_asset_key,
    ods_assets,
    ods_checks,
    ods_schedules,
)
from edreflect_assets.orchestration.instance import open_instance
from edreflect_assets.orchestration.partitions import ORGS
from edreflect_assets.settings import Settings
from tests.integration.edfi_world import DISTRICT, ENVIRONMENT, ORG, Campus, EdfiWorld, world_of_a_module

NOW = datetime(2026, 9, 2, 6, 15, tzinfo=UTC)


shared = world_of_a_module()


@pytest.fixture
def world(shared: EdfiWorld) -> Iterator[EdfiWorld]:
    shared.empty()
    shared.query("delete from ops.load_log returning 1")
    with mock.patch.dict(os.environ, ENVIRONMENT):
        yield shared


def two_programs() -> Campus:
    campus = Campus()
    campus.program("1")
    campus.program("2", program_name="Choir")
    campus.student("11", "1")
    return campus


def _refused(request: RequestInfo) -> Fault | None:
    refused = request.method == "POST" and request.resource != "token"
    return Fault(status=400, body={"message": "Maggie"}) if refused else None


def run(world: EdfiWorld, instance: dg.DagsterInstance, **config: Any) -> dg.ExecuteInProcessResult:
    instance.add_dynamic_partitions(str(ORGS.name), [ORG])
    return dg.materialize(
        [ods_assets()],
        partition_key=ORG,
        instance=instance,
        resources={"settings": world.settings},
        run_config={"ops": {PUBLISH_OP: {"config": config}}},
        raise_on_error=False,
    )


def checked(world: EdfiWorld, instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    job = dg.Definitions(
        assets=[ods_assets()],
        asset_checks=[ods_checks()],
        jobs=[dg.define_asset_job("check", selection=dg.AssetSelection.checks_for_assets(ods_asset_key(RESOURCES[0])))],
        resources={"settings": world.settings},
    ).resolve_job_def("check")
    result = job.execute_in_process(instance=instance)
    return {each.check_name: each for each in result.get_asset_check_evaluations()}


def test_an_org_is_published_and_its_figures_are_shown(world: EdfiWorld, instance: dg.DagsterInstance):
    world.load(two_programs())
    result = run(world, instance)
    assert result.success
    assert sorted(world.cohorts()) == ["Band", "Choir"]
    events = {event.asset_key: event.materialization for event in result.get_asset_materialization_events()}
    assert set(events) == {ods_asset_key(resource) for resource in RESOURCES}
    cohorts = events[ods_asset_key(RESOURCES[0])]
    assert (cohorts.partition, cohorts.metadata["POST"].value, cohorts.metadata["failed"].value) == (ORG, 2, 0)


def test_the_registry_counts_and_not_its_copy(world: EdfiWorld, instance: dg.DagsterInstance):
    world.reconcile(two_programs())
    text = world.settings.registry.read_text(encoding="utf-8")
    world.settings.registry.write_text(text.replace(str(DISTRICT), str(DISTRICT + 1)), encoding="utf-8")
    assert run(world, instance).success
    assert world.cohorts() == {}
    assert world.query("select settings -> 'edfi' -> 'districts' from ops.orgs") == [([DISTRICT + 1],)]


def test_a_resync_that_would_delete_much_asks_first(world: EdfiWorld, instance: dg.DagsterInstance):
    campus = two_programs()
    world.load(campus)
    assert run(world, instance).success
    del campus.programs["2"]
    world.load(campus)

    stopped = run(world, instance, resync=True)

    assert not stopped.success
    (failure,) = stopped.get_step_failure_events()
    assert "1 of 2 cohorts" in str(failure.event_specific_data)
    assert sorted(world.cohorts()) == ["Band", "Choir"]
    assert run(world, instance, resync=True, yes=True).success
    assert list(world.cohorts()) == ["Band"]


def test_what_failed_or_cannot_be_sent_is_shown_by_checks_that_name_the_org(
    world: EdfiWorld, instance: dg.DagsterInstance
):
    campus = two_programs()
    campus.program("3", program_name="Maggie Simpson's " * 3)
    world.load(campus)
    world.ods.fault = _refused
    assert run(world, instance).success

    checks = checked(world, instance)

    assert not checks[CONFIRMED].passed
    assert f"{ORG}, 2026: 2 POST of cohorts failed (status 400)." in str(checks[CONFIRMED].description)
    assert not checks[SENDABLE].passed
    assert f"{ORG}: 1 of cohorts are not sent, its name is longer than the 36 characters" in str(
        checks[SENDABLE].description
    )
    assert "Maggie" not in str(checks)

    world.ods.fault = None
    del campus.programs["3"]
    world.load(campus)
    assert run(world, instance).success
    assert all(check.passed for check in checked(world, instance).values())


def test_the_schedule_asks_for_an_org_once_something_is_built(world: EdfiWorld, tmp_path: Path):
    (hourly, _) = ods_schedules()
    with open_instance(Settings(home=tmp_path)) as instance:

        def tick() -> Any:
            with dg.build_schedule_context(
                instance=instance, scheduled_execution_time=NOW, resources={"settings": world.settings}
            ) as context:
                return hourly(context)

        _ticks(world, instance, tick)


def _ticks(world: EdfiWorld, instance: dg.DagsterInstance, tick: Callable[[], Any]) -> None:

    assert isinstance(tick(), dg.SkipReason)
    world.load(two_programs())
    (request,) = tick()
    assert (request.partition_key, request.run_key) == (ORG, f"{ORG}/2026-09-02T06")
    assert run(world, instance).success
    assert isinstance(tick(), dg.SkipReason)
    world.query("update edfi.runs set ended_at = null returning 1")
    assert due_orgs(world.settings) == [ORG]


def test_an_org_without_an_ods_is_told_so(world: EdfiWorld, instance: dg.DagsterInstance):
    world.load(two_programs())
    world.settings.registry.write_text(f"orgs:\n  {ORG}: {{}}\n", encoding="utf-8")
    result = run(world, instance)
    (failure,) = result.get_step_failure_events()
    assert f"{ORG} has no ODS in the org registry" in str(failure.event_specific_data)
    assert due_orgs(world.settings) == []
