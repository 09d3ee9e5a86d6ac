"""The tables, functions, roles and rights that the platform itself needs; everything else is dbt's.

All of it is additive and may be repeated: another deployment may have migrated the same database, to this or another
version. Nothing here reads or changes delivered data.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, cursor
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.database.raw_tables import RAW_LINEAGE, RAW_STORAGE, create_raw_table
from edreflect_assets.errors import ConfigurationError, EdreflectError

logger = logging.getLogger(__name__)

READER_ROLES = ("analyst_read", "evaluation_read")
SCOPE_FUNCTIONS = ("allowed_org_ids", "allowed_organizations", "sees_everyone")
# Any constant that nothing else locks: "edrefl" in ASCII.
LOCK_KEY = 0x6564_7265_666C
LOCK_TIMEOUT = "30s"
# Raised when the statements in this module change in a way that their inputs do not show.
REVISION = 1

# Objects, not rights, are covered by the checksum. Rights of the database itself are in no dump and no template copy.
_OPEN = """
select
    has_database_privilege('public', current_database(), 'create, temp') as database,
    case when to_regnamespace('public') is null then false
        else has_schema_privilege('public', to_regnamespace('public'), 'usage, create') end as schema_public,
    has_function_privilege('public', 'pg_catalog.set_config(text, text, boolean)', 'execute') as set_config
"""
_STATE = f"""
select migration.checksum, migration.skipped, (select count(*) from pg_roles where rolname = any (%s)), still_open.*
from ({_OPEN}) as still_open
left join (select checksum, skipped from ops.migration order by migration_id desc limit 1) as migration on true
"""

# Step name -> statements; a step that the login role has no right to take is skipped with a warning.
_RIGHTS = {
    "database": [
        "revoke create, temporary on database {database} from public",
        "grant create, temporary on database {database} to current_user",
    ],
    "schema public": ["revoke all on schema public from public"],
    # SQL written by a user inside a gateway's session could widen its scope: with x as materialized (select set_config(..
    "set_config": [
        "revoke execute on function pg_catalog.set_config(text, text, boolean) from public",
        "grant execute on function pg_catalog.set_config(text, text, boolean) to current_user",
    ],
}


def migrate(connection: Connection, feeds: Mapping[str, Feed] | None = None) -> None:
    """Bring the database to what this version needs, and commit: ops, access, edfi, raw tables, reader roles, rights.

    ``feeds`` defaults to all contracts. Quick when nothing is to do; concurrent calls wait for each other.
    The connection must not be in a transaction. Raises ConfigurationError when the login role lacks a right it needs,
    EdreflectError when other sessions hold a lock for too long.
    """
    if connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        raise ValueError("migrate() commits: finish the connection's transaction first.")
    feeds = load_feeds() if feeds is None else feeds
    checksum = _checksum(feeds)
    try:
        with connection, connection.cursor() as cur:
            done, restricted = _state(cur, checksum)
        if done and restricted:
            return
        with connection, connection.cursor() as cur:
            cur.execute("set local lock_timeout = %s", [LOCK_TIMEOUT])
            cur.execute("select pg_advisory_xact_lock(%s)", [LOCK_KEY])
            done, restricted = _state(cur, checksum)
            if not done:
                _create_objects(cur, feeds)
            if not done or not restricted:
                _create_roles(cur)
                skipped = _restrict(cur)
                cur.execute("insert into ops.migration (checksum, skipped) values (%s, %s)", [checksum, skipped])
    except errors.LockNotAvailable:
        raise EdreflectError(
            "The database could not be prepared: other sessions held its tables for too long. Try again later."
        ) from None
    except errors.InsufficientPrivilege:
        raise ConfigurationError(
            "The login role may not create schemas, tables or roles in the database; let its owner or an administrator"
            f" run the command once, or create the roles {' and '.join(READER_ROLES)} and grant it CREATE."
        ) from None
    except psycopg2.Error as error:
        raise EdreflectError(f"The database could not be prepared (SQLSTATE {error.pgcode}).") from None


def _state(cur: cursor, checksum: str) -> tuple[bool, bool]:
    """Return whether the objects are those of the checksum, and whether roles and rights are as they must be."""
    cur.execute("savepoint state")
    try:
        cur.execute(_STATE, [list(READER_ROLES)])
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName):
        cur.execute("rollback to savepoint state")
        return False, False
    applied, skipped, roles, *still_open = _row(cur)
    steps_left = {step for step, is_open in zip(_RIGHTS, still_open, strict=True) if is_open} - set(skipped or [])
    return applied == checksum, not steps_left and roles == len(READER_ROLES)


def _checksum(feeds: Mapping[str, Feed]) -> str:
    content = [
        REVISION,
        _ddl("ops"),
        _ddl("access"),
        _ddl("edfi"),
        RAW_LINEAGE,
        RAW_STORAGE,
        SCOPE_FUNCTIONS,
        _RIGHTS,
        sorted(
            [feed.name, contract.raw_schema, contract.table, [column.name for column in contract.columns]]
            for feed in feeds.values()
            for contract in feed.tables.values()
        ),
        _file_groups(feeds),
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _ddl(name: str) -> str:
    return files("edreflect_assets.database").joinpath("ddl", f"{name}.sql").read_text(encoding="utf-8")


def _create_objects(cur: cursor, feeds: Mapping[str, Feed]) -> None:
    cur.execute(_ddl("ops"))
    cur.execute(_ddl("access"))
    cur.execute(_ddl("edfi"))
    schemas = ["staging", "marts", "marts_log", "analytics"]
    for feed in feeds.values():
        schemas += [feed.raw_schema] if feed.extends else [feed.raw_schema, feed.name, f"{feed.name}_log"]
    for schema in schemas:
        cur.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    for feed in feeds.values():
        for contract in feed.tables.values():
            create_raw_table(cur, contract.raw_schema, contract.table, contract.column_names)
    _fill_file_groups(cur, feeds)


def _fill_file_groups(cur: cursor, feeds: Mapping[str, Feed]) -> None:
    """Write down which groups of files a delivery of a feed consists of; SQL judges deliveries by it."""
    rows = _file_groups(feeds)
    cur.execute(
        """
        delete from ops.file_groups
        where feed = any (%s) and (feed, group_name) not in (select * from unnest(%s::text[], %s::text[]))
        """,
        [list(feeds), [feed for feed, *_ in rows], [group for _, group, *_ in rows]],
    )
    for row in rows:
        cur.execute(
            """
            insert into ops.file_groups (feed, group_name, optional, tables) values (%s, %s, %s, %s::text[])
            on conflict (feed, group_name) do update set optional = excluded.optional, tables = excluded.tables
            """,
            row,
        )


def _file_groups(feeds: Mapping[str, Feed]) -> list[tuple[str, str, bool, list[str]]]:
    """Return feed, group, whether it is optional and its listed tables."""
    return [
        (
            feed.name,
            group,
            optional,
            sorted({file.table for file in feed.files.values() if feed.group_of(file) == group}),
        )
        for feed in feeds.values()
        if feed.convention
        for group, optional in feed.convention.groups.items()
    ]


def _create_roles(cur: cursor) -> None:
    """Create the readers' group roles, which are shared by all databases of the server, and give them analytics."""
    for role in READER_ROLES:
        cur.execute("select from pg_roles where rolname = %s", [role])
        if cur.fetchone() is None:
            cur.execute("savepoint role")
            try:
                cur.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
            except (errors.DuplicateObject, errors.UniqueViolation):
                # Another database of the same server was migrated at this moment.
                cur.execute("rollback to savepoint role")
        cur.execute(sql.SQL("grant usage on schema analytics to {}").format(sql.Identifier(role)))
        # No usage of the schema: views may call them for their readers, readers cannot name them.
        for function in SCOPE_FUNCTIONS:
            cur.execute(sql.SQL(f"grant execute on function access.{function}() to {{}}").format(sql.Identifier(role)))
    cur.execute("revoke all on all functions in schema access from public")


def _restrict(cur: cursor) -> list[str]:
    """Take from everyone what a reader must not have; returns the steps that the login role had no right to take."""
    cur.execute("select current_database()")
    database = sql.Identifier(_row(cur)[0])
    for statements in _RIGHTS.values():
        cur.execute("savepoint step")
        try:
            for statement in statements:
                cur.execute(sql.SQL(statement).format(database=database))
        except (errors.InsufficientPrivilege, errors.InvalidSchemaName):
            cur.execute("rollback to savepoint step")
    # Asked, not concluded from errors: a REVOKE without the right to it may end with no more than a warning.
    cur.execute(_OPEN)
    skipped = [step for step, still_open in zip(_RIGHTS, _row(cur), strict=True) if still_open]
    if skipped:
        logger.warning(
            "The database's login role could not take rights on %s from PUBLIC; readers that run SQL of others in"
            " gateway sessions are safe only after an administrator has done so.",
            ", ".join(skipped),
        )
    return skipped


def _row(cur: cursor) -> tuple[Any, ...]:
    row = cur.fetchone()
    if row is None:
        raise EdreflectError("The database gave no answer to a question about itself.")
    return row
