"""What validation says about a package: accepted or refused, each file's mode, the records set aside, every finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["package", "row", "warning"]
Mode = Literal["bulk", "delta"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; ``text`` is a sentence for a person and never holds a value of a person's record.

    ``severity``: ``package`` refuses the whole package, ``row`` sets the record aside, ``warning`` changes nothing.
    ``line`` is the physical line on which the record starts (header = 1), None for a finding about a file or package.
    ``column`` is the header's name as the standard spells it.
    """

    code: str
    severity: Severity
    file: str
    line: int | None
    column: str | None
    text: str


@dataclass(frozen=True)
class Rejection:
    """A record to be set aside: where it starts, the first rule it broke, and the key it names where that can be read."""

    line: int
    code: str
    column: str | None
    reason: str
    record_key: str | None


@dataclass(frozen=True)
class FileVerdict:
    """One rostering file of a package; ``rejected`` is keyed by the record's number in the file, from 1.

    ``records`` counts all records after the header, rejected and unreadable ones included.
    """

    file: str
    table: str
    mode: Mode
    records: int
    rejected: Mapping[int, Rejection] = field(default_factory=dict)
