"""The landing area: delivered files as they came, kept for good and named by their content.

What must not be kept is taken out of a file while it lands: it is named by what landed, and the delivery is still known
by the sha256 of what came. Layout below the root: ``feed/org/day/file/sha256``; files without a day lie under ``all``.
Directories are readable to the owner only (0700), files are read-only (0400). Beside the files of a day lies
``.delivered.json``: which bytes of each file the last complete delivery brought, so that a day can be loaded again
without its source, even into a new database.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from edreflect_assets.errors import FetchError, UsageError
from edreflect_assets.files import locked, make_private, replace_text, sync_all

DAYLESS_FOLDER = "all"
CHUNK_BYTES = 256 * 1024
# The longest name that common file systems take, in bytes of UTF-8.
MAX_NAME_BYTES = 255
# Downloads that a killed process left behind are removed once no process can still be writing them.
ABANDONED_AFTER_SECONDS = 24 * 3600
_MANIFEST = ".delivered.json"
_LOCK = ".lock"


class ByteStream(Protocol):
    """Anything that gives bytes: an open file, an SFTP file."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""


class ByteSink(Protocol):
    """Anything that takes bytes."""

    def write(self, data: bytes, /) -> int:
        """Take all of ``data``."""


@dataclass(frozen=True)
class Kept:
    """What landed of a file that may not be kept as delivered."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class LandedFile:
    """One delivered file in the landing area; ``file`` is the contract's spelling of its name if a contract has it.

    ``sha256`` and ``bytes`` are those of the delivery. ``kept`` says what landed where that is less.
    """

    feed: str
    org_id: str
    day: date | None
    file: str
    path: Path
    sha256: str
    bytes: int
    kept: Kept | None = None

    @property
    def landed_bytes(self) -> int:
        """The size of the landed file."""
        return self.kept.bytes if self.kept else self.bytes


@dataclass(frozen=True)
class LeftOutFile:
    """A file that was seen and not landed; ``reason`` is a clause for a person."""

    file: str
    bytes: int
    reason: str


@dataclass(frozen=True)
class Delivery:
    """What one folder of one org held: the landed files by name, and those that were too large to take unasked."""

    feed: str
    org_id: str
    day: date | None
    files: tuple[LandedFile, ...]
    left_out: tuple[LeftOutFile, ...] = ()


def unsafe_name(name: str) -> str | None:
    """Say in a clause why ``name`` must not become part of a path, or return None if it may.

    Refused are the empty name, separators of any system, ``.`` and ``..``, control and other invisible formatting
    characters (NUL, line ends, direction overrides), text that is not UTF-8, and names over ``MAX_NAME_BYTES``.
    """
    try:
        encoded = name.encode("utf-8")
    except UnicodeEncodeError:
        return "it is not UTF-8"
    if not name or name in {".", ".."}:
        return "it names no file"
    if "/" in name or "\\" in name:
        return "it holds a path separator"
    if any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} for character in name):
        return "it holds control characters"
    if len(encoded) > MAX_NAME_BYTES:
        return f"it is longer than {MAX_NAME_BYTES} bytes"
    return None


def printable_name(name: str) -> str:
    """Return a name nobody vouches for in a form that is safe in one line of a log: ASCII, quoted, cut to 80."""
    quoted = ascii(name)
    return quoted if len(quoted) <= 80 else f"{quoted[:77]}..."


class Landing:
    """The landing area below ``root``; safe to use from several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def store(
        self,
        feed: str,
        org_id: str,
        day: date | None,
        file: str,
        stream: ByteStream,
        *,
        keep: Callable[[ByteStream], ByteStream] | None = None,
        before_commit: Callable[[int], None] | None = None,
    ) -> LandedFile:
        """Copy ``stream`` to its place and return it; the file appears whole or not at all.

        The bytes go to a temporary name, are hashed on the way and renamed; ``record`` makes a whole delivery survive a
        crash of the machine at once. Bytes that are there already stay as they are. ``keep`` gives what may be kept of a
        stream, which it reads to its end; nothing else touches the disk. ``before_commit`` gets the number of bytes read
        and stops the landing by raising. Raises FetchError when a name cannot be part of a path or the landing area
        cannot be written; otherwise whatever ``stream``, ``keep`` and ``before_commit`` raise.
        """
        folder = self._folder(feed, org_id, day, file)
        partial = folder / f".{secrets.token_hex(8)}.part"
        with self._disk():
            make_private(self.root, folder)
            _remove_abandoned(folder)
            target = open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")  # noqa: SIM115
        try:
            delivered = _Hashed(stream) if keep else None
            digest, size = _copy(keep(delivered) if keep and delivered else stream, _Guarded(target, self._disk))
            if before_commit is not None:
                before_commit(delivered.bytes if delivered else size)
            path = folder / digest
            with self._disk():
                target.flush()
                os.fchmod(target.fileno(), 0o400)
                if not (path.is_file() and path.stat().st_size == size):
                    partial.replace(path)
        finally:
            with suppress(OSError):
                target.close()
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        if delivered is None or delivered.sha256 == digest:
            return LandedFile(feed, org_id, day, file, path, digest, size)
        return LandedFile(feed, org_id, day, file, path, delivered.sha256, delivered.bytes, Kept(digest, size))

    def record(self, delivery: Delivery) -> None:
        """Remember the files of a complete delivery as the last ones delivered; files it lacks keep their entry.

        On return the landed files are on the disk: a load never outlives the bytes it came from.
        """
        folder = self._folder(delivery.feed, delivery.org_id, delivery.day)
        with self._disk():
            make_private(self.root, folder)
            sync_all([path for landed in delivery.files for path in (landed.path, landed.path.parent)])
            sync_all([folder, *(parent for parent in folder.parents if parent.is_relative_to(self.root))])
        with self._disk(), locked(folder / _LOCK):
            # A file that came in another spelling this time is the same file.
            spellings = {landed.file.casefold() for landed in delivery.files}
            earlier = {
                file: entry for file, entry in _read_manifest(folder).items() if file.casefold() not in spellings
            }
            entries = earlier | {landed.file: _entry(landed) for landed in delivery.files}
            replace_text(folder / _MANIFEST, json.dumps(entries, indent=1, sort_keys=True))

    def last_delivery(self, feed: str, org_id: str, day: date | None) -> Delivery:
        """Return the last bytes delivered of each file of that day, each checked against its sha256.

        Raises UsageError when nothing of that day was ever delivered, FetchError when landed bytes are gone or altered.
        """
        folder = self._folder(feed, org_id, day)
        when = day.isoformat() if day else "files without a day"
        entries = _read_manifest(folder)
        if not entries:
            raise UsageError(
                f"Nothing of {feed}, {org_id}, {when} has landed yet; fetch or load it from a source first."
            )
        files = []
        for file, entry in sorted(entries.items()):
            kept = Kept(entry["landed_sha256"], entry["landed_bytes"]) if isinstance(entry, dict) else None
            digest = kept.sha256 if kept else str(entry)
            path = self._folder(feed, org_id, day, file) / digest
            if not path.is_file():
                raise FetchError(f"The landed bytes of {feed}, {org_id}, {when}, {file} are gone; fetch the day again.")
            with path.open("rb") as stream:
                found, size = _copy(stream, None)
            if found != digest:
                raise FetchError(
                    f"The landed bytes of {feed}, {org_id}, {when}, {file} no longer match their sha256; "
                    "remove that file from the landing area and fetch the day again."
                )
            delivered_digest, delivered_size = (entry["sha256"], entry["bytes"]) if kept else (digest, size)
            files.append(LandedFile(feed, org_id, day, file, path, delivered_digest, delivered_size, kept))
        return Delivery(feed, org_id, day, tuple(files))

    @contextmanager
    def _disk(self) -> Iterator[None]:
        """Tell trouble with this disk from trouble with a source."""
        try:
            yield
        except OSError as error:
            raise FetchError(
                f"The landing area {self.root} cannot be written ({os.strerror(error.errno or 0).lower()}); "
                "make room or correct its owner, then try again.",
                transient=True,
            ) from None

    def _folder(self, feed: str, org_id: str, day: date | None, *file: str) -> Path:
        parts = (feed, org_id, day.isoformat() if day else DAYLESS_FOLDER, *file)
        for part in parts:
            reason = "it begins with a dot" if part.startswith(".") else unsafe_name(part)
            if reason is not None:
                raise FetchError(f"{printable_name(part)} of {printable_name(org_id)} is not taken: {reason}.")
        return self.root.joinpath(*parts)


class _Hashed:
    """A stream, with the size and sha256 of what was read of it."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def read(self, size: int, /) -> bytes:
        chunk = self._stream.read(size)
        self._digest.update(chunk)
        self.bytes += len(chunk)
        return chunk


class _Guarded:
    """A file being written, whose failures are those of the landing area."""

    def __init__(self, target: ByteSink, disk: Callable[[], AbstractContextManager[None]]) -> None:
        self._target, self._disk = target, disk

    def write(self, data: bytes, /) -> int:
        with self._disk():
            return self._target.write(data)


def _copy(stream: ByteStream, target: ByteSink | None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
        if target is not None:
            target.write(chunk)
    return digest.hexdigest(), size


def _remove_abandoned(folder: Path) -> None:
    oldest = time.time() - ABANDONED_AFTER_SECONDS
    for partial in folder.glob(".*.part"):
        with suppress(FileNotFoundError):
            if partial.stat().st_mtime < oldest:
                partial.unlink()


def _entry(landed: LandedFile) -> Any:
    """Return what the manifest says of a file: its sha256 or, where less was kept than delivered, both sides."""
    if landed.kept is None:
        return landed.sha256
    return {
        "sha256": landed.sha256,
        "bytes": landed.bytes,
        "landed_sha256": landed.kept.sha256,
        "landed_bytes": landed.kept.bytes,
    }


def _read_manifest(folder: Path) -> dict[str, Any]:
    with suppress(FileNotFoundError):
        return dict(json.loads((folder / _MANIFEST).read_text(encoding="utf-8")))
    return {}
