"""Rosters put where a fold would have put them, for tests of what is built on top: the roster views and their scope."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt
from tests.model.database import fresh_database

MODELS = ("+reconciled.oneroster", "+marts.roster", "analytics.roster")
# Views scoped by a person, and the column that says which.
SCOPED_VIEWS = {
    "students": "id",
    "guides": "id",
    "student_guides": "student_id",
    "student_schools": "student_id",
    "students_enrollments": "student_id",
    "student_start_dates": "student_id",
    "class_enrollments": "student_id",
    "course_enrollments": "student_id",
}
OPEN_VIEWS = ("schools", "classes")
TODAY = "2026-03-10"

Row = Mapping[str, Any]
Rosters = Mapping[str, Sequence[Row]]


def uid(name: str) -> str:
    """Return the id that stands for a name in a test."""
    return str(uuid.UUID(hashlib.md5(name.encode()).hexdigest()))


def create_roster_tables(settings: Settings, connection: Connection) -> None:
    """Build everything below and including the roster views, empty, and pin today."""
    with connection, connection.cursor() as cursor:
        cursor.execute("update ops.clock set today = %s, pinned = true", [TODAY])
    report = run_dbt(settings, ["run", "--select", *MODELS])
    assert report.failures == (), report.failures


def insert_org(connection: Connection, org: str, tenant: str | None = None, org_uuid: str | None = None) -> None:
    """Insert an org of the registry, in the connection's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.orgs (org_id, org_uuid, tenant) values (%s, %s, %s)",
            [org, org_uuid or uid(f"org {org}"), tenant or org],
        )


def insert_rosters(connection: Connection, org: str, rosters: Rosters) -> None:
    """Insert current versions of an org's rows by table (without its prefix one_roster_), in the connection's transaction.

    A column left out is null, the status is active. Names in id, *_id and *_ids become ids.
    """
    for table, rows in rosters.items():
        for number, row in enumerate(rows):
            complete: dict[str, Any] = {
                "org_id": org,
                "id": f"{org} {table} {number}",
                "status": "active",
                "date_last_modified": "2026-01-01 00:00+00",
                "_valid_from": "2026-01-01",
            } | dict(row)
            complete["sourced_id"] = complete["id"]
            for name, value in complete.items():
                if name != "org_id" and (name == "id" or name.endswith("_id")) and name != "sourced_id" and value:
                    complete[name] = uid(value)
            statement = sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier("oneroster_log", f"one_roster_{table}"),
                sql.SQL(", ").join(map(sql.Identifier, complete)),
                sql.SQL(", ").join(map(sql.Literal, complete.values())),
            )
            with connection.cursor() as cursor:
                cursor.execute(statement)


def rebuild_bridges(settings: Settings) -> None:
    """Work out anew at which organizations people have roles."""
    report = run_dbt(
        settings, ["run", "--select", "marts__person_orgs", "marts__person_roles", "marts__school_students"]
    )
    assert report.failures == (), report.failures


def seen(connection: Connection, view: str, scope: str | None) -> list[dict[str, Any]]:
    """Return the rows of a published view that a session sees with a scope; None is none."""
    with connection.cursor() as cursor:
        cursor.execute("reset app.allowed_org_ids")
        if scope is not None:
            cursor.execute("set app.allowed_org_ids = %s", [scope])
        cursor.execute(sql.SQL("select to_jsonb(seen) from {} as seen").format(sql.Identifier("analytics", view)))
        return [row for (row,) in cursor.fetchall()]


@contextmanager
def roster_database(server: Settings, template: str, home: Path) -> Iterator[Settings]:
    """Yield a database of its own with the roster views, empty."""
    with fresh_database(server, template, home) as settings:
        with closing(connect(settings)) as connection:
            create_roster_tables(settings, connection)
        yield settings
