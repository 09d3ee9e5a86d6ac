"""The log: deliveries in the order in which they are loaded -> the rows of each org, now or as of a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from tests.model.records import FileRefused
from tests.model.timeback.records import Columns, Contents, Key, Record, Value, read
from tests.model.timeback.tables import TABLES, Table, table_of

Row = tuple[Value, ...]


@dataclass(frozen=True)
class Delivery:
    """The files of one org and day as they were delivered, by file name."""

    org: str
    day: date
    files: Mapping[str, bytes] = field(hash=False)


@dataclass(frozen=True)
class Stored:
    """A row of an org, with the day that delivered it."""

    day: date
    values: Columns = field(hash=False)


class Log:
    """Keeps the current bytes of every file; a file that is not delivered again keeps its own."""

    def __init__(self, deliveries: Iterable[Delivery] = ()) -> None:
        self._current: dict[tuple[str, date], dict[Table, bytes]] = {}
        for delivery in deliveries:
            self.load(delivery)

    @property
    def orgs(self) -> list[str]:
        """Return the orgs that delivered something, in order."""
        return sorted({org for org, _ in self._current})

    def load(self, delivery: Delivery) -> bool:
        """Load a delivery, all its files or none; False when one of them is refused."""
        listed = [(table, data) for name, data in delivery.files.items() if (table := table_of(name))]
        try:
            for table, data in listed:
                read(table, data)
        except FileRefused:
            return False
        self._current.setdefault((delivery.org, delivery.day), {}).update(listed)
        return True

    def days(self, org: str, as_of: date | None = None) -> list[date]:
        """Return the days of an org, up to and including ``as_of``, in order."""
        return sorted(day for owner, day in self._current if owner == org and (as_of is None or day <= as_of))

    def files(self, org: str, day: date) -> dict[str, bytes]:
        """Return the files of an org's day as they are now."""
        return {table.file: data for table, data in self._current[org, day].items()}

    def contents(self) -> dict[tuple[str, date, str], Contents]:
        """Return what each file says now, by org, day and file."""
        return {
            (org, day, table.file): read(table, data)
            for (org, day), files in self._current.items()
            for table, data in files.items()
        }

    def rows(self, org: str, table: Table, as_of: date | None = None) -> dict[Key, Stored]:
        """Return an org's rows by key: of the latest day that delivered the key the last line, unless it removes it."""
        latest: dict[Key, tuple[date, Record]] = {}
        for day in self.days(org, as_of):
            data = self._current[org, day].get(table)
            for record in read(table, data).records if data is not None else ():
                latest[record.key] = (day, record)
        return {key: Stored(day, record.values) for key, (day, record) in latest.items() if record.values is not None}


def state(log: Log, org: str, name: str, as_of: date | None = None) -> set[Row]:
    """Return a table's rows of one org as (org_id, the contract's columns in order); those of now with their days."""
    table = TABLES[name]
    stored = log.rows(org, table, as_of).values()
    rows = [((org, *(row.values[column] for column in table.columns)), row.day) for row in stored]
    return {row if as_of else (*row, day) for row, day in rows}
