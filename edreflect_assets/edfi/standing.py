"""How an org's ODS stands: what the last runs left open, for checks, the schedule and ``edreflect status``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.edfi.reading import APPLIED_LOADS, FEED
from edreflect_assets.edfi.resources import RESOURCES
from edreflect_assets.edfi.school_years import SCHOOL_YEARS


@dataclass(frozen=True)
class OpenCalls:
    """Calls of one kind that the newest run of an org and year could not get confirmed."""

    org_id: str
    school_year: int
    resource: str
    verb: str
    status: int | None
    calls: int


@dataclass(frozen=True)
class NotSendable:
    """Records of one resource that should be in an org's ODS and cannot be sent, for one reason."""

    org_id: str
    resource: str
    reason: str
    records: int


# The newest run of each org and year, of orgs that report to an ODS.
_NEWEST_RUNS = """
    select distinct on (runs.org_id, runs.school_year) runs.*
    from edfi.runs
    join ops.orgs on orgs.org_id = runs.org_id
    where orgs.settings -> 'edfi' is not null and not coalesce((orgs.settings ->> 'removed')::boolean, false)
    order by runs.org_id, runs.school_year, runs.run_id desc
"""


def open_calls(connection: Connection) -> list[OpenCalls]:
    """Return the failed calls of the newest runs of all orgs by kind, without anything that the ODS said of them."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"""
            select failed.org_id, failed.school_year, failed.resource, failed.verb, failed.status, count(*)
            from ({_NEWEST_RUNS}) as newest
            join edfi.failed_calls as failed on failed.run_id = newest.run_id
            group by failed.org_id, failed.school_year, failed.resource, failed.verb, failed.status
            order by failed.org_id, failed.school_year, failed.resource, failed.verb, failed.status
            """
        )
        return [OpenCalls(*row) for row in cursor.fetchall()]


def troubles(connection: Connection) -> list[tuple[str, int, str]]:
    """Return org, school year and trouble of each newest run that did not come to its end."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"""
            select org_id, school_year, coalesce(trouble, 'It is running, or was killed.')
            from ({_NEWEST_RUNS}) as newest
            where trouble is not null or ended_at is null
            order by org_id, school_year
            """
        )
        return [(str(org_id), int(year), str(trouble)) for org_id, year, trouble in cursor.fetchall()]


def not_sendable(connection: Connection) -> list[NotSendable]:
    """Return the records that cannot be sent, of orgs with an ODS; needs the edfi models to be built."""
    found = []
    with connection, connection.cursor() as cursor:
        for resource in RESOURCES:
            cursor.execute(
                f"""
                select org_id, reason, count(*)
                from edfi.{resource.table}
                where reason is not null and qualifies and org_id in (select org_id from edfi.ods)
                group by org_id, reason
                order by org_id, reason
                """
            )
            found += [NotSendable(org_id, resource.name, reason, count) for org_id, reason, count in cursor.fetchall()]
    return found


def orgs_due(connection: Connection, org_ids: Sequence[str]) -> set[str]:
    """Return those of the orgs that have a publication due of a school year that their newest programs name.

    It is due when none has seen what the models have applied by now, or the last one did not come to its end; but not while
    that one waits for a person and nothing else is built. Before the models are built, nothing is due.
    """
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                f"""
                select distinct delivered.org_id
                from (
                    select distinct org_id, school_year from infinite_campus.programs
                    where org_id = any(%(orgs)s) and school_year between %(first)s and %(last)s
                ) as delivered
                left join (
                    select distinct on (org_id, school_year) * from edfi.runs
                    where org_id = any(%(orgs)s) order by org_id, school_year, run_id desc
                ) as newest using (org_id, school_year)
                left join ({APPLIED_LOADS}) as present using (org_id)
                where newest.run_id is null
                    or newest.ended_at is null
                    or (newest.trouble is not null and not newest.waits_for_a_person)
                    or newest.seen is distinct from present.seen
                """,
                {"feed": FEED, "orgs": list(org_ids), "first": SCHOOL_YEARS[0], "last": SCHOOL_YEARS[1]},
            )
            return {str(org_id) for (org_id,) in cursor.fetchall()}
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        return set()
