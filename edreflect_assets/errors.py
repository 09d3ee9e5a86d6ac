"""Errors a person is meant to read: one sentence each, never holding a value from a delivered file."""

from __future__ import annotations

from datetime import date


class EdreflectError(Exception):
    """Base of every error the platform raises on purpose; ``str(error)`` is one sentence saying what to do."""


class ConfigurationError(EdreflectError):
    """A setting, the org registry or a feed's contract is wrong; the sentence names the file and the entry."""


class UsageError(EdreflectError):
    """A command was called with arguments that do not fit together, or with an org, feed or day nobody knows."""


class FetchError(EdreflectError):
    """Files could not be fetched from an org's source.

    ``transient`` is True when trying again later may succeed (connection lost, server busy) and False when it cannot
    (authentication, host key, no such path).
    """

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class Refused(EdreflectError):
    """Nothing of one delivery was loaded because one of its files cannot be trusted.

    ``day`` is the delivery's folder day, None for files without a day; ``file`` is None when the delivery as a whole
    is at fault; ``cause`` is a clause without a full stop that says what is wrong and what to do.
    """

    def __init__(self, feed: str, org_id: str, day: date | None, file: str | None, cause: str) -> None:
        # All of them go to args so that the error survives pickling between processes.
        super().__init__(feed, org_id, day, file, cause)
        self.feed = feed
        self.org_id = org_id
        self.day = day
        self.file = file
        self.cause = cause

    def __str__(self) -> str:
        """Return e.g. ``edreflect of springfield, 2026-03-01 refused: Ratings.csv: the header names a column twice``."""
        when = self.day.isoformat() if self.day else "files without a day"
        where = f"{self.file}: " if self.file else ""
        return f"{self.feed} of {self.org_id}, {when} refused: {where}{self.cause}"
