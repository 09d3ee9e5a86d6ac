"""One file of one package applied to what was known of its entity before; and the deletion threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from tests.model.roster.entities import ENROLLMENTS, ROLES, Entity
from tests.model.roster.records import Contents, Record, Value

ENDED = "tobedeleted"
Rows = dict[str, "Known"]


@dataclass(frozen=True)
class Known:
    """What is known of one thing; ``values`` as its table shows them (of roles: as delivered, see people).

    ``appeared``: the day of the first record, None when that was the first package with this file. ``touched``: the last
    day on which it changed or a delta applied to it.
    """

    id: str
    sourced_id: str
    status: str
    modified: datetime
    values: Mapping[str, Value]
    beside: Mapping[str, Value]
    appeared: date | None
    touched: date

    @property
    def is_active(self) -> bool:
        """Tell whether it has not ended."""
        return self.status != ENDED


@dataclass
class Counts:
    """What a file did, or would do, to the rows of its entity; in ids, ``rejected`` in lines."""

    mode: str
    active_before: int
    rejected: int
    delivered: int = 0
    added: int = 0
    changed: int = 0
    ended: int = 0
    returned: int = 0
    stayed: int = 0
    stale: int = 0

    @property
    def needs_approval(self) -> bool:
        """Tell whether it ends more than 20 % of the active rows, and at least 20."""
        return self.ended >= 20 and self.ended * 5 > self.active_before


def midnight(day: date) -> datetime:
    """Return the start of a day, UTC without a zone."""
    return datetime.combine(day, time())


def apply(entity: Entity, known: Rows, contents: Contents, day: date, first: bool) -> tuple[Rows, Counts]:
    """Return the rows after a file of ``day``, and what it did. ``first``: the org never delivered this file before."""
    step = _Step(entity, dict(known), contents, day, first)
    if contents.mode == "bulk":
        step.bulk()
    else:
        step.delta()
    return step.rows, step.counts


class _Step:
    """A file being applied to the rows of its entity."""

    def __init__(self, entity: Entity, rows: Rows, contents: Contents, day: date, first: bool) -> None:
        self.entity, self.rows, self.contents, self.day, self.first = entity, rows, contents, day, first
        active = sum(row.is_active for row in rows.values())
        self.counts = Counts(contents.mode, active, contents.rejected)

    def bulk(self) -> None:
        """Apply the whole truth: what is not there has ended, unless a record of it was set aside."""
        delivered = {record.id: record for record in self.contents.records}
        self.counts.delivered = len(delivered)
        for row in list(self.rows.values()):
            if row.is_active and row.id not in delivered.keys() | self.contents.rejected_ids:
                values = self._with_end(row.values, None)
                at = midnight(self.day)
                self.rows[row.id] = replace(row, status=ENDED, values=values, modified=at, touched=self.day)
                self.counts.ended += 1
        for record in delivered.values():
            self._put(replace(record, status="active", modified=None))

    def delta(self) -> None:
        """Apply changes: of several lines of one key the newest counts, unless it is older than what is known."""
        newest: dict[str, Record] = {}
        for record in self.contents.records:
            kept = newest.get(record.id)
            if kept is None or _time(record) >= _time(kept):
                newest[record.id] = record
        self.counts.delivered = len(newest)
        for record in newest.values():
            before = self.rows.get(record.id)
            if before and _time(record) < before.modified:
                self.counts.stale += 1
            else:
                self._put(record)

    def _put(self, record: Record) -> None:
        """Store a record. One of a bulk file has no time of its own and changes nothing when it says nothing new."""
        before = self.rows.get(record.id)
        appeared = before.appeared if before else None if self.first else self.day
        values = dict(record.values)
        if self.entity is ROLES:
            values["begin_date"] = values["begin_date"] or appeared
        if record.status == ENDED:
            values = self._with_end(values, before)
        says = (record.status, record.sourced_id, values)
        differs = before is None or says != (before.status, before.sourced_id, before.values)
        self._count(before, record.status, differs or (before is not None and before.beside != record.beside))
        if before and not differs and record.modified is None:
            # What roles and agents follow from may have changed; that is no change of the row itself.
            self.rows[record.id] = replace(before, beside=record.beside)
            return
        self.rows[record.id] = Known(
            id=record.id,
            sourced_id=record.sourced_id,
            status=record.status,
            modified=record.modified or midnight(self.day),
            values=values,
            beside=record.beside,
            appeared=appeared,
            touched=self.day,
        )

    def _with_end(self, values: Mapping[str, Value], before: Known | None) -> dict[str, Value]:
        """Return an ended row's values: without an end of its own it ends now, unless it had ended before."""
        if self.entity is not ENROLLMENTS:
            return dict(values)
        earlier = before.values["end_date"] if before and not before.is_active else None
        return {**values, "end_date": values["end_date"] or earlier or self.day}

    def _count(self, before: Known | None, status: str, differs: bool) -> None:
        if before is None:
            self.counts.added += 1
        elif before.is_active and status == ENDED:
            self.counts.ended += 1
        elif not before.is_active and status != ENDED:
            self.counts.returned += 1
        elif differs:
            self.counts.changed += 1
        else:
            self.counts.stayed += 1


def _time(record: Record) -> datetime:
    assert record.modified is not None, "a record of a delta carries its time"
    return record.modified
