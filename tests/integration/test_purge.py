"""Disposal: after a purge nothing of the org is left anywhere, and every other org is as if it had never been."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from marks import MARK, marked_files
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from purge_world import (
    FEED,
    GONE,
    SISTER,
    STRANGER,
    TODAY,
    command,
    copy,
    dump,
    fetch,
    make,
    plant,
    published,
    rows_of_others,
    write_deliveries,
)

from edreflect_assets.access import list_scope
from edreflect_assets.database import connect, migrate
from edreflect_assets.errors import EdreflectError, UsageError
from edreflect_assets.ingest import ingest
from edreflect_assets.org_lock import purging, taking
from edreflect_assets.orgs import load_registry
from edreflect_assets.purge import Purge, Subject
from edreflect_assets.settings import Settings
from edreflect_assets.sources.folder import FolderSource
from edreflect_assets.warehouse import pending
from edreflect_assets.warehouse.lock import builder_lock
from tests.model.database import fresh_database

Copy = Callable[[], Settings]
OWN_SCHEMAS = "n.nspname !~ '^pg_toast|^pg_temp|^information_schema$'"


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exports")
    write_deliveries(root)
    return root


@pytest.fixture(scope="module")
def readers(postgres_server: Settings) -> Iterator[tuple[str, str, str]]:
    names = tuple(f"reader_{uuid.uuid4().hex[:12]}" for _ in range(3))
    execute(postgres_server, *(sql.SQL("create role {} login").format(sql.Identifier(name)) for name in names))
    yield names[0], names[1], names[2]
    execute(postgres_server, *(sql.SQL("drop role {}").format(sql.Identifier(name)) for name in names))


@pytest.fixture(scope="module")
def original(
    postgres_server: Settings,
    template_database: str,
    tmp_path_factory: pytest.TempPathFactory,
    exports: Path,
    readers: tuple[str, str, str],
) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("original")
    with fresh_database(postgres_server, template_database, home) as settings:
        make(settings, exports, GONE, SISTER, STRANGER)
        plant(settings, readers)
        yield settings


@pytest.fixture(scope="module")
def without_it(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory, exports: Path
) -> Iterator[Settings]:
    """A world in which the org never was."""
    home = tmp_path_factory.mktemp("without")
    with fresh_database(postgres_server, template_database, home) as settings:
        make(settings, exports, SISTER, STRANGER, pending=False)
        yield settings


@pytest.fixture
def copied(postgres_server: Settings, original: Settings, tmp_path: Path) -> Iterator[Settings]:
    name = f"test_{uuid.uuid4().hex}"
    settings = copy(postgres_server, original, tmp_path / "home", name)
    # A copy has the objects, not the rights of the database itself.
    with closing(connect(settings)) as connection:
        migrate(connection)
    yield settings
    execute(postgres_server, sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def database_of(copied: Settings) -> Iterator[Connection]:
    with closing(connect(copied)) as connection:
        yield connection


@pytest.fixture(scope="module")
def subject(original: Settings) -> Subject:
    org = load_registry(original)[GONE]
    return Subject(GONE, org.org_uuid, org.tenant, alone=False)


def test_nothing_of_it_is_left_and_the_others_are_as_if_it_had_never_been(
    copied: Settings,
    database_of: Connection,
    without_it: Settings,
    subject: Subject,
    readers: tuple[str, str, str],
    postgres_server: Settings,
    tmp_path: Path,
) -> None:
    others = rows_of_others(database_of)
    assert any(others.values())
    assert fetch(database_of, "select count(*) from ops.quarantine where raw_line ~ %s", MARK) != [(0,)]
    assert any(load_ids for _, load_ids in ((model.model, model.load_ids) for model in pending(database_of)))
    database_of.rollback()
    done = command(copied, "orgs", "purge", GONE, "--yes", "--out", str(tmp_path / "record.txt"))
    assert done.returncode == 0, done.stderr
    record = (tmp_path / "record.txt").read_text()
    assert record == done.stdout

    nothing_is_left(copied, database_of, subject)
    assert rows_of_others(database_of) == others
    with closing(connect(without_it)) as reference:
        expected, found = published(reference), published(database_of)
    assert {name for name in expected if expected[name] != found[name]} == set()
    assert sum(len(rows) for name, rows in expected.items() if name.startswith("marts.")) > 10

    scopes = {scope.role: scope for scope in list_scope(database_of)}
    assert scopes[readers[0]].names == (STRANGER,)
    assert readers[1] not in scopes or scopes[readers[1]].organizations == ()
    assert scopes[readers[2]].unrestricted

    assert MARK not in record
    assert str(subject.org_uuid) in record
    for part in ("raw_elsewhere.unlisted__things", "ops.quarantine", "landed files of timeback", "sha256", "Signed:"):
        assert part in record
    assert fetch(database_of, "select today, pinned from ops.clock") == [(TODAY, True)]
    assert pending(database_of) == []
    database_of.rollback()


def test_no_byte_of_a_deleted_row_is_left_in_a_file_of_a_table(
    copied: Settings, database_of: Connection, postgres_server: Settings, subject: Subject
) -> None:
    record = Purge(copied, GONE).run()
    assert record.remaining == ()
    database_of.autocommit = True
    with database_of.cursor() as cursor:
        cursor.execute("checkpoint")
        cursor.execute("select oid from pg_database where datname = current_database()")
        ((oid,),) = cursor.fetchall()
        cursor.execute(
            "select pg_relation_filepath(oid), oid::regclass::text from pg_class where relkind in ('r', 't', 'i', 'm')"
        )
        paths = {path: name for path, name in cursor.fetchall() if path}
    data = (postgres_server.home / "postgres" / "data").resolve()
    sought = (MARK.encode(), GONE.encode())
    holders = {
        name
        for path, name in paths.items()
        if path.startswith(f"base/{oid}/") and any(word in (data / path).read_bytes() for word in sought)
    }
    assert holders == set()


def test_a_purge_that_was_killed_anywhere_is_finished_by_the_next(
    copied: Settings, database_of: Connection, without_it: Settings, subject: Subject
) -> None:
    steps = ["registry", "retire", "build", "rows", "landing", "files", "dagster", "space", "verify"]
    first: list[str] = []
    for step in steps:

        def kill(name: str, at: str = step) -> None:
            if name == at:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Purge(copied, GONE, rewrite=False, on_step=kill).run()
        found = list(Purge(copied, GONE).look().lines)
        first = first or found
        assert found == first, step
    job = Purge(copied, GONE)
    assert "raw_edreflect.goals" in job.run().listing
    job.end()
    nothing_is_left(copied, database_of, subject)
    with closing(connect(without_it)) as reference:
        expected, found = published(reference), published(database_of)
    assert {name for name in expected if expected[name] != found[name]} == set()
    with pytest.raises(UsageError, match="There is nothing of"):
        Purge(copied, GONE).look()


def test_without_yes_it_says_what_there_is_and_deletes_nothing(copied: Settings, database_of: Connection) -> None:
    before = dump(database_of, where="n.nspname !~ '^pg_|^information_schema$'")
    done = command(copied, "orgs", "purge", GONE)
    assert done.returncode == 1, done.stderr
    assert "Nothing was deleted" in done.stdout
    assert f"edreflect orgs purge {GONE} --yes" in done.stdout
    assert MARK not in done.stdout
    assert "raw_edreflect.goals" in done.stdout
    assert dump(database_of, where="n.nspname !~ '^pg_|^information_schema$'") == before
    assert GONE in load_registry(copied)
    assert not (copied.home / "purge").exists()


@pytest.mark.parametrize("name", ["unheard_of_org", "../landing", ""])
def test_an_org_nobody_knows_is_refused(copied: Settings, name: str) -> None:
    done = command(copied, "orgs", "purge", name, "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert "orgs list" in done.stderr


def test_an_org_that_was_removed_before_is_purged(copied: Settings, database_of: Connection, subject: Subject) -> None:
    removed = command(copied, "orgs", "remove", GONE)
    assert "orgs purge" in removed.stdout
    assert fetch(database_of, "select count(*) from raw_edreflect.goals where org_id = %s", GONE) != [(0,)]
    Purge(copied, GONE, rewrite=False).run()
    assert fetch(database_of, "select count(*) from raw_edreflect.goals where org_id = %s", GONE) == [(0,)]


def test_it_does_not_begin_during_a_build_or_a_load(copied: Settings, database_of: Connection) -> None:
    with builder_lock(copied), pytest.raises(EdreflectError, match="A build is running"):
        Purge(copied, GONE).run()
    with taking(database_of, copied, GONE), pytest.raises(EdreflectError, match="being loaded or purged"):
        Purge(copied, GONE).run()
    assert GONE in load_registry(copied)
    assert fetch(database_of, "select count(*) from ops.load_log where org_id = %s and status = 'current'", GONE) != [
        (0,)
    ]


def test_nothing_of_it_is_loaded_during_a_purge_or_after_it(
    copied: Settings, database_of: Connection, exports: Path, original: Settings
) -> None:
    org, source = load_registry(copied)[GONE], FolderSource(exports)
    day = TODAY.replace(day=5)
    with closing(connect(copied)) as holder:
        holder.autocommit = True
        with purging(holder, GONE), pytest.raises(EdreflectError, match="is being purged"):
            ingest(database_of, copied, FEED, org, day, source)
        ingest(database_of, copied, FEED, load_registry(copied)[STRANGER], day, source)
    Purge(copied, GONE, rewrite=False).run()
    # a sweep that read the registry before the purge
    with pytest.raises(EdreflectError, match="no longer in the org registry"):
        ingest(database_of, copied, FEED, org, day, source)
    assert not list(copied.landing.glob(f"*/{GONE}"))


def test_an_org_alone_in_its_tenant_takes_everything_of_the_tenant_with_it(
    copied: Settings, database_of: Connection
) -> None:
    Purge(copied, STRANGER, rewrite=False).run()
    left = {
        table: sum(STRANGER in row for row in rows)
        for table, rows in dump(database_of, where="n.nspname !~ '^pg_|^information_schema$'").items()
        if any(STRANGER in row for row in rows)
    }
    assert left == {}
    assert fetch(database_of, "select count(*) > 0 from marts.person_orgs where tenant = 'valley'") == [(True,)]


def nothing_is_left(settings: Settings, connection: Connection, subject: Subject) -> None:
    """Assert that no row, statistic, comment or file holds a mark, the org's name or its UUID."""
    holders = {
        table: [row[:300] for row in rows if MARK in row or subject.named_in(row)][:2]
        for table, rows in dump(connection, where=OWN_SCHEMAS).items()
        if any(MARK in row or subject.named_in(row) for row in rows)
    }
    # roles' own settings and the server's list of databases are shared by every test
    assert holders == {}
    assert marked_files(settings.home) == {}
    naming = [
        path
        for path in settings.home.rglob("*")
        if subject.named_in(str(path.relative_to(settings.home)))
        or (path.is_file() and subject.named_in(path.read_bytes().decode("utf-8", "replace")))
    ]
    assert naming == []
    assert f"more of {GONE}-east" in (settings.logs / "server.log").read_text()


def execute(server: Settings, *statements: sql.Composable) -> None:
    assert server.database_url is not None
    with closing(psycopg2.connect(server.database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
