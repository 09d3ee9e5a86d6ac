"""Reports of packages as the database keeps them: found again, made whole where the landed bytes are still there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Feed
from edreflect_assets.errors import EdreflectError, UsageError
from edreflect_assets.landing import Landing
from edreflect_assets.loading.packages import package_digest
from edreflect_assets.roster.codes import CODES
from edreflect_assets.roster.findings import PLACE, FindingLog
from edreflect_assets.roster.validation import validate
from edreflect_assets.roster.verdict import FileVerdict, PackageVerdict, Rejection
from edreflect_assets.settings import Settings

SYNC_COLUMNS = ("file", "mode", "delivered", "added", "changed", "ended", "returned", "stayed", "stale", "rejected")


@dataclass(frozen=True)
class StoredReport:
    """The last report of an org's day. ``complete``: its findings name every line, not the first ones of each code.

    ``sync`` are rows of ``<feed>.sync_report``; None: no build has applied or held the package yet.
    """

    verdict: PackageVerdict
    outcome: str
    reported_at: datetime
    complete: bool
    sync: list[dict[str, Any]] | None


def stored_report(connection: Connection, settings: Settings, feed: Feed, org_id: str, day: date) -> StoredReport:
    """Return the last report of a package with all its findings, as far as they can be known.

    Raises UsageError when no package of that org and day was ever judged.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select report, verdict, sha256, reported_at from ops.package_reports
            where feed = %s and org_id = %s and day = %s order by report_id desc limit 1
            """,
            (feed.name, org_id, day),
        )
        found = cursor.fetchone()
    if found is None:
        raise UsageError(
            f"No package of {feed.name}, {org_id}, {day} was judged yet; `edreflect load` or `edreflect run` takes it."
        )
    report, outcome, digest, reported_at = found
    whole = _judged_again(settings, feed, org_id, day, digest, report)
    verdict = whole or verdict_of(report)
    named_all = all(finding["count"] == len(finding["lines"]) or not finding["lines"] for finding in report["findings"])
    sync = sync_report(connection, feed, org_id, day)
    return StoredReport(verdict, outcome, reported_at, whole is not None or named_all, sync)


def sync_report(connection: Connection, feed: Feed, org_id: str, day: date) -> list[dict[str, Any]] | None:
    """Return what became of a package's records, a row per file; None when no build has seen the package."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s) is not null", (f"{feed.name}.sync_report",))
        (exists,) = cursor.fetchone() or (False,)
        if not exists:
            return None
        columns = sql.SQL(", ").join(map(sql.Identifier, SYNC_COLUMNS))
        statement = sql.SQL("select {} from {} where org_id = %s and day = %s order by file")
        cursor.execute(statement.format(columns, sql.Identifier(feed.name, "sync_report")), (org_id, day))
        rows = [dict(zip(SYNC_COLUMNS, row, strict=True)) for row in cursor]
    return rows or None


def verdict_of(report: Mapping[str, Any]) -> PackageVerdict:
    """Return the verdict that a stored report tells of; lines beyond those it names are None."""
    log = FindingLog()
    for finding in report["findings"]:
        if finding["code"] not in CODES:
            continue
        lines = [*finding["lines"], *[0] * (finding["count"] - len(finding["lines"]))]
        # A finding without any line is about a file: record 0.
        records = range(1, len(lines) + 1) if finding["lines"] else [0] * len(lines)
        places = pl.DataFrame({"record": records, "line": lines}, schema=PLACE)
        log.about_records(finding["code"], finding["file"], places, column=finding["column"], text=finding["text"])
    files = {
        name: FileVerdict(name, file["table"], file["mode"], file["records"], _Number(file["rejected"]))
        for name, file in report["files"].items()
    }
    return PackageVerdict(
        version=report["version"],
        no_updates=report["no_updates"],
        files=files,
        left_aside=tuple(report["left_aside"]),
        log=log,
    )


def _judged_again(  # noqa: PLR0917 - the package, and what was said of it
    settings: Settings, feed: Feed, org_id: str, day: date, digest: str, report: Mapping[str, Any]
) -> PackageVerdict | None:
    """Judge the landed bytes once more if they are still those of the report, and the rules are."""
    with suppress(EdreflectError, OSError):
        landed = {file.file: file for file in Landing(settings.landing).last_delivery(feed.name, org_id, day).files}
        if package_digest(landed.values()) == digest:
            return validate(feed, {name: file.path for name, file in landed.items()}, report["left_aside"])
    return None


class _Number(Mapping[int, Rejection]):
    """Rejections of which only the number is known."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __getitem__(self, record: int) -> Rejection:
        raise KeyError(record)

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return self._number
