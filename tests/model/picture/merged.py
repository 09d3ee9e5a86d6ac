"""Of each thing, what the source says that spoke of it on the newest day; of one day, the daily export."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.model.picture import daily, snapshot, snapshot_rows
from tests.model.picture.log import PictureLog, Row
from tests.model.records import Value
from tests.model.rules import ENDED_BY_GOALS_DELETED, RULES


@dataclass
class Picture:
    """What is known of one org."""

    log: PictureLog
    org: str

    def __post_init__(self) -> None:
        self._tables: dict[str, list[Row]] = {}

    @cached_property
    def held(self) -> snapshot.Held | None:
        return snapshot.held(self.log, self.org)

    def table(self, name: str) -> list[Row]:
        """Return the rows of a table, each with ``source`` and ``as_of_day``."""
        if name not in self._tables:
            self._tables[name] = list(self._merged(name))
        return self._tables[name]

    def one(self, table: str, **wanted: Value) -> Row:
        """Return the one row that has these values, or an empty one."""
        found = self.all(table, **wanted)
        return found[0] if found else dict.fromkeys(found)

    def all(self, table: str, **wanted: Value) -> list[Row]:
        return [row for row in self.table(table) if all(row[column] == value for column, value in wanted.items())]

    def _merged(self, table: str) -> Iterable[Row]:
        words = daily.spoken(self.log, self.org, table)
        for row, word, _ in daily.rows_of(words):
            if self.held is None or word.day >= self.held.day or not self._is_held(table, row):
                yield {**row, "source": word.source, "as_of_day": word.day}
        rule = next(rule for rule in RULES.values() if rule.table == table)
        gone = daily.goals_deleted(self.log, self.org) if rule.file in ENDED_BY_GOALS_DELETED else {}
        if self.held is None:
            return
        seen: list[Row] = []
        for row in snapshot_rows.rows_of(self.held, table):
            newer = words.get(tuple(row[column] for column in rule.key))
            deleted: Any = gone.get(row.get("goal_id"))
            is_held = self._has_document(table, row)
            is_newest = newer is None or (newer.day < self.held.day and is_held)
            is_newest = is_newest and (deleted is None or (deleted < self.held.day and is_held))
            if is_newest and not (rule.load == "upsert" and row in seen):
                seen.append(row)
                yield {**row, "source": "offboarding", "as_of_day": self.held.day}

    def _is_held(self, table: str, row: Row) -> bool:
        """Tell whether the snapshot holds what a row of the export is about: its document, or the thing itself elsewhere."""
        assert self.held is not None
        key = next(rule for rule in RULES.values() if rule.table == table).key
        if table in snapshot.USER_LISTS:
            return row["employee_id"] is not None and row["employee_id"] in self.held.numbers.values()
        if self._has_document(table, row) and table in snapshot.DOCUMENTS:
            return True
        if table in snapshot.DOCUMENTS and snapshot.DOCUMENTS[table][1] in key:
            return False
        others = [other for other in snapshot_rows.rows_of(self.held, table) if self._has_document(table, other)]
        return any(all(other[column] == row[column] for column in key) for other in others)

    def _has_document(self, table: str, row: Row) -> bool:
        """Tell whether the snapshot holds the document below which a row stands; most rows are documents or stand alone."""
        assert self.held is not None
        if table not in snapshot.DOCUMENTS:
            return True
        document, column = snapshot.DOCUMENTS[table]
        return bool(self.held.of(document, _id=row[column]))
