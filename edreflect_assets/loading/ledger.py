"""The ledger of loads, ``ops.load_log``: what is current, what was taken in, what was turned away.

Every function works in the caller's transaction and expects the delivery's lock to be held where it says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extras import Json, execute_values

# Keeps these advisory locks apart from those of other parts of the platform.
_LOCK_NAMESPACE = "edreflect.load"


@dataclass(frozen=True)
class CurrentLoad:
    """The load that counts for one file of one (feed, org, day)."""

    load_id: int
    sha256: str
    rows: int
    quarantined: int
    mode: str | None
    table: str


@dataclass(frozen=True)
class Findings:
    """What the ledger keeps about the content of a load."""

    warnings: tuple[str, ...]
    profile: Mapping[str, Any]


@dataclass(frozen=True)
class LedgerEntry:
    """A row of the ledger before it is written."""

    file: str
    status: str
    table: str | None = None
    load_id: int | None = None
    sha256: str | None = None
    size: int | None = None
    rows: int = 0
    quarantined: int = 0
    reason: str | None = None
    header: Sequence[str] | None = None
    columns: Sequence[str] | None = None
    missing: Sequence[str] | None = None
    unknown: Sequence[str] | None = None
    warnings: Sequence[str] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)
    mode: str | None = None
    rows_load_id: int | None = None


@dataclass(frozen=True)
class Ledger:
    """The ledger of one (feed, org, day); ``day`` is None for files without a day."""

    feed: str
    org_id: str
    day: date | None
    run_id: str | None = None

    @property
    def _delivery(self) -> str:
        """The condition on this delivery's rows; an index answers ``is null``, but not ``is not distinct from``."""
        return f"feed = %(feed)s and org_id = %(org_id)s and day {'is null' if self.day is None else '= %(day)s'}"

    @property
    def _names(self) -> dict[str, Any]:
        return {"feed": self.feed, "org_id": self.org_id, "day": self.day}

    def lock(self, cursor: Cursor) -> None:
        """Begin a transaction in which this delivery is loaded by nobody else, until it ends; waits for its turn.

        Read committed, so that the statement after the wait sees what the others have committed.
        """
        cursor.execute(
            "set transaction isolation level read committed; select pg_advisory_xact_lock(hashtextextended(%s, 0))",
            ("\x1f".join((_LOCK_NAMESPACE, self.feed, self.org_id, str(self.day))),),
        )

    def current(self, cursor: Cursor) -> dict[str, CurrentLoad]:
        """Return the current loads by file."""
        cursor.execute(
            f"""
            select file, load_id, sha256, rows, quarantined, mode, table_name from ops.load_log
            where {self._delivery} and status = 'current'
            """,
            self._names,
        )
        return {file: CurrentLoad(*load) for file, *load in cursor}

    def spellings(self, cursor: Cursor, files: Collection[str]) -> dict[str, str]:
        """Return, by name in lower case, how the feed's oldest load, of any org, spells some files."""
        cursor.execute(
            """
            select distinct on (lower(file)) lower(file), file from ops.load_log
            where feed = %(feed)s and status = 'current' and lower(file) = any(%(files)s)
            order by lower(file), load_id
            """,
            self._names | {"files": [file.lower() for file in files]},
        )
        return dict(cursor.fetchall())

    def findings(self, cursor: Cursor, load_ids: Sequence[int]) -> dict[int, Findings]:
        """Return the warnings and profiles of loads by load id."""
        cursor.execute("select load_id, warnings, profile from ops.load_log where load_id = any(%s)", (list(load_ids),))
        return {load_id: Findings(tuple(warnings), profile) for load_id, warnings, profile in cursor}

    def reserve(self, cursor: Cursor, number: int) -> list[int]:
        """Return ``number`` new load ids in ascending order."""
        cursor.execute(
            "select nextval(pg_get_serial_sequence('ops.load_log', 'load_id')) from generate_series(1, %s)", (number,)
        )
        return sorted(load_id for (load_id,) in cursor)

    def supersede(self, cursor: Cursor, load_ids: Sequence[int]) -> None:
        """Mark loads as no longer current; the lock must be held."""
        if load_ids:
            cursor.execute(
                "update ops.load_log set status = 'superseded' where load_id = any(%s) and status = 'current'",
                (list(load_ids),),
            )

    def resolve_refusals(self, cursor: Cursor) -> None:
        """Note that the delivery was taken after all, be it with bytes that were current before; the lock must be held."""
        cursor.execute(
            f"""
            update ops.load_log set resolved_at = clock_timestamp()
            where {self._delivery} and status = 'refused' and resolved_at is null
            """,
            self._names,
        )

    def record(self, cursor: Cursor, entries: Iterable[LedgerEntry]) -> list[int]:
        """Write entries and return their load ids, in the same order; entries without a load id get a new one."""
        entries = list(entries)
        given = iter(self.reserve(cursor, sum(entry.load_id is None for entry in entries)))
        load_ids = [next(given) if entry.load_id is None else entry.load_id for entry in entries]
        execute_values(
            cursor,
            """
            insert into ops.load_log (
                load_id, feed, org_id, day, file, table_name, sha256, bytes, rows, quarantined, status, reason,
                header, raw_columns, missing_columns, unknown_columns, warnings, profile, run_id, mode, rows_load_id,
                loaded_at
            ) overriding system value values %s
            """,
            [
                (
                    load_id,
                    self.feed,
                    self.org_id,
                    self.day,
                    entry.file,
                    entry.table,
                    entry.sha256,
                    entry.size,
                    entry.rows,
                    entry.quarantined,
                    entry.status,
                    entry.reason,
                    _array(entry.header),
                    _array(entry.columns),
                    _array(entry.missing),
                    _array(entry.unknown),
                    Json(list(entry.warnings)),
                    Json(entry.profile),
                    self.run_id,
                    entry.mode,
                    entry.rows_load_id,
                )
                for load_id, entry in zip(load_ids, entries, strict=True)
            ],
            # The clock and not the start of the transaction, which may have waited long for its turn.
            template=f"({', '.join(['%s'] * 12)}, {', '.join(['%s::text[]'] * 4)}, {', '.join(['%s'] * 5)}, clock_timestamp())",
            page_size=500,
        )
        return load_ids

    def record_once(self, cursor: Cursor, entry: LedgerEntry) -> int:
        """Write an entry unless the same bytes were recorded with the same status and reason; return its load id.

        A refusal that was resolved since does not count. The lock must be held.
        """
        cursor.execute(
            f"""
            select load_id from ops.load_log
            where {self._delivery} and file = %(file)s and status = %(status)s and resolved_at is null
                and sha256 is not distinct from %(sha256)s and reason is not distinct from %(reason)s
            order by load_id desc limit 1
            """,
            self._names | {"file": entry.file, "status": entry.status, "sha256": entry.sha256, "reason": entry.reason},
        )
        known = cursor.fetchone()
        return int(known[0]) if known else self.record(cursor, [entry])[0]


def _array(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)
