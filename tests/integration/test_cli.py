"""The command line as a person or a script meets it: what it prints, where, and with which exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from click.testing import CliRunner, Result
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.cli.app import COMMANDS, main
from edreflect_assets.cli.errors import describe
from edreflect_assets.sample import Sample, generate
from edreflect_assets.settings import Settings
from edreflect_assets.sftp_server import SftpServer, SftpUser

Edreflect = Callable[..., Result]
HEAVY = ("dagster", "dbt", "polars", "paramiko", "asyncssh", "psycopg2", "rich", "yaml")


@pytest.fixture
def edreflect(database: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Edreflect:
    """A function that runs ``edreflect`` with its arguments in another directory than the project's."""
    monkeypatch.setenv("EDREFLECT_HOME", str(database.home / "home"))
    monkeypatch.setenv("EDREFLECT_DATABASE_URL", database.database_url or "")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    """A folder with one small clean day of two orgs."""
    folder = tmp_path / "delivered"
    generate(folder, orgs=2, days=1, educators=3, dirty=False)
    return folder


NORTH, SOUTH = Sample(orgs=2, days=1, educators=3).org_names
DAY = Sample().end_day


def ok(result: Result) -> str:
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def lines(text: str) -> list[str]:
    return text.splitlines()


def break_a_file(delivered: Path, org: str) -> None:
    """Take the key out of the header of a file, which refuses its day."""
    file = delivered / org / "export" / str(DAY) / "Goals.csv"
    header, _, rows = file.read_bytes().partition(b"\n")
    file.write_bytes(header.replace(b"goal_id", b"goal_number") + b"\n" + rows)


def test_the_overview_says_of_each_command_what_the_command_says_of_itself() -> None:
    context = main.make_context("edreflect", [], resilient_parsing=True)
    for name, (_, line) in COMMANDS.items():
        command = main.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(limit=200) == line


def test_help_is_quick_because_it_loads_no_library_that_takes_time() -> None:
    script = (
        "import sys\nfrom edreflect_assets.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        f"print('loaded', [name for name in {HEAVY} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert lines(shown)[-1] == "loaded []"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["load"],
        ["load", "--source", "missing"],
        ["load", "--source", ".", "--org", "unheard"],
        ["load", "--source", ".", "--feed", "unheard"],
        ["load", "--source", ".", "--from", "2026-10-02", "--to", "2026-10-01"],
        ["load", "--source", ".", "--from", "soon"],
        ["load", "--source", "."],
        ["run"],
        ["status", "--day", "soon"],
        ["orgs", "add", "../x", "--feed", "unheard"],
        ["orgs", "add", "x", "--path", "out"],
        ["orgs", "pause", "unheard"],
        ["orgs", "remove", "unheard"],
        ["orgs", "check", "unheard"],
        ["scope", "grant", "unheard", "*"],
        ["scope", "revoke", "unheard"],
        ["sample"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_on_stderr_and_exit_code_2(edreflect: Edreflect, arguments: list[str]) -> None:
    result = edreflect(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(lines(result.stderr)) == 1


def test_the_registry_is_never_left_wrong(edreflect: Edreflect) -> None:
    ok(edreflect("orgs", "add", NORTH))
    before = ok(edreflect("orgs", "list"))
    for wrong in (["../x"], ["x", "--timezone", "Nowhere/Atlantis"], ["x", "--host", "h"], [NORTH]):
        result = edreflect("orgs", "add", *wrong)
        assert result.exit_code in {1, 2}
        assert len(lines(result.stderr)) == 1
    assert ok(edreflect("orgs", "list")) == before


def test_db_url_prints_the_url_and_nothing_else(edreflect: Edreflect, database: Settings) -> None:
    assert ok(edreflect("db-url")) == f"{database.database_url}\n"


def test_up_and_down_leave_a_database_of_somebody_elses_alone(edreflect: Edreflect, database: Settings) -> None:
    assert "PostgreSQL" in ok(edreflect("up"))
    assert "nothing to stop" in ok(edreflect("down"))
    assert str(database.database_url) not in ok(edreflect("up"))


def test_sample_writes_what_load_takes(edreflect: Edreflect, connection: Connection) -> None:
    ok(edreflect("sample", "--out", "out", "--orgs", 1, "--days", 2, "--educators", 3, "--clean"))
    ok(edreflect("orgs", "add", NORTH))
    shown = ok(edreflect("load", "--source", "out"))
    # Rosters are a feed of their own: a full package of seven files, then the changes of the second day. So is TimeBack: all
    # but what only later days bring, then that day's. So are programs: five files each day.
    days = [(NORTH, "2026-10-15", 43 + 7 + 26 + 5), (NORTH, "2026-10-16", 43 + 3 + 12 + 5)]
    assert current(connection) == [(NORTH, None, 16), *days]
    assert "Loaded 9 deliveries" in shown
    assert "0 quarantined" in shown
    assert "160 loads pending" in shown


def test_loading_the_same_again_changes_nothing_unless_it_is_asked_for(
    edreflect: Edreflect, delivered: Path, connection: Connection
) -> None:
    for org in (NORTH, SOUTH):
        ok(edreflect("orgs", "add", org))
    ok(edreflect("load", "--source", delivered))
    first = load_ids(connection)
    assert "4 unchanged" in ok(edreflect("load", "--source", delivered))
    assert load_ids(connection) == first
    ok(edreflect("load", "--again", "--org", NORTH, "--from", DAY))
    second = load_ids(connection)
    assert {org for org, _ in first - second} == {NORTH}
    assert {org for org, _ in second - first} == {NORTH}
    assert len(second) == len(first)


def test_only_the_days_asked_for_are_loaded_and_files_without_a_day_always(
    edreflect: Edreflect, tmp_path: Path, connection: Connection
) -> None:
    generate(tmp_path / "days", orgs=1, days=4, educators=3, dirty=False)
    ok(edreflect("orgs", "add", NORTH))
    ok(edreflect("load", "--source", tmp_path / "days", "--from", "2026-10-14", "--to", "2026-10-15"))
    assert [day for _, day, _ in current(connection)] == [None, "2026-10-14", "2026-10-15"]


def test_an_org_nobody_registered_is_named_and_the_others_are_loaded(
    edreflect: Edreflect, delivered: Path, connection: Connection
) -> None:
    ok(edreflect("orgs", "add", NORTH))
    result = edreflect("load", "--source", delivered)
    assert result.exit_code == 1
    assert lines(result.stderr) == [
        f"{SOUTH}: not in the registry, nothing of it was loaded; `edreflect orgs add {SOUTH}` adds it."
    ]
    assert {org for org, _, _ in current(connection)} == {NORTH}
    ok(edreflect("orgs", "add", SOUTH))
    ok(edreflect("load", "--source", delivered))
    assert {org for org, _, _ in current(connection)} == {NORTH, SOUTH}


def test_a_refused_file_refuses_its_day_in_one_line_and_no_other_org(
    edreflect: Edreflect, delivered: Path, connection: Connection
) -> None:
    for org in (NORTH, SOUTH):
        ok(edreflect("orgs", "add", org))
    break_a_file(delivered, NORTH)
    result = edreflect("load", "--source", delivered)
    assert result.exit_code == 1
    [line] = lines(result.stderr)
    assert line.startswith(f"edreflect of {NORTH}, {DAY} refused: Goals.csv: ")
    assert current(connection) == [(NORTH, None, 16), (SOUTH, None, 16), (SOUTH, str(DAY), 43)]
    status = edreflect("status")
    assert status.exit_code == 1
    assert f"{NORTH}, edreflect: 1 refused" in status.stdout
    generate(delivered, orgs=2, days=1, educators=3, dirty=False)
    ok(edreflect("load", "--source", delivered))
    assert edreflect("status").exit_code == 0


def test_run_publishes_what_it_can_while_one_org_is_unreachable_and_one_refused(
    edreflect: Edreflect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connection: Connection
) -> None:
    served = tmp_path / "served"
    generate(served, orgs=2, days=1, educators=3, dirty=False)
    break_a_file(served, SOUTH)
    monkeypatch.setenv("DISTRICT_PASSWORD", "s3cret-of-the-district")
    with SftpServer({"export": SftpUser(served, "s3cret-of-the-district")}) as server:
        for org, port in ((NORTH, server.port), (SOUTH, server.port), ("gone", 9)):
            login = ["--user", "export", "--password-env", "DISTRICT_PASSWORD", "--host-key", server.host_key]
            ok(edreflect("orgs", "add", org, "--host", server.host, "--port", port, *login))
        make_quick(Path(os.environ["EDREFLECT_HOME"]) / "orgs.yml")
        result = edreflect("run")
    assert result.exit_code == 1
    assert len(lines(result.stderr)) == 2
    assert any(line.startswith(f"edreflect of {SOUTH}, {DAY} refused: Goals.csv") for line in lines(result.stderr))
    assert any(line.startswith("gone: the SFTP server 127.0.0.1:9") for line in lines(result.stderr))
    assert "s3cret" not in result.output
    with connection, connection.cursor() as cursor:
        cursor.execute("select distinct org_id from marts.educators")
        assert cursor.fetchall() == [(NORTH,)]
    status = edreflect("status")
    assert status.exit_code == 1
    assert [line.split()[0] for line in lines(status.stdout)[2:5]] == sorted(["gone", NORTH, SOUTH])
    assert "s3cret" not in Path(os.environ["EDREFLECT_HOME"], "orgs.yml").read_text()


def test_check_shows_an_unknown_host_key_and_trusts_it_only_once_it_is_pinned(
    edreflect: Edreflect, delivered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTRICT_PASSWORD", "right")
    with SftpServer({"export": SftpUser(delivered, "right")}) as server:
        login = ["--host", server.host, "--port", server.port, "--user", "export", "--known-hosts", "none"]
        ok(edreflect("orgs", "add", NORTH, *login, "--password-env", "DISTRICT_PASSWORD"))
        unknown = edreflect("orgs", "check", NORTH)
        assert unknown.exit_code == 1
        [line] = lines(unknown.stderr)
        assert server.fingerprint in line
        ok(edreflect("orgs", "remove", NORTH))
        pinned = ["--password-env", "DISTRICT_PASSWORD", "--host-key", server.fingerprint]
        ok(edreflect("orgs", "add", NORTH, *login, *pinned))
        shown = ok(edreflect("orgs", "check"))
    assert server.fingerprint in shown
    assert str(DAY) in shown
    assert f"{NORTH}: timeback: no deliveries found in {NORTH}/timeback/{{day}}/ of its server" in shown


def test_a_paused_org_is_left_alone_and_said_so(edreflect: Edreflect, delivered: Path, connection: Connection) -> None:
    for org in (NORTH, SOUTH):
        ok(edreflect("orgs", "add", org))
    ok(edreflect("orgs", "pause", SOUTH))
    ok(edreflect("load", "--source", delivered))
    assert {org for org, _, _ in current(connection)} == {NORTH}
    assert "paused" in ok(edreflect("orgs", "list"))
    ok(edreflect("orgs", "pause", SOUTH, "--off"))
    ok(edreflect("load", "--source", delivered))
    assert {org for org, _, _ in current(connection)} == {NORTH, SOUTH}


def test_scope_is_granted_listed_and_taken_back(edreflect: Edreflect, make_login: Callable[..., object]) -> None:
    ok(edreflect("orgs", "add", NORTH))
    role = str(make_login().role)  # type: ignore[attr-defined]
    shown = ok(edreflect("scope", "grant", role, NORTH, "--evaluation", "--default"))
    assert shown.startswith(f"{role} sees 1 organization ({NORTH})")
    assert role in ok(edreflect("scope", "list"))
    assert ok(edreflect("scope", "revoke", role)) == f"{role} sees nothing any more.\n"
    assert role not in ok(edreflect("scope", "list"))


def test_no_value_of_a_row_is_printed_not_even_with_debug(database: Settings) -> None:
    value = "MARK" + "ED"
    with closing(psycopg2.connect(database.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("create temporary table people (name text check (name = ''))")
        with pytest.raises(psycopg2.Error) as raised:
            cursor.execute("insert into people values (%s)", (value,))
    assert value in str(raised.value)
    printed = describe(raised.value, debug=True)
    assert value not in "\n".join(printed)
    assert "SQLSTATE 23514" in printed[-1]
    assert "test_no_value_of_a_row" in "\n".join(printed)


def current(connection: Connection) -> list[tuple[str, str | None, int]]:
    """Return the number of current files by org and day, files without a day first."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select org_id, day::text, count(*)::int from ops.loads where status = 'current'"
            " group by org_id, day order by array_position(%s, org_id), day nulls first",
            ([NORTH, SOUTH],),
        )
        return cursor.fetchall()


def load_ids(connection: Connection) -> set[tuple[str, int]]:
    with connection, connection.cursor() as cursor:
        cursor.execute("select org_id, load_id from ops.loads where status = 'current'")
        return set(cursor.fetchall())


def make_quick(registry: Path) -> None:
    """Do not wait to see whether the folders, just written, hold still."""
    text = registry.read_text()
    registry.write_text(text.replace("    user: export\n", "    user: export\n    stable_seconds: 0\n"))


def test_a_folder_is_loaded_as_one_day_of_one_feed_and_org(edreflect: Edreflect, tmp_path: Path) -> None:
    old = tmp_path / "whatever it is called"
    old.mkdir()
    (old / "Observations.csv").write_text("observation_group_id,school_year_id\n1,10\n", encoding="utf-8")
    ok(edreflect("orgs", "add", NORTH))
    arguments = ("load", "--feed", "legacy", "--source", old, "--org", NORTH)

    assert f"legacy of {NORTH}, 2020-08-09: 1 file, 1 row" in ok(edreflect(*arguments, "--day", "2020-08-09"))
    assert "1 unchanged" in ok(edreflect(*arguments, "--day", "2020-08-09"))
    for missing in (("--feed", "legacy"), ("--org", NORTH)):
        given = [argument for argument in (*arguments, "--day", "2020-08-09") if argument not in missing]
        refused = edreflect(*given)
        assert refused.exit_code == 2, missing
        assert "--day" in refused.stderr


def test_an_export_from_before_the_refresh_is_older_than_every_day(
    edreflect: Edreflect, delivered: Path, tmp_path: Path
) -> None:
    ok(edreflect("orgs", "add", NORTH))
    ok(edreflect("load", "--source", delivered, "--org", NORTH))
    old = tmp_path / "old"
    old.mkdir()
    (old / "Rubrics.csv").write_text("rubric_id\n1\n", encoding="utf-8")

    late = edreflect("load", "--feed", "legacy", "--source", old, "--org", NORTH, "--day", DAY)

    assert late.exit_code == 1
    assert f"which has {DAY} of this org" in late.stderr
    ok(edreflect("load", "--feed", "legacy", "--source", old, "--org", NORTH, "--day", "2020-08-09"))
