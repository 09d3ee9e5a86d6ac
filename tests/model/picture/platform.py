"""The model's deliveries through the platform itself: landed, loaded, built, and read back as plain values."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from typing import Any
from unittest import mock

from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.contracts import load_feeds
from edreflect_assets.errors import Refused
from edreflect_assets.landing import Delivery as LandedDelivery
from edreflect_assets.landing import LandedFile
from edreflect_assets.loading.load import DeliveryReport, LoadOptions, load_delivery
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import build
from tests.model.picture.log import Delivery, Row

# What the views are made of, and later only what is stored: the views stand once they are made.
EVERYTHING = "+path:models/marts/educators +path:models/marts/edreflect"
STORED = " ".join((*(f"{mart},path:models/reconciled" for mart in EVERYTHING.split()), "marts__snapshot_people"))
OPTIONS = LoadOptions(max_rejected_share=1.0)


def load(connection: Connection, settings: Settings, delivery: Delivery) -> DeliveryReport | Refused:
    """Load a delivery; what is raised when it is refused is returned. The connection is left without a transaction."""
    feed = load_feeds()[delivery.feed]
    files = []
    for name, data in delivery.files.items():
        contract, sha256 = feed.match(name), hashlib.sha256(data).hexdigest()
        path = settings.landing / sha256
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            # thousands of syncs to disk would be most of a run
            written = path.with_name(f"{sha256}.{uuid.uuid4().hex}")
            written.write_bytes(data)
            written.replace(path)
        file = contract.file if contract else name
        files.append(LandedFile(feed.name, delivery.org, delivery.day, file, path, sha256, len(data)))
    landed = LandedDelivery(feed.name, delivery.org, delivery.day, tuple(files))
    try:
        report = load_delivery(connection, feed, landed, options=OPTIONS)
    except Refused as refusal:
        return refusal
    connection.commit()
    return report


def apply_pending(settings: Settings, select: str = STORED) -> None:
    """Apply what is pending without dbt's tests; fails on the first sentence of a failure."""
    with mock.patch.dict(os.environ, {"DBT_INDIRECT_SELECTION": "empty"}):
        report = build(settings, select=select)
    assert not report.failures, report.failures[0]


def fetch(connection: Connection, query: str, *parameters: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        names = [column.name for column in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    connection.commit()
    return found


def by_org(rows: list[dict[str, Any]]) -> dict[str, list[Row]]:
    """Return rows by their org, without it."""
    orgs: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        orgs[row.pop("org_id")].append(row)
    return orgs


def plain(row: Row, without: frozenset[str] = frozenset()) -> tuple[Any, ...]:
    """Return a row as a value that is equal whenever the row says the same."""
    return tuple(sorted((column, _plain(value)) for column, value in row.items() if column not in without))


def counted(rows: Any, without: frozenset[str] = frozenset()) -> Counter[tuple[Any, ...]]:
    return Counter(plain(row, without) for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return plain(value)
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return tuple(sorted(items, key=repr) if items and isinstance(items[0], tuple) else items)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(Decimal(str(value)).normalize())
    return value if value is None or isinstance(value, bool | str | date) else str(value)
