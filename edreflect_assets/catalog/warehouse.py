"""What the warehouse says of the published views: types, rows counted, days delivered, the last build."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.catalog.views import SCHEMA
from edreflect_assets.errors import ConfigurationError

FileKey = tuple[str, str]

_COLUMNS = """
select class.relname, attribute.attname, format_type(attribute.atttypid, attribute.atttypmod)
from pg_class as class
inner join pg_attribute as attribute on class.oid = attribute.attrelid
where class.relnamespace = to_regnamespace(%s) and attribute.attnum > 0 and not attribute.attisdropped
order by class.relname, attribute.attnum
"""
# Superseded deliveries count no longer: the newest bytes of a day are what was delivered that day.
_DAYS = """
select feed, table_name, day, sum(rows)::bigint
from ops.load_log
where status = 'current' and table_name is not null and day is not null
group by feed, table_name, day
order by feed, table_name, day
"""
_LAST_BUILD = """
select finished_at, status from ops.builds where finished_at is not null order by build_id desc limit 1
"""
_SHORT = {"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp"}


@dataclass(frozen=True)
class Build:
    """How the last build ended, and when (UTC)."""

    finished_at: datetime
    status: str


@dataclass(frozen=True)
class Warehouse:
    """The state of a warehouse when the catalogue was written.

    ``types`` by view and column; ``days`` are the rows delivered by feed and table and day; ``counts`` the rows of marts
    by relation.
    """

    types: Mapping[str, Mapping[str, str]]
    days: Mapping[FileKey, Mapping[date, int]]
    last_build: Build | None
    counts: Mapping[str, int] = field(default_factory=dict)

    def newest_day(self, files: Iterable[FileKey]) -> date | None:
        """Return the newest day on which any of these files was delivered, None when none was."""
        return max((day for file in files for day in self.days.get(file, {})), default=None)

    def rows_by_day(self, files: Iterable[FileKey]) -> dict[date, int]:
        """Return how many rows these files delivered on each day, in the order of days."""
        total: dict[date, int] = {}
        for file in files:
            for day, rows in self.days.get(file, {}).items():
                total[day] = total.get(day, 0) + rows
        return dict(sorted(total.items()))


def read_warehouse(connection: Connection) -> Warehouse:
    """Return what the warehouse knows, nothing counted yet, in a transaction of its own that only reads.

    Raises ConfigurationError when nothing is published.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("set transaction read only")
        types: dict[str, dict[str, str]] = {}
        for view, column, data_type in _rows(cursor, _COLUMNS, [SCHEMA]):
            types.setdefault(view, {})[column] = short_type(data_type)
        days: dict[FileKey, dict[date, int]] = {}
        for feed, table, day, rows in _rows(cursor, _DAYS):
            days.setdefault((feed, table), {})[day] = rows
        build = next((Build(*row) for row in _rows(cursor, _LAST_BUILD)), None)
    if not types:
        raise ConfigurationError(
            "Nothing is published yet, so there is nothing to describe; load deliveries and run `edreflect build` first."
        )
    return Warehouse(types=types, days=days, last_build=build)


def count_rows(
    connection: Connection, relations: Iterable[str], progress: Callable[[str], None] | None = None
) -> dict[str, int]:
    """Return the number of rows of each relation (``schema.name``) that exists, each counted once, for all orgs.

    ``progress`` is called with a relation before it is counted. What a build replaces meanwhile is waited for.
    """
    counts: dict[str, int] = {}
    for relation in dict.fromkeys(relations):
        if progress:
            progress(relation)
        with connection, connection.cursor() as cursor:
            cursor.execute("set transaction read only")
            try:
                cursor.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(*relation.split("."))))
            except (errors.UndefinedTable, errors.InvalidSchemaName):
                connection.rollback()
                continue
            row = cursor.fetchone()
            counts[relation] = row[0] if row else 0
    return counts


def short_type(data_type: str) -> str:
    """Return the name of a type as this project writes it: timestamptz, not timestamp with time zone."""
    base = data_type.removesuffix("[]")
    return _SHORT.get(base, base) + data_type[len(base) :]


def _rows(cursor: Any, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    cursor.execute(query, parameters)
    return list(cursor.fetchall())
