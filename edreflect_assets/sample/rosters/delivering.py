"""How an org's student information system writes its packages; no two neighbours do it alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from edreflect_assets.contracts import FileContract

Mode = Literal["bulk", "delta"]
Version = Literal["1.1", "1.2"]

LIFECYCLE = ("status", "dateLastModified")
BULK_EVERY = 5


@dataclass(frozen=True)
class Delivering:
    """An org's habits.

    ``uuids``: sourcedIds are UUIDs. ``zipped``: one .zip instead of loose files. ``passwords``: users.csv has a column of
    that name. ``open_ended``: enrollments have no endDate until they end. ``static_bulk``: a day of changes repeats
    orgs and sessions as full files. ``empty_columns``: full files have the columns of changes, too, without values.
    ``bulk_offset`` shifts the days of full packages.
    """

    version: Version
    uuids: bool
    zipped: bool
    passwords: bool
    open_ended: bool
    static_bulk: bool
    empty_columns: bool
    bulk_offset: int

    @classmethod
    def of(cls, number: int) -> Self:
        """Return the habits of a sample's org by its number, from 0."""
        return cls(
            version="1.2" if number % 2 else "1.1",
            uuids=number % 4 in {0, 3},
            zipped=number % 4 in {1, 2},
            passwords=number % 2 == 0,
            open_ended=number % 2 == 0,
            static_bulk=number % 2 == 1,
            empty_columns=number % 2 == 0,
            bulk_offset=2 * number,
        )

    def is_bulk_day(self, index: int) -> bool:
        """Tell whether the package of the sample's day ``index``, from 0, is full: the first, and every fifth or so."""
        return index == 0 or (index + self.bulk_offset) % BULK_EVERY == 0

    def header(self, contract: FileContract, mode: Mode) -> list[str]:
        """Return the columns of a file, without those of another version and, in full files, those of changes."""
        of_other_version = {"1.1", "1.2"} - {self.version}
        names = [column.header or column.name for column in contract.columns if column.required not in of_other_version]
        if mode == "bulk" and not self.empty_columns:
            names = [name for name in names if name not in LIFECYCLE]
        return [*names, "password"] if contract.table == "users" and self.passwords else names
