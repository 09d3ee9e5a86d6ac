"""The rosters of a tenant's orgs together: one row per id, the one that a package touched last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.model.roster.entities import TABLES
from tests.model.roster.records import Value
from tests.model.roster.roster import Roster, stored


@dataclass(frozen=True)
class Tenant:
    """What the orgs of one tenant know together; each row by column name, tables by id.

    ``left``: who has ended in which org, as (org, user id); a person may go on in another one. ``timeback``: the tables
    of the TimeBack feed, rows by key.
    """

    name: str
    tables: Mapping[str, Mapping[str, Mapping[str, Value]]]
    left: frozenset[tuple[str, str]]
    timeback: Mapping[str, Mapping[tuple[Any, ...], Mapping[str, Any]]] = field(default_factory=dict)

    def rows(self, table: str) -> list[Mapping[str, Value]]:
        """Return the rows of a table."""
        return list(self.tables[table].values())

    def row(self, table: str, key: Value) -> Mapping[str, Value] | None:
        """Return the row with this id, None for an id that nobody delivered and for no id."""
        return self.tables[table].get(str(key))

    def recorded(self, table: str) -> list[Mapping[str, Any]]:
        """Return the rows of a table of the TimeBack feed."""
        return list(self.timeback.get(table, {}).values())

    def record(self, table: str, *key: Any) -> Mapping[str, Any] | None:
        """Return the row with this key of a table of the TimeBack feed, None for one that nobody delivered."""
        return self.timeback.get(table, {}).get(key)


def tenant(name: str, known: Iterable[Roster]) -> Tenant:
    """Return what these orgs know together: of rows with one id the one touched last, then of the highest org name."""
    rosters = list(known)
    users = [(each.org, row) for each in rosters for row in stored(each, "one_roster_user")]
    left = frozenset((org, row.id) for org, row in users if row.row[3] == "tobedeleted")
    return Tenant(name, {table: _newest(rosters, table) for table in TABLES}, left)


def _newest(rosters: list[Roster], table: str) -> dict[str, dict[str, Value]]:
    newest: dict[str, tuple[tuple[date, str], dict[str, Value]]] = {}
    for each in rosters:
        for row in stored(each, table):
            rank = (row.touched, each.org)
            if row.id not in newest or newest[row.id][0] < rank:
                newest[row.id] = (rank, dict(zip(TABLES[table], row.row, strict=True)))
    return {key: row for key, (_, row) in newest.items()}
