"""The sample's programs on their way to an ODS, as the demo sends them: files, models, calls."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import pytest

from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.demo.cohorts import registry_entry, reported, state_ods
from edreflect_assets.demo.home import DemoHome
from edreflect_assets.edfi.client import OdsClient
from edreflect_assets.edfi.decisions import Mode
from edreflect_assets.edfi.publish import Publication, publish
from edreflect_assets.errors import ConfigurationError, EdreflectError
from edreflect_assets.fake_ods import FakeOds, Fault
from edreflect_assets.loading.load import load_delivery
from edreflect_assets.orgs import add_org, load_registry, remove_org, sync_orgs
from edreflect_assets.sample import Sample
from edreflect_assets.sample.campus.programs import NO_COHORT
from edreflect_assets.sample.tables import Export
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt
from tests.integration.edfi_world import MODELS, NO_PAUSES
from tests.integration.landed_deliveries import deliver
from tests.model.database import fresh_database

FEED = load_feeds()["infinite_campus"]
YEAR = 2027


@dataclass(frozen=True)
class World:
    """A demo's home with its sample's programs loaded and built."""

    home: DemoHome

    @property
    def settings(self) -> Settings:
        return self.home.settings

    def query(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with closing(connect(self.settings)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def newest(self) -> dict[str, Export]:
        """What each org delivered last."""
        return {delivery.org: delivery.export for delivery in self.home.sample.campus()}


@pytest.fixture(scope="module", params=[False, True], ids=["clean", "dirty"])
def world(
    request: pytest.FixtureRequest,
    postgres_server: Settings,
    template_database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    sample = Sample(orgs=2, days=4, students=120, programs=9, dirty=request.param)
    home, out = tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("sample")
    sample.generate(out)
    with fresh_database(postgres_server, template_database, home) as settings:
        world = World(DemoHome(settings, sample))
        with mock.patch.dict(os.environ), state_ods(world.home) as ods:
            for org in sample.org_names:
                add_org(settings, org, edfi=registry_entry(world.home, ods, org))
        with closing(connect(settings)) as connection:
            sync_orgs(connection, load_registry(settings))
            for org in sample.org_names:
                for day in sample.calendar:
                    folder = out / FEED.path.format(org=org, day=day)
                    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
                    landed = deliver(settings, files, org_id=org, day=day, feed=FEED.name)
                    load_delivery(connection, FEED, landed)
        report = run_dbt(settings, ["build", "--select", *MODELS.split()])
        assert not report.failures, report.failures
        yield world


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    with mock.patch.dict(os.environ):
        yield


def test_every_record_loads_and_every_value_is_of_its_type(world: World) -> None:
    assert world.query("select count(*) from ops.quarantine") == [(0,)]
    loads = world.query(
        "select count(*), count(*) filter (where status = 'current'), sum(quarantined + uncast) from ops.loads"
    )
    assert loads == [(2 * 4 * 5, 2 * 4 * 5, 0)]
    delivered = sum(len(rows) for snapshot in world.newest().values() for rows in snapshot.values())
    held = sum(world.query(f"select count(*) from infinite_campus.{table}")[0][0] for table in FEED.tables)
    assert held == delivered


def test_only_clubs_and_faults_are_not_sendable(world: World) -> None:
    reasons = Counter(
        reason
        for table in ("cohorts", "student_cohort_associations", "staff_cohort_associations")
        for (reason,) in world.query(f"select reason from edfi.{table} where reason is not null and qualifies")
    )
    too_long = "its name is longer than the 36 characters that the data standard allows"
    faults = {too_long: 2, f"its program cannot be sent: {too_long}": 2, "its program is not in programs.csv": 2}
    assert reasons == (faults if world.home.sample.dirty else {})
    clubs = world.query("select campus_key from edfi.cohorts where not qualifies")
    assert len(clubs) == 2


def test_each_ods_holds_what_the_newest_snapshot_says_each_time_the_demo_is_played(world: World) -> None:
    unsent = 3 if world.home.sample.dirty else 0
    for _ in range(2):
        with state_ods(world.home) as ods:
            _report_to(world, ods)
            _publish(world)
            found = reported(world.home, ods)
            names = {payload["cohortIdentifier"] for payload in ods.resources(YEAR, "cohorts").values()}
        assert [each.org for each in found] == list(world.home.sample.org_names)
        assert max(map(len, names)) == 36
        for each in found:
            snapshot = world.newest()[each.org]
            cohorts = {
                row["program_id"]
                for row in snapshot["programs.csv"]
                if row["program_category"] != NO_COHORT and len(row["program_name"]) <= 36
            }
            assert (each.cohorts, each.not_sendable) == (len(cohorts), unsent)
            for held, file in ((each.students, "program_participation.csv"), (each.staff, "program_staff.csv")):
                assert held == sum(row["program_id"] in cohorts for row in snapshot[file]) > 0


def test_a_call_that_fails_is_said(world: World) -> None:
    with state_ods(world.home) as ods:
        _report_to(world, ods)
        ods.fault = lambda request: Fault(status=403) if request.resource == "cohorts" else None
        assert all(publication.outcome and publication.outcome.failed for publication in _publish(world))


def _publish(world: World) -> list[Publication]:
    registry = load_registry(world.settings)
    return [publish(world.settings, registry[org], YEAR, "change") for org in world.home.sample.org_names]


def test_afterwards_a_plan_calls_nobody_and_publishing_says_that_the_key_is_gone(world: World) -> None:
    org = world.home.sample.org_names[0]
    with mock.patch.dict(os.environ), state_ods(world.home) as ods:
        _report_to(world, ods)
        _publish(world)
    entry = load_registry(world.settings)[org]
    assert publish(world.settings, entry, YEAR, "change", dry_run=True).plan.calls == 0
    with pytest.raises(ConfigurationError, match="EDREFLECT_DEMO_ODS_KEY is not set"):
        publish(world.settings, entry, YEAR, "change")


@pytest.mark.parametrize("mode", ["change", "resync"])
def test_an_ods_that_does_not_answer_is_said_once_before_anything_is_sent(world: World, mode: Mode) -> None:
    org = world.home.sample.org_names[0]
    client = partial(OdsClient, retries=NO_PAUSES, sleep=lambda _: None)
    ((runs,),) = world.query("select count(*) from edfi.runs where trouble is not null")
    with state_ods(world.home) as ods:
        _report_to(world, ods)
        ods.fault = lambda request: Fault(status=503) if request.resource == "token" else None
        entry = load_registry(world.settings)[org]
        with pytest.raises(EdreflectError, match=f"^{org}: the ODS answered 503 .*; nothing was sent"):
            publish(world.settings, entry, YEAR, mode, open_client=client)
    with pytest.raises(EdreflectError, match=f"^{org}: no connection to the ODS could be made .*; nothing was sent"):
        publish(world.settings, entry, YEAR, mode, open_client=client)
    assert world.query("select count(*) from edfi.runs where trouble is not null") == [(runs + 2,)]


def _report_to(world: World, ods: FakeOds) -> None:
    for org in world.home.sample.org_names:
        remove_org(world.settings, org)
        add_org(world.settings, org, edfi=registry_entry(world.home, ods, org))
