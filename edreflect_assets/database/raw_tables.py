"""How a raw table is made: by a migration for what a contract lists, by the loader for a file that nobody listed."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 names its class in lower case

RAW_LINEAGE = "org_id text not null, _load_id bigint not null, _row integer not null, _line integer not null"
# Append-only: vacuum serves the visibility map and the BRIN summaries, long before 20 % of a large table are new.
RAW_STORAGE = """autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02"""


def create_raw_table(cursor: Cursor, schema: str, name: str, columns: Sequence[str]) -> None:
    """Create a raw table with these text columns and the index of its loads, or what of them is missing.

    Works in the caller's transaction. Callers take turns under ``migrations.LOCK_KEY``.
    """
    table = sql.Identifier(schema, name)
    cursor.execute(
        sql.SQL("create table if not exists {} ({}) with ({})").format(
            table, sql.SQL(RAW_LINEAGE), sql.SQL(RAW_STORAGE)
        )
    )
    # Only missing columns are added: even a no-op ALTER TABLE would wait for every reader and loader.
    cursor.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        [table.as_string(cursor)],
    )
    present = {attribute for (attribute,) in cursor.fetchall()}
    missing = [column for column in columns if column not in present]
    if missing:
        additions = sql.SQL(", ").join(
            sql.SQL("add column {} text").format(sql.Identifier(column)) for column in missing
        )
        cursor.execute(sql.SQL("alter table {} {}").format(table, additions))
    cursor.execute(
        sql.SQL("create index if not exists {} on {} using brin (_load_id) with (autosummarize = on)").format(
            sql.Identifier(f"{name[:54]}_load_id"), table
        )
    )
