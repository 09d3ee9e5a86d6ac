"""Getting rid of the bytes of deleted rows, which Postgres keeps in its files and statistics until they are overwritten.

VACUUM alone frees the space of deleted rows and leaves their bytes there, so tables are rewritten (VACUUM FULL). That locks
one table at a time: readers of it wait until it is rewritten, never meet an error, and every other table stays open. A
lock that does not come within seconds is given up, so that nobody queues behind it for long, and asked for again.
A purge happens at a contract's end, when a person says so, and may cost readers that; a build may not. ``rewrite=False``
spares them: then bytes stay in free space until new rows overwrite them.
What stays in any case: write-ahead log until the server recycles it, backups, replicas' and archived logs, and blocks that the
file system has freed and not overwritten.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

LOCK_TIMEOUT = "5s"
_TRIES = 6
_SECONDS_BETWEEN = 2.0
_CLEARS_STATISTICS = 180_000
_STILL_SEEN = re.compile(r"\b([1-9]\d*) dead row versions cannot be removed yet")
# Statistics hold the most common values of a column, descriptions the words of delivered definitions; in both, what was
# replaced stays in a dead row.
_CATALOGS = (("pg_catalog", "pg_statistic"), ("pg_catalog", "pg_description"))


def free_space(
    connection: Connection,
    tables: Iterable[tuple[str, str]],
    *,
    rewrite: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Vacuum tables (schema, name) and make their statistics anew; return a clause for each place where bytes remain.

    ``connection`` commits by itself. Nothing is raised for a table that could not be had.
    """
    left: list[str] = []
    for schema, name in tables:
        progress(f"{schema}.{name}")
        left += _vacuum(connection, schema, name, rewrite)
        left += _renew_statistics(connection, schema, name)
    for schema, name in _CATALOGS:
        left += _vacuum(connection, schema, name, rewrite)
    return left


def _vacuum(connection: Connection, schema: str, name: str, rewrite: bool) -> list[str]:
    table = f"{schema}.{name}"
    options = sql.SQL("full, verbose") if rewrite else sql.SQL("verbose")
    statement = sql.SQL("vacuum ({}) {}").format(options, sql.Identifier(schema, name))
    reason = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_SECONDS_BETWEEN)
        del connection.notices[:]
        try:
            with connection.cursor() as cursor:
                cursor.execute("select set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
                cursor.execute(statement)
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            reason = "other sessions held it"
            continue
        except psycopg2.Error as error:
            return [f"{table} (SQLSTATE {error.pgcode})"]
        notices = " ".join(connection.notices)
        if "permission denied" in notices:
            return [f"{table} (the platform's login may not vacuum it)"]
        if _STILL_SEEN.search(notices) is None:
            return [] if rewrite else [f"{table} (not rewritten, as asked)"]
        reason = "a session that began earlier may still see them"
    return [f"{table} ({reason})"]


def _renew_statistics(connection: Connection, schema: str, name: str) -> list[str]:
    """Make a table's statistics anew. ANALYZE leaves those of an empty table as they were, values and all."""
    relation = sql.Identifier(schema, name)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "select attname from pg_stats where schemaname = %s and tablename = %s and not inherited",
                [schema, name],
            )
            columns = [str(column) for (column,) in cursor.fetchall()]
            if columns and connection.server_version >= _CLEARS_STATISTICS:
                for column in columns:
                    cursor.execute("select pg_clear_attribute_stats(%s, %s, %s, false)", [schema, name, column])
            cursor.execute(sql.SQL("analyze {}").format(relation))
            cursor.execute(sql.SQL("select exists (select from {})").format(relation))
            if columns and cursor.fetchone() == (False,) and connection.server_version < _CLEARS_STATISTICS:
                return [f"statistics of {schema}.{name} (the table is empty now, which ANALYZE passes over)"]
    except psycopg2.Error as error:
        return [f"statistics of {schema}.{name} (SQLSTATE {error.pgcode})"]
    return []
