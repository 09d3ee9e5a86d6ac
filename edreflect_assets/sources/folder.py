"""Deliveries from a local folder, laid out as on the SFTP server: ``ROOT/{org}/export/{day}/``."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from edreflect_assets.contracts import Feed
from edreflect_assets.errors import FetchError
from edreflect_assets.landing import ByteStream, Delivery, Landing
from edreflect_assets.org_fields import ORG_ID
from edreflect_assets.orgs import Org
from edreflect_assets.sources.fetching import fetch_delivery, list_days
from edreflect_assets.sources.places import Look, Place
from edreflect_assets.sources.templates import PathTemplate


class FolderSource:
    """A folder with one subfolder per org; a source without connection, credentials and retries.

    ``templates`` and ``dayless_templates`` override the contracts' path templates by feed, for every org; ``registry``
    gives each org's own templates and time zone (UTC for an org that is not in it). Links that lead out of the folder
    are not followed.
    """

    def __init__(
        self,
        root: Path,
        templates: Mapping[str, str] | None = None,
        *,
        dayless_templates: Mapping[str, str] | None = None,
        registry: Mapping[str, Org] | None = None,
    ) -> None:
        self.root = root
        self._templates = templates or {}
        self._dayless_templates = dayless_templates or {}
        self._registry = registry or {}
        self._folders = LocalFolders(root)

    def __enter__(self) -> Self:
        """Return the source; raises FetchError when the folder does not exist."""
        if not self.root.is_dir():
            raise FetchError(f"There is no folder {self.root}; give the folder that holds one folder per org.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: a folder has nothing to close."""

    def orgs(self) -> list[str]:
        """Return the names of the folders that can be orgs, sorted; others have names no org can have."""
        return sorted(name for name in self._folders.subfolders(".") if ORG_ID.fullmatch(name))

    def days(self, feed: Feed, org_id: str) -> list[date | None]:
        """Return the days of ``feed`` found for an org, oldest first, then None if there are files without a day."""
        return list_days(self._folders, self._place(feed, org_id))

    def fetch(
        self, feed: Feed, org_id: str, day: date | None, landing: Landing, *, stable_seconds: float | None = None
    ) -> Delivery:
        """Land one delivery and return it; see ``fetching.fetch_delivery``. By default the two looks do not wait."""
        place = self._place(feed, org_id)
        try:
            return fetch_delivery(self._folders, place, day, landing, stable_seconds=stable_seconds or 0.0, already={})
        except OSError as error:
            raise FetchError(
                f"{place.what(day)}: reading {self.root} or writing the landing area failed ({os.strerror(error.errno or 0)}); "
                "check the disk and try again.",
                transient=True,
            ) from None

    def _place(self, feed: Feed, org_id: str) -> Place:
        org = self._registry.get(org_id)
        path = org.paths.get(feed.name) if org else None
        dayless = org.dayless_paths.get(feed.name) if org else None
        path = path or self._templates.get(feed.name) or feed.path
        dayless = dayless or self._dayless_templates.get(feed.name) or feed.dayless_path
        return Place(
            feed,
            org_id,
            PathTemplate(path.lstrip("/")),
            PathTemplate(dayless.lstrip("/")) if dayless else None,
            org.timezone if org else ZoneInfo("UTC"),
        )


class GivenFolder(FolderSource):
    """A folder that is itself the delivery of one day of one org, whatever it is called and whenever it was written."""

    def __init__(self, folder: Path, org_id: str, day: date, *, registry: Mapping[str, Org] | None = None) -> None:
        super().__init__(folder, registry=registry)
        self._org_id, self._day = org_id, day

    def orgs(self) -> list[str]:
        """Return the one org."""
        return [self._org_id]

    def days(self, feed: Feed, org_id: str) -> list[date | None]:
        """Return the one day."""
        return [self._day]

    def _place(self, feed: Feed, org_id: str) -> Place:
        return replace(super()._place(feed, org_id), path=_Here("{day}"))


class _Here(PathTemplate):
    """The folder itself."""

    def folder(self, org_id: str, day: date | None) -> str:
        """Return the path of the root."""
        return "."


class LocalFolders:
    """``Folders`` below one local folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def subfolders(self, path: str) -> list[str]:
        """Return the names of the folders in ``path``; links to folders count, see ``_inside``."""
        with os.scandir(self._inside(path)) as entries:
            return [entry.name for entry in entries if entry.is_dir()]

    def files(self, path: str) -> dict[str, Look]:
        """Return the regular files in ``path``."""
        with os.scandir(self._inside(path)) as entries:
            return {
                entry.name: _look(entry.stat(follow_symlinks=False))
                for entry in entries
                if entry.is_file(follow_symlinks=False)
            }

    def look(self, path: str, name: str) -> Look:
        """Return size and mtime of one file."""
        return _look(os.lstat(self._inside(path) / name))

    @contextmanager
    def open(self, path: str, name: str, size: int) -> Iterator[ByteStream]:
        """Open one regular file; a link put in its place raises PermissionError."""
        descriptor = os.open(self._inside(path) / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise PermissionError
            yield stream

    def _inside(self, path: str) -> Path:
        """Return the real folder; one that a link takes out of the root does not exist."""
        root = self._root.resolve()
        real = (root / path).resolve()
        if not real.is_relative_to(root):
            raise FileNotFoundError
        if real.exists() and not real.is_dir():
            raise FileNotFoundError
        return real


def _look(found: os.stat_result) -> Look:
    return Look(found.st_size, found.st_mtime_ns / 1e9)
