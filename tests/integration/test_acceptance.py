"""What an acceptance tester met at the command line, kept as tests: nothing is passed over in silence."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edreflect_assets.cli.app import main
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.status import build_trouble
from edreflect_assets.warehouse import build

Edreflect = Callable[..., Result]


@pytest.fixture
def edreflect(database: Settings, monkeypatch: pytest.MonkeyPatch) -> Edreflect:
    """A function that runs ``edreflect`` with its arguments over a database of its own."""
    monkeypatch.setenv("EDREFLECT_HOME", str(database.home / "home"))
    monkeypatch.setenv("EDREFLECT_DATABASE_URL", database.database_url or "")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


def deliver(source: Path, org: str, day: str) -> None:
    folder = source / org / "export" / day
    folder.mkdir(parents=True)
    (folder / "Snapshots.csv").write_text("snapshot_id\ns1\n")


def test_a_paused_org_that_delivered_is_named(edreflect: Edreflect, tmp_path: Path) -> None:
    deliver(tmp_path / "exports", "springfield", "2026-11-02")
    edreflect("orgs", "add", "springfield")
    edreflect("orgs", "pause", "springfield")
    result = edreflect("load", "--source", tmp_path / "exports")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "springfield: paused, nothing of it was loaded; `--org springfield` loads it all the same" in result.stdout
    named = edreflect("load", "--source", tmp_path / "exports", "--org", "springfield")
    assert "paused" not in named.stdout
    assert "1 file, 1 row" in named.stdout


def test_an_org_whose_folders_are_no_days_is_named_beside_the_others(edreflect: Edreflect, tmp_path: Path) -> None:
    deliver(tmp_path / "exports", "springfield", "2026-11-02")
    deliver(tmp_path / "exports", "shelbyville", "20261102")
    for org in ("springfield", "shelbyville", "ogdenville"):
        edreflect("orgs", "add", org)
    result = edreflect("load", "--source", tmp_path / "exports")
    assert (result.exit_code, result.stderr) == (0, "")
    told = [line for line in result.stdout.splitlines() if "nothing was found" in line]
    assert told == ["shelbyville: nothing was found in shelbyville/export/{day}/, one folder per day (YYYY-MM-DD)."]
    asked = edreflect("load", "--source", tmp_path / "exports", "--org", "springfield", "--org", "ogdenville")
    assert "ogdenville: nothing was found in ogdenville/export/{day}/" in asked.stdout


def test_a_home_that_cannot_be_made_is_a_sentence(
    edreflect: Edreflect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDREFLECT_HOME", str(tmp_path / "file" / "home"))
    result = edreflect("orgs", "add", "springfield")
    assert result.exit_code == 1
    assert result.stderr == f"{tmp_path}/file/home: not a directory; check the path and who may use it.\n"


def test_ctrl_c_ends_a_build_and_is_recorded_as_that(database: Settings) -> None:
    # a test run started in the background of a shell inherits that Ctrl-C is ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    seen: list[str] = []

    def interrupt(node: str, _number: int, _total: int) -> None:
        seen.append(node)
        if len(seen) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt):
            build(database, select="stg_edreflect__goals+1", progress=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("select status, error from ops.builds")
        assert cursor.fetchall() == [("failed", "KeyboardInterrupt")]
    with closing(connect(database)) as connection:
        # its models commit one by one: what was built before Ctrl-C is published
        assert "what it did not build is as it was before it" in (build_trouble(connection) or "")


def test_a_home_without_a_registry_sets_no_org_of_a_shared_database_aside(
    edreflect: Edreflect, database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    edreflect("orgs", "add", "springfield")
    edreflect("status")
    monkeypatch.setenv("EDREFLECT_HOME", str(database.home / "elsewhere"))
    edreflect("status")
    with closing(connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("select org_id, paused from ops.orgs")
        assert cursor.fetchall() == [("springfield", False)]
