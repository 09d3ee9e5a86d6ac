"""What a source gives access to: folders, the files in them, and which of them belong to a feed of an org."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from edreflect_assets.contracts import Feed
from edreflect_assets.errors import FetchError
from edreflect_assets.landing import ByteStream
from edreflect_assets.sources.templates import PathTemplate


@dataclass(frozen=True)
class Look:
    """What a listing says of one file; ``mtime`` in seconds since 1970, None where the server does not say."""

    size: int
    mtime: int | float | None


class Folders(Protocol):
    """Access to the folders of a source. Paths are the source's own and made of checked parts only.

    Every method raises FileNotFoundError and PermissionError as such.
    """

    def subfolders(self, path: str) -> list[str]:
        """Return the names of the folders in ``path``."""

    def files(self, path: str) -> dict[str, Look]:
        """Return the regular files in ``path``; links, folders and devices are none."""

    def look(self, path: str, name: str) -> Look:
        """Return what the source says of one file now."""

    def open(self, path: str, name: str, size: int) -> AbstractContextManager[ByteStream]:
        """Open one file of about ``size`` bytes for reading."""


@dataclass(frozen=True)
class Place:
    """The folders of one feed of one org: the templates in force and the org's time zone."""

    feed: Feed
    org_id: str
    path: PathTemplate
    dayless_path: PathTemplate | None
    timezone: ZoneInfo

    def folder(self, day: date | None) -> str:
        """Return the folder of ``day``, of the files without a day for None; raises FetchError when there is no such."""
        if day is not None:
            return self.path.folder(self.org_id, day)
        if self.dayless_path is None:
            raise FetchError(f"{self.feed.name} of {self.org_id}: this feed has no folder for files without a day.")
        return self.dayless_path.folder(self.org_id, None)

    def what(self, day: date | None) -> str:
        """Name the delivery in a message."""
        return f"{self.feed.name} of {self.org_id}, {day.isoformat() if day else 'files without a day'}"


def newest_day(place: Place, listing: Mapping[str, Look]) -> date | None:
    """Return the date of the newest mtime in the org's time zone, of the feed's files if there are any."""
    expected = [seen for name, seen in listing.items() if place.feed.match(name)] or list(listing.values())
    mtimes = [seen.mtime for seen in expected if seen.mtime is not None]
    if not mtimes:
        return None
    return datetime.fromtimestamp(max(mtimes), UTC).astimezone(place.timezone).date()
