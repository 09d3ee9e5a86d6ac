"""The raw tables a load writes to, and the columns that a delivery brings beside its contract."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from edreflect_assets.database.migrations import LOCK_KEY
from edreflect_assets.database.raw_tables import create_raw_table
from edreflect_assets.loading.failures import FileRefusedError, LoadError

# How long one attempt to alter a table may make the readers and loaders behind it wait.
_LOCK_TIMEOUT = "1s"
_PAUSE_SECONDS = 0.5


def columns_of(cursor: Cursor, schema: str, tables: Sequence[str]) -> dict[str, set[str]]:
    """Return the columns of raw tables; a table that does not exist is left out."""
    cursor.execute(
        """
        select pg_class.relname, array_agg(pg_attribute.attname::text)
        from pg_class
        join pg_namespace on pg_namespace.oid = pg_class.relnamespace
        join pg_attribute on pg_attribute.attrelid = pg_class.oid
        where pg_namespace.nspname = %s and pg_class.relname = any(%s)
            and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
        group by pg_class.relname
        """,
        (schema, list(tables)),
    )
    return {table: set(columns) for table, columns in cursor}


def ensure_raw_table(connection: Connection, schema: str, table: str, columns: Sequence[str]) -> None:
    """Create the raw table of a file that no contract lists, unless it is there, in a short transaction of its own.

    The connection must be in no transaction.
    """
    with connection.cursor() as cursor:
        exists = columns_of(cursor, schema, [table])
    connection.rollback()
    if not exists:
        with connection, connection.cursor() as cursor:
            # Creating one table twice at the same moment fails, in spite of "if not exists".
            cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK_KEY])
            create_raw_table(cursor, schema, table, columns)


def add_columns(
    connection: Connection, schema: str, wanted: Mapping[str, Sequence[str]], *, wait_seconds: float
) -> None:
    """Add text columns to raw tables where they lack them, each table in a short transaction of its own.

    The connection must be in no transaction. Altering a table waits for everybody who reads it and makes everybody
    else wait behind it, so each attempt is short; they go on for ``wait_seconds``. Raises LoadError (transient) when
    the table stays busy, FileRefusedError when it cannot take more columns.
    """
    with connection.cursor() as cursor:
        existing = columns_of(cursor, schema, list(wanted))
    connection.rollback()
    for table, columns in sorted(wanted.items()):
        lacking = [column for column in columns if column not in existing.get(table, set())]
        if lacking:
            _add_to(connection, schema, table, lacking, wait_seconds)


def _add_to(connection: Connection, schema: str, table: str, columns: Sequence[str], wait_seconds: float) -> None:
    clauses = sql.SQL(", ").join(
        sql.SQL("add column if not exists {} text").format(sql.Identifier(column)) for column in columns
    )
    statement = sql.SQL("set local lock_timeout = {}; alter table {} {}").format(
        sql.Literal(_LOCK_TIMEOUT), sql.Identifier(schema, table), clauses
    )
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
            connection.commit()
        except errors.LockNotAvailable:
            connection.rollback()
        except errors.TooManyColumns:
            connection.rollback()
            raise FileRefusedError(
                f"the raw table {schema}.{table} cannot take {len(columns)} more columns; is this the right file?"
            ) from None
        except psycopg2.Error:
            connection.rollback()
            raise
        else:
            return
        if time.monotonic() >= deadline:
            raise LoadError(
                f"The raw table {schema}.{table} needs new columns and has been in use for {wait_seconds:.0f} s;"
                " load it again when the build has ended.",
                transient=True,
            )
        time.sleep(_PAUSE_SECONDS)
