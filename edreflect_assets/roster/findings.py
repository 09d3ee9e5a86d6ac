"""Findings gathered while a package is judged: columns of numbers, not an object each.

What findings have in common (code, file, column, sentence) is kept once per group; of each finding only the record's
number and its line are kept, so that a file in which every row is wrong takes a few bytes per row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from edreflect_assets.roster.codes import CODES, Severity

_GRAVITY: Mapping[Severity, int] = {"package": 0, "row": 1, "warning": 2}
_Key = tuple[str, str, str | None, str]
PLACE = pl.Schema({"record": pl.UInt32, "line": pl.UInt32})


@dataclass(frozen=True)
class Group:
    """What a number of findings have in common; ``text`` is a sentence."""

    code: str
    file: str
    column: str | None
    text: str

    @property
    def severity(self) -> Severity:
        """What the finding does to the package."""
        return CODES[self.code].severity


class FindingLog:
    """Findings by group, in the order in which the groups were first found."""

    def __init__(self) -> None:
        self._places: dict[_Key, list[pl.DataFrame]] = {}

    def about_file(
        self, code: str, file: str, text: str, *, column: str | None = None, line: int | None = None
    ) -> None:
        """Add a finding about a file or the package, or about its header (``line``)."""
        # Record 0 stands for the file, line 0 for no line.
        place = pl.DataFrame({"record": [0], "line": [line or 0]}, schema=PLACE)
        self._places.setdefault((code, file, column, text), []).append(place)

    def about_records(
        self, code: str, file: str, places: pl.DataFrame, *, column: str | None = None, text: str = ""
    ) -> None:
        """Add a finding for each of ``places`` (columns record and line); ``text`` defaults to the code's meaning."""
        if places.height:
            key = (code, file, column, text or CODES[code].meaning)
            self._places.setdefault(key, []).append(places.select("record", "line"))

    def about_record(self, code: str, file: str, record: int, line: int, text: str) -> None:
        """Add a finding about one record."""
        self.about_records(code, file, pl.DataFrame({"record": [record], "line": [line]}, schema=PLACE), text=text)

    def take(self, other: FindingLog) -> None:
        """Add all findings of another log."""
        for key, places in other._places.items():
            self._places.setdefault(key, []).extend(places)

    def groups(self, *, severities: Iterable[Severity] = ("package", "row", "warning")) -> Iterator[tuple[Group, int]]:
        """Yield each group of these severities and the number of its findings, the gravest first, then by code and file."""
        wanted = set(severities)
        groups = [group for group in (Group(*key) for key in self._places) if group.severity in wanted]
        for group in sorted(groups, key=_by_gravity):
            yield group, sum(places.height for places in self._places[_key(group)])

    def places(self, group: Group) -> pl.DataFrame:
        """Return the records and lines of a group by line; record 0 is the file itself, line 0 no line."""
        key = _key(group)
        frame = pl.concat(self._places[key]).sort("line", "record")
        self._places[key] = [frame]
        return frame

    def count(self, severities: Sequence[Severity]) -> int:
        """Return the number of findings of these severities."""
        return sum(number for _, number in self.groups(severities=severities))

    def row_by_row(self) -> Iterator[tuple[Group, int, int]]:
        """Yield every finding as group, record and line: by file, those about the file first, then by line."""
        groups = [group for group, _ in self.groups()]
        for file in sorted({group.file for group in groups}):
            of_file = [group for group in groups if group.file == file]
            frame = pl.concat(
                [self.places(group).with_columns(group=pl.lit(n, pl.UInt32)) for n, group in enumerate(of_file)]
            ).sort("line", "record", "group")
            for part in frame.iter_slices(65_536):
                for record, line, number in part.iter_rows():
                    yield of_file[number], record, line

    def rejections(self, file: str) -> tuple[list[Group], pl.DataFrame]:
        """Return the groups that set records of ``file`` aside, and per such record the first (columns group, record, line).

        First is the lowest code; ``group`` is a place in the list; the frame is sorted by record.
        """
        groups = [group for group, _ in self.groups(severities=["row"]) if group.file == file]
        if not groups:
            return [], pl.DataFrame(schema={**PLACE, "group": pl.UInt32})
        frame = pl.concat(
            [self.places(group).with_columns(group=pl.lit(n, pl.UInt32)) for n, group in enumerate(groups)]
        )
        return groups, frame.sort("record", "group").unique("record", keep="first", maintain_order=True)


def _key(group: Group) -> _Key:
    return group.code, group.file, group.column, group.text


def _by_gravity(group: Group) -> tuple[int, str, str, str, str]:
    return _GRAVITY[group.severity], group.code, group.file, group.column or "", group.text
