"""What fetching means, whatever the files lie on: hold still, copy, compare, land.

A source gives access to folders (``Folders``); everything that decides which files are taken is here, so that SFTP and a
local folder cannot differ. Names that come from a source are checked before they become part of any path.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import TypeVar

from edreflect_assets.errors import FetchError
from edreflect_assets.landing import Delivery, LandedFile, Landing, LeftOutFile
from edreflect_assets.roster.package import sole_zip, sort_out
from edreflect_assets.roster.passwords import without_passwords
from edreflect_assets.roster.zipped import ZipPackage
from edreflect_assets.sources.delivery_folder import DeliveryFolder
from edreflect_assets.sources.places import Folders, Look, Place, newest_day

T = TypeVar("T")

# Files that no contract asks for are kept when they are small; what is larger is named in the report only.
UNLISTED_MAX_BYTES = 64 * 1024 * 1024
ZIP_IN_MEMORY_BYTES = 64 * 1024 * 1024
LEFT_ASIDE = "not part of the rostering set; left aside, neither kept nor loaded"


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
    folder = DeliveryFolder(folders, place, day)
    listing = folder.held_still(stable_seconds)
    folder.still_holds_its_day(listing)
    take = _take_package if place.feed.package else _take_files
    landed, left_out = take(folder, landing, listing, already)
    delivery = Delivery(place.feed.name, place.org_id, day, tuple(landed), tuple(left_out))
    landing.record(delivery)
    return delivery


def _take_files(
    folder: DeliveryFolder,
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
    folder: DeliveryFolder,
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
    # In memory, or in a file without a name: a zip may hold passwords.
    with tempfile.SpooledTemporaryFile(max_size=ZIP_IN_MEMORY_BYTES) as copy:
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
