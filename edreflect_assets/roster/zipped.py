"""A package that comes as one .zip: read with suspicion, and never unpacked onto the disk as it is."""

from __future__ import annotations

import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from edreflect_assets.landing import ByteStream, unsafe_name
from edreflect_assets.roster.refused import PackageRefused, shown_name

MAX_ZIP_BYTES = 2 * 1024**3
MAX_FILE_BYTES = 8 * 1024**3
MAX_TOTAL_BYTES = 16 * 1024**3
MAX_FILES = 1000
# Text of records shrinks to a tenth, repetitive text to a fiftieth; below RATIO_FLOOR a ratio says nothing.
MAX_RATIO = 200
RATIO_FLOOR = 1024**2
# More than the entries of MAX_FILES take.
_LONGEST_READ = 16 * 1024**2
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_MACOS_FOLDER = "__MACOSX"
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


class ZipPackage:
    """The files at the root of a zip, by name, each checked before and while it is read.

    Raises PackageRefused when the zip is damaged or encrypted, or holds what a package must not: paths, folders, links,
    two files of one name (also in another case), absurd sizes. What macOS adds by itself, and hidden files, are ignored.
    """

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._name = shown_name(name)
        try:
            self._zip = zipfile.ZipFile(_Bounded(stream))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
            raise self._refused(
                "OR010", "It is no zip, or damaged or cut off; make it anew and deliver it again."
            ) from None
        self._files = {info.orig_filename: info for info in self._listed()}
        self._check_sizes(stream.seek(0, 2))

    @property
    def sizes(self) -> Mapping[str, int]:
        """The files by name, with their declared sizes in bytes."""
        return {name: info.file_size for name, info in self._files.items()}

    @contextmanager
    def open(self, name: str) -> Iterator[ByteStream]:
        """Open one file for reading; reading raises PackageRefused when it is not what the zip declares."""
        try:
            with self._zip.open(self._files[name]) as stream:
                yield _Checked(self, stream, self._files[name])
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
            raise self.damaged() from None

    def damaged(self) -> PackageRefused:
        """Return the refusal of a zip whose content is not what it declares."""
        return self._refused("OR010", "A file in it is damaged; make the zip anew and deliver it again.")

    def too_large(self) -> PackageRefused:
        """Return the refusal of a zip that unpacks to more than it may."""
        return self._refused(
            "OR014",
            f"It unpacks to more than is plausible (more than {MAX_RATIO} times its size, {MAX_FILE_BYTES // 1024**3} GiB "
            f"in one file or {MAX_FILES} files); deliver a zip of the roster files alone.",
        )

    def _listed(self) -> Iterator[zipfile.ZipInfo]:
        infos = self._zip.infolist()
        if len(infos) > MAX_FILES:
            raise self.too_large()
        kept = [info for info in infos if not self._ignored(info)]
        for info in kept:
            name = shown_name(info.orig_filename)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if "/" in info.orig_filename or info.is_dir():
                raise self._refused("OR012", f"It holds {name} in a folder; put the files at the root of the zip.")
            if kind not in {0, stat.S_IFREG}:
                raise self._refused("OR015", f"It holds {name}, a link or device; put the files themselves into it.")
            if unsafe_name(info.orig_filename) is not None:
                raise self._refused("OR011", f"It holds a file named {name}; use plain names like users.csv.")
            if info.flag_bits & _ENCRYPTED:
                raise self._refused("OR016", "It is encrypted; deliver it without a password, SFTP protects it.")
            if info.compress_type not in _METHODS:
                raise self._refused(
                    "OR010", "It is compressed by a method other than deflate; make it anew with any common tool."
                )
        times = Counter(unicodedata.normalize("NFC", info.orig_filename).casefold() for info in kept)
        twice = next((info.orig_filename for info in kept if times[_folded(info)] > 1), None)
        if twice is not None:
            raise self._refused("OR013", f"It holds {shown_name(twice)} twice; put each file into it once.")
        yield from kept

    def _ignored(self, info: zipfile.ZipInfo) -> bool:
        """Tell whether a member is one that nobody meant to deliver; refuse paths that lead out of any folder."""
        name = info.orig_filename
        parts = name.rstrip("/").split("/")
        if name.startswith("/") or "\\" in name or ":" in parts[0] or "\0" in name or {"..", "."}.intersection(parts):
            raise self._refused(
                "OR011", f"It holds the path {shown_name(name)}; put the files at the root, under plain names."
            )
        return parts[0] == _MACOS_FOLDER or (len(parts) == 1 and name.startswith("."))

    def _check_sizes(self, size: int) -> None:
        infos = list(self._files.values())
        absurd = any(
            info.file_size > MAX_FILE_BYTES
            or (info.file_size > RATIO_FLOOR and info.file_size > MAX_RATIO * max(info.compress_size, 1))
            for info in infos
        )
        # Members that overlap take more room together than the zip has.
        overlapping = sum(info.compress_size for info in infos) > size
        if absurd or overlapping or sum(info.file_size for info in infos) > MAX_TOTAL_BYTES:
            raise self.too_large()

    def _refused(self, code: str, text: str) -> PackageRefused:
        return PackageRefused(code, self._name, text)


class _Bounded:
    """A zip's bytes in reads that fit into memory: the list of its files is read in one, and could be of any size."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._end = stream.seek(0, 2)
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes (negative: all that follow); raises ValueError when that is too many."""
        rest = self._end - self._stream.tell()
        if min(rest, size if size >= 0 else rest) > _LONGEST_READ:
            raise ValueError
        return self._stream.read(size)


class _Checked:
    """One file of a zip while it is read: never longer than declared, and whole at the end."""

    def __init__(self, package: ZipPackage, stream: ByteStream, info: zipfile.ZipInfo) -> None:
        self._package, self._stream, self._declared = package, stream, info.file_size
        self._read = 0

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        try:
            chunk = self._stream.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError):
            raise self._package.damaged() from None
        self._read += len(chunk)
        if self._read > self._declared or (not chunk and self._read != self._declared):
            raise self._package.damaged()
        return chunk


def _folded(info: zipfile.ZipInfo) -> str:
    return unicodedata.normalize("NFC", info.orig_filename).casefold()
