"""One file read to its end: its values judged, and of them what the checks of the package as a whole need.

Of a record these checks need its number, its line, and 64-bit hashes, days and flags of a few columns: some 50 bytes,
however long the record is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from edreflect_assets.contracts import Column
from edreflect_assets.loading.header import Header
from edreflect_assets.roster.findings import PLACE, FindingLog
from edreflect_assets.roster.validation.content_rules import RULES
from edreflect_assets.roster.validation.headers import FileHeader
from edreflect_assets.roster.validation.keys import hashed
from edreflect_assets.roster.validation.modes import MODIFIED, STATUS, ModeScan
from edreflect_assets.roster.validation.records import RecordStream
from edreflect_assets.roster.validation.values import Values, type_of
from edreflect_assets.roster.verdict import Mode

ID = "sourced_id"
# Beside ids and references: what the checks of sets ask for.
_FACTS: Mapping[str, frozenset[str]] = {
    "academic_sessions": frozenset({"type", "start_date", "end_date"}),
    "orgs": frozenset({"type"}),
    "users": frozenset({"role"}),
    "roles": frozenset({"role"}),
    "enrollments": frozenset({"role", "primary", "begin_date", "end_date"}),
}
_SMALL = {"type": pl.Categorical, "role": pl.Categorical}


@dataclass
class FileContents:
    """What is kept of one file.

    ``rows``: record, line, ended (the row says tobedeleted), hashes of the id and of each single reference by column,
    and the facts of the file, in file order. ``lists``: record, line, item (a hash) of each list of references, by column. ``unreadable_keys``: sourcedIds
    of records that could not be read but name themselves, by record number. ``sound`` is False when the file refuses
    the package: then nothing is to be judged by it.
    """

    header: FileHeader
    mode: Mode | None = None
    sound: bool = True
    records: int = 0
    readable: int = 0
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    lists: dict[str, pl.DataFrame] = field(default_factory=dict)
    unreadable_keys: dict[int, str] = field(default_factory=dict)

    def spelling(self, column: str) -> str:
        """Return a column's name as the standard spells it."""
        return next(
            (known.header or known.name for known in self.header.contract.columns if known.name == column), column
        )

    def last(self) -> pl.DataFrame:
        """Return the rows that name an id, of several with the same one the last."""
        rows = self.rows.drop_nulls(ID)
        return rows.filter(rows[ID].is_last_distinct())

    def ids(self) -> pl.Series:
        """Return the hashes of all ids the file names, those of records that could not be read included."""
        unreadable = hashed(pl.Series("id", list(self.unreadable_keys.values()), dtype=pl.String))
        return pl.concat([self.rows[ID].drop_nulls(), unreadable.cast(pl.UInt64)])


def read_contents(
    header: FileHeader, accepted: Header, version: str, declared: Mode | None, log: FindingLog
) -> FileContents | None:
    """Read a rostering file once; None, with a finding, when it cannot be read to its end."""
    contract = header.contract
    found = FindingLog()
    stream = RecordStream(header, accepted, log)
    scan = ModeScan(contract, declared)
    judged = [column for column in contract.columns if _is_judged(column, accepted, version)]
    checks = {
        column.name: Values(column, contract.file, found, required=column.required in {"always", version})
        for column in judged
    }
    kept: list[pl.DataFrame] = []
    lists: dict[str, list[pl.DataFrame]] = {}
    for frame in stream.frames():
        scan.add(frame)
        _check_line_breaks(frame, header, found)
        typed: list[pl.Series] = []
        for column in judged:
            values = checks[column.name].check(frame)
            if values is not None:
                typed.append(values.alias(column.name))
                continue
            items = checks[column.name].items(frame)
            if column.references:
                hashes = items.select("record", "line", item=hashed(items["item"]))
                lists.setdefault(column.name, []).append(hashes)
            typed.append(frame[column.name])
        rows = frame.select("record", "line", ended=_ended(frame)).with_columns(typed)
        current = rows.filter(~rows["ended"]) if rows["ended"].any() else rows
        for rule in RULES.get(contract.table, ()):
            rule(current, contract.file, version, found)
        kept.append(_kept(rows, judged, contract.table))
    if not stream.complete:
        return None
    log.take(found)
    if accepted.unnamed:
        text = f"The header ends with {accepted.unnamed} columns without a name, which were dropped."
        log.about_file("OR114", contract.file, text, line=1)
    contents = FileContents(header, records=stream.records, readable=stream.readable, unreadable_keys=stream.keys)
    contents.rows = pl.concat(kept) if kept else pl.DataFrame(schema=_empty_schema(judged, contract.table))
    contents.lists = {name: pl.concat(frames) for name, frames in lists.items()}
    contents.mode = declared or "bulk"
    contents.sound = _has_rows(contents, declared, log)
    if contents.readable:
        contents.mode, contents.sound = scan.conclude(log)
    return contents


def _has_rows(contents: FileContents, declared: Mode | None, log: FindingLog) -> bool:
    """Refuse a file in which there should be rows and are none, or none that can be read."""
    file = contents.header.contract.file
    if contents.records == 0 and declared != "delta":
        log.about_file("OR042", file, "The file has a header and no rows, and is not declared as delta.")
        return False
    if contents.records and not contents.readable:
        log.about_file("OR043", file, f"None of the {contents.records} records of the file can be read.")
        return False
    return True


def _is_judged(column: Column, accepted: Header, version: str) -> bool:
    """Tell whether a column is there and counts; what only version 1.1 requires is not read in others."""
    belongs = column.required in {None, "always", "delta", version}
    return column.name in accepted.columns and column.name not in {STATUS, MODIFIED} and belongs


def _ended(frame: pl.DataFrame) -> pl.Series:
    """Return which records say tobedeleted: what they say besides does not matter any more."""
    if STATUS not in frame.columns or frame[STATUS].null_count() == frame.height:
        return pl.repeat(value=False, n=frame.height, eager=True)
    return (frame[STATUS].str.to_lowercase() == "tobedeleted").fill_null(value=False)


def _check_line_breaks(frame: pl.DataFrame, header: FileHeader, log: FindingLog) -> None:
    for column in header.contract.columns:
        if column.name not in frame.columns:
            continue
        # Line ends are searched for as bytes: most columns hold none.
        broken = frame[column.name].str.contains_any(["\n", "\r"])
        if broken.any():
            places = frame.filter(broken.fill_null(value=False))
            log.about_records("OR313", header.contract.file, places, column=column.header or column.name)


def _kept(rows: pl.DataFrame, judged: list[Column], table: str) -> pl.DataFrame:
    columns: list[pl.Series] = [rows["record"], rows["line"], rows["ended"]]
    for column in judged:
        if column.name == ID or (column.references and column.format == "guid"):
            columns.append(hashed(rows[column.name]).alias(column.name))
        elif column.name in _FACTS.get(table, ()):
            values = rows[column.name]
            columns.append(values.cast(_SMALL[column.name]) if column.name in _SMALL else values)
        elif column.name == "grades" and table == "users":
            columns.append(rows[column.name].is_not_null())
    return pl.DataFrame(columns)


def _empty_schema(judged: list[Column], table: str) -> pl.Schema:
    nothing = pl.DataFrame(
        schema={**PLACE, "ended": pl.Boolean(), **{column.name: type_of(column) for column in judged}}
    )
    return _kept(nothing, judged, table).schema
