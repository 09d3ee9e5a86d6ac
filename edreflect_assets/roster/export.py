"""Rosters handed on: the state of an org's roster on a day as a full OneRoster 1.1 package."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from psycopg2.errors import InvalidSchemaName, UndefinedFunction, UndefinedTable
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from edreflect_assets.contracts import Feed
from edreflect_assets.errors import UsageError
from edreflect_assets.files import make_private, sync_all
from edreflect_assets.roster.export_queries import PEOPLE, QUERIES, USERS, ExportQuery

VERSION = "1.1"
SYSTEM_NAME = "EdReflect platform"
MANIFEST = "manifest.csv"
# Files that version 1.1 knows beside the rostering set.
_OTHER_FILES = ("categories", "classResources", "courseResources", "demographics", "lineItems", "resources", "results")
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True)
class ExportedFile:
    """What became of one file: records written, active records left out and why, optional references left empty."""

    file: str
    records: int
    left_out: int
    why_left_out: str
    emptied: int


def export_package(connection: Connection, feed: Feed, org: str, day: date, out: Path) -> tuple[ExportedFile, ...]:
    """Write the package of an org's roster as it was on a day, as of the last build, into a folder; return its files.

    The folder is created, readable to its owner only; it must be missing or empty, and is left so when something fails.
    A file without records is not written, since a full file without records would be refused by whoever reads it.
    Rows are streamed from one snapshot of the database, in which the connection must not be in a transaction. Raises
    UsageError when there is no such org, no roster of it on that day, or something in the folder.
    """
    with _private_folder(out) as written, connection, connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read")
        parameters = {"org": org, "day": day}
        _refuse_without_roster(cursor, org, day)
        files = []
        for query in QUERIES:
            target = written / query.file
            records = _export_file(cursor, feed, query, parameters, target)
            if not records:
                target.unlink()
            left_out = _number(cursor, query.count_known, parameters) - records
            emptied = _number(cursor, query.emptied, parameters) if query.emptied else 0
            files.append(ExportedFile(query.file, records, left_out, query.why_left_out, emptied))
        _write_manifest(written / MANIFEST, {file.file for file in files if file.records}, org)
    return tuple(files)


def _export_file(cursor: Cursor, feed: Feed, query: ExportQuery, parameters: Mapping[str, Any], target: Path) -> int:
    """Write a file and return the number of its records; what later files refer to stays in a temporary table."""
    if query is USERS:
        _keep(cursor, "pg_temp.export_people", PEOPLE, parameters)
    columns = feed.files[query.file].columns
    # status and dateLastModified, which a full file has without values
    values = ["null" if column.required == "delta" else f'record."{column.header}"' for column in columns]
    _keep(cursor, query.table, query.records, parameters)
    statement = f"""
        copy (select {", ".join(values)} from {query.table} as record order by record."sourcedId" collate "C")
        to stdout (format csv)
    """
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
        output.write((",".join(str(column.header) for column in columns) + "\n").encode())
        cursor.copy_expert(statement, output, _BUFFER_BYTES)
    return int(cursor.rowcount)


def _keep(cursor: Cursor, table: str, query: str, parameters: Mapping[str, Any]) -> None:
    cursor.execute(f"create temp table {table.removeprefix('pg_temp.')} on commit drop as {query}", parameters)
    cursor.execute(f"analyze {table}")


def _number(cursor: Cursor, query: str, parameters: Mapping[str, Any]) -> int:
    cursor.execute(query, parameters)
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def _refuse_without_roster(cursor: Cursor, org: str, day: date) -> None:
    if not _number(cursor, "select count(*) from ops.orgs where org_id = %(org)s", {"org": org}):
        raise UsageError(f"No org is called {org}; `edreflect orgs list` shows them.")
    query = """
        select count(*) from oneroster.packages where org_id = %(org)s and day <= %(day)s and status = 'applied'
    """
    try:
        applied = _number(cursor, query, {"org": org, "day": day})
    except (InvalidSchemaName, UndefinedFunction, UndefinedTable):
        raise UsageError("No roster has been built yet; load one, then run `edreflect build`.") from None
    if not applied:
        raise UsageError(
            f"{org} has no roster on {day}: no package of that day or an earlier one has been applied. "
            "`edreflect status` shows what is pending or held."
        )


def _write_manifest(target: Path, present: set[str], org: str) -> None:
    names = sorted([*(query.file.removesuffix(".csv") for query in QUERIES), *_OTHER_FILES])
    with open(
        os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
    ) as output:
        csv.writer(output, lineterminator="\n").writerows(
            [
                ("propertyName", "value"),
                ("manifest.version", "1.0"),
                ("oneroster.version", VERSION),
                *((f"file.{name}", "bulk" if f"{name}.csv" in present else "absent") for name in names),
                ("source.systemName", SYSTEM_NAME),
                ("source.systemCode", org),
            ]
        )


@contextmanager
def _private_folder(out: Path) -> Iterator[Path]:
    """Give an empty folder of the owner's; after an error nothing that was written is left in it."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not an empty folder; name another one, so that nothing in it is mixed or lost.")
    existed = out.exists()
    make_private(out, out)
    try:
        yield out
        sync_all([*out.iterdir(), out])
    except BaseException:
        for path in out.iterdir():
            path.unlink()
        if not existed:
            out.rmdir()
        raise
