"""The list of publications, ``edfi.runs``: when each began, what it planned, how it ended, and to which address it went."""

from __future__ import annotations

import json

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.edfi.decisions import Mode, Plan
from edreflect_assets.edfi.school_years import Scope


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
