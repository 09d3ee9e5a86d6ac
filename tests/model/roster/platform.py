"""The model's deliveries through the platform itself: landed, loaded, built, and read back in the model's shape."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from typing import Any, cast
from unittest import mock
from urllib.parse import urlsplit

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.access import grant_scope
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.errors import Refused
from edreflect_assets.landing import Delivery as LandedDelivery
from edreflect_assets.landing import LandedFile
from edreflect_assets.loading.load import load_delivery
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import build
from tests.model.roster.entities import TABLES
from tests.model.roster.log import Delivery
from tests.model.roster.records import Value
from tests.model.roster.roster import Row
from tests.model.roster.sheets import write

HistoryRow = tuple[Row, date, date | None]
COUNTED = ("delivered", "added", "changed", "ended", "returned", "stayed", "stale", "rejected")
FEED = "oneroster"


def load(connection: Connection, settings: Settings, delivery: Delivery) -> bool:
    """Load a package; False when it is refused. The connection is left without a transaction."""
    landed = tuple(_landed(settings, delivery, name, write(sheet)) for name, sheet in delivery.sheets.items())
    try:
        load_delivery(connection, load_feeds()[FEED], LandedDelivery(FEED, delivery.org, delivery.day, landed))
    except Refused:
        return False
    connection.commit()
    return True


def _landed(settings: Settings, delivery: Delivery, name: str, data: bytes) -> LandedFile:
    """Write a file where the loader may read it; thousands of syncs to disk would be most of a run."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = settings.landing / sha256
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        written = path.with_name(f"{sha256}.{uuid.uuid4().hex}")
        written.write_bytes(data)
        written.replace(path)
    return LandedFile(FEED, delivery.org, delivery.day, name, path, sha256, len(data))


def register(connection: Connection, orgs: Mapping[str, str]) -> None:
    """Put orgs and their tenants into the registry's copy."""
    with connection, connection.cursor() as cursor:
        for org, tenant in orgs.items():
            cursor.execute(
                "insert into ops.orgs (org_id, org_uuid, tenant) values (%s, gen_random_uuid(), %s)", (org, tenant)
            )


def approve(connection: Connection, org: str, day: date) -> None:
    """Let a day's package through as it is now."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.approvals (feed, org_id, day, load_ids, approved_by)"
            " select feed, org_id, day, array_agg(load_id order by load_id), 'a test' from ops.load_log"
            " where feed = %s and org_id = %s and day = %s and status = 'current' group by feed, org_id, day",
            (FEED, org, day),
        )
        assert cursor.rowcount == 1


def build_rosters(settings: Settings, today: date, *, select: str = "") -> None:
    """Apply what is pending and publish, without dbt's tests; fails on the first sentence of a failure."""
    chosen = select or "+path:models/reconciled/oneroster +path:models/analytics/roster"
    with mock.patch.dict(os.environ, {"DBT_INDIRECT_SELECTION": "empty"}):
        report = build(settings, select=chosen, as_of=today)
    assert not report.failures, report.failures[0]


def rows(connection: Connection, table: str, as_of: date | None = None) -> dict[str, set[Row]]:
    """Return by org the rows of a table as stored, or as its ``_as_of`` function gives them."""
    relation = f"oneroster.{table}" if as_of is None else f"oneroster.{table}_as_of(%(day)s)"
    return by_org(_fetch(connection, f"select {_columns(table)} from {relation}", {"day": as_of}))


def history_rows(connection: Connection, table: str) -> list[HistoryRow]:
    """Return a table's ``_history``: each row with valid_from (inclusive) and valid_to (exclusive, None = now)."""
    found = _fetch(connection, f"select {_columns(table)}, valid_from, valid_to from oneroster.{table}_history")
    return [(row[:-2], cast(date, row[-2]), cast("date | None", row[-1])) for row in found]


def valid_on(history: Iterable[HistoryRow], day: date) -> dict[str, set[Row]]:
    """Return by org the rows of a history that were valid on a day."""
    return by_org([row for row, start, end in history if start <= day and (end is None or day < end)])


def by_org(found: Iterable[Row]) -> dict[str, set[Row]]:
    """Return the rows by org. Fails for a row that is there twice."""
    orgs: dict[str, set[Row]] = defaultdict(set)
    for row in found:
        assert row not in orgs[str(row[0])], row[:2]
        orgs[str(row[0])].add(row)
    return orgs


def packages(connection: Connection) -> dict[tuple[str, date], str]:
    """Return what came of each package that the builds have taken up."""
    found = _fetch(connection, "select org_id, day, status from oneroster.packages")
    return {(str(org), cast(date, day)): str(status) for org, day, status in found}


def sync_report(connection: Connection) -> dict[tuple[str, date, str], dict[str, Value]]:
    """Return what each file did, by org, day and file."""
    names = ("mode", *COUNTED)
    found = _fetch(connection, f"select org_id, day, file, {', '.join(names)} from oneroster.sync_report")
    return {(str(row[0]), cast(date, row[1]), str(row[2])): dict(zip(names, row[3:], strict=True)) for row in found}


@contextmanager
def reader(settings: Settings, orgs: list[str] | None = None) -> Iterator[str]:
    """Yield the URL of a login role that may see these orgs of the registry; dropped at the end.

    Without any it is trusted to ask for any scope, and for everything.
    """
    role = sql.Identifier(f"reader_{uuid.uuid4().hex[:12]}")
    with closing(connect(settings)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("create role {} login password 'reader'").format(role))
        grant_scope(connection, role.string, orgs or ["*"], gateway=not orgs)
        parts = urlsplit(str(settings.database_url))
        yield parts._replace(netloc=f"{role.string}:reader@{parts.hostname}:{parts.port}").geturl()
        with connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("drop owned by {0}; drop role {0}").format(role))


def view_rows(connection: Connection, view: str) -> Counter[Row]:
    """Return a published view's rows as the connection's role and scope see them, with how often each occurs."""
    with connection.cursor() as cursor:
        # a plan gone wrong shall fail, not stand still
        cursor.execute("set statement_timeout = '60s'")
        cursor.execute(f"select * from analytics.{view} limit 0")
        chosen = ", ".join(_read_as(column.name, column.type_code) for column in cursor.description or ())
    return Counter(_fetch(connection, f"select {chosen} from analytics.{view}"))


# Postgres's numbers of the types that psycopg2 does not turn into plain values by itself.
_UUIDS, _UUID, _TIMESTAMPTZ = 2951, 2950, 1184
_CASTS = {_UUIDS: "{}::text[]", _UUID: "{}::text", _TIMESTAMPTZ: "{} at time zone 'UTC'"}


def _read_as(name: str, type_code: int) -> str:
    return _CASTS.get(type_code, "{}").format(f'"{name}"')


def _columns(table: str) -> str:
    """Return a table's columns as expressions that give plain values: ids as text, times in UTC without a zone."""
    read = {
        "date_last_modified": "{} at time zone 'UTC'",
        "date_created": "{} at time zone 'UTC'",
        "term_ids": "{}::text[]",
    }
    chosen = []
    for name in TABLES[table]:
        is_id = (name == "id" or name.endswith("_id")) and name not in {"org_id", "sourced_id"}
        chosen.append(read.get(name, "{}::text" if is_id else "{}").format(f'"{name}"'))
    return ", ".join(chosen)


def _fetch(connection: Connection, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or {})
        found = [tuple(_plain(value) for value in row) for row in cursor.fetchall()]
    connection.commit()
    return found


def _plain(value: Any) -> Value:
    return tuple(value) if isinstance(value, list) else cast(Value, value)
