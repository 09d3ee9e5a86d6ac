"""What must not go wrong between orgs, years, an ODS that answers oddly, and a database that goes away."""

from __future__ import annotations

import os
import threading
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg2
import pytest
from click.testing import CliRunner, Result

from edreflect_assets.cli.app import main
from edreflect_assets.database import connect
from edreflect_assets.edfi.client import OdsClient
from edreflect_assets.edfi.decisions import Mode
from edreflect_assets.edfi.locks import publishing
from edreflect_assets.edfi.publish import Publication, TooManyDeletions, WaitsForAPerson, publish
from edreflect_assets.edfi.standing import not_sendable, open_calls, orgs_due, troubles
from edreflect_assets.errors import ConfigurationError, EdreflectError
from edreflect_assets.fake_ods import FakeOds, Fault, RequestInfo
from edreflect_assets.loading.load import load_delivery
from edreflect_assets.orgs import load_registry, sync_orgs
from tests.integration import edfi_world as places
from tests.integration.edfi_world import (
    DISTRICT,
    ENVIRONMENT,
    FEED,
    NO_PAUSES,
    ORG,
    YEAR,
    Campus,
    EdfiWorld,
    register,
    world_of_a_module,
)
from tests.integration.landed_deliveries import deliver

OTHER = "shelbyville"


shared = world_of_a_module()


@pytest.fixture
def world(shared: EdfiWorld) -> EdfiWorld:
    shared.empty()
    shared.query("delete from ops.load_log returning 1")
    for table in FEED.tables:
        shared.query(f"delete from infinite_campus.{table} returning 1")
    return shared


def registry(world: EdfiWorld, sync: bool = True, extra: str = "", **districts: str) -> None:
    lines = ["orgs:"]
    for org, ids in districts.items():
        lines += [
            f"  {org}:",
            "    edfi:",
            f"      url: {world.ods.url}",
            '      data_standard: "5.0"',
            f"      districts: {ids}",
            "      key_env: FAKE_ODS_KEY",
            "      secret_env: FAKE_ODS_SECRET",
        ]
        if extra:
            lines.append(f"      {extra}")
    Path(world.settings.registry).write_text("\n".join(lines) + "\n")
    if sync:
        with closing(connect(world.settings)) as connection:
            sync_orgs(connection, load_registry(world.settings))


def reconcile(world: EdfiWorld, campus: Campus, org: str) -> None:
    with mock.patch.object(places, "ORG", org):
        world.reconcile(campus)


def go(world: EdfiWorld, org: str, mode: Mode = "change", year: int = YEAR, **options: Any) -> Publication:
    options.setdefault("open_client", partial(OdsClient, retries=NO_PAUSES, sleep=lambda _: None))
    with mock.patch.dict(os.environ, ENVIRONMENT):
        return publish(world.settings, load_registry(world.settings)[org], year, mode, **options)


def edfi(world: EdfiWorld, *arguments: str) -> Result:
    assert world.settings.database_url is not None
    environment = {
        **ENVIRONMENT,
        "EDREFLECT_HOME": str(world.settings.home),
        "EDREFLECT_DATABASE_URL": world.settings.database_url,
    }
    with mock.patch.dict(os.environ, environment):
        return CliRunner().invoke(main, ["edfi", *arguments, "--org", ORG])


def due(world: EdfiWorld) -> bool:
    with closing(connect(world.settings)) as connection:
        return ORG in orgs_due(connection, [ORG])


def band(**words: Any) -> Campus:
    campus = Campus()
    campus.program("1", **words)
    return campus


def test_a_district_that_moved_to_another_org_is_not_touched_by_its_former_org(world: EdfiWorld):
    registry(world, **{ORG: f"[{DISTRICT}]"})
    reconcile(world, band(), ORG)
    go(world, ORG)
    registry(world, **{ORG: "[255902]", OTHER: f"[{DISTRICT}]"})
    reconcile(world, band(), OTHER)
    go(world, OTHER)
    left = Campus()
    left.program("9", program_name="Else", district_number="255902")
    reconcile(world, left, ORG)
    go(world, ORG)
    assert "Band" in world.cohorts()


def test_one_district_does_not_belong_to_two_orgs_of_an_ods(world: EdfiWorld):
    with pytest.raises(ConfigurationError):
        registry(world, **{ORG: f"[{DISTRICT}]", OTHER: f"[{DISTRICT}]"})


@pytest.mark.parametrize("command", ["publish", "resync"])
@pytest.mark.parametrize("year", [26, 1926])
def test_a_program_with_an_odd_year_does_not_stop_the_others(world: EdfiWorld, year: int, command: str):
    campus = band()
    campus.program("2", program_name="Odd", school_year=year)
    world.reconcile(campus)
    world.ods.fault = lambda request: Fault(status=404) if request.year not in (None, YEAR) else None
    result = edfi(world, command)
    assert "Band" in world.cohorts(), result.output


def test_a_path_of_one_year_asks_for_that_year_and_takes_no_other(world: EdfiWorld):
    with pytest.raises(ConfigurationError, match="say which in year"):
        registry(world, extra="data_path: /data/v3/2026", **{ORG: f"[{DISTRICT}]"})
    registry(world, extra=f"data_path: /data/v3/2026\n      year: {YEAR}", **{ORG: f"[{DISTRICT}]"})
    campus = band()
    campus.program("2", program_name="Choir", school_year=YEAR + 1)
    reconcile(world, campus, ORG)
    assert edfi(world, "resync").exit_code == 0
    assert list(world.cohorts()) == ["Band"]
    assert "takes school year 2026 only" in edfi(world, "publish", "--year", str(YEAR + 1)).output


def test_a_guard_of_one_year_does_not_keep_the_next_year_from_being_published(world: EdfiWorld):
    campus = band()
    for number in range(2, 60):
        campus.program(str(number), program_name=f"c{number}")
    world.reconcile(campus)
    world.publish()
    campus = band(program_name="c2")
    campus.program("99", program_name="Next", school_year=YEAR + 1)
    world.reconcile(campus)
    result = edfi(world, "publish")
    assert "would be deleted" in result.output
    assert "Next" in world.cohorts(YEAR + 1)


def test_what_is_built_after_a_run_that_began_after_its_load_is_due(world: EdfiWorld):
    world.load(band())
    world.publish()
    campus = band()
    campus.program("2", program_name="Choir")
    world.day += timedelta(1)
    with closing(connect(world.settings)) as connection:
        load_delivery(
            connection, FEED, deliver(world.settings, campus.files(), org_id=ORG, day=world.day, feed=FEED.name)
        )
    world.publish()  # by hand, or a run that was queued: sees the old build
    world.build()
    assert world.publish(dry_run=True).plan.calls == 1
    assert due(world)


def test_a_year_that_the_guard_stopped_stays_due_and_is_shown(world: EdfiWorld):
    campus = band()
    for number in range(2, 60):
        campus.program(str(number), program_name=f"c{number}", school_year=YEAR + 1)
    world.load(campus)
    world.publish()
    world.publish(year=YEAR + 1)
    campus = band()
    campus.program("2", program_name="c2", school_year=YEAR + 1)
    world.load(campus)
    world.publish()
    with pytest.raises(TooManyDeletions):
        world.publish(year=YEAR + 1)
    with closing(connect(world.settings)) as connection:
        assert due(world) or troubles(connection) or open_calls(connection)


def test_a_killed_run_between_two_years_is_due(world: EdfiWorld):
    campus = band()
    campus.program("2", program_name="Choir", school_year=YEAR + 1)
    world.load(campus)
    world.publish()  # and killed before YEAR + 1
    assert due(world)


def test_a_year_that_is_no_longer_delivered_is_not_due_for_ever(world: EdfiWorld):
    world.load(band())
    world.publish()
    world.query("update edfi.runs set ended_at = null returning 1")
    world.load(band(school_year=YEAR + 1))
    assert edfi(world, "publish").exit_code == 0
    assert not due(world)


def test_each_org_is_due_by_itself(world: EdfiWorld):
    registry(world, **{ORG: f"[{DISTRICT}]", OTHER: "[255902]"})
    for org in (ORG, OTHER):
        reconcile(world, band(), org)
    with closing(connect(world.settings)) as connection:
        assert orgs_due(connection, [ORG, OTHER, "nowhere"]) == {ORG, OTHER}
        go(world, ORG)
        assert orgs_due(connection, [ORG, OTHER]) == {OTHER}
        assert orgs_due(connection, [ORG]) == set()


def test_an_org_whose_entry_is_taken_away_does_not_fail_the_check_for_ever(world: EdfiWorld):
    world.reconcile(band())
    world.ods.fault = lambda request: (
        Fault(status=400) if request.method == "POST" and request.resource == "cohorts" else None
    )
    world.publish()
    world.settings.registry.write_text(f"orgs:\n  {ORG}: {{}}\n")
    with closing(connect(world.settings)) as connection:
        sync_orgs(connection, load_registry(world.settings))
        assert open_calls(connection) == []


def test_a_renamed_program_of_a_switched_off_resource_keeps_its_students(world: EdfiWorld):
    campus = band()
    campus.student("11", "1")
    world.reconcile(campus)
    world.publish()
    campus.program("1", program_name="Orchestra")
    campus.toggles["cohorts"] = False
    world.reconcile(campus)
    world.publish()
    assert list(world.cohorts()) == ["Band"]
    assert len(world.ods.resources(YEAR, "studentCohortAssociations")) == 1


def test_a_file_that_never_came_wipes_nothing(world: EdfiWorld):
    campus = band()
    world.load(campus)
    world.publish()
    world.ods.put_directly(
        YEAR,
        "staffCohortAssociations",
        {
            "cohortReference": {"cohortIdentifier": "Band", "educationOrganizationId": DISTRICT},
            "staffReference": {"staffUniqueId": "t1"},
            "beginDate": "2026-09-01",
        },
    )
    world.query("delete from ops.load_log where file = 'program_staff.csv' returning 1")
    world.publish("resync", yes=True)
    assert len(world.ods.resources(YEAR, "staffCohortAssociations")) == 1


def test_a_district_taken_from_the_entry_is_neither_touched_nor_forgotten(world: EdfiWorld):
    registry(world, **{ORG: f"[{DISTRICT}]"})
    reconcile(world, band(), ORG)
    go(world, ORG)
    registry(world, **{ORG: "[255902]"})
    modes: tuple[Mode, Mode] = ("change", "resync")
    for mode in modes:
        done = go(world, ORG, mode, yes=True)
        assert done.plan.calls == 0
        assert "kept" in {remark.code for remark in done.plan.remarks}
    assert list(world.mapped()) == ["1"]


def test_another_address_asks_for_a_resync_first(world: EdfiWorld):
    world.reconcile(band())
    world.publish()
    with FakeOds() as another:
        register(world.settings, another)
        with pytest.raises(WaitsForAPerson, match="resync it first"):
            world.publish()
        assert world.publish("resync", yes=True).plan.calls == 1
        assert world.publish().plan.calls == 0
        assert len(another.resources(YEAR, "cohorts")) == 1


def test_the_registry_counts_and_not_its_copy(world: EdfiWorld):
    registry(world, **{ORG: f"[{DISTRICT}]"})
    reconcile(world, band(), ORG)
    registry(world, sync=False, **{ORG: "[255902]"})
    assert edfi(world, "publish").exit_code == 0
    assert world.cohorts() == {}


@pytest.mark.parametrize("verb", ["DELETE", "PUT"])
def test_a_page_with_200_confirms_nothing(world: EdfiWorld, verb: str):
    world.reconcile(band())
    world.publish()
    world.reconcile(Campus() if verb == "DELETE" else band(description="new"))
    world.ods.fault = lambda request: (
        Fault(status=200, body="<html>Maintenance</html>") if request.method == verb else None
    )
    done = world.publish()
    assert done.outcome is not None
    assert done.outcome.failed == {("cohorts", verb, 200): 1}
    assert len(world.mapped()) == 1


class Folding(OdsClient):
    """An ODS on SQL Server: keys are compared without regard to case."""

    def upsert(self, resource: str, payload: Any) -> str:
        if resource == "cohorts":
            payload = {**payload, "cohortIdentifier": payload["cohortIdentifier"].casefold()}
        return super().upsert(resource, payload)


class Merging(OdsClient):
    """An ODS to which all cohorts are one."""

    def upsert(self, resource: str, payload: Any) -> str:
        return super().upsert(resource, {**payload, "cohortIdentifier": "one"} if resource == "cohorts" else payload)


def test_names_that_differ_in_case_are_one_name(world: EdfiWorld):
    campus = band()
    campus.program("2", program_name="BAND")
    world.reconcile(campus)
    client = partial(Folding, retries=NO_PAUSES, sleep=lambda _: None)
    world.publish(open_client=client)
    assert list(world.mapped()) == ["1"]
    assert world.publish(open_client=client).plan.calls == 0


def test_a_key_that_the_ods_takes_for_another_one_is_reported(world: EdfiWorld):
    campus = band()
    campus.program("2", program_name="Other")
    world.reconcile(campus)
    client = partial(Merging, retries=NO_PAUSES, sleep=lambda _: None)
    done = world.publish(open_client=client)
    assert done.outcome is not None
    assert done.outcome.failed == {("cohorts", "POST", None): 1}
    assert len(world.mapped()) == 1


def test_no_person_is_named_when_the_map_and_the_ods_disagree(world: EdfiWorld):
    campus = band()
    campus.student("11", "1", "s1")
    campus.student("12", "1", "Quimby")
    world.reconcile(campus)
    world.publish()
    # The ODS's people got other numbers: s1 is Quimby's old number, as after a merge.
    ids = world.mapped("studentCohortAssociations")
    rename = "update edfi.identity_map set natural_key = natural_key || %s::jsonb where ods_id = %s returning 1"
    world.query(rename, '{"studentUniqueId": "old"}', ids["12"])
    world.query(rename, '{"studentUniqueId": "Quimby"}', ids["11"])
    campus.student("13", "1", "Quimby")
    del campus.students["12"], campus.students["11"]
    world.reconcile(campus)
    try:
        world.publish("resync", yes=True)
    except psycopg2.Error as error:
        pytest.fail(f"{type(error).__name__}: {error}")


def test_a_check_has_no_line_for_every_duplicate(world: EdfiWorld):
    campus = band()
    for number in range(50):
        campus.student(str(2 * number), "1", f"s{number}")
        campus.student(str(2 * number + 1), "1", f"s{number}")
    world.reconcile(campus)
    with closing(connect(world.settings)) as connection:
        found = not_sendable(connection)
    assert len(found) < 5, found[0]


def test_rows_that_the_ods_breaks_on_do_not_stop_the_rest(world: EdfiWorld):
    campus = Campus()
    for number in range(60):
        campus.program(str(number), program_name=f"{'bad' if number < 20 else 'good'} {number}")
    world.reconcile(campus)
    world.ods.fault = lambda request: (
        Fault(status=500)
        if request.method == "POST" and request.payload and "bad" in str(request.payload.get("cohortIdentifier"))
        else None
    )
    for _ in range(3):
        with suppress(EdreflectError):
            world.publish()
    assert len(world.cohorts()) == 40


def test_a_database_that_goes_away_is_told_in_a_sentence(world: EdfiWorld):
    campus = band()
    for number in range(200):
        campus.student(str(number), "1", f"s{number}")
    world.reconcile(campus)
    seen: list[RequestInfo] = []
    kill = threading.Thread(
        target=lambda: world.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'edreflect edfi'"
        )
    )

    def fault(r: RequestInfo) -> Fault:
        seen.append(r)
        if len(seen) == 20:
            kill.start()
        return Fault(delay=0.01)

    world.ods.fault = fault
    result = edfi(world, "publish")
    kill.join()
    assert result.exit_code == 1
    assert "no longer takes" in result.output, result.output[-500:]


def test_a_key_that_is_not_set_is_recorded_as_the_trouble_of_a_run(world: EdfiWorld):
    world.load(band())
    with mock.patch.dict(os.environ):
        os.environ.pop("FAKE_ODS_KEY", None)
        with pytest.raises(ConfigurationError, match="FAKE_ODS_KEY is not set"):
            publish(world.settings, world.org, YEAR, "change")
    with closing(connect(world.settings)) as connection:
        ((org, year, trouble),) = troubles(connection)
    assert (org, year) == (ORG, YEAR)
    assert "FAKE_ODS_KEY is not set" in trouble
    assert due(world)


def test_a_plan_waits_for_nobody(world: EdfiWorld):
    world.reconcile(band())
    with closing(connect(world.settings)) as other, publishing(other, ORG, world.ods.url):
        assert world.publish(dry_run=True).plan.calls == 1
