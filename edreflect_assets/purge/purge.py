"""Deleting an org at a contract's end: everything of it that the platform has, in steps that may be repeated.

Each step leaves the platform in a state in which the whole purge can be run again: a journal below the home says what was
there before the first try, and what is left is found anew. See rows.py for the database, space.py for its bytes.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.database import connect, ensure_server, migrate
from edreflect_assets.errors import EdreflectError, UsageError
from edreflect_assets.org_fields import ORG_ID
from edreflect_assets.org_lock import purging
from edreflect_assets.orgs import load_registry, sync_orgs
from edreflect_assets.purge import files, rows
from edreflect_assets.purge.journal import Journal, read_journal, remove_journal, write_journal
from edreflect_assets.purge.record import (
    DAGSTER,
    LANDED_BYTES,
    LANDED_FILES,
    NAMING_FILES,
    REGISTRY,
    ROWS,
    SHARED,
    Record,
    listing,
)
from edreflect_assets.purge.space import free_space
from edreflect_assets.purge.subject import Subject, find_subject
from edreflect_assets.purge.tables import OrgTable, count_rows, org_tables
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import build
from edreflect_assets.warehouse.lock import BuildInProgress, builder_lock


class Traces(Protocol):
    """What somebody else keeps of an org and deletes himself: Dagster."""

    def running(self, subject: Subject) -> list[str]:
        """Return the ids of runs of the org that have not ended."""

    def count(self, subject: Subject) -> dict[str, int]:
        """Return how much there is, by kind."""

    def delete(self, subject: Subject, *, rewrite: bool) -> list[str]:
        """Delete it, and return a clause for each place where bytes remain."""


@dataclass(frozen=True)
class Holdings:
    """What the platform has of an org: the lines to print, and whether that is anything at all."""

    org_id: str
    lines: tuple[str, ...]


@dataclass
class Purge:
    """The purge of one org. ``traces`` None: there is no Dagster here.

    ``rewrite``: also get rid of the bytes of deleted rows, see space.py. ``on_step`` is called before each step with its
    name. The embedded server is started when it is not running.
    """

    settings: Settings
    org_id: str
    traces: Traces | None = None
    rewrite: bool = True
    on_step: Callable[[str], None] = lambda _: None
    _kinds: dict[str, str] = field(default_factory=dict)

    def look(self) -> Holdings:
        """Return what would be deleted; deletes nothing. Raises UsageError for an org of which there is nothing."""
        with self._connection() as connection:
            journal = self._journal(connection)
        return Holdings(self.org_id, tuple(listing(journal.counts, self._kinds)))

    def run(self) -> Record:
        """Delete everything and return the record; ``end`` has to be called once that is safe.

        Raises UsageError for an org of which there is nothing; EdreflectError, with nothing or only a part deleted, when
        something of the org is running, a build fails, or something is left: then it can be run again.
        """
        with self._connection() as connection, purging(connection, self.org_id):
            journal = self._journal(connection)
            subject = self._subject(connection, journal)
            self._refuse_while_running(subject)
            with self._builder_lock():
                pass  # a build that is running is a reason to stop before anything is changed
            write_journal(self.settings, journal)

            self.on_step("registry")
            files.forget_in_registry(self.settings, subject)
            self.on_step("retire")
            if rows.retire(connection, subject):
                self.on_step("build")
                self._build()
            with self._builder_lock():
                self.on_step("rows")
                tables = rows.delete_rows(connection, subject)
                self.on_step("landing")
                files.delete_landed(self.settings, subject)
                self.on_step("files")
                files.forget_in_files(self.settings, subject)
                self.on_step("dagster")
                remaining = self.traces.delete(subject, rewrite=self.rewrite) if self.traces else []
                self.on_step("space")
                remaining += self._free_space(connection, tables, journal)
            self.on_step("verify")
            after = self._verify(connection, subject)
            return self._record(connection, subject, journal, after, tuple(remaining))

    def end(self) -> None:
        """Forget the purge itself; the record must be in a person's hands."""
        remove_journal(self.settings, self.org_id)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if not ORG_ID.fullmatch(self.org_id):
            raise UsageError(f"{ascii(self.org_id)[:80]} is no name of an org; `edreflect orgs list` shows all.")
        ensure_server(self.settings)
        with closing(connect(self.settings, application_name="edreflect purge")) as connection:
            migrate(connection)
            if self.settings.registry.exists():
                sync_orgs(connection, load_registry(self.settings))
            connection.autocommit = True
            yield connection

    def _journal(self, connection: Connection) -> Journal:
        """Return what there is now together with what an earlier try has found."""
        earlier = read_journal(self.settings, self.org_id)
        org = load_registry(self.settings).get(self.org_id)
        with connection.cursor() as cursor:
            subject = find_subject(
                cursor, self.org_id, earlier.identity if earlier else (org.org_uuid, org.tenant) if org else None
            )
            counts: dict[str, dict[str, int]] = {ROWS: {}, SHARED: {}}
            for table in org_tables(cursor):
                self._kinds[str(table)] = table.kind
                counts[SHARED if table.is_shared(subject) else ROWS][str(table)] = count_rows(cursor, table, subject)
            grants = rows.count_grants(cursor, subject)
        self._kinds |= dict.fromkeys(grants, "access grants")
        counts[ROWS] |= grants
        landed = files.landed(self.settings, subject)
        counts[REGISTRY] = {"entry of the registry": int(org is not None)}
        counts[LANDED_FILES] = {feed: found.files for feed, found in landed.items()}
        counts[LANDED_BYTES] = {feed: found.bytes for feed, found in landed.items()}
        counts[NAMING_FILES] = {"files that name it": len(files.naming_files(self.settings, subject))}
        counts[DAGSTER] = self.traces.count(subject) if self.traces else {}
        journal = Journal(
            self.org_id,
            str(subject.org_uuid),
            subject.tenant,
            list(subject.organizations),
            datetime.now(UTC).isoformat(timespec="seconds"),
            f"{_operator()} (database login {connection.info.user})",
            f"{org.host}:{org.port}" if org and org.host else "not known to the registry any more",
            counts,
        )
        # A log may hold the name of an org that never was: a word like any other.
        own = [
            count for kind, found in counts.items() if kind not in {SHARED, NAMING_FILES} for count in found.values()
        ]
        if earlier is None and not any(own):
            raise UsageError(
                f"There is nothing of {self.org_id}: no entry in {self.settings.registry}, no rows, no files; "
                "`edreflect orgs list` shows all orgs."
            )
        return journal.together_with(earlier)

    def _subject(self, connection: Connection, journal: Journal) -> Subject:
        with connection.cursor() as cursor:
            found = find_subject(cursor, self.org_id, journal.identity)
        return Subject(found.org_id, found.org_uuid, found.tenant, found.alone, tuple(journal.organizations))

    def _refuse_while_running(self, subject: Subject) -> None:
        running = self.traces.running(subject) if self.traces else []
        if running:
            raise EdreflectError(
                f"Dagster is running something of {self.org_id} (run {', '.join(running[:3])}); wait for it or cancel it,"
                " then purge again."
            )

    @contextmanager
    def _builder_lock(self) -> Iterator[None]:
        try:
            with builder_lock(self.settings):
                yield
        except BuildInProgress:
            raise self._build_in_progress() from None

    def _build_in_progress(self) -> EdreflectError:
        return EdreflectError(f"A build is running; purge {self.org_id} again when it has ended.")

    def _build(self) -> None:
        """Have the models take back what was retired; a day that is pinned stays pinned."""
        with closing(connect(self.settings)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("select today from ops.clock where pinned")
            row: tuple[date] | None = cursor.fetchone()
        try:
            report = build(self.settings, as_of=row[0] if row else None)
        except BuildInProgress:
            raise self._build_in_progress() from None
        if report.not_built:
            raise EdreflectError(
                f"{self.org_id} counts no longer, but nothing of it is deleted yet: the build that takes its rows back"
                f" failed ({report.not_built[0]}); correct that, then purge it again."
            )

    def _free_space(self, connection: Connection, tables: list[OrgTable], journal: Journal) -> list[str]:
        counts = {**journal.counts.get(ROWS, {}), **journal.counts.get(SHARED, {})}
        wanted = [
            (table.schema, table.name)
            for table in tables
            if counts.get(str(table)) or table.schema in {"ops", "access"} or table.holds_changes
        ]
        wanted += [("ops", "marts"), ("ops", "builds"), ("access", "org_grants"), ("access", "grant_log")]
        return free_space(connection, wanted, rewrite=self.rewrite, progress=lambda _: None)

    def _verify(self, connection: Connection, subject: Subject) -> dict[str, int]:
        """Return the rows that the tenant still has in shared tables; raises EdreflectError when anything is left."""
        left: list[str] = []
        after: dict[str, int] = {}
        with connection.cursor() as cursor:
            for table in org_tables(cursor):
                count = count_rows(cursor, table, subject)
                if table.is_shared(subject):
                    after[str(table)] = count
                elif count:
                    left.append(str(table))
            left += [table for table, count in rows.count_grants(cursor, subject).items() if count]
        left += [
            f"Dagster's {kind}" for kind, count in (self.traces.count(subject) if self.traces else {}).items() if count
        ]
        if left:
            raise EdreflectError(
                f"Something of {self.org_id} came back meanwhile ({', '.join(left[:5])}); purge it again."
            )
        return after

    def _record(
        self,
        connection: Connection,
        subject: Subject,
        journal: Journal,
        after: dict[str, int],
        remaining: tuple[str, ...],
    ) -> Record:
        info = connection.info
        notes = [
            f"{path} names it and is no file of the platform's: a person has to decide" for path in self._left(subject)
        ]
        if subject.tenant == subject.org_id and not subject.alone:
            notes.append("the tenant that it shared with other orgs bears its name, which stays as theirs")
        if subject.name_is_a_word:
            notes.append("its name is a word of the platform: logs and records of Dagster that hold the word stay")
        return Record(
            org_id=self.org_id,
            org_uuid=journal.org_uuid,
            tenant=journal.tenant,
            database=f"{info.dbname} at {info.host}:{info.port}",
            home=str(self.settings.home),
            begun=journal.begun,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            by=journal.by,
            source=journal.source,
            counts=journal.counts,
            kinds=self._kinds,
            after=after,
            remaining=remaining,
            notes=tuple(notes),
        )

    def _left(self, subject: Subject) -> list[str]:
        return files.files_left(self.settings, subject)


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
