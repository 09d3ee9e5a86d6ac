"""Delivered bytes -> records: header matching, what is set aside at load, and soft casts to the contract's types."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache

from edreflect_assets.contracts import load_feeds
from tests.model.rules import ALIASES, Rule

Value = str | int | Decimal | bool | date | datetime | None

TRUE, FALSE = {"true", "t", "yes", "y", "on", "1"}, {"false", "f", "no", "n", "off", "0"}
DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
TIMESTAMP = re.compile(
    DATE.pattern + r"(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?", re.ASCII
)
DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


class DoesNotCast(ValueError):
    """A delivered text is not a value of its column's type."""


class FileRefused(Exception):
    """A file cannot be trusted; its whole delivery is refused."""


@dataclass(frozen=True)
class Record:
    """One record as typed values by column; ``casts`` is False when a value of it is not of its column's type.

    Such a value is None here, so ``key`` may only be asked of columns that hold text, as all keys do.
    """

    values: dict[str, Value]
    casts: bool

    def key(self, columns: tuple[str, ...]) -> tuple[Value, ...]:
        """Return the record's values of these columns; None is a key like any other."""
        return tuple(self.values[column] for column in columns)


def columns_of(rule: Rule) -> dict[str, str]:
    """Return a file's columns and their types, from the contract."""
    return {column.name: column.data_type for column in load_feeds()["edreflect"].files[rule.file].columns}


def cast(text: str | None, data_type: str) -> Value:
    """Return the typed value of a delivered text; None stays None. Raises DoesNotCast."""
    if text is None or data_type == "text":
        return text
    try:
        return CASTS[data_type](text)
    except (ValueError, OverflowError):
        raise DoesNotCast(data_type) from None


def _integer(text: str) -> int:
    if not INTEGER.fullmatch(text) or not -(2**31) <= int(text) < 2**31:
        raise DoesNotCast
    return int(text)


def _numeric(text: str) -> Decimal:
    if not DECIMAL.fullmatch(text):
        raise DoesNotCast
    return Decimal(text)


def _boolean(text: str) -> bool:
    if text.lower() not in TRUE | FALSE:
        raise DoesNotCast
    return text.lower() in TRUE


def _date(text: str) -> date:
    match = DATE.fullmatch(text)
    if not match:
        raise DoesNotCast
    return date(*map(int, match.groups()))


def _timestamp(text: str) -> datetime:
    match = TIMESTAMP.fullmatch(text)
    if not match:
        raise DoesNotCast
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    microsecond = int((fraction or "0").ljust(6, "0"))
    local = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), microsecond)
    if offset in (None, "Z"):
        return local
    ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:].lstrip(":") or 0))
    return local - ahead if offset[0] == "+" else local + ahead


CASTS: Mapping[str, Callable[[str], Value]] = {
    "integer": _integer,
    "numeric": _numeric,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
}


def split(data: bytes) -> list[list[str]]:
    """Return the header and the records of a CSV file; bytes that are not UTF-8 become lone surrogates."""
    text = data.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff")
    records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    if [] in records:
        raise AssertionError("The model does not say what a blank line means; do not generate one.")
    return records


def matched_header(rule: Rule, header: list[str]) -> list[str | None]:
    """Return for each header field the contract's column it stands for, or None for one the contract lacks.

    Raises FileRefused for a name that comes twice and for a key column that does not come at all.
    """
    names = [field.strip().lower() for field in header]
    columns = columns_of(rule)
    matched = [name if name in columns else ALIASES.get(name) for name in names]
    found = [column for column in matched if column in columns]
    if len(set(names)) < len(names) or len(set(found)) < len(found):
        raise FileRefused("a column comes twice")
    if not set(rule.key) <= set(found):
        raise FileRefused("a key column is missing")
    return [column if column in columns else None for column in matched]


def is_readable(fields: list[str], header: list[str]) -> bool:
    """Tell whether the loader keeps a record: as many fields as the header, valid UTF-8, no NUL."""
    return len(fields) == len(header) and not any(re.search("[\x00\udc80-\udcff]", field) for field in fields)


@cache
def read(rule: Rule, data: bytes, max_rejected_share: float = 1.0) -> tuple[Record, ...]:
    """Return the records of a file that the loader keeps, in the file's order. Raises FileRefused."""
    if not data:
        raise FileRefused("zero bytes")
    header, *lines = split(data)
    columns = columns_of(rule)
    matched = matched_header(rule, header)
    kept = [fields for fields in lines if is_readable(fields, header)]
    if len(lines) - len(kept) > max_rejected_share * len(lines):
        raise FileRefused("too many records cannot be read")
    records = []
    for fields in kept:
        delivered = {column: field or None for column, field in zip(matched, fields, strict=True) if column}
        records.append(_typed(columns, delivered))
    return tuple(records)


def _typed(columns: dict[str, str], delivered: dict[str, str | None]) -> Record:
    values: dict[str, Value] = {}
    casts = True
    for column, data_type in columns.items():
        try:
            values[column] = cast(delivered.get(column), data_type)
        except DoesNotCast:
            values[column], casts = None, False
    return Record(values, casts)
