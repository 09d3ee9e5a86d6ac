"""The identity map, ``edfi.identity_map``: what was sent for a campus record, under which id the ODS keeps it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from edreflect_assets.edfi.decisions import Mapped, Plan, Wanted
from edreflect_assets.edfi.resources import Resource
from edreflect_assets.edfi.school_years import Scope


def mapped(cursor: Cursor, scope: Scope, resource: Resource) -> tuple[Mapped, ...]:
    """Return the entries of one resource type, by campus key and id."""
    cursor.execute(
        """
        select campus_key, natural_key, ods_id, payload_hash, source_hash
        from edfi.identity_map where org_id = %s and school_year = %s and resource = %s
        order by campus_key, ods_id
        """,
        [scope.org_id, scope.school_year, resource.name],
    )
    return tuple(Mapped(key, resource.key_from(parts), *rest) for key, parts, *rest in cursor.fetchall())


def settle_map(connection: Connection, scope: Scope, plan: Plan) -> None:
    """Bring the map up to date where ``plan`` needs no call for it: what is to be forgotten, and what changes hands."""
    with connection, connection.cursor() as cursor:
        for resource, entry in plan.forget:
            unmap_resource(cursor, scope, resource, entry.ods_id)
        for resource, _, owned in plan.hand_over:
            cursor.execute(
                """
                update edfi.identity_map set campus_key = %s, natural_key = %s, source_hash = %s, confirmed_at = now()
                where org_id = %s and school_year = %s and resource = %s and ods_id = %s
                """,
                [
                    *(owned.campus_key, json.dumps(resource.parts_of(owned.key)), owned.source_hash),
                    *(scope.org_id, scope.school_year, resource.name, owned.ods_id),
                ],
            )


def map_resource(
    cursor: Cursor, scope: Scope, resource: Resource, ods_id: str, row: Wanted, *, day: date | None
) -> None:
    """Enter that the ODS keeps under ``ods_id`` what was sent for ``row``, as of the ``day`` of its programs.

    An entry of the same natural key under another id is out of date and goes. ``row`` has a key: it was sent.
    """
    assert row.key is not None
    place: list[Any] = [scope.org_id, scope.school_year, resource.name]
    key = json.dumps(resource.parts_of(row.key))
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
        [*(*place, key, ods_id), *(*place, row.campus_key, key, ods_id), *(row.payload_hash, row.source_hash, day)],
    )


def unmap_resource(cursor: Cursor, scope: Scope, resource: Resource, ods_id: str) -> None:
    """Forget the resource ``ods_id``."""
    cursor.execute(
        "delete from edfi.identity_map where org_id = %s and school_year = %s and resource = %s and ods_id = %s",
        [scope.org_id, scope.school_year, resource.name, ods_id],
    )
