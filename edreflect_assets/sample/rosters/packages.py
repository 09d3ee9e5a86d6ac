"""A day's OneRoster package: its manifest and files, written loose or as one .zip, row by row."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

from edreflect_assets.contracts import Feed
from edreflect_assets.sample.rosters.delivering import Delivering, Mode
from edreflect_assets.sample.rosters.dirt import soiled
from edreflect_assets.sample.rosters.groups import CLASSES, ENROLLMENTS, USERS
from edreflect_assets.sample.rosters.roster_system import RosterSystem
from edreflect_assets.sample.tables import Row
from edreflect_assets.sample.writing import Dialect, Written

FEED = "oneroster"
ZIP_NAME = "roster.zip"
SYSTEM_NAME = "Sample SIS"
MANIFEST = "manifest.csv"
# What the standard's packages may hold, besides the rostering files of the feed's contract.
_OTHER_FILES = {
    "1.1": "categories classResources courseResources demographics lineItems resources results",
    "1.2": "categories classResources courseResources demographics lineItemLearningObjectiveIds lineItemScoreScales "
    "lineItems resources resultLearningObjectiveIds resultScoreScales results scoreScales userProfiles userResources",
}
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class PackageFile:
    """A file of a package; ``rows`` yields its records keyed by header, anew with each call."""

    name: str
    mode: Mode
    rows: Callable[[], Iterator[Row]] = field(repr=False)


@dataclass(frozen=True)
class RosterPackage:
    """A package of an org's day; its rows are those of the system as it is now, so write it before the next step."""

    delivering: Delivering
    files: tuple[PackageFile, ...]
    broken: int = 0

    @classmethod
    def of(cls, system: RosterSystem, *, index: int, dirty: bool) -> RosterPackage:
        """Return the package of a system's present day, the sample's day ``index``, from 0; ``dirty`` if it is full."""
        delivering, every = system.delivering, system.files()
        if delivering.is_bulk_day(index):
            soil = dirty and index == 0
            files = tuple(PackageFile(name, "bulk", _full(name, rows, soil)) for name, rows in every.items())
            return cls(delivering, files, broken=int(soil))
        changes = {
            name: [{**row, "dateLastModified": _moment(system, row)} for row in rows]
            for name, rows in system.changes().items()
        }
        repeated = ("academicSessions.csv", "orgs.csv") if changes and delivering.static_bulk else ()
        return cls(
            delivering,
            tuple(
                PackageFile(name, "bulk", rows)
                if name in repeated
                else PackageFile(name, "delta", changes[name].__iter__)
                for name, rows in every.items()
                if name in repeated or name in changes
            ),
        )

    def cut_off(self) -> RosterPackage:
        """Return the package as it looks when the export was stopped half-way: fewer classes, people, enrollments."""
        return RosterPackage(
            self.delivering,
            tuple(
                PackageFile(file.name, file.mode, _first_half(file.rows))
                if file.name in {CLASSES, ENROLLMENTS, USERS}
                else file
                for file in self.files
            ),
            self.broken,
        )

    def manifest(self) -> list[Row]:
        """Return the records of manifest.csv."""
        modes: Mapping[str, str] = {file.name.removesuffix(".csv"): file.mode for file in self.files}
        names = ["academicSessions", "classes", "courses", "enrollments", "orgs", "users"]
        if self.delivering.version == "1.2":
            names.append("roles")
        others = _OTHER_FILES[self.delivering.version].split()
        said = {
            "manifest.version": "1.0",
            "oneroster.version": self.delivering.version,
            **{f"file.{name}": modes.get(name, "absent") for name in sorted([*names, *others])},
            "source.systemName": SYSTEM_NAME,
            "source.systemCode": "sample",
        }
        return [{"propertyName": name, "value": value} for name, value in said.items()]

    def write(self, feed: Feed, directory: Path, dialect: Dialect) -> Written:
        """Write the package into a directory, replacing what was there of it; a .zip counts as one file.

        A file without records in a package of changes is not there; rows are never held in memory as a whole.
        """
        directory.mkdir(parents=True, exist_ok=True)
        records = 0
        target = _zip(directory) if self.delivering.zipped else _folder(directory)
        with target as create:
            with create(MANIFEST) as output:
                rows = self.manifest()
                records += _write(output, ["propertyName", "value"], iter(rows), dialect)
            for file in self.files:
                header = self.delivering.header(feed.files[file.name], file.mode)
                with create(file.name) as output:
                    records += _write(output, header, file.rows(), dialect)
        return Written(1 if self.delivering.zipped else len(self.files) + 1, records)


def _full(name: str, rows: Callable[[], Iterator[Row]], soil: bool) -> Callable[[], Iterator[Row]]:
    return (lambda: soiled(name, rows())) if soil else rows


def _first_half(rows: Callable[[], Iterator[Row]]) -> Callable[[], Iterator[Row]]:
    def half() -> Iterator[Row]:
        number = sum(1 for _ in rows())
        return islice(rows(), max(1, number // 2))

    return half


def _moment(system: RosterSystem, row: Row) -> str:
    """Return a time of the system's day at which a record was changed, UTC."""
    second = sum(row["sourcedId"].encode()) * 37 % (8 * 3600)
    return f"{system.day}T{14 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000Z"


def _write(output: IO[bytes], header: Sequence[str], rows: Iterator[Row], dialect: Dialect) -> int:
    encoding = "utf-8-sig" if dialect.byte_order_mark else "utf-8"
    text = io.TextIOWrapper(output, encoding=encoding, newline="", write_through=False)
    writer = csv.writer(text, lineterminator=dialect.line_end)
    writer.writerow(header)
    number = 0
    for row in rows:
        writer.writerow([row.get(name, "") for name in header])
        number += 1
    text.flush()
    text.detach()
    return number


@contextmanager
def _folder(directory: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    yield lambda name: (directory / name).open("wb")


@contextmanager
def _zip(directory: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    with zipfile.ZipFile(directory / ZIP_NAME, "w") as archive:

        def create(name: str) -> IO[bytes]:
            # a fixed date, so that equal rows give equal bytes
            member = zipfile.ZipInfo(name, _EARLIEST)
            member.compress_type = zipfile.ZIP_DEFLATED
            return archive.open(member, "w", force_zip64=True)

        yield create
