"""Deliveries from an org's SFTP server: one connection, retries bounded by count and by the clock."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Self, TypeVar

from edreflect_assets.contracts import Feed
from edreflect_assets.errors import FetchError, UsageError
from edreflect_assets.landing import Delivery, LandedFile, Landing
from edreflect_assets.orgs import Org
from edreflect_assets.sources.connection import ConnectionLost, SftpConnection, Timeouts
from edreflect_assets.sources.fetching import fetch_delivery, list_days
from edreflect_assets.sources.places import Look, Place
from edreflect_assets.sources.templates import PathTemplate

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetryPolicy:
    """How often a lost connection is made anew: at most ``attempts`` in a row, none ``seconds`` after the first loss.

    The first wait lasts ``first_wait`` seconds, each further one twice as long. A file that lands ends the row, so that a
    long download over a poor line still ends well; ``total`` bounds the connections of one operation nevertheless. Once
    an operation has failed in spite of all this, the next ones of the same source have one try each.
    """

    attempts: int = 4
    seconds: float = 120.0
    first_wait: float = 1.0
    total: int = 20


class SftpSource:
    """The SFTP server of one org as the registry describes it; connects on first use and keeps that connection."""

    def __init__(
        self,
        org: Org,
        *,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Prepare to connect; ``environ`` holds the secrets that the registry names. Raises UsageError without a host."""
        if org.host is None:
            raise UsageError(
                f"Org {org.org_id} has no host in the registry; add one, or load its files with `edreflect load --source`."
            )
        self.org = org
        self._retry, self._timeouts, self._environ = retry or RetryPolicy(), timeouts or Timeouts(), environ
        self._connection: SftpConnection | None = None
        self._given_up = False

    def __enter__(self) -> Self:
        """Return the source; it is not connected yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one; the next use connects again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def connect(self) -> SftpConnection:
        """Return the connection, made now if there is none, with retries; raises FetchError or ConfigurationError."""
        return self._with_retries(lambda connection: connection, lambda: 0)

    def days(self, feed: Feed, org_id: str) -> list[date | None]:
        """Return the days of ``feed`` found on the server, oldest first, then None if there are files without a day."""
        place = self._place(feed, org_id)
        return self._with_retries(lambda connection: list_days(connection, place), lambda: 0)

    def listing(self, feed: Feed, org_id: str, day: date | None) -> dict[str, Look]:
        """Return name, size and mtime of the files in a delivery's folder now, names as the server says them.

        Empty when the folder does not exist or may not be listed; fetching says so where it matters.
        """
        folder = self._place(feed, org_id).folder(day)
        try:
            return self._with_retries(lambda connection: connection.files(folder), lambda: 0)
        except (FileNotFoundError, PermissionError):
            return {}

    def fetch(
        self, feed: Feed, org_id: str, day: date | None, landing: Landing, *, stable_seconds: float | None = None
    ) -> Delivery:
        """Land one delivery and return it; see ``fetching.fetch_delivery``.

        ``stable_seconds`` is the registry's unless given. After a lost connection the files that have landed are not
        read again unless they changed. Raises FetchError; transient when another try later may succeed.
        """
        place = self._place(feed, org_id)
        wait = self.org.stable_seconds if stable_seconds is None else stable_seconds
        already: dict[tuple[str, Look], LandedFile] = {}
        return self._with_retries(
            lambda connection: fetch_delivery(connection, place, day, landing, stable_seconds=wait, already=already),
            lambda: len(already),
        )

    def _with_retries(self, operation: Callable[[SftpConnection], T], progress: Callable[[], int]) -> T:
        """Run ``operation`` until it ends without losing the connection; ``progress`` grows when something was won."""
        in_a_row, won = 0, progress()
        row_began = time.monotonic()
        for made in range(1, self._retry.total + 1):
            try:
                if self._connection is None:
                    self._connection = SftpConnection(self.org, self._timeouts, self._environ)
                result = operation(self._connection)
                self._given_up = False
                return result
            except ConnectionLost as lost:
                self.close()
                if in_a_row == 0 or progress() > won:
                    in_a_row, won, row_began = 0, progress(), time.monotonic()
                in_a_row += 1
                wait = self._retry.first_wait * 2 ** (in_a_row - 1)
                too_late = time.monotonic() + wait > row_began + self._retry.seconds
                last = in_a_row >= self._retry.attempts or made == self._retry.total or self._given_up
                if last or too_late:
                    self._given_up = True
                    raise FetchError(
                        f"{self.org.org_id}: the SFTP server {self.org.host}:{self.org.port} could not be used, "
                        f"{made} {'tries' if made > 1 else 'try'}: {lost}; try again later.",
                        transient=True,
                    ) from None
                _log.info("%s: %s; connecting again in %.1f s", self.org.org_id, lost, wait)
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _place(self, feed: Feed, org_id: str) -> Place:
        if org_id != self.org.org_id:
            raise UsageError(f"This is the server of {self.org.org_id}, not of {org_id}.")
        dayless = self.org.dayless_paths.get(feed.name) or feed.dayless_path
        return Place(
            feed,
            org_id,
            PathTemplate(self.org.paths.get(feed.name) or feed.path),
            PathTemplate(dayless) if dayless else None,
            self.org.timezone,
        )
