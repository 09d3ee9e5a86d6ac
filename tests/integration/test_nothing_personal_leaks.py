"""People and secrets: marked exports and passwords, taken through everything that can go wrong at debug level.

Afterwards marks are where they belong (landing, raw log, quarantine, models and views) and nowhere else: in no output,
log, event, error, file or table beside them; and what holds them is its owner's alone.
"""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import psycopg2
import pytest
from marked_world import CEDAR, FEED, World, go_through_everything, refused_files
from marks import MARK, marked_files, marks_in, mode, open_to_others
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.database import connect, ensure_server
from edreflect_assets.database.server import remove_server
from edreflect_assets.errors import ConfigurationError, Refused
from edreflect_assets.ingest import ingest
from edreflect_assets.orgs import load_registry
from edreflect_assets.settings import Settings
from edreflect_assets.sources.folder import FolderSource
from edreflect_assets.warehouse.messages import safe_message, without_values

# Where delivered values belong; everything else in the database is for figures, names of files and columns.
HOLD_VALUES = {"raw_edreflect", "staging", "edreflect", "edreflect_log", "marts", "analytics"}
HOLD_VALUES |= {"raw_infinite_campus", "infinite_campus", "infinite_campus_log", "edfi"}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    # Not pytest's own temporary directory, which is closed to the account that Postgres runs as.
    root = Path(tempfile.mkdtemp(prefix="edreflect-marked-"))
    root.chmod(0o711)
    settings = Settings(home=root / "home")
    try:
        made = World(root, ensure_server(settings, durable=False))
        go_through_everything(made)
        yield made
    finally:
        remove_server(settings)
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def database(world: World) -> Iterator[Connection]:
    with closing(connect(world.settings)) as connection:
        yield connection


def data_folders(world: World) -> list[Path]:
    """The folders that hold what was delivered, the test's own included."""
    return [world.settings.landing, world.settings.postgres / "data", world.served, world.root / "site"]


def test_everything_went_as_wrong_as_it_was_meant_to(world: World) -> None:
    assert set(world.codes.values()) == {0, 1}, world.codes
    assert [name for name, code in world.codes.items() if code == 0] == ["Dagster"]
    said = world.outputs
    assert said["refused files"].count(" refused: Goals.csv: ") == len(refused_files())
    assert f"{CEDAR}: logging in to" in said["right and wrong password"]
    assert "DEBUG:paramiko" in said["right and wrong password"]
    assert "unique constraint" in said["right and wrong password"]
    assert "check constraint" in said["right and wrong password"]
    assert "the value is not shown" in said["right and wrong password"]
    for failure in ("STEP_FAILURE", "RuntimeError in bug", "check constraint", f"{CEDAR}: logging in to", "Traceback"):
        assert failure in said["Dagster"]
    assert "RuntimeError in bug" in said["a bug in loading"]
    assert "RuntimeError, raised from:" in said["a crash"]
    assert "password authentication failed" in said["wrong database password"]
    log = "".join(path.read_text() for path in world.settings.logs.glob("dbt.log*"))
    assert "Postgres error: duplicate key value violates unique constraint" in log
    assert "On model.edreflect.edreflect__goals: " in log


def test_nothing_that_was_printed_holds_a_mark(world: World) -> None:
    assert {name: hits for name, output in world.outputs.items() if (hits := marks_in(output))} == {}


def test_no_file_beside_the_data_holds_a_mark(world: World) -> None:
    written = {path.name for path in world.settings.home.rglob("*") if path.is_file()}
    assert {"dbt.log", "manifest.json", "server.log", "dagster.yaml", "orgs.yml"} <= written
    assert list(world.settings.dagster_home.rglob("*.db"))
    assert [path for path in world.settings.dagster_home.rglob("*.err") if path.stat().st_size]
    assert marked_files(world.root, but=data_folders(world)) == {}


def test_no_file_or_output_holds_the_database_password(world: World) -> None:
    password = world.url.partition("@")[0].rpartition(":")[2].encode()
    kept = world.settings.postgres / "connection.json"
    assert mode(kept) == 0o600
    holders = [path for path in world.root.rglob("*") if path.is_file() and password in path.read_bytes()]
    assert holders == [kept]
    assert not [name for name, output in world.outputs.items() if password.decode() in output]


def test_what_holds_marks_is_its_owners_alone(world: World) -> None:
    settings = world.settings
    assert marked_files(settings.landing)
    assert marked_files(settings.postgres / "data")
    for path in (
        settings.landing,
        settings.logs,
        settings.dbt_target,
        settings.dagster_home,
        settings.postgres / "data",
    ):
        assert mode(path) == 0o700, path
    assert {mode(path) & 0o077 for path in settings.landing.rglob("*")} == {0}
    assert open_to_others(settings.home) == []


def test_nothing_is_left_where_it_worked_and_in_the_project(world: World) -> None:
    assert list((world.root / "work").iterdir()) == []
    assert [path for path in (world.root / "tmp").rglob("*") if path.is_file()] == []
    assert {path.name for path in DBT_PROJECT_DIR.iterdir()}.isdisjoint({"logs", "target", "dbt_packages"})


def test_tables_beside_the_data_hold_no_mark(database: Connection) -> None:
    with database.cursor() as cursor:
        # The views show their owner nothing either, unless it may ask for everything and does.
        cursor.execute("insert into access.unrestricted_roles (role_name) values (session_user)")
        cursor.execute("set local app.allowed_org_ids = '*'")
    marked = marked_relations(database, "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'")
    assert {schema for schema, _ in marked} == HOLD_VALUES | {"ops"}
    assert {table for schema, table in marked if schema == "ops"} == {"quarantine"}
    with database.cursor() as cursor:
        cursor.execute(
            "select count(*) filter (where model is null), count(*) filter (where model is not null) from ops.quarantine"
        )
        assert all(cursor.fetchone() or ())
        cursor.execute("select count(*) from ops.builds where error is not null")
        assert (cursor.fetchone() or (0,))[0] >= 2


def test_the_catalogue_holds_no_mark_but_in_statistics(database: Connection) -> None:
    """Column names, comments, settings, definitions; statistics are readable to whoever may read the column."""
    marked = marked_relations(database, "n.nspname = 'pg_catalog' and c.relkind = 'r'")
    assert {table for _, table in marked} <= {"pg_statistic"}


def test_readers_reach_nothing_but_the_views_that_ask_for_their_scope(database: Connection) -> None:
    with database.cursor() as cursor:
        cursor.execute("create role stranger")
        cursor.execute(
            """
            select role, n.nspname
            from unnest(array['analyst_read', 'evaluation_read', 'stranger']) as role, pg_namespace n
            where has_schema_privilege(role, n.oid, 'usage') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
            """
        )
        assert set(cursor) == {("analyst_read", "analytics"), ("evaluation_read", "analytics")}
        cursor.execute(
            """
            select distinct n.nspname, c.relname, role
            from unnest(array['analyst_read', 'evaluation_read', 'stranger']) as role,
                pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = any(%s) and n.nspname <> 'analytics' and c.relkind in ('r', 'v', 'm', 'p')
                and has_table_privilege(role, c.oid, 'select, insert, update, delete, truncate, references, trigger')
            """,
            ([*HOLD_VALUES, "ops", "access"],),
        )
        assert cursor.fetchall() == []
    database.rollback()


def test_errors_in_code_that_calls_the_loader_hold_no_mark(world: World, database: Connection) -> None:
    org = load_registry(world.settings)[CEDAR]
    with FolderSource(world.served) as source:
        for day in refused_files():
            with pytest.raises(Refused) as raised:
                ingest(database, world.settings, FEED, org, date.fromisoformat(day), source)
            error = raised.value
            assert (
                marks_in(f"{error} {error!r} {error.args} {vars(error)} {''.join(traceback.format_exception(error))}")
                == []
            )


@pytest.mark.parametrize(
    "password",
    [f"{MARK}-a@{MARK}-b", f"{MARK}-a:{MARK}-b/{MARK}-c", f"{MARK}%zz{MARK}", f"[{MARK}]", f"{MARK}?{MARK}#x"],
)
def test_a_password_that_breaks_its_url_is_not_repeated(world: World, password: str) -> None:
    proper = world.url.partition("@")[0].rpartition(":")[2]
    broken = Settings(home=world.settings.home, database_url=world.url.replace(proper, password))
    with pytest.raises(ConfigurationError, match="cannot be reached") as raised:
        connect(broken)
    assert marks_in("".join(traceback.format_exception(raised.value)) + repr(broken)) == []


@pytest.mark.parametrize(
    "statement",
    [
        f"select '{MARK}'::integer",
        f"select '{MARK}'::timestamp",
        f"select '{{\"{MARK}\": }}'::json",
        f"insert into holder values ('{MARK}', 'x'), ('{MARK}', 'y')",
        f"insert into holder values (null, '{MARK}')",
        f"do $$ begin perform text '{MARK}'::uuid; end $$",
    ],
)
def test_a_failed_statement_is_told_without_its_values(database: Connection, statement: str) -> None:
    with database.cursor() as cursor:
        cursor.execute("create temp table holder (key text primary key, value text not null)")
        with pytest.raises(psycopg2.Error) as raised:
            cursor.execute(statement)
    database.rollback()
    assert MARK in str(raised.value)
    assert MARK not in without_values(raised.value)
    assert len(without_values(raised.value)) > 20
    assert MARK not in safe_message(f"Database Error in model x\n  {raised.value}")


def marked_relations(connection: Connection, which: str) -> list[tuple[str, str]]:
    """Return schema and name of the tables and views of which a row holds a mark in any column."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            f" where c.relkind in ('r', 'v', 'm', 'p') and {which} order by 1, 2"
        )
        for schema, table in cursor.fetchall():
            cursor.execute(
                sql.SQL("select exists (select from {} as r where r::text ~* {})").format(
                    sql.Identifier(schema, table), sql.Literal(MARK)
                )
            )
            if (cursor.fetchone() or (False,))[0]:
                found.append((schema, table))
    connection.rollback()
    return found
