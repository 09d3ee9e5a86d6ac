"""How an org's ODS stands: what the last runs left open, for checks, the schedule and ``edreflect status``."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.edfi.resources import RESOURCES
from edreflect_assets.edfi.state import FEED


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


def open_calls(connection: Connection) -> list[OpenCalls]:
    """Return the failed calls of all orgs by kind, without anything that the ODS said of them."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select org_id, school_year, resource, verb, status, count(*)
            from edfi.failed_calls
            group by org_id, school_year, resource, verb, status
            order by org_id, school_year, resource, verb, status
            """
        )
        return [OpenCalls(*row) for row in cursor.fetchall()]


def troubles(connection: Connection) -> list[tuple[str, int, str]]:
    """Return org, school year and trouble of each newest run that did not come to its end."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select org_id, school_year, coalesce(trouble, 'It is running, or was killed.')
            from (
                select distinct on (org_id, school_year) * from edfi.runs order by org_id, school_year, run_id desc
            ) as newest
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


def is_due(connection: Connection, org_id: str) -> bool:
    """Tell whether something of an org's programs is built that no publication has seen, or one did not come to its end.

    While loads wait for a build it is not: that build is what is to be published.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """
            with loads as (
                select
                    max(loaded_at) as newest,
                    bool_or(not exists (
                        select from ops.applied
                        where applied.load_id = load_log.load_id and applied.model like 'infinite_campus\\_\\_%%'
                    )) as waiting
                from ops.load_log
                where feed = %(feed)s and org_id = %(org)s and status = 'current'
            ),
            last_run as (
                select distinct on (school_year) school_year, began_at, trouble is not null or ended_at is null as open
                from edfi.runs
                where org_id = %(org)s
                order by school_year, run_id desc
            )
            select
                not loads.waiting
                and (
                    loads.newest > coalesce((select max(began_at) from last_run), '-infinity')
                    or exists (select from last_run where open)
                )
            from loads
            """,
            {"feed": FEED, "org": org_id},
        )
        (due,) = cursor.fetchone() or (False,)
    return bool(due)
