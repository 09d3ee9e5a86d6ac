"""``edreflect edfi``: what a person types, sees, and finds after a run was killed."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner, Result

from edreflect_assets.cli.app import main
from edreflect_assets.fake_ods import FAKE_SECRET, Fault, RequestInfo
from tests.integration.edfi_world import ENVIRONMENT, ORG, YEAR, Campus, EdfiWorld, world_of_a_module

# In names, descriptions and ids of people: nothing that is printed or logged may hold it.
MARK = "Quimby"


shared = world_of_a_module()


@pytest.fixture
def world(shared: EdfiWorld) -> Iterator[EdfiWorld]:
    shared.empty()
    with mock.patch.dict(os.environ, environment(shared)):
        yield shared


def environment(world: EdfiWorld) -> dict[str, str]:
    assert world.settings.database_url is not None
    return {
        **ENVIRONMENT,
        "EDREFLECT_HOME": str(world.settings.home),
        "EDREFLECT_DATABASE_URL": world.settings.database_url,
    }


def district() -> Campus:
    campus = Campus()
    campus.program("1", description=MARK)
    campus.program("2", program_name="Choir")
    campus.program("3", program_name=MARK * 7)
    for number in range(20):
        campus.student(str(number), "12"[number % 2], f"{MARK}-{number}")
    return campus


def edfi(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["edfi", *arguments, "--org", ORG])


def test_a_plan_tells_calls_by_kind_and_what_is_not_sendable(world: EdfiWorld):
    world.reconcile(district())
    result = edfi("plan")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert ["cohorts", "on", "2", "0", "0"] in lines
    assert ["studentCohortAssociations", "on", "20", "0", "0"] in lines
    reason = "its name is longer than the 36 characters that the data standard allows"
    assert f"Not sent, 1 record of cohorts because {reason}: 3." in result.output
    assert world.ods.calls == []


def test_a_publication_ends_with_what_was_confirmed_and_the_next_one_sends_nothing(world: EdfiWorld):
    world.reconcile(district())
    first = edfi("publish")
    assert first.exit_code == 0, first.output
    assert f"{ORG}, {YEAR}: 22 of 22 calls made" in first.output
    assert ["cohorts", "on", "2", "0", "0", "2", "0"] in [line.split() for line in first.output.splitlines()]
    world.ods.reset_calls()
    assert edfi("publish").exit_code == 0
    assert world.ods.calls == []
    resync = edfi("resync")
    assert ["cohorts", "on", "2", "0", "0", "0", "0", "0"] in [line.split() for line in resync.output.splitlines()]
    assert world.ods.writes() == 0


def test_failed_calls_are_named_without_what_the_ods_says_of_people(world: EdfiWorld, caplog: pytest.LogCaptureFixture):
    world.reconcile(district())
    world.ods.fault = _refuses_students
    with caplog.at_level(logging.DEBUG):
        result = edfi("publish")
    assert result.exit_code == 1
    assert "20 calls failed: POST studentCohortAssociations, status 400" in result.output
    said = world.query("select distinct message from edfi.failed_calls")
    assert said == [(f"{MARK} is unknown",)]
    for hidden in (MARK, FAKE_SECRET):
        assert hidden not in result.output
        assert hidden not in caplog.text


def test_a_resync_that_would_delete_much_stops_with_a_sentence(world: EdfiWorld):
    campus = district()
    world.reconcile(campus)
    edfi("publish")
    del campus.programs["2"]
    world.reconcile(campus)
    stopped = edfi("resync")
    assert stopped.exit_code == 1
    assert "1 of 2 cohorts in the ODS would be deleted, more than 20%; nothing was sent." in stopped.output
    assert edfi("resync", "--dry-run").exit_code == 0
    assert len(world.cohorts()) == 2
    assert edfi("resync", "--yes").exit_code == 0
    assert list(world.cohorts()) == ["Band"]


def test_a_year_that_the_programs_name_no_more_is_left_as_it_is(world: EdfiWorld):
    campus = district()
    world.reconcile(campus)
    edfi("publish")
    for program_id in campus.programs:
        campus.program(program_id, school_year=YEAR + 1)
    world.reconcile(campus)
    moved = edfi("publish")
    assert f"School year {YEAR}: the newest programs name it no more." in moved.output
    assert sorted(world.cohorts()) == sorted(world.cohorts(YEAR + 1)) == ["Band", "Choir"]
    edfi("publish", "--year", str(YEAR))
    assert world.cohorts() == {}


@pytest.mark.parametrize("killed_at", [1, 2, 3, 9])
def test_a_killed_run_is_finished_by_the_next_one(world: EdfiWorld, tmp_path: Path, killed_at: int):
    world.reconcile(district())
    reached, released, asked = threading.Event(), threading.Event(), []

    def hold(request: RequestInfo) -> Fault | None:
        if request.method != "POST" or request.resource == "token":
            return None
        asked.append(request.resource)
        if len(asked) < killed_at:
            return None
        reached.set()
        return Fault(hold=released)

    world.ods.fault = hold
    command = [sys.executable, "-c", "from edreflect_assets.cli import main; main()", "edfi", "publish", "--org", ORG]
    with (
        (tmp_path / "output").open("w") as output,
        subprocess.Popen(command, env=os.environ | environment(world), stdout=output, stderr=output) as process,
    ):
        assert reached.wait(60), (tmp_path / "output").read_text()
        os.kill(process.pid, signal.SIGKILL)
    released.set()
    world.ods.fault = None
    world.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'edreflect edfi'")

    finished = edfi("publish")

    assert finished.exit_code == 0, finished.output
    assert sorted(world.cohorts()) == ["Band", "Choir"]
    assert len(world.ods.resources(YEAR, "studentCohortAssociations")) == 20
    for resource in ("cohorts", "studentCohortAssociations"):
        assert sorted(world.mapped(resource).values()) == sorted(world.ods.resources(YEAR, resource))


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("", f"{ORG} has no ODS in the org registry"),
        ("url: http://ods.example.org", "it must start with https://"),
        ('data_standard: "2.0"', "one of 3.3, 4.0, 5.0, 6.0 is expected"),
        ("secret: hunter2", "secret would keep a secret in the registry"),
    ],
)
def test_an_entry_that_cannot_be_used_is_told_without_its_values(world: EdfiWorld, entry: str, sentence: str):
    world.reconcile(district())
    text = world.settings.registry.read_text(encoding="utf-8")
    if entry:
        name = entry.split(":", maxsplit=1)[0]
        lines = [line for line in text.splitlines() if not line.strip().startswith(f"{name}:")]
        world.settings.registry.write_text("\n".join([*lines, f"      {entry}", ""]), encoding="utf-8")
    else:
        world.settings.registry.write_text(f"orgs:\n  {ORG}: {{}}\n", encoding="utf-8")
    result = edfi("publish")
    assert result.exit_code == 1
    assert sentence in result.output
    assert "hunter2" not in result.output


def _refuses_students(request: RequestInfo) -> Fault | None:
    if request.method == "POST" and request.resource == "studentCohortAssociations":
        return Fault(status=400, body={"detail": f"{MARK} is unknown"})
    return None
