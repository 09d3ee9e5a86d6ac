"""A day of TimeBack as CSV files, written group by group of students."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import polars as pl

from edreflect_assets.contracts import Feed, FileContract
from edreflect_assets.sample.timeback.facts import Table
from edreflect_assets.sample.writing import Dialect, Written, header

# The second way has no offset: such times are UTC.
_MOMENTS = {False: "%Y-%m-%dT%H:%M:%S%.3fZ", True: "%Y-%m-%d %H:%M:%S%.3f"}


def write_tables(
    feed: Feed,
    frames: Iterator[Table],
    directory: Path,
    dialect: Dialect,
    extra_lines: Mapping[str, bytes],
) -> Written:
    """Write tables as files of the feed, replacing files of the same names; a table without rows has no file.

    ``extra_lines`` maps a table to one more record, as bytes without a line end, that comes first in its file. Raises
    ValueError when a frame has a column that the contract of its table lacks.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files: dict[str, BinaryIO] = {}
    records = 0
    with ExitStack() as stack:
        for table, frame in frames:
            if frame.is_empty():
                continue
            contract = feed.tables[table]
            if table not in files:
                files[table] = stack.enter_context((directory / contract.file).open("wb"))
                files[table].write(header(contract.column_names, dialect))
                if table in extra_lines:
                    files[table].write(extra_lines[table] + dialect.line_end.encode())
                    records += 1
            files[table].write(encoded(contract, frame, dialect))
            records += len(frame)
    return Written(len(files), records)


def encoded(contract: FileContract, frame: pl.DataFrame, dialect: Dialect) -> bytes:
    """Return rows as CSV in the contract's order of columns, a column that the frame lacks as an empty field."""
    unknown = set(frame.columns) - set(contract.column_names)
    if unknown:
        raise ValueError(f"{contract.file} has no column {', '.join(sorted(unknown))}.")
    missing = [pl.lit(None, pl.String).alias(name) for name in contract.column_names if name not in frame.columns]
    text = (
        frame.with_columns(missing)
        .select(contract.column_names)
        .write_csv(
            include_header=False,
            line_terminator=dialect.line_end,
            datetime_format=_MOMENTS[dialect.byte_order_mark],
        )
    )
    return text.encode()
