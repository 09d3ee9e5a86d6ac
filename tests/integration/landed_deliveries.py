"""Deliveries for tests: bytes in, landed files out, and what the database holds of them afterwards."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.landing import Delivery, Landing
from edreflect_assets.settings import Settings

DAY = date(2026, 3, 2)
EDREFLECT: Feed = load_feeds()["edreflect"]


def deliver(
    settings: Settings,
    files: Mapping[str, bytes],
    *,
    org_id: str = "springfield",
    day: date | None = DAY,
    feed: str = "edreflect",
) -> Delivery:
    """Land files and return the delivery they make."""
    landing = Landing(settings.landing)
    landed = [landing.store(feed, org_id, day, file, io.BytesIO(data)) for file, data in files.items()]
    return Delivery(feed, org_id, day, tuple(landed))


def rows(connection: Connection, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query, in a transaction of its own."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        found = cursor.fetchall()
    connection.rollback()
    return found


def ledger(connection: Connection) -> list[tuple[Any, ...]]:
    """Return (org, file, status, rows, quarantined) of the whole ledger, oldest first."""
    return rows(connection, "select org_id, file, status, rows, quarantined from ops.load_log order by load_id")
