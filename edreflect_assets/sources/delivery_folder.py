"""One folder while it is fetched: it must hold still, and a file must be what the listing said, before and after."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import IO

from edreflect_assets.contracts import FileContract
from edreflect_assets.errors import FetchError
from edreflect_assets.landing import CHUNK_BYTES, ByteStream, LandedFile, Landing, printable_name, unsafe_name
from edreflect_assets.roster.passwords import without_passwords
from edreflect_assets.roster.refused import PackageRefused, shown_name
from edreflect_assets.roster.zipped import MAX_ZIP_BYTES
from edreflect_assets.sources.places import Folders, Look, Place, newest_day

# A folder last written this long ago is not being written now; its two looks follow each other at once. Two days are
# more than any confusion of time zones between servers.
SETTLED_AFTER_SECONDS = 48 * 3600


class DeliveryFolder:
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
