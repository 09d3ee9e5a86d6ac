"""Small guarantees about files: whole or not at all, one writer at a time, the owner's alone."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` (created, empty, 0600) between processes; waits for it, dies with the holder."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 so that a reader finds the old content or the new, also after a crash; mode 0600."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as target:
            target.write(text)
            target.flush()
            os.fsync(target.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Make a file's bytes, or the names in a folder, survive a crash of the machine."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(paths: Iterable[Path]) -> None:
    """Sync many files and folders at once: file systems write out together what is asked for together."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        for _ in pool.map(sync, paths):
            pass


def make_private(root: Path, folder: Path) -> None:
    """Create ``folder`` at or below ``root`` and what is missing on the way; from ``root`` down it is 0700."""
    root.parent.mkdir(parents=True, exist_ok=True)
    parts = folder.relative_to(root).parts
    for depth in range(len(parts) + 1):
        directory = root.joinpath(*parts[:depth])
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
    if root.stat().st_mode & 0o077:
        root.chmod(0o700)
