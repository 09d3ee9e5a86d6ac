"""What every part of a simulated source system shares: its day, its random numbers, its ids and its tables."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import blake2b
from random import Random

from edreflect_assets.contracts import Feed
from edreflect_assets.sample.tables import SourceTables

WEEKEND_ACTIVITY = 0.05


def random_numbers(*seed: object) -> Random:
    """Return a generator whose numbers depend on the seed's parts alone."""
    return Random("/".join(map(str, seed)))  # noqa: S311 - sample data, not secrets


class Context:
    """The state that the parts of one org's source system share.

    ``scale`` multiplies the daily number of changes. ``day`` is the day being simulated; moments are UTC.
    """

    def __init__(self, feed: Feed, seed: int, org: str, scale: float) -> None:
        self.org = org
        self.seed = seed
        self.scale = scale
        self.rng = random_numbers(seed, org)
        self.tables = SourceTables(feed)
        self.day = date.min
        self.legacy_ids: dict[str, list[str]] = {}
        self._issued: dict[str, int] = {}
        self._legacy = True

    def begin(self, day: date) -> None:
        """Move on to a day."""
        self.day = day

    def close_legacy(self) -> None:
        """State that ids issued from now on have no predecessor in the old platform."""
        self._legacy = False

    @property
    def school_year(self) -> str:
        """The calendar year in which the present school year began."""
        return str(self.day.year if self.day.month >= 7 else self.day.year - 1)

    @property
    def school_year_id(self) -> str:
        """Years since 2009, as the source counts school years."""
        return str(int(self.school_year) - 2009)

    @property
    def domain(self) -> str:
        """The org's domain name, below one that is reserved for examples."""
        return f"{self.org.replace('_', '-')}.example"

    def new_id(self, kind: str) -> str:
        """Return a new id, unlike all others of this org and kind and of other orgs."""
        number = self._issued[kind] = self._issued.get(kind, 0) + 1
        identity = blake2b(f"{self.seed}/{self.org}/{kind}/{number}".encode(), digest_size=12).hexdigest()
        if self._legacy:
            self.legacy_ids.setdefault(kind, []).append(identity)
        return identity

    def moment(self, days_ago: int = 0) -> str:
        """Return a moment of a working day, ISO 8601 with Z."""
        second = self.rng.randrange(13 * 3600, 22 * 3600)
        day = self.day - timedelta(days=days_ago)
        return f"{day}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"

    def count(self, mean: float, *, at_least: int = 0) -> int:
        """Return how often something happens on this day: ``mean`` times the scale, rounded at random.

        ``at_least`` holds on weekdays at full scale only, so that tiny and weekend exports may be empty.
        """
        weekend = self.day.weekday() >= 5
        expected = mean * self.scale * (WEEKEND_ACTIVITY if weekend else 1)
        number = int(expected) + (self.rng.random() < expected % 1)
        return number if weekend or self.scale < 1 else max(number, at_least)

    def touch(self, reference: str, key: str) -> None:
        """Name a key in a reference file of the next export, once however often it changes."""
        if key not in self.tables.touched(reference):
            key_column, date_column = self.tables.feed.files[reference].column_names
            self.tables.put(reference, {key_column: key, date_column: self.moment()})


def flag(value: bool) -> str:
    """Return a boolean as the source writes it."""
    return "true" if value else "false"
