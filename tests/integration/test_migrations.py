"""The platform's own tables, roles and rights: added, never taken away, whoever migrated before."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import Feed, FileContract, load_feeds
from edreflect_assets.database import connect, migrate
from edreflect_assets.errors import ConfigurationError, EdreflectError
from edreflect_assets.settings import Settings

if TYPE_CHECKING:
    from conftest import Login


def rows(connection: Connection, query: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        found = cursor.fetchall()
    connection.commit()
    return found


@pytest.fixture
def bare(empty_database: Settings) -> Iterator[Connection]:
    with closing(connect(empty_database)) as connection:
        yield connection


def ratings() -> tuple[Feed, FileContract]:
    feed = load_feeds()["edreflect"]
    return feed, feed.files["Ratings.csv"]


def test_every_file_has_a_raw_table_of_text_with_its_lineage(connection: Connection) -> None:
    for feed in load_feeds().values():
        for contract in feed.files.values():
            columns = rows(
                connection,
                "select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute"
                " where attrelid = %s::regclass and attnum > 0 order by attnum",
                f"{contract.raw_schema}.{contract.table}",
            )
            assert columns == [
                ("org_id", "text", True),
                ("_load_id", "bigint", True),
                ("_row", "integer", True),
                ("_line", "integer", True),
                *((column.name, "text", False) for column in contract.columns),
            ]
            indexes = rows(
                connection,
                "select indexdef from pg_indexes where schemaname = %s and tablename = %s",
                contract.raw_schema,
                contract.table,
            )
            assert len(indexes) == 1
            assert "USING brin (_load_id)" in str(indexes[0][0])
            assert "autosummarize='on'" in str(indexes[0][0])


def test_nothing_is_done_twice(connection: Connection) -> None:
    before = rows(connection, "select count(*), max(migration_id) from ops.migration")
    migrate(connection)
    assert rows(connection, "select count(*), max(migration_id) from ops.migration") == before


def test_a_new_column_of_a_contract_is_added_beside_the_rows_there_are(bare: Connection) -> None:
    feed, contract = ratings()
    older = replace(contract, columns=contract.columns[:-1])
    migrate(bare, {feed.name: replace(feed, files={older.file: older})})
    with bare, bare.cursor() as cursor:
        cursor.execute(
            "insert into raw_edreflect.ratings (org_id, _load_id, _row, _line, rating_id) values ('a', 1, 1, 2, 'r')"
        )
        cursor.execute("alter table raw_edreflect.ratings add column kept_from_the_source text")
    migrate(bare, {feed.name: feed})
    newest = contract.columns[-1].name
    assert rows(bare, f"select rating_id, {newest}, kept_from_the_source from raw_edreflect.ratings") == [
        ("r", None, None)
    ]
    assert rows(bare, "select to_regclass('raw_edreflect.goals') is not null") == [(True,)]


def test_an_older_deployment_may_migrate_again_after_a_newer_one(bare: Connection) -> None:
    feed, _ = ratings()
    migrate(bare, {feed.name: feed})
    migrate(bare, {})
    assert rows(bare, "select count(*) from raw_edreflect.ratings") == [(0,)]
    migrate(bare, {feed.name: feed})
    assert rows(bare, "select count(*) from ops.migration") == [(3,)]


def test_deployments_that_migrate_at_once_do_it_once(empty_database: Settings) -> None:
    failures: list[Exception] = []

    def deploy() -> None:
        try:
            with closing(connect(empty_database)) as connection:
                migrate(connection)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=deploy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with closing(connect(empty_database)) as connection:
        assert rows(connection, "select count(*) from ops.migration") == [(1,)]


def test_two_databases_of_one_server_share_the_reader_roles(database: Settings, bare: Connection) -> None:
    migrate(bare)
    assert rows(bare, "select rolname, rolcanlogin from pg_roles where rolname like '%%\\_read' order by 1") == [
        ("analyst_read", False),
        ("evaluation_read", False),
    ]


def test_rights_that_a_restored_dump_or_a_copy_lacks_are_taken_again(connection: Connection) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$"
        )
        cursor.execute("grant execute on function pg_catalog.set_config(text, text, boolean) to public")
    migrate(connection)
    assert rows(
        connection,
        "select has_database_privilege('public', current_database(), 'create, temp'),"
        " has_function_privilege('public', 'pg_catalog.set_config(text, text, boolean)', 'execute'),"
        " has_schema_privilege('public', 'public', 'usage, create')",
    ) == [(False, False, False)]


def test_the_readers_reach_analytics_and_nothing_else(connection: Connection) -> None:
    for role in ("analyst_read", "evaluation_read"):
        schemas = rows(
            connection,
            "select nspname from pg_namespace where nspname not like 'pg\\_%%' and nspname <> 'information_schema'"
            " and has_schema_privilege(%s, oid, 'usage')",
            role,
        )
        assert schemas == [("analytics",)]
        assert rows(connection, "select has_schema_privilege(%s, 'analytics', 'create')", role) == [(False,)]


def test_one_current_load_per_file_also_without_a_day(connection: Connection) -> None:
    insert = "insert into ops.load_log (feed, org_id, day, file, status) values ('f', 'o', %s, 'x.csv', 'current')"
    for day in (None, "2026-03-01"):
        with connection, connection.cursor() as cursor:
            cursor.execute(insert, [day])
        with pytest.raises(psycopg2.errors.UniqueViolation), connection, connection.cursor() as cursor:
            cursor.execute(insert, [day])


def test_the_ledger_counts_what_the_build_set_aside(connection: Connection) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.load_log (feed, org_id, file, rows, quarantined, status)"
            " values ('f', 'o', 'x.csv', 5, 1, 'current') returning load_id"
        )
        row = cursor.fetchone()
        assert row is not None
        cursor.execute(
            "insert into ops.quarantine (load_id, line, reason, model) values (%s, 3, 'ragged', null),"
            " (%s, 4, 'no number', 'ratings')",
            [row[0], row[0]],
        )
    assert rows(connection, "select rows, quarantined, uncast from ops.loads") == [(5, 1, 1)]


def test_today_is_one_row(connection: Connection) -> None:
    assert rows(connection, "select today = (now() at time zone 'UTC')::date, pinned from ops.clock") == [(True, False)]


def test_a_transaction_of_the_caller_is_not_committed(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    with pytest.raises(ValueError, match="transaction"):
        migrate(connection)


def test_a_login_without_rights_gets_one_clear_sentence(
    empty_database: Settings, make_login: Callable[..., Login]
) -> None:
    login = make_login()
    with (
        closing(psycopg2.connect(login.url(empty_database))) as connection,
        pytest.raises(ConfigurationError, match="may not create schemas") as raised,
    ):
        migrate(connection)
    assert raised.value.__cause__ is None


def test_an_owner_without_superuser_rights_migrates_what_it_may(
    empty_database: Settings, make_login: Callable[..., Login], caplog: pytest.LogCaptureFixture
) -> None:
    """As on a managed server: set_config stays open, and the log says so."""
    login = make_login()
    assert empty_database.database_url is not None
    with closing(psycopg2.connect(empty_database.database_url)) as admin, admin, admin.cursor() as cursor:
        name = sql.Identifier(admin.info.dbname)
        cursor.execute(sql.SQL("alter role {} createrole").format(sql.Identifier(login.role)))
        cursor.execute(sql.SQL("alter database {} owner to {}").format(name, sql.Identifier(login.role)))
        for role in ("analyst_read", "evaluation_read"):
            cursor.execute("select from pg_roles where rolname = %s", [role])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
    with closing(psycopg2.connect(login.url(empty_database))) as connection:
        migrate(connection)
        assert "set_config" in caplog.text
        assert rows(connection, "select access.allowed_org_ids()") == [("{}",)]
        caplog.clear()
        migrate(connection)
        assert caplog.text == ""
        assert rows(connection, "select has_database_privilege('public', current_database(), 'create, temp')") == [
            (False,)
        ]
    with closing(psycopg2.connect(empty_database.database_url)) as admin, admin, admin.cursor() as cursor:
        cursor.execute(sql.SQL("reassign owned by {} to current_user").format(sql.Identifier(login.role)))
        cursor.execute(sql.SQL("drop owned by {}").format(sql.Identifier(login.role)))


def test_a_table_that_others_hold_ends_the_wait_with_a_sentence(
    empty_database: Settings, bare: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edreflect_assets.database.migrations.LOCK_TIMEOUT", "50ms")
    feed, contract = ratings()
    older = replace(contract, columns=contract.columns[:-1])
    migrate(bare, {feed.name: replace(feed, files={older.file: older})})
    with closing(connect(empty_database)) as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from raw_edreflect.ratings")
        with pytest.raises(EdreflectError, match="Try again later"):
            migrate(bare, {feed.name: feed})
    migrate(bare, {feed.name: feed})
    assert rows(bare, "select count(*) from raw_edreflect.ratings") == [(0,)]


def test_login_names_of_tests_are_unique(make_login: Callable[..., Login]) -> None:
    first, second = make_login(), make_login()
    assert first.role != second.role
    assert uuid.UUID(first.password) != uuid.UUID(second.password)
