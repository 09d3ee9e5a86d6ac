"""Delivered lines -> typed records: what each value means, and which records are set aside."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tests.model.roster.entities import STATUSES, Column, Entity, identity

Value = str | int | bool | date | datetime | tuple[str, ...] | None

BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(?:Z|([+-])(\d{2}):(\d{2}))", re.ASCII)


@dataclass(frozen=True)
class Sheet:
    """A CSV file as it was delivered: the header's names and the fields of each line."""

    file: str
    header: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]

    def field(self, line: tuple[str, ...], header: str) -> str:
        """Return a line's field under a header, empty when either is not there."""
        at = self.header.index(header) if header in self.header else len(line)
        return line[at] if at < len(line) else ""


@dataclass(frozen=True)
class Record:
    """A record that was taken. ``values`` are the table's columns, ``beside`` what roles and agents come from.

    ``modified`` is the record's own dateLastModified as UTC without a zone; status and it mean nothing in a bulk file.
    """

    id: str
    sourced_id: str
    status: str
    modified: datetime | None
    values: Mapping[str, Value] = field(hash=False)
    beside: Mapping[str, Value] = field(hash=False)


@dataclass(frozen=True)
class Contents:
    """What a file says: its mode, the records taken in file order, and the ids that set aside records name."""

    mode: str
    records: tuple[Record, ...]
    rejected: int
    rejected_ids: frozenset[str]


class DoesNotFit(ValueError):
    """A text is no value of its column."""


def mode_of(sheet: Sheet, announced: str | None) -> str:
    """Return delta when every line carries a status and a dateLastModified, else bulk.

    What the manifest announces counts only for a file without lines.
    """
    if not sheet.lines:
        return announced or "bulk"
    says = all(sheet.field(line, "status") and sheet.field(line, "dateLastModified") for line in sheet.lines)
    return "delta" if says else "bulk"


def read(org: str, entity: Entity, sheet: Sheet, mode: str, version: str) -> Contents:
    """Return what a file says. Ids are made for ``org``; ``version`` settles which columns are required.

    Of several lines of a full file with one sourcedId the last counts, whether its values can be taken or not.
    """
    keys = [sheet.field(line, "sourcedId") for line in sheet.lines]
    taken: list[Record] = []
    rejected, rejected_ids = 0, set()
    for number, line in enumerate(sheet.lines, start=1):
        try:
            readable = [len(later) == len(sheet.header) for later in sheet.lines[number:]]
            if mode == "bulk" and keys[number - 1] in itertools.compress(keys[number:], readable):
                raise DoesNotFit
            taken.append(_record(org, entity, sheet, line, mode, version))
        except DoesNotFit:
            rejected += 1
            if key := keys[number - 1]:
                rejected_ids.add(identity(org, entity.type, key))
    return Contents(mode, tuple(taken), rejected, frozenset(rejected_ids))


def _record(org: str, entity: Entity, sheet: Sheet, line: tuple[str, ...], mode: str, version: str) -> Record:
    if len(line) != len(sheet.header) or not sheet.field(line, "sourcedId"):
        raise DoesNotFit
    given = sheet.field(line, "status")
    status = one_of(given, STATUSES) if given else "active"
    if mode == "bulk" and status == "tobedeleted":
        raise DoesNotFit
    modified = date_time(sheet.field(line, "dateLastModified")) if mode == "delta" else None
    sourced_id = sheet.field(line, "sourcedId")

    def read_columns(columns: tuple[Column, ...]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for column in columns:
            text = sheet.field(line, column.header)
            if not text and column.required in {"yes", version}:
                raise DoesNotFit
            found[column.name] = value(org, column, text) if text else None
        return found

    return Record(
        identity(org, entity.type, sourced_id),
        sourced_id,
        status,
        modified,
        read_columns(entity.columns),
        read_columns(entity.beside),
    )


def value(org: str, column: Column, text: str) -> Value:
    """Return what a text that is not empty means in a column. Raises DoesNotFit."""
    if column.kind == "enum":
        assert isinstance(column.of, tuple)
        return one_of(text, column.of)
    if column.kind == "id":
        return identity(org, str(column.of), text)
    if column.kind == "ids":
        return tuple(identity(org, str(column.of), item) for item in items(text)) or None
    return _READERS[column.kind](text)


def items(text: str) -> tuple[str, ...]:
    """Return the items of a list: what stands between its commas, without spaces around it; empty ones are none."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def one_of(text: str, allowed: tuple[str, ...]) -> str:
    """Return the value in the standard's spelling, whatever case it came in. Raises DoesNotFit."""
    for known in allowed:
        if known.lower() == text.lower():
            return known
    raise DoesNotFit


def date_time(text: str) -> datetime:
    """Return the moment in UTC, without a zone. Raises DoesNotFit."""
    match = _DATE_TIME.fullmatch(text)
    if not match:
        raise DoesNotFit
    local, fraction, sign, hours, minutes = match.groups()
    moment = datetime.fromisoformat(local) + timedelta(microseconds=int((fraction or "0").ljust(6, "0")))
    ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return moment - ahead if sign == "+" else moment + ahead


def _date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise DoesNotFit
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DoesNotFit from None


def _integer(text: str) -> int:
    if not re.fullmatch(r"\d{4}", text, re.ASCII):
        raise DoesNotFit
    return int(text)


def _boolean(text: str) -> bool:
    if text.lower() not in BOOLEANS:
        raise DoesNotFit
    return BOOLEANS[text.lower()]


_READERS: Mapping[str, Callable[[str], Value]] = {
    "text": lambda text: text,
    "list": lambda text: items(text) or None,
    "date": _date,
    "integer": _integer,
    "boolean": _boolean,
}
