"""Whether what exports from before the refresh brought fits to what came after, as the last build left it."""

from __future__ import annotations

from datetime import datetime

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks.base import CheckResult, Registry, plural, query, result
from edreflect_assets.contracts import Feed

# Reconciled tables are there from the first build on.
_BUILT = """
    select relname from pg_class
    where relnamespace = to_regnamespace(%(schema)s) and relkind = 'r' and exists (
        select from pg_attribute where attrelid = pg_class.oid and attname = '_unmapped'
    )
"""
_UNMAPPED = """
    select org_id, {table}, count(*) from {rows}
    where _source = 'legacy' and _unmapped <> '{{}}' group by org_id
"""
# school_year = 2009 + school_year_id; see year_of_id in macros/reconcile/legacy.sql
_YEARS = "select org_id, {table}, count(*) from {rows} where school_year <> 2009 + school_year_id group by org_id"


def old_ids_mapped(connection: Connection, feed: Feed, _registry: Registry, _now: datetime) -> CheckResult:
    """Find rows of legacy exports, not taken over by the daily export, with ids that no id map translates."""
    tables = [contract.table for contract in feed.files.values() if not set(feed.ids).isdisjoint(contract.column_names)]
    found = _counted(connection, feed, tables, _UNMAPPED)
    return result(
        "old_ids_mapped",
        "warn",
        [f"{org}: {plural(count, 'row')} of {table}" for org, table, count in found],
        good="Every old id that has a kind of id map is translated, or its row was taken over by the daily export.",
        meaning="Such rows are kept with the old ids and marked in _unmapped; they meet none of today's",
        resolve="Ask the source for the id maps and load them as files without a day; `edreflect offboarding report --org"
        " ORG` counts the ids by column and names some",
        rows=sum(count for *_, count in found),
    )


def school_years_agree(connection: Connection, feed: Feed, _registry: Registry, _now: datetime) -> CheckResult:
    """Find reconciled rows, of whatever export, whose school year is not that of their school_year_id."""
    both = {"school_year", "school_year_id"}
    tables = [contract.table for contract in feed.files.values() if both <= set(contract.column_names)]
    found = _counted(connection, feed, tables, _YEARS)
    return result(
        "school_years_agree",
        "warn",
        [f"{org}: {plural(count, 'row')} of {table}" for org, table, count in found],
        good="Wherever a row has both a school year and its id, they agree.",
        meaning="school_year counts; the row may belong to another year",
        resolve="Ask the source which of the two is right; `edreflect offboarding report --org ORG` names some of the keys",
        rows=sum(count for *_, count in found),
    )


def _counted(connection: Connection, feed: Feed, tables: list[str], statement: str) -> list[tuple[str, str, int]]:
    """Return (org, table, rows) of the tables of the extended feed that are built, in the order of the orgs' names."""
    schema = str(feed.extends)
    built = {name for (name,) in query(connection, _BUILT, schema=schema)}
    arms = [
        sql.SQL(statement).format(table=sql.Literal(table), rows=sql.Identifier(schema, table))
        for table in tables
        if table in built
    ]
    if not arms:
        return []
    rows = query(connection, sql.SQL("{} order by 1, 2").format(sql.SQL(" union all ").join(arms)))
    return [(org, table, count) for org, table, count in rows]
