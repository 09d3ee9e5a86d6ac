"""The model's deliveries through the platform itself: landed, loaded, built, and read back in the model's shape."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, cast
from unittest import mock
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.database import connect, migrate
from edreflect_assets.errors import Refused
from edreflect_assets.landing import Delivery as LandedDelivery
from edreflect_assets.landing import LandedFile
from edreflect_assets.loading.load import LoadOptions, load_delivery
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import build, pending
from tests.model.log import Delivery
from tests.model.records import columns_of
from tests.model.rules import RULES
from tests.model.state import Row

HistoryRow = tuple[Row, date, date | None]

# The histories hold few records per file, so that one bad line is a large share; refusals by share are tested apart.
OPTIONS = LoadOptions(max_rejected_share=1.0)


@contextmanager
def fresh_database(server: Settings, template: str, home: Path) -> Iterator[Settings]:
    """Yield settings of a migrated database for a whole module of tests; dropped afterwards."""
    assert server.database_url is not None
    name = f"test_{uuid.uuid4().hex}"
    settings = Settings(home=home, database_url=urlsplit(server.database_url)._replace(path=f"/{name}").geturl())
    identifiers = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    with closing(psycopg2.connect(server.database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("create database {name} template {template} strategy file_copy").format(**identifiers)
            )
            with closing(connect(settings)) as migrating:
                migrate(migrating)
            yield settings
            cursor.execute(sql.SQL("drop database {name} with (force)").format(**identifiers))


def load(
    connection: Connection,
    settings: Settings,
    delivery: Delivery,
    *,
    options: LoadOptions = OPTIONS,
    again: bool = False,
) -> bool:
    """Load a delivery; False when it is refused. The connection is left without a transaction."""
    feed = load_feeds()["edreflect"]
    landed = tuple(
        _landed(settings, feed, delivery, name, data) for name, data in delivery.files.items() if data is not None
    )
    try:
        load_delivery(
            connection,
            feed,
            LandedDelivery(feed.name, delivery.org, delivery.day, landed),
            options=options,
            again=again,
        )
    except Refused:
        return False
    connection.commit()
    return True


def columns(table: str) -> tuple[str, ...]:
    """Return a reconciled table's columns, in the order of the model's rows."""
    if table == "id_map":
        return ("org_id", "kind", "old_id", "new_id")
    rule = next(rule for rule in RULES.values() if rule.table == table)
    return ("org_id", *columns_of(rule))


def _landed(settings: Settings, feed: Feed, delivery: Delivery, name: str, data: bytes) -> LandedFile:
    """Write a file where the loader may read it; thousands of syncs to disk would be most of a run."""
    contract, sha256 = feed.match(name), hashlib.sha256(data).hexdigest()
    path = settings.landing / sha256
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        written = path.with_name(f"{sha256}.{uuid.uuid4().hex}")
        written.write_bytes(data)
        written.replace(path)
    file = contract.file if contract else name
    return LandedFile(feed.name, delivery.org, delivery.day, file, path, sha256, len(data))


def rows(connection: Connection, table: str, as_of: date | None = None) -> dict[str, Counter[Row]]:
    """Return by org the rows of a reconciled table as stored, or as its ``_as_of`` function computes them."""
    relation = f"edreflect.{table}" if as_of is None else f"edreflect.{table}_as_of(%(day)s)"
    return _by_org(_fetch(connection, f"select {', '.join(columns(table))} from {relation}", {"day": as_of}))


def history_rows(connection: Connection, table: str) -> list[HistoryRow]:
    """Return a table's ``_history``: each row with valid_from (inclusive) and valid_to (exclusive, None = now).

    Rows of files without a day are valid from ``date.min``, which is how psycopg2 gives -infinity.
    """
    names = ", ".join(columns(table))
    found = _fetch(connection, f"select {names}, valid_from, valid_to from edreflect.{table}_history", {})
    return [(row[:-2], cast(date, row[-2]), cast("date | None", row[-1])) for row in found]


def valid_on(history: Iterable[HistoryRow], day: date) -> dict[str, Counter[Row]]:
    """Return by org the rows of a history that were valid on a day."""
    return _by_org(row for row, start, end in history if start <= day and (end is None or day < end))


def pending_loads(connection: Connection) -> int:
    """Return how many loads wait for a build, retirements included."""
    waiting = sum(len(model.load_ids) for model in pending(connection))
    connection.commit()
    return waiting


def build_reconciled(settings: Settings, *, first: bool = False) -> None:
    """Apply what is pending to the reconciled tables, without dbt's tests; fails on the first sentence of a failure.

    The staging views are made by the ``first`` build of a database.
    """
    select = "path:models/staging path:models/reconciled" if first else "path:models/reconciled"
    with mock.patch.dict(os.environ, {"DBT_INDIRECT_SELECTION": "empty"}):
        report = build(settings, select=select)
    assert not report.failures, report.failures[0]


def _by_org(found: Iterable[Row]) -> dict[str, Counter[Row]]:
    by_org: dict[str, Counter[Row]] = defaultdict(Counter)
    for row in found:
        by_org[str(row[0])][row] += 1
    return by_org


def _fetch(connection: Connection, query: str, parameters: dict[str, Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        found = [tuple(row) for row in cursor.fetchall()]
    connection.commit()
    return found
