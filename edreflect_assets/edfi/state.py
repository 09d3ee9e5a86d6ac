"""The database's side of a publication: what should be there, what the map says, and each confirmed call written down."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Any, Self

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from edreflect_assets.edfi.decisions import Mapped, Mode, Plan, Side, Wanted
from edreflect_assets.edfi.ods import SCHOOL_YEARS
from edreflect_assets.edfi.resources import RESOURCES, NaturalKey, Resource
from edreflect_assets.errors import EdreflectError

FEED = "infinite_campus"
_ORG_LOCK = "hashtextextended('edreflect.edfi.org' || chr(31) || %(org)s, 0)"
_ODS_LOCK = "hashtextextended('edreflect.edfi.ods' || chr(31) || %(ods)s, 0)"
# Confirmed calls that one transaction takes at most: a kill loses no more than these, which the next run finds done.
_BATCH = 200


@dataclass(frozen=True)
class Scope:
    """Whose resources of which school year (by the year in which it ends) a publication is about."""

    org_id: str
    school_year: int


@dataclass(frozen=True)
class Years:
    """School years that concern an org: those that the newest programs speak of, and those that only the map knows."""

    delivered: tuple[int, ...]
    only_mapped: tuple[int, ...]


@contextmanager
def publishing(connection: Connection, org_id: str, url: str) -> Iterator[None]:
    """Hold the lock of an org's publications, and of the ODS at ``url``, on an idle ``connection``.

    Orgs that share an ODS wait for each other, so that it never gets more calls at a time than one of them may make. Raises
    EdreflectError when another publication of the org runs.
    """
    locks = {"org": org_id, "ods": url}
    with connection, connection.cursor() as cursor:
        cursor.execute(f"select pg_try_advisory_lock({_ORG_LOCK})", locks)
        if cursor.fetchone() != (True,):
            raise EdreflectError(
                f"Cohorts of {org_id} are being published at this moment; try again when that has ended."
            )
        cursor.execute(f"select pg_advisory_lock({_ODS_LOCK})", locks)
    try:
        yield
    finally:
        # A connection that is lost has given up its locks.
        with suppress(psycopg2.Error):
            connection.rollback()
            with connection, connection.cursor() as cursor:
                cursor.execute(f"select pg_advisory_unlock({_ODS_LOCK}), pg_advisory_unlock({_ORG_LOCK})", locks)


def school_years(connection: Connection, org_id: str) -> Years:
    """Return the school years that a publication of an org may be about."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select distinct school_year from infinite_campus.programs where org_id = %s and school_year between %s and %s",
            [org_id, *SCHOOL_YEARS],
        )
        delivered = {int(year) for (year,) in cursor.fetchall()}
        cursor.execute("select distinct school_year from edfi.identity_map where org_id = %s", [org_id])
        mapped = {int(year) for (year,) in cursor.fetchall()}
    return Years(tuple(sorted(delivered)), tuple(sorted(mapped - delivered)))


@dataclass(frozen=True)
class Reading:
    """What the database says of a scope at one moment: the sides, the day of the programs, and a fingerprint of the loads."""

    sides: dict[Resource, Side]
    day: date | None
    seen: str | None


def read(connection: Connection, scope: Scope, districts: Collection[int]) -> Reading:
    """Return what should be in the ODS and what the map says is, of every resource; of ``districts`` alone."""
    with connection, connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read read only")
        toggles = _toggles(cursor, scope)
        doubts = _doubts(cursor, scope)
        sides = {
            resource: Side(
                enabled=toggles.get(resource.name, False),
                wanted=_wanted(cursor, scope, resource),
                mapped=_mapped(cursor, scope, resource),
                withheld=_withheld(resource, doubts),
                districts=districts,
            )
            for resource in RESOURCES
        }
        cursor.execute(
            f"select (select max(_day) from infinite_campus.programs where org_id = %(org)s), ({APPLIED_LOADS})",
            {"feed": FEED, "org": scope.org_id},
        )
        day, seen = cursor.fetchone() or (None, None)
    return Reading(sides, day, seen)


# A fingerprint of the loads of an org that the models have applied; another one whenever something else is built.
APPLIED_LOADS = """
    select md5(string_agg(loads.load_id::text, ',' order by loads.load_id))
    from ops.load_log as loads
    where loads.feed = %(feed)s and loads.org_id = %(org)s and loads.status = 'current'
        and exists (
            select from ops.applied
            where applied.load_id = loads.load_id and applied.model like 'infinite_campus\\_\\_%%'
        )
"""


def _toggles(cursor: Cursor, scope: Scope) -> dict[str, bool]:
    cursor.execute(
        "select resource, coalesce(enabled, false) from infinite_campus.resource_toggles where org_id = %s",
        [scope.org_id],
    )
    return dict(cursor.fetchall())


def _doubts(cursor: Cursor, scope: Scope) -> dict[str, str]:
    """Return by file, in a clause, why a record that its newest delivery lacks may still be there at the source."""
    cursor.execute(
        """
        select newest.file, newest.rows, (
            select count(*) from ops.quarantine as aside where aside.load_id = (
                select load_id from ops.load_log as loads
                where loads.feed = newest.feed and loads.org_id = newest.org_id and loads.file = newest.file
                    and loads.status = 'current' and loads.rows > 0
                order by loads.day desc
                limit 1
            )
        )
        from (
            select distinct on (file) feed, org_id, file, rows
            from ops.load_log
            where feed = %s and org_id = %s and status = 'current'
            order by file, day desc
        ) as newest
        """,
        [FEED, scope.org_id],
    )
    doubts = {file: f"{file} never came" for resource in RESOURCES for file in resource.files}
    for file, rows, aside in cursor.fetchall():
        if rows == 0:
            doubts[file] = f"{file} came without rows"
        elif aside:
            doubts[file] = f"{aside} of {file} {'was' if aside == 1 else 'were'} set aside"
        else:
            doubts.pop(file, None)
    return doubts


def _withheld(resource: Resource, doubts: dict[str, str]) -> str | None:
    named = [doubts[file] for file in resource.files if file in doubts]
    return f"{' and '.join(named)}, so that what is missing may still be there at the source" if named else None


def _wanted(cursor: Cursor, scope: Scope, resource: Resource) -> dict[str, Wanted]:
    cursor.execute(
        sql.SQL(
            """
            select campus_key, natural_key, payload, payload_hash, source_hash, qualifies, reason
            from edfi.{} where org_id = %s and (school_year = %s or school_year is null)
            """
        ).format(sql.Identifier(resource.table)),
        [scope.org_id, scope.school_year],
    )
    return {
        key: Wanted(key, parts and resource.key_from(parts), payload or {}, payload_hash or "", source_hash, *rest)
        for key, parts, payload, payload_hash, source_hash, *rest in cursor.fetchall()
    }


def _mapped(cursor: Cursor, scope: Scope, resource: Resource) -> tuple[Mapped, ...]:
    cursor.execute(
        """
        select campus_key, natural_key, ods_id, payload_hash, source_hash
        from edfi.identity_map where org_id = %s and school_year = %s and resource = %s
        order by campus_key, ods_id
        """,
        [scope.org_id, scope.school_year, resource.name],
    )
    return tuple(Mapped(key, resource.key_from(parts), *rest) for key, parts, *rest in cursor.fetchall())


def begin_run(connection: Connection, scope: Scope, mode: Mode, url: str) -> int:
    """Write down that a publication to the ODS at ``url`` begins, and return the run's id."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into edfi.runs (org_id, school_year, mode, url) values (%s, %s, %s, %s) returning run_id",
            [scope.org_id, scope.school_year, mode, url],
        )
        (run_id,) = cursor.fetchone() or (0,)
    return int(run_id)


def note_plan(connection: Connection, run_id: int, plan: Plan, seen: str | None) -> None:
    """Write down what a run plans, and of which loads it has ``seen`` what the models made."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "update edfi.runs set planned = %s, seen = %s where run_id = %s", [json.dumps(plan.counts()), seen, run_id]
        )


def settle_map(connection: Connection, scope: Scope, plan: Plan) -> None:
    """Bring the map up to date where no call is needed."""
    with connection, connection.cursor() as cursor:
        for resource, entry in plan.forget:
            _unmap(cursor, scope, resource, entry.ods_id)
        for resource, _, owned in plan.hand_over:
            cursor.execute(
                """
                update edfi.identity_map set campus_key = %s, natural_key = %s, source_hash = %s, confirmed_at = now()
                where org_id = %s and school_year = %s and resource = %s and ods_id = %s
                """,
                [
                    *(owned.campus_key, _json(resource, owned.key), owned.source_hash),
                    *(scope.org_id, scope.school_year, resource.name, owned.ods_id),
                ],
            )


def end_run(
    connection: Connection, scope: Scope, run_id: int, trouble: str | None, *, waits_for_a_person: bool = False
) -> None:
    """Write down how a publication ended; failures of earlier runs of the org and year are past then."""
    connection.rollback()
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "update edfi.runs set ended_at = now(), trouble = %s, waits_for_a_person = %s where run_id = %s",
            [trouble, waits_for_a_person, run_id],
        )
        if trouble is None:
            cursor.execute(
                "delete from edfi.failed_calls where org_id = %s and school_year = %s and run_id <> %s",
                [scope.org_id, scope.school_year, run_id],
            )


def other_url(connection: Connection, scope: Scope, url: str) -> bool:
    """Tell whether the map speaks of an ODS at another address: no run to this one has come to its end since."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select exists (select from edfi.identity_map where org_id = %(org)s and school_year = %(year)s) and %(url)s <> (
                select url from edfi.runs
                where org_id = %(org)s and school_year = %(year)s and ended_at is not null and trouble is null
                order by run_id desc
                limit 1
            )
            """,
            {"org": scope.org_id, "year": scope.school_year, "url": url},
        )
        (other,) = cursor.fetchone() or (False,)
    return bool(other)


def _unmap(cursor: Cursor, scope: Scope, resource: Resource, ods_id: str) -> None:
    cursor.execute(
        "delete from edfi.identity_map where org_id = %s and school_year = %s and resource = %s and ods_id = %s",
        [scope.org_id, scope.school_year, resource.name, ods_id],
    )


@dataclass(frozen=True)
class Confirmed:
    """A call that the ODS confirmed; ``wanted`` None: the resource is gone."""

    resource: Resource
    ods_id: str
    wanted: Wanted | None


@dataclass(frozen=True)
class Failed:
    """A call that the ODS did not confirm; ``message`` is its own and may hold values of people."""

    resource: Resource
    verb: str
    campus_key: str | None
    key: NaturalKey
    status: int | None
    message: str


class Recorder:
    """Writes outcomes of calls to the database in a thread of its own, as they come; a context manager.

    Many callers may ``record``; each outcome is committed as soon as the thread gets to it, together with those that came
    meanwhile. ``settled`` waits for all of them. Raises EdreflectError from both when the database no longer takes them.
    """

    def __init__(self, connect: Callable[[], Connection], scope: Scope, run_id: int, day: date | None) -> None:
        self._connect, self._scope, self._run_id, self._day = connect, scope, run_id, day
        self._outcomes: queue.Queue[Confirmed | Failed | None] = queue.Queue()
        self._thread = threading.Thread(target=self._write_all, name="edfi-recorder")
        self._trouble: str | None = None

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Wait until everything is written."""
        self._outcomes.put(None)
        self._thread.join()

    def record(self, outcome: Confirmed | Failed) -> None:
        """Take an outcome; it is written soon."""
        self._raise()
        self._outcomes.put(outcome)

    def settled(self) -> None:
        """Return when everything recorded so far is committed."""
        self._outcomes.join()
        self._raise()

    def _raise(self) -> None:
        if self._trouble:
            raise EdreflectError(self._trouble)

    def _write_all(self) -> None:
        more = True
        try:
            with closing(self._connect()) as connection:
                while more:
                    batch = [self._outcomes.get()]
                    while len(batch) < _BATCH and not self._outcomes.empty():
                        batch.append(self._outcomes.get())
                    more = None not in batch
                    try:
                        if self._trouble is None:
                            self._write(connection, [outcome for outcome in batch if outcome is not None])
                    except Exception as error:
                        self._say(error)
                    finally:
                        for _ in batch:
                            self._outcomes.task_done()
        except Exception as error:
            self._say(error)
            while more:
                more = self._outcomes.get() is not None
                self._outcomes.task_done()

    def _say(self, error: Exception) -> None:
        kind = f"SQLSTATE {error.pgcode}" if isinstance(error, psycopg2.Error) else type(error).__name__
        self._trouble = (
            f"The database no longer takes what the ODS confirms ({kind}); nothing more is sent. "
            "Publish again: what was sent is found done."
        )

    def _write(self, connection: Connection, outcomes: Sequence[Confirmed | Failed]) -> None:
        scope = [self._scope.org_id, self._scope.school_year]
        failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        with connection, connection.cursor() as cursor:
            for outcome in outcomes:
                if isinstance(outcome, Confirmed):
                    self._write_confirmed(cursor, outcome)
                else:
                    cursor.execute(
                        """
                        insert into edfi.failed_calls
                            (org_id, school_year, run_id, resource, verb, campus_key, natural_key, status, message)
                        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
                        """,
                        [
                            *scope,
                            self._run_id,
                            outcome.resource.name,
                            outcome.verb,
                            outcome.campus_key,
                            _json(outcome.resource, outcome.key),
                            outcome.status,
                            outcome.message,
                        ],
                    )
            cursor.execute(
                "update edfi.runs set confirmed = confirmed + %s, failed = failed + %s where run_id = %s",
                [len(outcomes) - len(failed), len(failed), self._run_id],
            )

    def _write_confirmed(self, cursor: Cursor, outcome: Confirmed) -> None:
        resource, row = outcome.resource, outcome.wanted
        if row is None:
            _unmap(cursor, self._scope, resource, outcome.ods_id)
            return
        assert row.key is not None
        place: list[Any] = [self._scope.org_id, self._scope.school_year, resource.name]
        key = _json(resource, row.key)
        cursor.execute(
            """
            with outdated as (
                delete from edfi.identity_map
                where org_id = %s and school_year = %s and resource = %s and natural_key = %s and ods_id <> %s
            )
            insert into edfi.identity_map as known
                (org_id, school_year, resource, campus_key, natural_key, ods_id, payload_hash, source_hash, day)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (org_id, school_year, resource, ods_id) do update
            set (campus_key, natural_key, payload_hash, source_hash, day, confirmed_at)
                = (excluded.campus_key, excluded.natural_key, excluded.payload_hash, excluded.source_hash, excluded.day, now())
            """,
            [
                *(*place, key, outcome.ods_id),
                *(*place, row.campus_key, key, outcome.ods_id),
                *(row.payload_hash, row.source_hash, self._day),
            ],
        )


def _json(resource: Resource, key: NaturalKey) -> str:
    return json.dumps(resource.parts_of(key))
