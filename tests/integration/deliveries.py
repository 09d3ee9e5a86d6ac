"""A small feed and a folder laid out as an org's export, for the tests of the sources."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

from edreflect_assets.contracts import Feed, load_feeds

ORG = "springfield"
DAY = date(2026, 1, 5)
PASSWORD = "marge-simpson-4711"
FILES = {
    "Observation_Modified.csv": b"observation_group_id,observation_modified_date\n1,2026-01-05T10:00:00\n",
    "Observations.csv": b"observation_group_id,observation_status\n1,completed\n",
    "Goals.csv": b"goal_id,goal_title\n7,read more\n",
}


def feed() -> Feed:
    return load_feeds()["edreflect"]


def day_folder(root: Path, day: date | None = DAY, org_id: str = ORG) -> Path:
    folder = root / org_id / "export" / (day.isoformat() if day else "all")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def deliver(root: Path, files: dict[str, bytes] | None = None, day: date | None = DAY, org_id: str = ORG) -> Path:
    """Write a delivery below ``root`` with old mtimes and return its folder."""
    folder = day_folder(root, day, org_id)
    for name, content in (FILES if files is None else files).items():
        (folder / name).write_bytes(content)
        set_mtime(folder / name, datetime(2026, 1, 5, 12, tzinfo=UTC))
    return folder


def set_mtime(path: Path, instant: datetime) -> None:
    os.utime(path, (instant.timestamp(),) * 2)


def landed_files(home: Path) -> list[str]:
    """Return the names of the files that landed, without the records beside them."""
    landing = home / "landing"
    return sorted(path.parent.name for path in landing.rglob("*") if path.is_file() and not path.name.startswith("."))
