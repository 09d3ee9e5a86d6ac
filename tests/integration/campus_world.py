"""Deliveries of Infinite Campus through the platform itself: landed, loaded, built, and read back."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections import defaultdict
from datetime import date
from typing import Any
from unittest import mock

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import load_feeds
from edreflect_assets.landing import Delivery as LandedDelivery
from edreflect_assets.landing import LandedFile
from edreflect_assets.loading.load import DeliveryReport, LoadOptions, load_delivery
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import build
from tests.model.bulk import TABLES, Delivery, Row

FEED = load_feeds()["infinite_campus"]
# Few records per file, so that one bad line is a large share; refusals by share are tested apart.
OPTIONS = LoadOptions(max_rejected_share=1.0)


def load(connection: Connection, settings: Settings, delivery: Delivery) -> DeliveryReport:
    """Load a delivery; raises Refused. The connection is left without a transaction."""
    landed = tuple(_landed(settings, delivery, f"{table}.csv", text) for table, text in delivery.files.items())
    report = load_delivery(
        connection, FEED, LandedDelivery(FEED.name, delivery.org, delivery.day, landed), options=OPTIONS
    )
    connection.commit()
    return report


def _landed(settings: Settings, delivery: Delivery, file: str, text: str) -> LandedFile:
    data = text.encode()
    sha256 = hashlib.sha256(data).hexdigest()
    path = settings.landing / f"{sha256}.{uuid.uuid4().hex}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return LandedFile(FEED.name, delivery.org, delivery.day, file, path, sha256, len(data))


def build_reconciled(settings: Settings) -> None:
    """Apply what is pending to the feed's tables, without dbt's tests; fails on the first sentence of a failure."""
    select = f"path:models/staging/{FEED.name} path:models/reconciled/{FEED.name}"
    with mock.patch.dict(os.environ, {"DBT_INDIRECT_SELECTION": "empty"}):
        report = build(settings, select=select)
    assert not report.failures, report.failures[0]


def rows(connection: Connection, table: str) -> dict[str, set[Row]]:
    """Return by org the rows of a table as stored, each with the day it is from."""
    return _by_org(connection, sql.Identifier(FEED.name, table), table, "_day")


def rows_as_of(connection: Connection, table: str, day: date) -> dict[str, set[Row]]:
    """Return by org the rows of a table as of a day."""
    relation = sql.SQL("{}({})").format(sql.Identifier(FEED.name, f"{table}_as_of"), sql.Literal(day))
    return _by_org(connection, relation, table)


def history(connection: Connection, table: str) -> dict[str, set[Row]]:
    """Return by org every row that a table ever had, with valid_from and valid_to."""
    return _by_org(connection, sql.Identifier(FEED.name, f"{table}_history"), table, "valid_from", "valid_to")


def _by_org(connection: Connection, relation: sql.Composable, table: str, *further: str) -> dict[str, set[Row]]:
    names = sql.SQL(", ").join(map(sql.Identifier, ("org_id", *TABLES[table], *further)))
    found: dict[str, set[Row]] = defaultdict(set)
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("select {} from {}").format(names, relation))
        for org, *row in cursor.fetchall():
            assert tuple(row) not in found[org], (table, org, row)
            found[org].add(tuple(row))
    return found


def fetch(connection: Connection, query: str, *values: Any) -> list[Row]:
    """Return the rows of a query, in a transaction of its own."""
    with connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return [tuple(row) for row in cursor.fetchall()]
