"""A OneRoster package as delivered: loose CSV files or one .zip of them; what belongs to it, what is left aside."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edreflect_assets.contracts import Feed
from edreflect_assets.errors import UsageError
from edreflect_assets.landing import CHUNK_BYTES, ByteStream
from edreflect_assets.roster.passwords import without_passwords
from edreflect_assets.roster.refused import PackageRefused, shown_name
from edreflect_assets.roster.zipped import ZipPackage

__all__ = ["Contents", "Package", "PackageRefused", "is_zip", "open_package", "sort_out"]


@dataclass(frozen=True)
class Contents:
    """The names of a package's files: ``files`` by contract file name, ``left_aside`` those that no contract lists."""

    files: Mapping[str, str]
    left_aside: tuple[str, ...]


@dataclass(frozen=True)
class Package:
    """A package on this disk: ``files`` by contract file name, already without any password, and ``left_aside``."""

    files: Mapping[str, Path]
    left_aside: tuple[str, ...]


def is_zip(name: str) -> bool:
    """Tell by its name whether a delivered file is a zip."""
    return name.casefold().endswith(".zip")


def sole_zip(names: Iterable[str]) -> str | None:
    """Return the zip among the names of a folder's files, None when the files are loose.

    Raises PackageRefused for several zips, and for a zip beside loose CSV files: which of them counts is anyone's guess.
    """
    names = sorted(names)
    zips = [name for name in names if is_zip(name)]
    if len(zips) > 1:
        raise PackageRefused("OR017", shown_name(zips[1]), "The folder holds several zips; deliver one of them.")
    if zips and any(name.casefold().endswith(".csv") for name in names):
        raise PackageRefused(
            "OR018",
            shown_name(zips[0]),
            "The folder holds a zip and loose CSV files; deliver either the zip or the files.",
        )
    return zips[0] if zips else None


def sort_out(feed: Feed, names: Iterable[str]) -> Contents:
    """Tell the files that the feed's contract lists, whatever their case, from those that are left aside.

    Raises PackageRefused when two names are one file of the contract.
    """
    files: dict[str, str] = {}
    left_aside = []
    for name in sorted(names):
        contract = feed.match(name)
        if contract is None:
            left_aside.append(name)
        elif contract.file in files:
            raise PackageRefused(
                "OR013",
                contract.file,
                f"Two files of this name were delivered, one of them as {shown_name(name)}; deliver one of them.",
            )
        else:
            files[contract.file] = name
    return Contents(files, tuple(left_aside))


@contextmanager
def open_package(path: Path, feed: Feed) -> Iterator[Package]:
    """Give the package in a folder or zip; its files may be gone when the block ends.

    Files are copied to a private temporary folder without their password columns. Raises PackageRefused when the
    package cannot be read, UsageError when there is nothing at ``path``.
    """
    if not path.exists():
        raise UsageError(f"There is no folder or zip {path}.")
    with tempfile.TemporaryDirectory(prefix="edreflect-roster-") as temporary:
        yield _read_package(path, feed, Path(temporary))


def _read_package(path: Path, feed: Feed, target: Path) -> Package:
    """Copy the files of the contract to ``target``."""
    if path.is_dir():
        found = [entry.name for entry in path.iterdir() if entry.is_file() and not entry.name.startswith(".")]
        zipped = sole_zip(found)
        others = tuple(name for name in found if zipped and name != zipped)
        path = path / zipped if zipped else path
    else:
        others = ()
    if path.is_dir():
        contents = sort_out(feed, found)
        for file, name in contents.files.items():
            with (path / name).open("rb") as stream:
                _copy(without_passwords(stream, feed.files[file]), target / file)
    else:
        with path.open("rb") as zip_stream:
            zipped_files = ZipPackage(zip_stream, path.name)
            contents = sort_out(feed, zipped_files.sizes)
            for file, name in contents.files.items():
                with zipped_files.open(name) as stream:
                    _copy(without_passwords(stream, feed.files[file]), target / file)
    return Package({file: target / file for file in contents.files}, tuple(sorted((*contents.left_aside, *others))))


def _copy(stream: ByteStream, target: Path) -> None:
    with target.open("wb") as copy:
        while chunk := stream.read(CHUNK_BYTES):
            copy.write(chunk)
