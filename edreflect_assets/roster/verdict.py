"""What validation says about a package: accepted or refused, each file's mode, the records set aside, every finding."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from edreflect_assets.roster.codes import Severity
from edreflect_assets.roster.findings import FindingLog, Group

__all__ = ["Counted", "FileVerdict", "Finding", "Mode", "PackageVerdict", "Rejection", "Rejections", "Severity"]

Mode = Literal["bulk", "delta"]
# A report names at most this many lines of each code; the counts beside them are exact.
LINES_PER_CODE = 100


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
class Counted:
    """Findings that differ in their line only: how many, and the first lines (at most ``LINES_PER_CODE``)."""

    code: str
    severity: Severity
    file: str
    column: str | None
    text: str
    count: int
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Rejection:
    """A record to be set aside: where it starts, the first rule it broke, and the key it names where that can be read."""

    line: int
    code: str
    column: str | None
    reason: str
    record_key: str | None


class Rejections(Mapping[int, Rejection]):
    """Rejections by record number, ascending, made when they are asked for: a million take a few MiB."""

    def __init__(
        self, records: array[int], lines: array[int], groups: array[int], known: list[Group], keys: Mapping[int, str]
    ) -> None:
        self._records = records
        self._lines = lines
        self._groups = groups
        self._known = known
        self._keys = keys

    def __contains__(self, record: object) -> bool:
        """Tell whether a record is rejected."""
        return isinstance(record, int) and self._place(record) is not None

    def __getitem__(self, record: int) -> Rejection:
        """Return the rejection of a record; raises KeyError for one that is good."""
        place = self._place(record)
        if place is None:
            raise KeyError(record)
        group = self._known[self._groups[place]]
        return Rejection(self._lines[place], group.code, group.column, group.text, self._keys.get(record))

    def __iter__(self) -> Iterator[int]:
        """Iterate over the numbers of the rejected records."""
        return iter(self._records)

    def __len__(self) -> int:
        """Return how many records are rejected."""
        return len(self._records)

    def _place(self, record: int) -> int | None:
        place = bisect_left(self._records, record)
        return place if place < len(self._records) and self._records[place] == record else None


@dataclass(frozen=True)
class FileVerdict:
    """One file of a package; ``rejected`` is keyed by the record's number in the file, from 1.

    ``mode`` is None for the manifest. ``records`` counts all records after the header, rejected and unreadable ones
    included.
    """

    file: str
    table: str
    mode: Mode | None
    records: int
    rejected: Mapping[int, Rejection] = field(default_factory=dict)


@dataclass(frozen=True)
class PackageVerdict:
    """What is to become of a package. A pure function of its bytes.

    ``files`` holds the files of the contract that could be read to their end, by their names in the contract, the
    manifest included. ``version`` is 1.1 or 1.2. ``no_updates``: there is a manifest and no rostering file.
    """

    version: str
    no_updates: bool
    files: Mapping[str, FileVerdict]
    left_aside: tuple[str, ...] = ()
    log: FindingLog = field(default_factory=FindingLog, repr=False)

    @classmethod
    def of_unreadable(cls, code: str, file: str, text: str) -> PackageVerdict:
        """Return the verdict on a package that could not even be opened."""
        log = FindingLog()
        log.about_file(code, file, text)
        return cls(version="", no_updates=False, files={}, log=log)

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that refuse the package; none: it can be loaded."""
        return tuple(
            _finding(group, line)
            for group, _ in self.log.groups(severities=["package"])
            for line in self.log.places(group)["line"]
        )

    @property
    def errors(self) -> int:
        """The number of findings that refuse the package or set a record aside."""
        return self.log.count(["package", "row"])

    @property
    def warnings(self) -> int:
        """The number of findings that change nothing."""
        return self.log.count(["warning"])

    def sentence(self) -> str:
        """Return what becomes of the package, for a person."""
        refusals = len(self.refusals)
        if refusals:
            because = "one finding refuses" if refusals == 1 else f"{refusals:,} findings refuse"
            return f"The package cannot be loaded: {because} it as a whole."
        if self.no_updates:
            return "The package holds a manifest alone: no updates, nothing changes."
        records = sum(verdict.records for verdict in self.files.values() if verdict.mode)
        rejected = sum(len(verdict.rejected) for verdict in self.files.values())
        if rejected:
            aside = "1 is set aside" if rejected == 1 else f"{rejected:,} are set aside"
        else:
            aside = "none is set aside"
        warnings = "1 warning" if self.warnings == 1 else f"{self.warnings:,} warnings"
        return f"The package can be loaded: of {records:,} records {aside}; {warnings}."

    def by_code(self) -> tuple[Counted, ...]:
        """Return the findings summed up by code, file, column and sentence, the gravest first."""
        room: dict[str, int] = {}
        counted = []
        for group, count in self.log.groups():
            left = room.get(group.code, LINES_PER_CODE)
            lines = tuple(line for line in self.log.places(group)["line"].head(left) if line)
            room[group.code] = left - len(lines)
            counted.append(Counted(group.code, group.severity, group.file, group.column, group.text, count, lines))
        return tuple(counted)

    def findings(self) -> Iterator[Finding]:
        """Yield every finding: by file, those about the file itself first, then by line."""
        for group, _, line in self.log.row_by_row():
            yield _finding(group, line)

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON object: exact counts, at most ``LINES_PER_CODE`` lines per code, no value."""
        return {
            "version": self.version,
            "no_updates": self.no_updates,
            "refused": bool(self.refusals),
            "errors": self.errors,
            "warnings": self.warnings,
            "files": {
                name: {
                    "table": verdict.table,
                    "mode": verdict.mode,
                    "records": verdict.records,
                    "rejected": len(verdict.rejected),
                }
                for name, verdict in self.files.items()
            },
            "left_aside": list(self.left_aside),
            "findings": [
                {
                    "code": counted.code,
                    "severity": counted.severity,
                    "file": counted.file,
                    "column": counted.column,
                    "text": counted.text,
                    "count": counted.count,
                    "lines": list(counted.lines),
                }
                for counted in self.by_code()
            ],
        }


def _finding(group: Group, line: int) -> Finding:
    return Finding(group.code, group.severity, group.file, line or None, group.column, group.text)
