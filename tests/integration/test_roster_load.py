"""A roster package becomes raw rows, quarantine, ledger and report together, or leaves everything as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from landed_deliveries import rows
from psycopg2.extensions import connection as Connection  # noqa: N812
from roster_packages import DAY, FILES, NEXT_DAY, ORG, ROSTER, deliver, manifest, org, package

from edreflect_assets.errors import Refused
from edreflect_assets.ingest import ingest, load_again
from edreflect_assets.loading.report import DeliveryReport
from edreflect_assets.settings import Settings
from edreflect_assets.sources.folder import FolderSource

Load = Callable[..., DeliveryReport]


@pytest.fixture
def load(connection: Connection, database: Settings, tmp_path: Path) -> Load:
    """A function that delivers and loads a package."""

    def load(files: Mapping[str, bytes], *, day: date = DAY, org_id: str = ORG, again: bool = False) -> DeliveryReport:
        deliver(tmp_path / "exports", files, day=day, org_id=org_id)
        source = FolderSource(tmp_path / "exports")
        return ingest(connection, database, ROSTER, org(org_id), day, source, again=again)

    return load


def loads(connection: Connection, columns: str = "day, file, rows, quarantined, mode, status") -> list[tuple[Any, ...]]:
    return rows(connection, f"select {columns} from ops.load_log order by day, file, load_id")


def reports(connection: Connection) -> list[tuple[Any, ...]]:
    return rows(connection, "select day, verdict, errors, load_ids from ops.package_reports order by report_id")


def test_a_clean_package_is_loaded_as_a_whole(connection: Connection, load: Load) -> None:
    report = load(package())
    assert {file.file: (file.rows, file.quarantined, file.status) for file in report.files} == {
        name: (content.count("\n") - 1, 0, "loaded") for name, content in FILES.items()
    }
    assert {file: mode for _, file, _, _, mode, _ in loads(connection)} == {
        name: None if name == "manifest.csv" else "bulk" for name in FILES
    }
    assert rows(connection, "select sourced_id, given_name, org_sourced_ids from raw_oneroster.users order by 1") == [
        ("u1", "Edna", "s1"),
        ("u2", "Bart", "s1"),
        ("u3", "Lisa", "s1"),
    ]
    load_ids = sorted(file.load_id for file in report.files)
    assert reports(connection) == [(DAY, "accepted", 0, load_ids)]
