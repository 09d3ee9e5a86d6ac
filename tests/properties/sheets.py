"""Files before they are written: random rows over a small universe of keys and values, and plain CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tests.model.records import columns_of
from tests.model.rules import Rule

TEXTS = (
    "alpha",
    "beta",
    "with, comma",
    'say "hi"',
    "two\nlines",
    "NULL",
    "\\N",
    " padded ",
    "ünï ☃",
    "'; --",
    "0",
    None,
)
CASTABLE: Mapping[str, tuple[str | None, ...]] = {
    "text": TEXTS,
    "integer": ("0", "7", "-3", "2026", None),
    "numeric": ("3", "2.50", "-0.125", "0.0", None),
    "boolean": ("true", "false", "TRUE", "False", None),
    "date": ("2026-03-31", "2024-02-29", None),
    "timestamp": (
        "2026-03-01T08:30:00Z", "2026-03-01T23:30:00-05:00", "2026-03-02T00:15:00+02:00", "2026-03-04T12:00:00", "2026-03-04 07:15:30.25",
        "2026-03-03T10:00:00.125Z", "2026-03-05T07:00", "2026-03-01T18:00:00+05:30", None,
    ),
}  # fmt: skip
UNCASTABLE: Mapping[str, tuple[str, ...]] = {
    "integer": ("x", "12.5", "0x1F", "99999999999", "NaN"),
    "numeric": ("abc", "NaN", "Infinity", "-infinity", "0x1F", "1,5"),
    "boolean": ("maybe", "2"),
    "date": ("today", "2026-02-30", "03/02/2026", "infinity", "now"),
    "timestamp": (
        "now",
        "infinity",
        "yesterday",
        "epoch",
        "2026-13-01T00:00:00Z",
        "2026-02-30T10:00:00",
        "3 March 2026",
    ),
}
PEOPLE = ("e-1", "e-2", "e-3")

Fields = dict[str, str | None]


@dataclass(frozen=True)
class Sheet:
    """A file before it is written: its columns and its rows."""

    rule: Rule
    rows: tuple[Fields, ...]


def random_row(random: Random, rule: Rule, key: Mapping[str, str | None]) -> Fields:
    """Return a row of a file whose values cast, with this key."""
    row = {name: random.choice(CASTABLE[data_type]) for name, data_type in columns_of(rule).items()}
    return {**row, **{name: random_key(random, name) for name in rule.key}, **key}


def random_key(random: Random, column: str) -> str | None:
    """Return one of the few values a key column has, so that rows of different days meet; now and then none at all."""
    if random.random() < 0.1:
        return None
    return random.choice(PEOPLE if "employee" in column else tuple(f"{column[:2]}-{n}" for n in range(3)))


def write(sheet: Sheet) -> bytes:
    """Return the sheet as plain CSV: every column in the contract's order, quotes where they are needed."""
    names = list(columns_of(sheet.rule))
    lines: list[list[str | None]] = [[*names], *([row[name] for name in names] for row in sheet.rows)]
    return "".join(",".join(quoted(field) for field in line) + "\n" for line in lines).encode()


def quoted(field: str | None, *, always: bool = False) -> str:
    """Return a CSV field; nothing at all is written as two quotes so that no line is blank."""
    if field and not always and not any(mark in field for mark in ',"\r\n'):
        return field
    return '"' + (field or "").replace('"', '""') + '"'
