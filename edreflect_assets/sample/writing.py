"""An export as CSV files on disk."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from edreflect_assets.contracts import Feed, FileContract
from edreflect_assets.sample.tables import Export, Row


@dataclass(frozen=True)
class Dialect:
    """How a source writes its files; both variants are UTF-8."""

    line_end: str = "\n"
    byte_order_mark: bool = False


PLAIN = Dialect()
WINDOWS = Dialect("\r\n", byte_order_mark=True)


@dataclass(frozen=True)
class Written:
    """How many files and records (without headers) were written."""

    files: int
    rows: int


def write_export(
    feed: Feed,
    export: Export,
    directory: Path,
    *,
    dialect: Dialect = PLAIN,
    extra_lines: Mapping[str, bytes] | None = None,
    empty_files: bool = True,
) -> Written:
    """Write the files of an export, replacing files of the same names.

    ``extra_lines`` maps a file to one more record, as bytes without a line end, that goes before its last record.
    Without ``empty_files`` a file without records is not written. Raises ValueError when a row has a column that the
    contract of its file lacks.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = records = 0
    for name, rows in export.items():
        extra = (extra_lines or {}).get(name)
        if not rows and not empty_files:
            continue
        (directory / name).write_bytes(_content(feed.files[name], rows, dialect, extra))
        files += 1
        records += len(rows) + (extra is not None)
    return Written(files, records)


def encode_rows(contract: FileContract, rows: Iterable[Row], line_end: str) -> bytes:
    """Return rows as CSV in the contract's order of columns, a column that a row lacks as an empty field."""
    buffer = io.StringIO()
    csv.DictWriter(buffer, contract.column_names, restval="", lineterminator=line_end).writerows(rows)
    return buffer.getvalue().encode()


@lru_cache(maxsize=256)
def header(columns: tuple[str, ...], dialect: Dialect) -> bytes:
    """Return a file's first line."""
    text = ",".join(columns) + dialect.line_end
    return text.encode("utf-8-sig" if dialect.byte_order_mark else "utf-8")


def _content(contract: FileContract, rows: list[Row], dialect: Dialect, extra: bytes | None) -> bytes:
    head = header(contract.column_names, dialect)
    if not rows:
        return head
    body = encode_rows(contract, rows, dialect.line_end)
    if extra is None:
        return head + body
    last = encode_rows(contract, rows[-1:], dialect.line_end)
    return head + body.removesuffix(last) + extra + dialect.line_end.encode() + last
