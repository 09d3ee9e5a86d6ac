"""Dagster over a real Postgres and a real SFTP server on loopback; only Dagster's own storage is in memory."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from dagster_world import FEED, GOALS, PASSWORD
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.orchestration.code_location import build_definitions
from edreflect_assets.orchestration.manifest import prepare_manifest
from edreflect_assets.orchestration.partitions import ORGS
from edreflect_assets.orgs import add_org
from edreflect_assets.settings import Settings
from edreflect_assets.sftp_server import SftpServer, SftpUser

Ledger = Callable[..., int]


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_manifest(Settings(home=tmp_path_factory.mktemp("manifest")))


@pytest.fixture
def definitions(database: Settings, manifest: Path) -> dg.Definitions:
    return build_definitions(database, manifest)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def served(tmp_path: Path) -> Path:
    root = tmp_path / "served"
    root.mkdir()
    return root


@pytest.fixture
def sftp(served: Path) -> Iterator[SftpServer]:
    with SftpServer({"export": SftpUser(served, PASSWORD)}) as server:
        yield server


@pytest.fixture
def register(
    database: Settings, instance: dg.DagsterInstance, sftp: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """A function that registers orgs on the SFTP server and adds their partitions in the given order."""
    monkeypatch.setenv("EXPORT_PASSWORD", PASSWORD)

    def add(*org_ids: str, **fields: object) -> None:
        for org_id in org_ids:
            given = {
                "host": sftp.host,
                "port": sftp.port,
                "user": "export",
                "password_env": "EXPORT_PASSWORD",
                "host_key": sftp.host_key,
                "stable_seconds": 0,
                **fields,
            }
            add_org(database, org_id, **given)
        instance.add_dynamic_partitions(str(ORGS.name), list(org_ids))

    return add


@pytest.fixture
def deliver(served: Path) -> Callable[..., Path]:
    """A function that puts files into an org's folder of a day (None: the folder for files without a day)."""

    def put(org_id: str, day: date | None, files: dict[str, bytes] | None = None) -> Path:
        folder = served / org_id / "export" / (day.isoformat() if day else "all")
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in ({"Goals.csv": GOALS} if files is None else files).items():
            (folder / name).write_bytes(content)
        return folder

    return put


@pytest.fixture
def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def record(connection: Connection) -> Ledger:
    """A function that writes one row of the ledger, as the loader would, and returns its load id."""

    def write(org: str, day: date | None, file: str = "Goals.csv", **columns: object) -> int:
        contract = FEED.match(file)
        row = {
            "feed": FEED.name,
            "org_id": org,
            "day": day,
            "file": file,
            "table_name": contract.table if contract else None,
            "status": "current",
            "rows": 1,
            **columns,
        }
        with connection, connection.cursor() as cursor:
            cursor.execute(
                f"insert into ops.load_log ({', '.join(row)}) values ({', '.join(['%s'] * len(row))}) returning load_id",
                list(row.values()),
            )
            (load_id,) = cursor.fetchone() or (0,)
        return int(load_id)

    return write
