"""The landing area as a source: what was delivered before, for ``edreflect load --again``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from edreflect_assets.contracts import Feed
from edreflect_assets.errors import FetchError
from edreflect_assets.landing import DAYLESS_FOLDER, Delivery, Landing


class LandedSource:
    """Deliveries as they last landed, each file checked against its sha256."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def orgs(self) -> list[str]:
        """Return the orgs that something has landed of, sorted."""
        return sorted({path.name for path in self._root.glob("[!.]*/[!.]*") if path.is_dir()})

    def days(self, feed: Feed, org_id: str) -> list[date | None]:
        """Return the days that have landed, oldest first, then None if files without a day have."""
        names = {path.name for path in (self._root / feed.name / org_id).glob("[!.]*") if path.is_dir()}
        days: list[date | None] = [date.fromisoformat(name) for name in sorted(names - {DAYLESS_FOLDER})]
        return [*days, None] if DAYLESS_FOLDER in names else days

    def fetch(
        self, feed: Feed, org_id: str, day: date | None, landing: Landing, *, stable_seconds: float | None = None
    ) -> Delivery:
        """Return the last delivery of a day; see ``Landing.last_delivery``."""
        if landing.root != self._root:
            raise FetchError(f"{landing.root} is another landing area than {self._root}.")
        return landing.last_delivery(feed.name, org_id, day)
