"""Who takes deliveries of an org and who purges it keep out of each other's way, by an advisory lock of Postgres.

Takers share the lock of an org for as long as they fetch, land and load; the purge holds it alone. Nobody waits: a taker
that comes during a purge is turned away, and a purge that comes during a load says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.errors import EdreflectError
from edreflect_assets.orgs import load_registry
from edreflect_assets.settings import Settings

_KEY = "hashtextextended('edreflect.org' || chr(31) || %(org)s, 0)"


@contextmanager
def taking(connection: Connection, settings: Settings, org_id: str) -> Iterator[None]:
    """Hold an org's lock, shared, while one delivery of it is taken; ``connection`` is in no transaction.

    Raises EdreflectError when the org is being purged, or was since the caller read the registry: a long sweep over many
    days would otherwise bring back what a purge has just removed.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"select pg_try_advisory_lock_shared({_KEY}), exists (select from ops.orgs where org_id = %(org)s)",
            {"org": org_id},
        )
        taken, known = cursor.fetchone() or (False, False)
    if not taken:
        raise EdreflectError(f"{org_id} is being purged; nothing of it is taken.")
    try:
        if not known and settings.registry.exists() and org_id not in load_registry(settings):
            raise EdreflectError(
                f"{org_id} is no longer in the org registry; nothing of it is taken, `edreflect orgs add` adds it."
            )
        yield
    finally:
        # A connection that is lost, or in a failed transaction, is given up or rolled back by its owner.
        with suppress(psycopg2.Error):
            connection.rollback()
            with connection, connection.cursor() as cursor:
                cursor.execute(f"select pg_advisory_unlock_shared({_KEY})", {"org": org_id})


@contextmanager
def purging(connection: Connection, org_id: str) -> Iterator[None]:
    """Hold an org's lock alone; the autocommitting ``connection`` keeps it until it is closed or the block ends.

    Raises EdreflectError when a delivery of the org is being taken, or another purge of it is running.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"select pg_try_advisory_lock({_KEY})", {"org": org_id})
        if cursor.fetchone() != (True,):
            raise EdreflectError(
                f"Something of {org_id} is being loaded or purged at this moment; purge it again when that has ended."
            )
    try:
        yield
    finally:
        with suppress(psycopg2.Error), connection.cursor() as cursor:
            cursor.execute(f"select pg_advisory_unlock({_KEY})", {"org": org_id})
