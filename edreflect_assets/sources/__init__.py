"""Where deliveries come from: an org's SFTP server (``sftp``) or a local folder (``folder``), taken by the same rules."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from edreflect_assets.contracts import Feed
from edreflect_assets.landing import Delivery, Landing


class Source(Protocol):
    """What fetching needs of either; both are context managers."""

    def days(self, feed: Feed, org_id: str) -> list[date | None]:
        """Return the days found, oldest first, then None if there are files without a day."""

    def fetch(
        self, feed: Feed, org_id: str, day: date | None, landing: Landing, *, stable_seconds: float | None = None
    ) -> Delivery:
        """Land one delivery and return it; raises FetchError."""
