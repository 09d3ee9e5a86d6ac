"""What a publication goes by: what should be in the ODS, what is known of it, and what speaks against a deletion."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from edreflect_assets.edfi.decisions import Side, Wanted
from edreflect_assets.edfi.identity_map import mapped
from edreflect_assets.edfi.resources import RESOURCES, Resource
from edreflect_assets.edfi.school_years import Scope

FEED = "infinite_campus"
# By org a fingerprint of its loads that the models have applied; another one whenever something else is built.
APPLIED_LOADS = """
    select loads.org_id, md5(string_agg(loads.load_id::text, ',' order by loads.load_id)) as seen
    from ops.load_log as loads
    where loads.feed = %(feed)s and loads.org_id = any(%(orgs)s) and loads.status = 'current'
        and exists (
            select from ops.applied
            where applied.load_id = loads.load_id and applied.model like 'infinite_campus\\_\\_%%'
        )
    group by loads.org_id
"""


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
                mapped=mapped(cursor, scope, resource),
                withheld=_withheld(resource, doubts),
                districts=districts,
            )
            for resource in RESOURCES
        }
        cursor.execute(
            f"""
            select
                (select max(_day) from infinite_campus.programs where org_id = any(%(orgs)s)),
                (select seen from ({APPLIED_LOADS}) as applied_loads)
            """,
            {"feed": FEED, "orgs": [scope.org_id]},
        )
        day, seen = cursor.fetchone() or (None, None)
    return Reading(sides, day, seen)


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
