"""What the orgs of a sample deliver: an export, a roster, TimeBack's tables or programs of a day, each in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edreflect_assets.contracts import load_feeds
from edreflect_assets.sample.rosters import RosterPackage
from edreflect_assets.sample.rosters.packages import FEED as ROSTER_FEED
from edreflect_assets.sample.source_system import FEED
from edreflect_assets.sample.tables import Export
from edreflect_assets.sample.writing import Dialect, Written, write_export

if TYPE_CHECKING:
    from edreflect_assets.sample.timeback import TimeBackDay

TIMEBACK_FEED = "timeback"

Kind = Literal["on time", "late", "faulty", "corrected", "id maps"]


@dataclass(frozen=True)
class SampleDelivery:
    """A delivery of one org, of EdReflect or ``feed``: ``directory`` is relative to the sample's root, ``day`` None for files without a day.

    ``order`` is 1 for what lies there at first and 2 for what comes in after newer days: the day that is late and the
    correct version of the day that was faulty. ``broken_lines`` are records to be written beside the export's own.
    """

    order: int
    org: str
    day: date | None
    kind: Kind
    directory: Path
    export: Export = field(repr=False)
    broken_lines: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    feed: str = FEED

    @property
    def broken(self) -> int:
        """How many records are broken."""
        return len(self.broken_lines)

    def write(self, out: Path, dialect: Dialect, *, empty_files: bool) -> Written:
        """Write the files below the sample's root; without ``empty_files`` only those with records."""
        return write_export(
            load_feeds()[self.feed],
            self.export,
            out / self.directory,
            dialect=dialect,
            extra_lines=self.broken_lines,
            # a file left out of a second delivery would leave its first, faulty version standing
            empty_files=empty_files or self.kind == "corrected",
        )


@dataclass(frozen=True)
class RosterDelivery:
    """A roster of one org's day: ``directory`` is relative to the sample's root."""

    order: int
    org: str
    day: date
    kind: Kind
    directory: Path
    package: RosterPackage = field(repr=False)

    @property
    def broken(self) -> int:
        """How many records are broken."""
        return self.package.broken

    def write(self, out: Path, dialect: Dialect, *, empty_files: bool) -> Written:
        """Write the package below the sample's root."""
        return self.package.write(load_feeds()[ROSTER_FEED], out / self.directory, dialect)


@dataclass(frozen=True)
class TimeBackDelivery:
    """What an org's TimeBack delivers of a day: ``directory`` is relative to the sample's root.

    ``broken_lines`` are records by table, to be written beside those of the day.
    """

    order: int
    org: str
    day: date
    kind: Kind
    directory: Path
    delivered: TimeBackDay = field(repr=False)
    broken_lines: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def broken(self) -> int:
        """How many records are broken."""
        return len(self.broken_lines)

    def write(self, out: Path, dialect: Dialect, *, empty_files: bool) -> Written:
        """Write the tables with rows below the sample's root."""
        from edreflect_assets.sample.timeback.trouble import misdelivered  # noqa: PLC0415 - polars takes a while
        from edreflect_assets.sample.timeback.writing import write_tables  # noqa: PLC0415

        frames = self.delivered.frames()
        return write_tables(
            load_feeds()[TIMEBACK_FEED],
            misdelivered(frames) if self.kind == "faulty" else frames,
            out / self.directory,
            dialect,
            self.broken_lines,
        )


Delivery = SampleDelivery | RosterDelivery | TimeBackDelivery


@dataclass(frozen=True)
class SampleSummary:
    """What was written: names of orgs, days, numbers of files and of records (broken ones included and counted)."""

    orgs: tuple[str, ...]
    days: tuple[date, ...]
    files: int
    rows: int
    dirty_rows: int
    late_days: tuple[tuple[str, date], ...]
    corrected_days: tuple[tuple[str, date], ...]
