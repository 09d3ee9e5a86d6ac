"""What a reader sends on, as COPY takes it: as long as no quote turns up, in the format that the server reads fastest.

COPY's text format has no quotes to look for, and costs the server about an eighth less than CSV. Rewriting quoted fields
for it would take longer than that here, so a file goes on as CSV with its first block that holds a quote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.loading.reader import BLOCK_BYTES, RecordReader

LINEAGE_COLUMNS = ("org_id", "_load_id", "_row", "_line")
# Begins with its literal, which the engine searches for fast. It may also match inside a quoted field.
_MAYBE_EMPTY = re.compile(rb'""(?<![^,\n]"")(?![^,\r\n])')
_EMPTY_IN_QUOTES = re.compile(rb'("(?:[^"]++|"")++")|""')


class CopyInput:
    """A file object for COPY with what a reader reads, for one COPY after the other."""

    def __init__(self, reader: RecordReader) -> None:
        self._reader = reader
        self._next = reader.read()
        self._quoted = False
        self._null_in_quotes = False

    def copy_into(self, cursor: Cursor, schema: str, table: str, columns: Sequence[str]) -> int:
        """Append everything to a raw table, and return the number of rows; an empty field is null.

        Raises psycopg2.Error; what the reader failed with is in its ``failure``.
        """
        rows = 0
        while self._next:
            self._quoted = b'"' in self._next
            # An empty field in quotes costs the server a tenth of its time: it is told to expect some where the first
            # text holds one, and they are rewritten in later texts.
            self._null_in_quotes = self._quoted and _MAYBE_EMPTY.search(self._next) is not None
            cursor.copy_expert(self._statement(schema, table, columns), self, size=BLOCK_BYTES)
            rows += cursor.rowcount
        return rows

    def read(self, _size: int = -1, /) -> bytes:
        """Return the next text, of any size, and nothing at the end of what one COPY takes."""
        text = self._next
        if not self._quoted and b'"' in text:
            return b""
        self._next = self._reader.read()
        if not self._quoted:
            return text_format(text)
        if not self._null_in_quotes and _MAYBE_EMPTY.search(text):
            return _EMPTY_IN_QUOTES.sub(rb"\1", text)
        return text

    def readline(self, _size: int = -1, /) -> bytes:
        """Do what ``read`` does; the driver's types ask for it, the driver does not call it."""
        return self.read(_size)

    def _statement(self, schema: str, table: str, columns: Sequence[str]) -> sql.Composable:
        lineage = sql.SQL(", ").join(map(sql.Identifier, LINEAGE_COLUMNS))
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        options: sql.Composable = sql.SQL("format csv" if self._quoted else "format text, null ''")
        if self._null_in_quotes:
            options = sql.SQL("format csv, force_null ({})").format(names)
        return sql.SQL("copy {} ({}, {}) from stdin ({}, encoding 'UTF8')").format(
            sql.Identifier(schema, table), lineage, names, options
        )


def text_format(records: bytes) -> bytes:
    """Return CSV records without a quote in the text format of COPY."""
    if b"\\" in records:
        records = records.replace(b"\\", rb"\\")
    if b"\t" in records:
        records = records.replace(b"\t", rb"\t")
    return records.replace(b",", b"\t")
