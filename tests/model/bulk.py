"""The feed of Infinite Campus in plain Python: which rows are true after any deliveries, written from the rule in words.

A file is the whole state of its table for its org and day. The newest day counts whose current file holds a row that can
be taken; a file without such a row, or none, says nothing. Programs without a readable record refuse their delivery.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

Row = tuple[Any, ...]
Parser = Callable[[str], Any]


def _day(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


# table -> its columns, the key first, and how their text is read
TABLES: Mapping[str, Mapping[str, Parser]] = {
    "programs": {
        "program_id": str,
        "program_name": str,
        "program_category": str,
        "description": str,
        "district_number": str,
        "school_year": int,
    },
    "program_participation": {
        "participation_id": str,
        "program_id": str,
        "student_unique_id": str,
        "begin_date": _day,
        "end_date": _day,
    },
    "program_staff": {
        "program_staff_id": str,
        "program_id": str,
        "staff_unique_id": str,
        "begin_date": _day,
        "end_date": _day,
    },
    "resource_preferences": {
        "program_category": str,
        "cohort_scope_code": str,
        "cohort_type_code": str,
        "mapped": _flag,
    },
    "resource_toggles": {"resource": str, "enabled": _flag},
}
REFUSES_EMPTY = "programs"


@dataclass(frozen=True)
class Delivery:
    """Texts by table of one org and day; a table that is not named did not come."""

    org: str
    day: date
    files: Mapping[str, str] = field(hash=False)


@cache
def contents(table: str, text: str) -> tuple[bool, tuple[Row, ...]]:
    """Return whether a file has a record that can be read, and the rows that it says are true."""
    parsers = TABLES[table]
    header, *lines = csv.reader(io.StringIO(text))
    readable = [line for line in lines if len(line) == len(header)]
    rows: dict[str, Row] = {}
    for line in readable:
        given = dict(zip(header, line, strict=True))
        try:
            row = tuple(parse(value) if (value := given.get(name)) else None for name, parse in parsers.items())
        except (ValueError, KeyError):
            continue
        if row[0] is not None:
            rows[row[0]] = row
    return bool(readable), tuple(rows.values())


class Log:
    """Keeps the current text of every file."""

    def __init__(self) -> None:
        self._current: dict[tuple[str, date, str], str] = {}

    def load(self, delivery: Delivery) -> bool:
        """Load a delivery, all its files or none; False when it is refused."""
        programs = delivery.files.get(REFUSES_EMPTY)
        if programs is not None and not contents(REFUSES_EMPTY, programs)[0]:
            return False
        for table, text in delivery.files.items():
            self._current[delivery.org, delivery.day, table] = text
        return True

    def states(self, org: str, table: str) -> list[tuple[date, tuple[Row, ...]]]:
        """Return the days on which an org said what is true of a table, in order, with the rows."""
        said = {
            day: contents(table, text)[1]
            for (owner, day, of), text in self._current.items()
            if (owner, of) == (org, table)
        }
        return [(day, rows) for day, rows in sorted(said.items()) if rows]

    def state(self, org: str, table: str, as_of: date | None = None) -> set[Row]:
        """Return the rows of a table that are true now, or were as of a day, each with the day it is from."""
        until = [(day, rows) for day, rows in self.states(org, table) if as_of is None or day <= as_of]
        return {(*row, day) for day, rows in until[-1:] for row in rows}

    def history(self, org: str, table: str) -> set[Row]:
        """Return every row a table ever had, with the day from which it was true and the one from which no more."""
        states = self.states(org, table)
        ends = [*(day for day, _ in states[1:]), None]
        return {(*row, day, end) for (day, rows), end in zip(states, ends, strict=False) for row in rows}
