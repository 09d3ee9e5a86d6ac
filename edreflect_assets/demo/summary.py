"""What the demo shows at its end, read from the database: deliveries, views, and what the scope setting does."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets import access
from edreflect_assets.database import connect, ensure_server
from edreflect_assets.settings import Settings

ANALYST = "demo_analyst"


@dataclass(frozen=True)
class DeliverySummary:
    """The current loads of what one org delivered of a feed for a day (None: its files without a day)."""

    org: str
    day: date | None
    files: int
    rows: int
    quarantined: int
    corrected: bool


def deliveries(settings: Settings, feed: str) -> list[DeliverySummary]:
    """Return what the ledger holds of a feed as current; ``quarantined`` includes values that did not cast."""
    with closing(connect(settings)) as connection:
        rows = _query(
            connection,
            """
            select org_id, day, count(*) filter (where status = 'current'),
                coalesce(sum(rows) filter (where status = 'current'), 0)::bigint,
                coalesce(sum(quarantined + uncast) filter (where status = 'current'), 0)::bigint,
                bool_or(status = 'superseded')
            from ops.loads where feed = %s group by org_id, day order by org_id, day nulls first
            """,
            feed,
        )
    return [DeliverySummary(*row) for row in rows]


def make_analyst(settings: Settings, orgs: Sequence[str]) -> str:
    """Create the demo's analyst (or give it a new password), grant it the orgs, and return its URL.

    A login as analysts have it: reads the published views, EdReflect's included, its scope set by default.
    """
    password = secrets.token_urlsafe(12)
    with closing(connect(settings)) as connection:
        if not _query(connection, "select from pg_roles where rolname = %s", ANALYST):
            _execute(connection, sql.SQL("create role {} login").format(sql.Identifier(ANALYST)))
        role = sql.Identifier(ANALYST)
        _execute(connection, sql.SQL("alter role {} password {}").format(role, sql.Literal(password)))
        _execute(connection, sql.SQL("alter role {} set default_transaction_read_only = on").format(role))
        access.grant_scope(connection, ANALYST, orgs, evaluation=True, default=True)
    parts = urlsplit(ensure_server(settings))
    return parts._replace(netloc=f"{ANALYST}:{password}@{parts.hostname}:{parts.port}").geturl()


def scopes_of(settings: Settings, orgs: Sequence[str]) -> dict[str, str]:
    """Return for each org the value of app.allowed_org_ids that asks for all its organizations."""
    with closing(connect(settings)) as connection:
        found = dict(
            _query(
                connection,
                """
                select org_id, string_agg(organization_id::text, ',' order by organization_id)
                from access.organizations where org_id = any(%s) group by org_id
                """,
                list(orgs),
            )
        )
    return {org: found[org] for org in orgs}


def organization_ids(settings: Settings, orgs: Sequence[str]) -> dict[str, str]:
    """Return the organization id under which each org's EdReflect rows are seen."""
    with closing(connect(settings)) as connection:
        found = dict(
            _query(connection, "select org_id, org_uuid::text from ops.orgs where org_id = any(%s)", list(orgs))
        )
    return {org: found[org] for org in orgs}


def view_rows(analyst_url: str, scopes: Sequence[str]) -> dict[str, list[int]]:
    """Return for each scoped view its rows under each scope (a list of organization ids), as an analyst sees them."""
    with closing(psycopg2.connect(analyst_url)) as connection:
        views = _views(connection, scoped=True)
        return {view: [count(connection, scope, view) for scope in scopes] for view in views}


def open_view_rows(analyst_url: str) -> dict[str, int]:
    """Return for each published view that does not depend on the scope its rows."""
    with closing(psycopg2.connect(analyst_url)) as connection:
        return {view: count(connection, None, view) for view in _views(connection, scoped=False)}


def _views(connection: Connection, *, scoped: bool) -> list[str]:
    """Return the published views that ask, or do not ask, what the reader may see."""
    found = _query(
        connection,
        """
        select relname from pg_class
        where relnamespace = 'analytics'::regnamespace and relkind in ('v', 'r', 'm')
            and has_table_privilege(oid, 'select')
            and (position('access.' in coalesce(pg_get_viewdef(oid), '')) > 0) = %s
        order by relname
        """,
        scoped,
    )
    return [name for (name,) in found]


def scoped_counts(analyst_url: str, view: str, scopes: Sequence[str | None]) -> list[int]:
    """Return how many rows of a published view are seen under each scope; None leaves the login's own setting."""
    with closing(psycopg2.connect(analyst_url)) as connection:
        return [count(connection, scope, view) for scope in scopes]


def count(connection: Connection, scope: str | None, view: str) -> int:
    """Count the rows of a published view under a scope."""
    with connection, connection.cursor() as cursor:
        if scope is not None:
            cursor.execute("set local app.allowed_org_ids = %s", (scope,))
        cursor.execute(sql.SQL("select count(*) from analytics.{}").format(sql.Identifier(view)))
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _query(connection: Connection, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall()


def _execute(connection: Connection, statement: sql.Composable) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
