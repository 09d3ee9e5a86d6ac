"""What a load is asked for and what it tells about each file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

FileStatus = Literal["loaded", "unchanged", "deprecated", "unlisted"]


@dataclass(frozen=True)
class LoadOptions:
    """What the org registry and the run say about a load.

    A file is refused when more than ``max_rejected_share`` of its records cannot be read. ``missing_file`` says what
    becomes of a dependent file that is absent while its reference file names keys: ``empty`` counts it as a file with
    no rows for them and warns, ``refuse`` refuses the delivery. ``run_id`` goes to the ledger. ``lock_wait_seconds`` is
    how long to wait for a raw table that is in use when it needs new columns.
    """

    max_rejected_share: float = 0.05
    missing_file: Literal["empty", "refuse"] = "empty"
    run_id: str | None = None
    lock_wait_seconds: float = 120.0


@dataclass(frozen=True)
class FileReport:
    """One file of a delivery: ``rows`` are in the raw log, ``quarantined`` records are not.

    ``mode`` says of a file of a package whether it is a full list (bulk) or holds changes (delta). For an ``unchanged`` file everything is as of its current load. ``profile`` is described in ``FileProfile.result``.
    """

    file: str
    table: str | None
    load_id: int
    rows: int
    quarantined: int
    status: FileStatus
    warnings: tuple[str, ...] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)
    mode: str | None = None


@dataclass(frozen=True)
class DeliveryReport:
    """What became of a delivery that was not refused; its files in the order of their names.

    ``findings`` are those of a package that was judged now, summed up: objects with code, severity, file, column, text,
    count and lines, as in ``ops.package_reports``; or they say what a delivery made of file groups lacks.
    """

    feed: str
    org_id: str
    day: date | None
    files: tuple[FileReport, ...]
    findings: tuple[Mapping[str, Any], ...] = ()
