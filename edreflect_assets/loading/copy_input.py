"""What a reader sends on, as COPY takes it: as long as no quote turns up, in the format that the server reads fastest.

COPY's text format has no quotes to look for and costs the server about a tenth less than CSV. Rewriting quoted fields for
it would take longer than that here, so a file goes on as CSV with its first text that holds a quote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.loading.reader import BLOCK_BYTES, RecordReader

LINEAGE_COLUMNS = ("org_id", "_load_id", "_row", "_line")
# Begins with its literal, which the engine searches for fast. It may also match inside a quoted field.
_MAYBE_EMPTY = re.compile(rb'""(?<![^,\n]"")(?![^,\r\n])')


class Kind(IntEnum):
    """What a text asks of COPY; each does for those before it and costs the server about a tenth more."""

    UNQUOTED = 0
    QUOTED = 1
    # An empty field in quotes has to become null.
    EMPTY_IN_QUOTES = 2


class CopyInput:
    """A file object for COPY with what a reader reads, for one COPY after the other: as many as there are kinds, at most."""

    def __init__(self, reader: RecordReader) -> None:
        self._reader = reader
        self._next = reader.read()
        self._kind = Kind.UNQUOTED

    def copy_into(self, cursor: Cursor, schema: str, table: str, columns: Sequence[str]) -> int:
        """Append everything to a raw table, and return the number of rows; an empty field is null.

        Raises psycopg2.Error; what the reader failed with is in its ``failure``.
        """
        rows = 0
        while self._next:
            self._kind = max(self._kind, _kind(self._next))
            cursor.copy_expert(_statement(schema, table, columns, self._kind), self, size=BLOCK_BYTES)
            rows += cursor.rowcount
        return rows

    def read(self, _size: int = -1, /) -> bytes:
        """Return the next text, of any size, and nothing at the end of what one COPY takes."""
        text = self._next
        if self._kind < Kind.EMPTY_IN_QUOTES and _kind(text) > self._kind:
            return b""
        self._next = self._reader.read()
        return _text_format(text) if self._kind is Kind.UNQUOTED else text

    def readline(self, _size: int = -1, /) -> bytes:
        """Do what ``read`` does; the driver's types ask for it, the driver does not call it."""
        return self.read(_size)


def _kind(text: bytes) -> Kind:
    if b'"' not in text:
        return Kind.UNQUOTED
    return Kind.EMPTY_IN_QUOTES if _MAYBE_EMPTY.search(text) else Kind.QUOTED


def _statement(schema: str, table: str, columns: Sequence[str], kind: Kind) -> sql.Composable:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    options: dict[Kind, sql.Composable] = {
        Kind.UNQUOTED: sql.SQL("format text, null ''"),
        Kind.QUOTED: sql.SQL("format csv"),
        Kind.EMPTY_IN_QUOTES: sql.SQL("format csv, force_null ({})").format(names),
    }
    lineage = sql.SQL(", ").join(map(sql.Identifier, LINEAGE_COLUMNS))
    return sql.SQL("copy {} ({}, {}) from stdin ({}, encoding 'UTF8')").format(
        sql.Identifier(schema, table), lineage, names, options[kind]
    )


def _text_format(records: bytes) -> bytes:
    """Return CSV records without a quote in the text format of COPY."""
    if b"\\" in records:
        records = records.replace(b"\\", rb"\\")
    if b"\t" in records:
        records = records.replace(b"\t", rb"\t")
    return records.replace(b",", b"\t")
