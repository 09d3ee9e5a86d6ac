"""From a source through the landing area into the raw log, with a real Postgres."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from deliveries import DAY, FILES, ORG, PASSWORD, deliver, feed, landed_files
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.database import connect
from edreflect_assets.errors import ConfigurationError, FetchError, Refused, UsageError
from edreflect_assets.ingest import ingest, load_again
from edreflect_assets.orgs import Org, add_org, load_registry, pause_org, remove_org, sync_orgs
from edreflect_assets.settings import Settings
from edreflect_assets.sftp_server import SftpServer, SftpUser
from edreflect_assets.sources import fetching
from edreflect_assets.sources.folder import FolderSource
from edreflect_assets.sources.sftp import RetryPolicy, SftpSource

REFUSED = {**FILES, "Goals.csv": b"goal_title\nno key\n"}


@pytest.fixture
def org(database: Settings) -> Org:
    return add_org(database, ORG)


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    deliver(tmp_path / "exports")
    return tmp_path / "exports"


def ledger(connection: Connection) -> list[tuple[str, str, int]]:
    with connection, connection.cursor() as cursor:
        cursor.execute("select file, status, rows from ops.load_log order by load_id")
        return cursor.fetchall()


def current(connection: Connection) -> dict[str, int]:
    return {file: rows for file, status, rows in ledger(connection) if status == "current"}


ALL_CURRENT = {"Goals.csv": 1, "Observation_Modified.csv": 1, "Observations.csv": 1}


def test_a_delivery_is_landed_and_loaded(connection: Connection, database: Settings, org: Org, exports: Path) -> None:
    with FolderSource(exports) as source:
        report = ingest(connection, database, feed(), org, DAY, source, run_id="run 1")
    assert [(file.file, file.status, file.rows) for file in report.files] == [
        (file, "loaded", rows) for file, rows in ALL_CURRENT.items()
    ]
    assert current(connection) == ALL_CURRENT
    assert landed_files(database.home) == sorted(FILES)


def test_the_same_delivery_again_makes_no_load(
    connection: Connection, database: Settings, org: Org, exports: Path
) -> None:
    source = FolderSource(exports)
    ingest(connection, database, feed(), org, DAY, source)
    report = ingest(connection, database, feed(), org, DAY, source)
    assert {file.status for file in report.files} == {"unchanged"}
    assert len(ledger(connection)) == 3
    ingest(connection, database, feed(), org, DAY, source, again=True)
    assert len(ledger(connection)) == 6
    assert current(connection) == ALL_CURRENT


def test_a_refused_day_keeps_its_bytes_and_changes_nothing(
    connection: Connection, database: Settings, org: Org, exports: Path
) -> None:
    source = FolderSource(exports)
    ingest(connection, database, feed(), org, DAY, source)
    deliver(exports, {**REFUSED, "Observations.csv": b"observation_group_id\n1\n2\n"})
    with pytest.raises(Refused, match=r"Goals\.csv"):
        ingest(connection, database, feed(), org, DAY, source)
    assert current(connection) == ALL_CURRENT
    assert ("Goals.csv", "refused", 0) in ledger(connection)
    assert landed_files(database.home).count("Goals.csv") == 2


def test_what_was_delivered_last_is_loaded_again_without_its_source(
    connection: Connection, database: Settings, org: Org, exports: Path
) -> None:
    source = FolderSource(exports)
    ingest(connection, database, feed(), org, DAY, source)
    (exports / ORG / "export" / DAY.isoformat() / "Observations.csv").unlink()
    deliver(exports, {"Goals.csv": b"goal_id\n7\n8\n"})
    ingest(connection, database, feed(), org, DAY, source)
    report = load_again(connection, database, feed(), org, DAY, run_id="again")
    assert {file.file: (file.status, file.rows) for file in report.files} == {
        "Goals.csv": ("loaded", 2),
        "Observation_Modified.csv": ("loaded", 1),
        "Observations.csv": ("loaded", 1),
    }
    assert current(connection) == {**ALL_CURRENT, "Goals.csv": 2}


def test_a_refused_day_can_be_tried_again_from_what_landed(
    connection: Connection, database: Settings, org: Org, exports: Path
) -> None:
    bad_lines = b"goal_id,goal_title\n7,ok\n8,too,many,fields\n"
    deliver(exports, {"Goals.csv": bad_lines})
    with pytest.raises(Refused):
        ingest(connection, database, feed(), org, DAY, FolderSource(exports))
    assert current(connection) == {}
    lenient = replace(org, max_rejected_share=0.9)
    report = load_again(connection, database, feed(), lenient, DAY)
    assert {file.file: file.quarantined for file in report.files}["Goals.csv"] == 1
    assert current(connection) == ALL_CURRENT


def test_nothing_to_load_again_is_said_so(connection: Connection, database: Settings, org: Org) -> None:
    with pytest.raises(UsageError, match=ORG):
        load_again(connection, database, feed(), org, DAY)


def test_a_fetch_that_fails_loads_nothing(connection: Connection, database: Settings, org: Org, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FetchError):
        ingest(connection, database, feed(), org, DAY, FolderSource(tmp_path / "empty"))
    assert ledger(connection) == []


def test_two_spellings_of_one_file_are_refused_and_recorded(
    connection: Connection, database: Settings, org: Org, exports: Path
) -> None:
    deliver(exports, {"goals.csv": b"goal_id\n9\n"})
    with pytest.raises(Refused, match=r"Goals\.csv"):
        ingest(connection, database, feed(), org, DAY, FolderSource(exports))
    assert [status for _, status, _ in ledger(connection)] == ["refused"]


def test_a_large_file_nobody_asked_for_is_recorded_by_name(
    connection: Connection, database: Settings, org: Org, exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "UNLISTED_MAX_BYTES", 10)
    deliver(exports, {"dump.bin": b"x" * 11, "note.txt": b"x"})
    for _ in range(2):
        report = ingest(connection, database, feed(), org, DAY, FolderSource(exports))
    assert [file.file for file in report.files if file.status == "unlisted"] == ["dump.bin", "note.txt"]
    assert [file for file, status, _ in ledger(connection) if status == "unlisted"] == ["note.txt", "dump.bin"]
    assert "dump.bin" not in landed_files(database.home)


def test_over_sftp_with_a_dropped_connection(connection: Connection, database: Settings, exports: Path) -> None:
    with SftpServer({"spring": SftpUser(exports, PASSWORD)}) as server:
        server.faults.drops["Observations.csv"] = 1
        deliver(exports, {"Observations.csv": b"observation_group_id,observation_type\n" + b"1,formal\n" * 30_000})
        org = add_org(
            database,
            ORG,
            host=server.host,
            port=server.port,
            user="spring",
            password_env="SPRINGFIELD_PASSWORD",
            host_key=[server.host_key],
            stable_seconds=0,
        )
        environ = {"SPRINGFIELD_PASSWORD": PASSWORD}
        with SftpSource(org, environ=environ, retry=RetryPolicy(first_wait=0.01)) as source:
            ingest(connection, database, feed(), org, DAY, source)
    assert current(connection) == {**ALL_CURRENT, "Observations.csv": 30_000}
    assert server.connections == 2


PROCESS = """
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.ingest import ingest
from edreflect_assets.orgs import known_org
from edreflect_assets.settings import Settings
from edreflect_assets.sources.folder import FolderSource

settings = Settings.from_environment()
org = known_org(settings, sys.argv[1])
sys.stdin.readline()
with closing(connect(settings)) as connection:
    report = ingest(connection, settings, load_feeds()["edreflect"], org, date.fromisoformat(sys.argv[2]),
                    FolderSource(Path(sys.argv[3])))
print(sum(file.status == "loaded" for file in report.files))
"""


def test_two_processes_that_ingest_one_delivery_load_it_once(
    connection: Connection, database: Settings, org: Org, exports: Path
) -> None:
    assert database.database_url is not None
    environ = {
        "EDREFLECT_HOME": str(database.home),
        "EDREFLECT_DATABASE_URL": database.database_url,
        "PATH": "/usr/bin",
    }
    command = [sys.executable, "-c", PROCESS, ORG, DAY.isoformat(), str(exports)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    loaded = [int(process.communicate(timeout=120)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(loaded) == [0, 3]
    assert current(connection) == ALL_CURRENT
    assert landed_files(database.home) == sorted(FILES)


# The registry's copy in the database ----------------------------------------------------------------------------------


@pytest.fixture
def other(database: Settings) -> Iterator[Connection]:
    with closing(connect(database)) as opened:
        yield opened


def orgs_rows(connection: Connection) -> dict[str, tuple[str, str, bool, dict[str, object]]]:
    with connection, connection.cursor() as cursor:
        cursor.execute("select org_id, tenant, timezone, paused, settings from ops.orgs")
        return {row[0]: row[1:] for row in cursor.fetchall()}


def test_the_registry_is_copied_and_followed(connection: Connection, other: Connection, database: Settings) -> None:
    add_org(database, ORG, tenant="timeback", timezone="America/Chicago", expect={"days": "weekdays"})
    add_org(database, "shelbyville")
    sync_orgs(connection, load_registry(database))
    rows = orgs_rows(other)
    assert rows[ORG][:3] == ("timeback", "America/Chicago", False)
    assert rows[ORG][3]["expect"]["days"] == ["mon", "tue", "wed", "thu", "fri"]  # type: ignore[index]
    pause_org(database, ORG)
    remove_org(database, "shelbyville")
    sync_orgs(connection, load_registry(database))
    rows = orgs_rows(other)
    assert rows[ORG][2]
    assert rows["shelbyville"][2]
    assert rows["shelbyville"][3]["removed"]
    add_org(database, "shelbyville")
    sync_orgs(connection, load_registry(database))
    assert not orgs_rows(other)["shelbyville"][2]
    assert "removed" not in orgs_rows(other)["shelbyville"][3]


def test_copying_an_unchanged_registry_writes_nothing(connection: Connection, database: Settings) -> None:
    add_org(database, ORG)
    sync_orgs(connection, load_registry(database))

    def versions() -> list[tuple[object, ...]]:
        with connection, connection.cursor() as cursor:
            cursor.execute("select org_id, xmin::text, updated_at from ops.orgs")
            return cursor.fetchall()

    before = versions()
    sync_orgs(connection, load_registry(database))
    assert versions() == before


def test_a_uuid_of_an_org_that_left_is_not_given_away(connection: Connection, database: Settings) -> None:
    uuid = str(add_org(database, ORG).org_uuid)
    sync_orgs(connection, load_registry(database))
    remove_org(database, ORG)
    add_org(database, "capital", org_uuid=uuid)
    with pytest.raises(ConfigurationError, match="org capital, org_uuid"):
        sync_orgs(connection, load_registry(database))
    assert list(orgs_rows(connection)) == [ORG]
