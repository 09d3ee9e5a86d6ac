"""The model's deliveries through the platform itself: landed, loaded, built, and read back in the model's shape."""

from __future__ import annotations

import hashlib
import os
import uuid
from datetime import date
from typing import Any, cast
from unittest import mock

from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.errors import Refused
from edreflect_assets.landing import Delivery as LandedDelivery
from edreflect_assets.landing import LandedFile
from edreflect_assets.loading.load import LoadOptions, load_delivery
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import build
from tests.model.timeback.log import Delivery, Row
from tests.model.timeback.tables import TABLES

HistoryRow = tuple[Row, date, date | None]
FEED = "timeback"
# The histories hold few records per file, so that one bad line is a large share; refusals by share are tested apart.
OPTIONS = LoadOptions(max_rejected_share=1.0)
FACTS = (
    "attempts", "aggregated_session_attempts", "sessions", "session_insights", "session_insight_times", "student_journals",
    "students_xp", "students_mastery", "recommendations", "placement_results", "student_usage",
)  # fmt: skip
SELECTION = " ".join(
    f"+path:models/{layer}"
    for layer in ("reconciled/oneroster", "reconciled/timeback", "analytics/roster", "analytics/timeback")
)


def load(connection: Connection, settings: Settings, delivery: Delivery) -> bool:
    """Load a delivery; False when it is refused. The connection is left without a transaction."""
    feed = load_feeds()[FEED]
    files = tuple(_landed(settings, feed, delivery, name, data) for name, data in delivery.files.items())
    try:
        given = LandedDelivery(FEED, delivery.org, delivery.day, files)
        load_delivery(connection, feed, given, options=OPTIONS)
    except Refused:
        return False
    connection.commit()
    return True


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
    return LandedFile(FEED, delivery.org, delivery.day, file, path, sha256, len(data))


def build_views(settings: Settings, today: date, *, select: str = SELECTION) -> None:
    """Apply what is pending and publish, without dbt's tests; fails on the first sentence of a failure."""
    with mock.patch.dict(os.environ, {"DBT_INDIRECT_SELECTION": "empty"}):
        report = build(settings, select=select, as_of=today)
    assert not report.failures, report.failures[0]


def rows(connection: Connection, table: str, as_of: date | None = None) -> dict[str, set[Row]]:
    """Return by org the rows of a table as stored, with their days, or as its ``_as_of`` function computes them."""
    if as_of is None:
        return by_org(_fetch(connection, f"select {_columns(table)}, _day from timeback.{table}"))
    return by_org(_fetch(connection, f"select {_columns(table)} from timeback.{table}_as_of(%(day)s)", {"day": as_of}))


def history_rows(connection: Connection, table: str) -> list[HistoryRow]:
    """Return a table's ``_history``: each row with valid_from (inclusive) and valid_to (exclusive, None = now)."""
    found = _fetch(connection, f"select {_columns(table)}, valid_from, valid_to from timeback.{table}_history")
    return [(row[:-2], cast(date, row[-2]), cast("date | None", row[-1])) for row in found]


def valid_on(history: list[HistoryRow], day: date) -> dict[str, set[Row]]:
    """Return by org the rows of a history that were valid on a day."""
    return by_org([row for row, start, end in history if start <= day and (end is None or day < end)])


def by_org(found: list[Row]) -> dict[str, set[Row]]:
    """Return the rows by org. Fails for a row that is there twice."""
    orgs: dict[str, set[Row]] = {}
    for row in found:
        known = orgs.setdefault(str(row[0]), set())
        assert row not in known, "a row is there twice"
        known.add(row)
    return orgs


def set_aside(connection: Connection) -> dict[tuple[str, date, str], tuple[int, int, int]]:
    """Return of each current file how many rows were loaded, kept out when it was loaded, and kept out by a cast."""
    found = _fetch(
        connection,
        "select org_id, day, file, rows, quarantined, uncast from ops.loads"
        f" where feed = '{FEED}' and status = 'current'",
    )
    return {(row[0], row[1], row[2]): row[3:] for row in cast(list[Any], found)}


def row_versions(connection: Connection) -> dict[str, set[Row]]:
    """Return which versions of rows the feed's tables and the stored marts of facts hold; a row that is written is another."""
    relations = [*(f"timeback.{table}" for table in TABLES), *(f"marts.{mart}" for mart in FACTS)]
    return {name: set(_fetch(connection, f"select ctid::text, xmin::text from {name}")) for name in relations}


_READ = {"uuid": '"{}"::text', "timestamptz": "\"{}\" at time zone 'UTC'"}


def _columns(table: str) -> str:
    """Return a table's columns as expressions that give plain values: ids as text, times in UTC without a zone."""
    types = TABLES[table].columns.items()
    return ", ".join(["org_id", *(_READ.get(data_type, '"{}"').format(name) for name, data_type in types)])


def _fetch(connection: Connection, query: str, parameters: dict[str, Any] | None = None) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or {})
        found = [tuple(row) for row in cursor.fetchall()]
    connection.commit()
    return found
