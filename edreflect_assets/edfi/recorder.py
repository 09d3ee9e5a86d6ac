"""Writes down what comes of each call while the others go on, so that a killed run loses next to nothing."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Self

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from edreflect_assets.edfi.decisions import Wanted
from edreflect_assets.edfi.identity_map import map_resource, unmap_resource
from edreflect_assets.edfi.resources import NaturalKey, Resource
from edreflect_assets.edfi.school_years import Scope
from edreflect_assets.errors import EdreflectError

# Confirmed calls that one transaction takes at most: a kill loses no more than these, which the next run finds done.
_BATCH = 200


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
                            json.dumps(outcome.resource.parts_of(outcome.key)),
                            outcome.status,
                            outcome.message,
                        ],
                    )
            cursor.execute(
                "update edfi.runs set confirmed = confirmed + %s, failed = failed + %s where run_id = %s",
                [len(outcomes) - len(failed), len(failed), self._run_id],
            )

    def _write_confirmed(self, cursor: Cursor, outcome: Confirmed) -> None:
        if outcome.wanted is None:
            unmap_resource(cursor, self._scope, outcome.resource, outcome.ods_id)
        else:
            map_resource(cursor, self._scope, outcome.resource, outcome.ods_id, outcome.wanted, day=self._day)
