"""Keeps publications to one ODS, and those of one org, out of each other's way, by advisory locks of Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.errors import EdreflectError

_ORG_LOCK = "hashtextextended('edreflect.edfi.org' || chr(31) || %(org)s, 0)"
_ODS_LOCK = "hashtextextended('edreflect.edfi.ods' || chr(31) || %(ods)s, 0)"


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
