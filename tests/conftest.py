"""A real Postgres for every test that asks for one: one server per run, one fresh database per test.

The server is the embedded one, started without fsync in a directory of its own; a migrated template database makes each
test's database cheap. Only what these fixtures started is stopped.
"""

from __future__ import annotations

import importlib
import pickle
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import psycopg2
import pytest
from dbt.contracts.graph.manifest import Manifest
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect, ensure_server, migrate
from edreflect_assets.database.server import remove_server
from edreflect_assets.settings import Settings


@dataclass(frozen=True)
class Login:
    """A login role and its password."""

    role: str
    password: str

    def url(self, database: Settings) -> str:
        """Return the URL with which this role connects to a test's database."""
        assert database.database_url is not None
        parts = urlsplit(database.database_url)
        return parts._replace(netloc=f"{self.role}:{self.password}@{parts.hostname}:{parts.port}").geturl()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Settings]:
    """Settings of an embedded server of this test run, with its URL to the maintenance database ``postgres``."""
    # Not pytest's own temporary directory, which is closed to the account that Postgres runs as.
    directory = Path(tempfile.mkdtemp(prefix="edreflect-test-"))
    directory.chmod(0o711)
    embedded = Settings(home=directory)
    url = ensure_server(embedded, durable=False)
    yield Settings(home=directory, database_url=urlsplit(url)._replace(path="/postgres").geturl())
    remove_server(embedded)
    shutil.rmtree(directory, ignore_errors=True)


class _ManifestsOfAnyDatabase(dict[tuple[str, str], Any]):
    """dbt's manifests by project and database, read once per project: another database's is it with another name.

    The names of the tests' databases are equally long, so that one can take the other's place in the pickled manifest. Only
    the last one is kept: each takes tens of MiB.
    """

    def __init__(self) -> None:
        super().__init__()
        self._read: dict[str, tuple[str, bytes]] = {}

    def __setitem__(self, key: tuple[str, str], manifest: Any) -> None:
        checksum, database = key
        self._read.setdefault(checksum, (database, _pickled(manifest)))
        self.clear()
        super().__setitem__(key, manifest)

    def get(self, key: tuple[str, str], default: Any = None) -> Any:
        checksum, database = key
        known, pickled = self._read.get(checksum, ("", b""))
        if key not in self and len(known) == len(database):
            self.clear()
            content = pickle.loads(pickled.replace(known.encode(), database.encode()))
            super().__setitem__(key, Manifest(**content))
        return super().get(key, default)


def _pickled(manifest: Manifest) -> bytes:
    """Return what was read from the project; what dbt makes of it to look things up is made again when it is asked for."""
    read = [field.name for field in fields(manifest) if not field.name.startswith("_")]
    return pickle.dumps({name: getattr(manifest, name) for name in read})


@pytest.fixture(scope="session", autouse=True)
def one_reading_of_the_dbt_project() -> Iterator[None]:
    """Let the builds of all tests of a process share one reading of the project, which takes longer than most of them."""
    # The package's attribute of this name is the function.
    module = importlib.import_module("edreflect_assets.warehouse.build")
    with mock.patch.object(module, "_manifests", _ManifestsOfAnyDatabase()):
        yield


@pytest.fixture(scope="session")
def template_database(postgres_server: Settings) -> str:
    """Name of a migrated database with nothing in it, to be cloned."""
    name = "test_template"
    _execute(postgres_server, sql.SQL("create database {}").format(sql.Identifier(name)))
    with closing(connect(_in(postgres_server, name, postgres_server.home))) as connection:
        migrate(connection, load_feeds())
    return name


@pytest.fixture
def empty_database(postgres_server: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a database of this test's own that nothing has migrated; home is the test's directory."""
    yield from _database(postgres_server, tmp_path, "template1")


@pytest.fixture
def database(postgres_server: Settings, template_database: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a migrated database of this test's own; home is the test's directory."""
    for settings in _database(postgres_server, tmp_path, template_database):
        # A clone has the template's objects, not the rights of the database itself.
        with closing(connect(settings)) as connection:
            migrate(connection, load_feeds())
        yield settings


@pytest.fixture
def connection(database: Settings) -> Iterator[Connection]:
    """A connection of the platform's owner to ``database``, in no transaction."""
    with closing(connect(database, application_name="test")) as opened:
        yield opened


@pytest.fixture
def make_login(postgres_server: Settings, database: Settings) -> Iterator[Callable[..., Login]]:
    """A function that creates a login role of a unique name, a member of the given roles; dropped after the test."""
    made: list[str] = []

    def make(prefix: str = "reader", *, member_of: tuple[str, ...] = ()) -> Login:
        login = Login(f"{prefix}_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex)
        _execute(
            database,
            sql.SQL("create role {} login password {}").format(sql.Identifier(login.role), sql.Literal(login.password)),
            *(
                sql.SQL("grant {} to {}").format(sql.Identifier(group), sql.Identifier(login.role))
                for group in member_of
            ),
        )
        made.append(login.role)
        return login

    yield make
    for role in made:
        _execute(database, sql.SQL("drop owned by {}").format(sql.Identifier(role)))
        _execute(postgres_server, sql.SQL("drop role {}").format(sql.Identifier(role)))


@pytest.fixture
def connect_as(database: Settings) -> Iterator[Callable[[Login], Connection]]:
    """A function that opens an autocommitting connection of a login role to ``database``; closed after the test."""
    opened: list[Connection] = []

    def open_connection(login: Login) -> Connection:
        connection = psycopg2.connect(login.url(database))
        connection.autocommit = True
        opened.append(connection)
        return connection

    yield open_connection
    for connection in opened:
        connection.close()


def _database(server: Settings, home: Path, template: str) -> Iterator[Settings]:
    name = f"test_{uuid.uuid4().hex}"
    _execute(
        server,
        sql.SQL("create database {} template {} strategy file_copy").format(
            sql.Identifier(name), sql.Identifier(template)
        ),
    )
    yield _in(server, name, home)
    _execute(server, sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _in(server: Settings, database: str, home: Path) -> Settings:
    assert server.database_url is not None
    return Settings(home=home, database_url=urlsplit(server.database_url)._replace(path=f"/{database}").geturl())


def _execute(settings: Settings, *statements: sql.Composable) -> None:
    assert settings.database_url is not None
    with closing(psycopg2.connect(settings.database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
