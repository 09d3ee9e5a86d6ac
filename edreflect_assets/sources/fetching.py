"""What fetching means, whatever the files lie on: hold still, copy, compare, land.

A source gives access to folders (``Folders``); everything that decides which files are taken is here, so that SFTP and a
local folder cannot differ. Names that come from a source are checked before they become part of any path.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import IO, Protocol, TypeVar
from zoneinfo import ZoneInfo

from edreflect_assets.contracts import Feed, FileContract
from edreflect_assets.errors import FetchError
from edreflect_assets.landing import (
    CHUNK_BYTES,
    ByteStream,
    Delivery,
    LandedFile,
    Landing,
    LeftOutFile,
    printable_name,
    unsafe_name,
)
from edreflect_assets.roster.package import sole_zip, sort_out
from edreflect_assets.roster.passwords import without_passwords
from edreflect_assets.roster.refused import PackageRefused, shown_name
from edreflect_assets.roster.zipped import MAX_ZIP_BYTES, ZipPackage
from edreflect_assets.sources.templates import PathTemplate

T = TypeVar("T")

# A folder last written this long ago is not being written now; its two looks follow each other at once. Two days are
# more than any confusion of time zones between servers.
SETTLED_AFTER_SECONDS = 48 * 3600
# Files that no contract asks for are kept when they are small; what is larger is named in the report only.
UNLISTED_MAX_BYTES = 64 * 1024 * 1024
LEFT_ASIDE = "not part of the rostering set; left aside, neither kept nor loaded"


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


def list_days(folders: Folders, place: Place) -> list[date | None]:
    """Return the days that have a folder, oldest first, then None if there is a folder for files without a day.

    A template without ``{day}`` is one folder that is overwritten: its day is the newest mtime's date in the org's time
    zone. Folders whose names are no days are ignored; a missing parent folder has no days. Raises FetchError when the
    source denies a listing.
    """
    days: list[date | None] = []
    if place.path.has_day:
        parent = place.path.day_parent(place.org_id)
        found = {place.path.day_of(place.org_id, name) for name in _found(folders.subfolders, parent, place) or ()}
        days.extend(sorted(day for day in found if day is not None))
    else:
        newest = newest_day(place, _found(folders.files, place.path.folder(place.org_id, None), place) or {})
        days.extend([newest] if newest else [])
    if place.dayless_path is not None:
        dayless = _found(folders.files, place.dayless_path.folder(place.org_id, None), place)
        days.extend([] if dayless is None else [None])
    return days


def _found(listing: Callable[[str], T], path: str, place: Place) -> T | None:
    """Return a listing, None when there is no such folder."""
    try:
        return listing(path)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise FetchError(
            f"{place.feed.name} of {place.org_id}: the source denies listing {path}; ask for the permission."
        ) from None


def fetch_delivery(
    folders: Folders,
    place: Place,
    day: date | None,
    landing: Landing,
    *,
    stable_seconds: float,
    already: dict[tuple[str, Look], LandedFile],
) -> Delivery:
    """Take the files of one folder into the landing area and return them, by name.

    The folder is taken only when two looks, ``stable_seconds`` apart, list the same files with the same sizes and mtimes,
    and a file only when a third look agrees and it has the listed number of bytes. ``already`` remembers what has landed,
    for a next try after a lost connection. Raises FetchError: transient when the folder is still being written, permanent
    when a name is not safe, the source denies a file, or the folder is another day's by now; PackageRefused when a
    package of files cannot be read.
    """
    folder = _DeliveryFolder(folders, place, day)
    listing = folder.held_still(stable_seconds)
    folder.still_holds_its_day(listing)
    take = _take_package if place.feed.package else _take_files
    landed, left_out = take(folder, landing, listing, already)
    delivery = Delivery(place.feed.name, place.org_id, day, tuple(landed), tuple(left_out))
    landing.record(delivery)
    return delivery


def _take_files(
    folder: _DeliveryFolder,
    landing: Landing,
    listing: Mapping[str, Look],
    already: dict[tuple[str, Look], LandedFile],
) -> tuple[list[LandedFile], list[LeftOutFile]]:
    """Land every file that is asked for or small."""
    landed, left_out = [], []
    for file, name in sorted(folder.names_by_file(listing).items()):
        seen = listing[name]
        if folder.place.feed.match(name) is None and seen.size > UNLISTED_MAX_BYTES:
            reason = f"the feed does not list it, and only up to {UNLISTED_MAX_BYTES} bytes are kept unasked"
            left_out.append(LeftOutFile(file, seen.size, reason))
            continue
        key = (name, seen)
        if key not in already:
            already[key] = folder.land(landing, file, name, seen)
        landed.append(already[key])
    return landed, left_out


def _take_package(
    folder: _DeliveryFolder,
    landing: Landing,
    listing: Mapping[str, Look],
    already: dict[tuple[str, Look], LandedFile],
) -> tuple[list[LandedFile], list[LeftOutFile]]:
    """Land the files of a package that its contract lists, loose or out of the one zip, and nothing else."""
    feed, org_id = folder.place.feed, folder.place.org_id
    zipped = sole_zip(listing)
    left_out = [LeftOutFile(name, seen.size, LEFT_ASIDE) for name, seen in listing.items() if name != zipped]
    if zipped is None:
        contents = sort_out(feed, listing)
        for file, name in contents.files.items():
            key = (name, listing[name])
            if key not in already:
                already[key] = folder.land(landing, file, name, listing[name], without=feed.files[file])
        landed = [already[name, listing[name]] for name in contents.files.values()]
        return landed, [left for left in left_out if left.file in contents.left_aside]
    with tempfile.TemporaryFile() as copy:
        folder.copy(zipped, listing[zipped], copy)
        package = ZipPackage(copy, zipped)
        contents = sort_out(feed, package.sizes)
        left_out += [LeftOutFile(name, package.sizes[name], LEFT_ASIDE) for name in contents.left_aside]
        landed = []
        for file, name in contents.files.items():
            keep = partial(without_passwords, contract=feed.files[file])
            with package.open(name) as stream:
                landed.append(landing.store(feed.name, org_id, folder.day, file, stream, keep=keep))
    return landed, left_out


class _DeliveryFolder:
    """One folder of a source, and the errors that name it."""

    def __init__(self, folders: Folders, place: Place, day: date | None) -> None:
        self._folders, self.place, self.day = folders, place, day
        self._path = place.folder(day)

    def _error(self, complaint: str, *, transient: bool = False) -> FetchError:
        return FetchError(f"{self.place.what(self.day)}: {complaint}.", transient=transient)

    def held_still(self, stable_seconds: float) -> dict[str, Look]:
        """Return the listing that two looks agree on."""
        first = self._listing()
        time.sleep(seconds_to_wait(first, stable_seconds, time.time()))
        second = self._listing()
        names = first.keys() | second.keys()
        changed = sorted(name for name in names if first.get(name) != second.get(name))
        if changed:
            raise self._error(
                f"{self._path} is still being written ({len(changed)} of {len(names)} files changed between two looks, "
                f"{printable_name(changed[0])} among them); try again later",
                transient=True,
            )
        return second

    def still_holds_its_day(self, listing: Mapping[str, Look]) -> None:
        """Refuse a folder that is overwritten daily when it is another day's by now."""
        newest = None if self.place.path.has_day or self.day is None else newest_day(self.place, listing)
        if newest is not None and newest != self.day:
            raise self._error(
                f"{self._path} is overwritten daily and now holds {newest.isoformat()}, so that day can no longer be "
                f"fetched; ask for {newest.isoformat()}, or ask the org for the files that were missed"
            )

    def names_by_file(self, listing: Mapping[str, Look]) -> dict[str, str]:
        """Return the source's name of each file by the contract's name, by the source's own where that is not clear.

        Two names of one contract both keep their own, and the loader refuses them.
        """
        files = {name: contract.file if (contract := self.place.feed.match(name)) else name for name in listing}
        times = Counter(files.values())
        return {file if times[file] == 1 else name: name for name, file in files.items()}

    def land(
        self, landing: Landing, file: str, name: str, seen: Look, *, without: FileContract | None = None
    ) -> LandedFile:
        """Copy one file to the landing area if it is what the listing said, before and after.

        ``without`` is the contract of a file that may have password columns, which do not land.
        """
        place = self.place
        keep = partial(without_passwords, contract=without) if without else None
        unchanged = partial(self._unchanged, name, seen)
        with self._opened(name, seen) as stream:
            try:
                return landing.store(
                    place.feed.name, place.org_id, self.day, file, stream, keep=keep, before_commit=unchanged
                )
            except PackageRefused:
                # Perhaps it cannot be read because it is not there as a whole yet.
                unchanged(seen.size)
                raise

    def copy(self, name: str, seen: Look, target: IO[bytes]) -> None:
        """Copy one zip if it is what the listing said, before and after."""
        if seen.size > MAX_ZIP_BYTES:
            raise PackageRefused(
                "OR014", shown_name(name), f"It is larger than {MAX_ZIP_BYTES // 1024**3} GiB; deliver the files loose."
            )
        size = 0
        with self._opened(name, seen) as stream:
            while (chunk := stream.read(CHUNK_BYTES)) and size <= seen.size:
                size += target.write(chunk)
            self._unchanged(name, seen, size)

    def _unchanged(self, name: str, seen: Look, size: int) -> None:
        if size != seen.size or self._folders.look(self._path, name) != seen:
            raise self._error(
                f"{printable_name(name)} is still being written (it changed while it was read); try again later",
                transient=True,
            )

    @contextmanager
    def _opened(self, name: str, seen: Look) -> Iterator[ByteStream]:
        try:
            with self._folders.open(self._path, name, seen.size) as stream:
                yield stream
        except FileNotFoundError:
            raise self._error(
                f"{printable_name(name)} was listed and is gone now; try again later", transient=True
            ) from None
        except PermissionError:
            raise self._error(
                f"the source denies reading {printable_name(name)}; ask for permission to read every file in {self._path}"
            ) from None

    def _listing(self) -> dict[str, Look]:
        """Return the files without the hidden ones; refuse names that must not become part of a path."""
        try:
            listing = self._folders.files(self._path)
        except FileNotFoundError:
            raise self._error(f"there is no folder {self._path}; check the day and the path template") from None
        except PermissionError:
            raise self._error(f"the source denies listing {self._path}; ask for the permission") from None
        for name in sorted(listing):
            reason = unsafe_name(name)
            if reason is not None:
                raise self._error(
                    f"{self._path} lists a file named {printable_name(name)}, which is not taken: {reason}; "
                    "nothing of it was loaded, ask the org to remove that file"
                )
        return {name: seen for name, seen in listing.items() if not name.startswith(".")}


def seconds_to_wait(listing: Mapping[str, Look], stable_seconds: float, now: float) -> float:
    """Return how long to wait between two looks: nothing for a folder that was last written long before ``now``."""
    mtimes = [seen.mtime for seen in listing.values()]
    if not mtimes or any(mtime is None or mtime > now - SETTLED_AFTER_SECONDS for mtime in mtimes):
        return stable_seconds
    return 0.0


def newest_day(place: Place, listing: Mapping[str, Look]) -> date | None:
    """Return the date of the newest mtime in the org's time zone, of the feed's files if there are any."""
    expected = [seen for name, seen in listing.items() if place.feed.match(name)] or list(listing.values())
    mtimes = [seen.mtime for seen in expected if seen.mtime is not None]
    if not mtimes:
        return None
    return datetime.fromtimestamp(max(mtimes), UTC).astimezone(place.timezone).date()
