"""The log: deliveries in the order in which they are loaded -> the current bytes of each (org, day, file)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from tests.model.records import FileRefused, Record, read
from tests.model.rules import rule_of


@dataclass(frozen=True)
class Delivery:
    """The files of one org and day as they were delivered; ``day`` is None for the id maps.

    A file whose bytes are None is not there.
    """

    org: str
    day: date | None
    files: Mapping[str, bytes | None] = field(hash=False)


class Log:
    """Keeps the current load of every file; loading the current bytes again changes nothing."""

    def __init__(self, deliveries: Iterable[Delivery] = (), *, max_rejected_share: float = 1.0) -> None:
        self.max_rejected_share = max_rejected_share
        self._current: dict[tuple[str, date | None, str], bytes] = {}
        for delivery in deliveries:
            self.load(delivery)

    def load(self, delivery: Delivery) -> bool:
        """Load a delivery, all its files or none; False when one of them is refused."""
        wanted = [(rule_of(name), data) for name, data in delivery.files.items() if data is not None]
        listed = [(rule, data) for rule, data in wanted if rule]
        try:
            for rule, data in listed:
                read(rule, data, self.max_rejected_share)
        except FileRefused:
            return False
        for rule, data in listed:
            self._current[delivery.org, delivery.day, rule.file] = data
        return True

    def days(self, org: str, as_of: date | None = None) -> list[date]:
        """Return the days with a current load of this org, up to and including ``as_of``, in order."""
        days = {day for owner, day, _ in self._current if owner == org and day is not None}
        return sorted(day for day in days if as_of is None or day <= as_of)

    def records(self, org: str, day: date | None, file: str) -> tuple[Record, ...]:
        """Return the records of the current load of a file; none when it is not there."""
        data = self._current.get((org, day, file))
        rule = rule_of(file)
        return read(rule, data, self.max_rejected_share) if rule and data is not None else ()
