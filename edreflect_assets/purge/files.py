"""The part of a purge below ``EDREFLECT_HOME``: landed bytes, the registry's entry, and every file that names the org.

Only folders that the platform itself fills are changed; a file elsewhere that names the org is reported and left alone.
SQLite files are Dagster's and left to its part.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edreflect_assets.files import locked, replace_text
from edreflect_assets.orgs import load_registry, remove_org
from edreflect_assets.purge.subject import Subject
from edreflect_assets.settings import Settings

_SQLITE = b"SQLite format 3\0"
_SQLITE_ENDINGS = (".db", ".db-wal", ".db-shm", ".db-journal")


@dataclass(frozen=True)
class FileCount:
    """How many files, and of how many bytes."""

    files: int
    bytes: int


def landed(settings: Settings, subject: Subject) -> dict[str, FileCount]:
    """Return what lies in the landing area for the org, by feed."""
    found = {}
    for folder in _landing_folders(settings, subject):
        files = [path for path in folder.rglob("*") if path.is_file()]
        found[folder.parent.name] = FileCount(len(files), sum(path.stat().st_size for path in files))
    return found


def delete_landed(settings: Settings, subject: Subject) -> None:
    """Delete the org's folders of the landing area."""
    for folder in _landing_folders(settings, subject):
        _delete(folder)


def forget_in_registry(settings: Settings, subject: Subject) -> None:
    """Take the org's entry out of the registry, and the comments that name it."""
    if subject.org_id in load_registry(settings):
        remove_org(settings, subject.org_id)
    with suppress(FileNotFoundError), locked(settings.registry.with_name(f".{settings.registry.name}.lock")):
        lines = settings.registry.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not (line.lstrip().startswith("#") and subject.named_in(line))]
        if kept != lines:
            replace_text(settings.registry, "".join(kept))


def naming_files(settings: Settings, subject: Subject) -> list[Path]:
    """Return the files in the platform's folders that name the org, in their path or in what they say."""
    return [path for folder in _own_folders(settings) for path in _naming(settings, folder, subject)]


def forget_in_files(settings: Settings, subject: Subject) -> None:
    """Delete files that are the org's, take lines that name it out of logs, and delete other files that name it.

    Whatever is deleted that is not the org's alone (dbt's artefacts, the catalogue) is written anew when asked for.
    """
    logs = (settings.logs, settings.dagster_home, settings.home / "demo")
    for path in naming_files(settings, subject):
        if subject.named_in(str(path.relative_to(settings.home))):
            _delete(path)
        elif any(path.is_relative_to(folder) for folder in logs):
            _drop_lines(path, subject)
        else:
            _delete(path)
    for folder in _own_folders(settings):
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink() and subject.named_in(path.name):
                _delete(path)


def files_left(settings: Settings, subject: Subject) -> list[str]:
    """Return the files below the home, relative to it, that still name the org; the database server's apart."""
    own = [str(path.relative_to(settings.home)) for path in naming_files(settings, subject)]
    own += [str(folder.relative_to(settings.home)) for folder in _landing_folders(settings, subject)]
    apart = {*_own_folders(settings), settings.postgres, settings.landing, settings.home / "purge"}
    others = []
    for entry in sorted(settings.home.iterdir()):
        if entry not in apart:
            paths = [entry] if entry.is_file() else _naming(settings, entry, subject)
            others += [str(path.relative_to(settings.home)) for path in paths if _names(settings, path, subject)]
    return own + others


def _own_folders(settings: Settings) -> list[Path]:
    folders = [settings.logs, settings.dbt_target, settings.dagster_home]
    return [*folders, settings.home / "catalog", settings.home / "demo"]


def _landing_folders(settings: Settings, subject: Subject) -> list[Path]:
    return sorted(path for path in settings.landing.glob(f"*/{subject.org_id}") if path.is_dir())


def _naming(settings: Settings, folder: Path, subject: Subject) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and _names(settings, path, subject):
            yield path


def _names(settings: Settings, path: Path, subject: Subject) -> bool:
    if path.name.endswith(_SQLITE_ENDINGS):
        return False
    if subject.named_in(str(path.relative_to(settings.home))):
        return True
    with suppress(FileNotFoundError), path.open("rb") as stream:
        if stream.read(len(_SQLITE)) == _SQLITE:
            return False
        stream.seek(0)
        return any(subject.named_in(line.decode("utf-8", "replace")) for line in stream)
    return False


def _drop_lines(path: Path, subject: Subject) -> None:
    """Take the lines out in place: whoever appends to the log goes on with the same file."""
    with path.open("r+b") as stream:
        kept = b"".join(line for line in stream if not subject.named_in(line.decode("utf-8", "replace")))
        stream.seek(0)
        stream.write(kept)
        stream.truncate()
        stream.flush()
        os.fsync(stream.fileno())


def _delete(path: Path) -> None:
    with suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
