"""A warehouse with every published view, a ledger of some days, and the catalogue's site of it, for browsers."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.catalog.pages import Catalog
from edreflect_assets.catalog.write import write_catalog
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt
from tests.integration.published import ORGS, create_reconciled_tables
from tests.model.database import fresh_database

# EdReflect's reconciled tables are made by hand, with rows of three orgs whose texts name them.
SELECTION = [
    "staging.oneroster",
    "staging.timeback",
    "staging.infinite_campus",
    "reconciled.oneroster",
    "reconciled.timeback",
    "reconciled.infinite_campus",
    "marts",
    "analytics",
]
LAST_DAY = date(2026, 3, 10)
# Rows of ops.load_log: days before the last one, and how many rows each file brought on it.
DELIVERED = {0: 20, 1: 5, 4: 11}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@dataclass(frozen=True)
class Site:
    """The site's folder, what it shows, the warehouse it is about."""

    directory: Path
    catalog: Catalog
    settings: Settings
    steps: tuple[str, ...]

    def url(self, page: str = "index.html") -> str:
        """Return the address of a page."""
        return f"file://{self.directory}/{page}"

    @property
    def pages(self) -> list[Path]:
        """Every page."""
        return sorted(self.directory.rglob("*.html"))


@contextmanager
def catalog_site(server: Settings, template: str, home: Path) -> Iterator[Site]:
    """Yield the site of a database of its own in which everything is published and some days were delivered."""
    with fresh_database(server, template, home) as settings, closing(connect(settings)) as connection:
        create_reconciled_tables(settings)
        report = run_dbt(settings, ["run", "--select", *SELECTION])
        assert report.failures == (), report.failures
        deliver(connection)
        steps: list[str] = []
        catalog = write_catalog(settings, connection, home / "site", lambda line, *_: steps.append(line))
        yield Site(home / "site", catalog, settings, tuple(steps))


def deliver(connection: Connection) -> None:
    """Put loads of every file of every feed into the ledger, a superseded one among them, and a build that succeeded."""
    with connection, connection.cursor() as cursor:
        for feed in load_feeds().values():
            for contract in feed.files.values():
                for age, rows in DELIVERED.items():
                    day = None if contract.dayless else LAST_DAY - timedelta(days=age)
                    load = [feed.name, day, contract.file, contract.table, rows]
                    statement = "insert into ops.load_log (feed, org_id, day, file, table_name, rows, status)"
                    cursor.execute(f"{statement} values (%s, 'north', %s, %s, %s, %s, 'superseded')", load)
                    if age == 0 or not contract.dayless:
                        cursor.execute(f"{statement} values (%s, 'north', %s, %s, %s, %s, 'current')", load)
        cursor.execute("insert into ops.builds (finished_at, status) values ('2026-03-11 04:05:06+00', 'succeeded')")


@contextmanager
def reader(settings: Settings) -> Iterator[Connection]:
    """Yield a session of an ordinary reader of all views, granted one org."""
    role, password = f"reader_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    with closing(connect(settings)) as owner:
        owner.autocommit = True
        with owner.cursor() as cursor:
            cursor.execute(
                sql.SQL("create role {} login password {} in role analyst_read, evaluation_read").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )
            cursor.execute(
                "insert into access.org_grants (role_name, org_id) values (%s, %s)", [role, ORGS["north"][0]]
            )
            with closing(psycopg2.connect(settings.database_url, user=role, password=password)) as session:
                session.autocommit = True
                yield session
            cursor.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(role)))


class Page(HTMLParser):
    """The anchors and the links of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an id, and where an element leads or what it loads."""
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            elif name in {"href", "src"} and value:
                self.links.append(value)


needs_chromium = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium on this machine: install the package chromium to test the catalogue in a browser",
)
