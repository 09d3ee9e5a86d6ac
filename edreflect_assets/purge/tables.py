"""Where rows of an org lie in the database: read from the catalog, so that tables added later are found as well.

Only the platform's own schemas are looked at: whatever else lives in the same database is not ours to delete.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.purge.subject import Subject

Link = Literal["org", "load", "tenant"]

# A feed has raw_<feed>, <feed> and <feed>_log.
_TABLES = """
select namespace.nspname, class.relname,
    coalesce(bool_or(attname = 'org_id' and atttypid = any ('{text,varchar,name}'::regtype[])), false),
    min(attname::text) filter (where attname in ('load_id', '_load_id')),
    coalesce(bool_or(attname = 'tenant' and atttypid = any ('{text,varchar,name}'::regtype[])), false)
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_attribute on attrelid = class.oid and attnum > 0 and not attisdropped
where class.relkind in ('r', 'p') and not class.relispartition and class.relpersistence <> 't'
    and (
        namespace.nspname in ('ops', 'access', 'edfi', 'staging', 'marts', 'marts_log', 'analytics')
        or namespace.nspname like 'raw\\_%'
        or exists (
            select from pg_namespace as raw
            where raw.nspname = 'raw_' || regexp_replace(namespace.nspname, '_log$', '')
        )
    )
group by namespace.nspname, class.relname
order by namespace.nspname, class.relname
"""
_KINDS = {
    "ops.load_log": "ledger of loads",
    "ops.applied": "records of what was applied",
    "ops.quarantine": "records set aside",
    "ops.package_reports": "package reports",
    "ops.approvals": "approvals",
    "ops.orgs": "copy of the registry",
}


@dataclass(frozen=True)
class OrgTable:
    """A table and how its rows lead to an org: by ``org_id``, by a load, or only by the tenant."""

    schema: str
    name: str
    link: Link
    column: str

    def __str__(self) -> str:
        """Return schema.table."""
        return f"{self.schema}.{self.name}"

    @property
    def kind(self) -> str:
        """What its rows are, for a person."""
        if self.schema.startswith("raw_"):
            return "raw log"
        if self.schema.endswith("_log"):
            return "key logs and changes"
        if self.schema == "access":
            return "access grants"
        if self.schema == "edfi":
            return "what the Ed-Fi ODS was sent"
        if self.schema in {"marts", "analytics", "staging"}:
            return "marts"
        return _KINDS.get(str(self), "the platform's records" if self.schema == "ops" else "reconciled rows")

    @property
    def relation(self) -> sql.Identifier:
        """The table in a statement."""
        return sql.Identifier(self.schema, self.name)

    def rows_of(self, subject: Subject) -> sql.Composable:
        """Return the condition on its rows that are the org's."""
        if self.link == "load":
            loads = sql.SQL("select load_id from ops.load_log where org_id = {}").format(sql.Literal(subject.org_id))
            return sql.SQL("{} in ({})").format(sql.Identifier(self.column), loads)
        value = subject.org_id if self.link == "org" else subject.tenant
        return sql.SQL("{} = {}").format(sql.Identifier(self.column), sql.Literal(value))

    def is_shared(self, subject: Subject) -> bool:
        """Tell whether its rows of the org cannot be told from those of other orgs of the tenant."""
        return self.link == "tenant" and not subject.alone

    @property
    def holds_changes(self) -> bool:
        """Whether it lists what has changed, for the marts that are made of changes."""
        return self.link == "tenant" and self.schema.endswith("_log")


def org_tables(cursor: Cursor) -> list[OrgTable]:
    """Return every table of the platform that can hold rows of an org, by schema and name."""
    cursor.execute(_TABLES)
    return list(_linked(cursor))


def _linked(cursor: Cursor) -> Iterator[OrgTable]:
    for schema, name, by_org, load_column, by_tenant in cursor.fetchall():
        if by_org:
            yield OrgTable(schema, name, "org", "org_id")
        elif load_column:
            yield OrgTable(schema, name, "load", load_column)
        elif by_tenant:
            yield OrgTable(schema, name, "tenant", "tenant")


def count_rows(cursor: Cursor, table: OrgTable, subject: Subject) -> int:
    """Return how many rows of a table are the org's, or its tenant's where no row says more."""
    cursor.execute(
        sql.SQL("select count(*) from {} where {}").format(table.relation, table.rows_of(subject)),
    )
    (count,) = cursor.fetchone() or (0,)
    return int(count)
