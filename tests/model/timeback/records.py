"""Delivered bytes -> typed records: header matching, what cannot be read, and soft casts to the columns' types."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from tests.model.records import CASTS, DoesNotCast, FileRefused, is_readable, split
from tests.model.timeback.tables import DELETED, Table

Value = str | int | Decimal | bool | date | datetime | tuple[str, ...] | None
Columns = Mapping[str, Value]
Key = tuple[Value, ...]

# What https://www.postgresql.org/docs/current/datatype-uuid.html says it reads: braces around it, hyphens left out or
# after any four digits.
_UUID = re.compile(r"([0-9a-f]{4}-?){7}[0-9a-f]{4}", re.IGNORECASE)


@dataclass(frozen=True)
class Record:
    """A record that was taken: its key, and its values by column, None when it removes the row with the key."""

    key: Key
    values: Columns | None = field(hash=False)


@dataclass(frozen=True)
class Contents:
    """What a file says: the records taken in file order, and how many were set aside when it was loaded or cast."""

    records: tuple[Record, ...]
    unreadable: int
    uncast: int


def cast(text: str | None, data_type: str) -> Value:
    """Return the typed value of a delivered text, None for none; UUIDs in lower case. Raises DoesNotCast."""
    if text is None or data_type == "text":
        return text
    if data_type == "uuid":
        return _uuid(text)
    try:
        return CASTS["timestamp" if data_type == "timestamptz" else data_type](text)
    except (ValueError, OverflowError):
        raise DoesNotCast(data_type) from None


def _uuid(text: str) -> str:
    bare = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    if not _UUID.fullmatch(bare):
        raise DoesNotCast("uuid")
    return str(uuid.UUID(bare.replace("-", "")))


@cache
def read(table: Table, data: bytes) -> Contents:
    """Return what a file says. Raises FileRefused."""
    if not data:
        raise FileRefused("zero bytes")
    header, *lines = split(data)
    matched = _matched_header(table, header)
    readable = [fields for fields in lines if is_readable(fields, header)]
    taken, uncast = [], 0
    for fields in readable:
        delivered = {column: text or None for column, text in zip(matched, fields, strict=True) if column}
        try:
            taken.append(_record(table, delivered))
        except DoesNotCast:
            uncast += 1
    return Contents(tuple(taken), len(lines) - len(readable), uncast)


def _matched_header(table: Table, header: list[str]) -> list[str | None]:
    """Return the column of each field, None for one the table lacks. Raises FileRefused."""
    names = [name.strip().lower() for name in header]
    if len(set(names)) < len(names):
        raise FileRefused("a column comes twice")
    if not set(table.key) <= set(names):
        raise FileRefused("a key column is missing")
    return [name if name in table.columns or name == DELETED else None for name in names]


def _record(table: Table, delivered: Mapping[str, str | None]) -> Record:
    """Return a typed record; one that removes a row needs nothing but its key. Raises DoesNotCast."""
    key = tuple(cast(delivered[column], table.columns[column]) for column in table.key)
    if None in key:
        raise DoesNotCast("an empty key")
    if cast(delivered.get(DELETED), "boolean"):
        return Record(key, None)
    return Record(key, {name: cast(delivered.get(name), data_type) for name, data_type in table.columns.items()})
