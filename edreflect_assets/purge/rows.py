"""The database's part of a purge: retire what the org delivered, and, once a build has applied that, delete its rows.

Retiring is what the platform does to any load that no longer counts: every model takes its rows back, key by key, and the
marts follow from what changed. So whatever other orgs of the tenant deliver as well becomes what it would be if this org
had never delivered, by the same machinery, at the same cost, unnoticed by readers; and what is deleted afterwards is
nothing that any view shows.
"""

from __future__ import annotations

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from edreflect_assets.access import change_of_grants
from edreflect_assets.access_expansion import expand
from edreflect_assets.errors import EdreflectError
from edreflect_assets.purge.subject import Subject
from edreflect_assets.purge.tables import OrgTable, org_tables

_WAITING = """
select
    exists (select from ops.load_log where org_id = %(org)s and status = 'current'),
    exists (select from ops.applied join ops.load_log using (load_id) where org_id = %(org)s)
"""


def retire(connection: Connection, subject: Subject) -> bool:
    """Let none of the org's loads count any longer, and commit; tell whether a build has to take rows back."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "update ops.load_log set status = 'superseded' where org_id = %s and status = 'current'", [subject.org_id]
        )
        cursor.execute(_WAITING, {"org": subject.org_id})
        _, applied = cursor.fetchone() or (False, False)
    return bool(applied)


def delete_rows(connection: Connection, subject: Subject) -> list[OrgTable]:
    """Delete every row that is the org's, its grants and whatever names it, in one transaction; return the tables.

    The builder's lock is held and no load of the org is running. Raises EdreflectError when a build has not taken back all
    that was retired: then rows of other orgs could still be made of this one's.
    """
    with change_of_grants(connection) as cursor:
        cursor.execute(_WAITING, {"org": subject.org_id})
        current, applied = cursor.fetchone() or (False, False)
        if current or applied:
            raise EdreflectError(
                f"What {subject.org_id} delivered has not been taken back by a build yet; purge it again."
            )
        tables = org_tables(cursor)
        # Rows that are known by their load go before the ledger that says whose loads they are, the registry goes last.
        order = {"load": 0, "org": 1, "tenant": 2}
        for table in sorted(tables, key=lambda table: (str(table) == "ops.orgs", order[table.link], str(table))):
            if table.holds_changes or not table.is_shared(subject):
                cursor.execute(
                    sql.SQL("delete from {} where {}").format(table.relation, table.rows_of(subject)),
                )
        _forget_in_marts(cursor, subject)
        _forget_grants(cursor, subject)
    return tables


def _forget_in_marts(cursor: Cursor, subject: Subject) -> None:
    # Changes of the tenant are gone: a mart that had not taken them must begin anew when it is built again.
    cursor.execute(
        "delete from ops.consumed using ops.changes"
        " where consumed.upstream = changes.model and consumed.change_id < changes.last_change"
    )
    # A mart begins anew when an org that it was made for is another tenant's; this one has no rows that could have moved.
    cursor.execute(
        "update ops.marts set tenants = tenants - %(org)s where jsonb_exists(tenants, %(org)s)",
        {"org": subject.org_id},
    )
    cursor.execute("select build_id, error from ops.builds where error is not null")
    named = [build_id for build_id, error in cursor.fetchall() if subject.named_in(error)]
    cursor.execute("update ops.builds set error = 'named an org that was purged' where build_id = any(%s)", [named])


def _forget_grants(cursor: Cursor, subject: Subject) -> None:
    """Take back grants of the org's name and of organizations that nobody else has, and their traces; ``*`` stays."""
    own = list(subject.organizations)
    cursor.execute("delete from access.org_grants where org_id::text = any(%s)", [own])
    expand(cursor)
    cursor.execute("delete from access.grant_log where org = any(%s)", [[subject.org_id, *own]])


def count_grants(cursor: Cursor, subject: Subject) -> dict[str, int]:
    """Return how many grants and lines of their log name the org or an organization of its own, by table."""
    own = list(subject.organizations)
    cursor.execute("select count(*) from access.org_grants where org_id::text = any(%s)", [own])
    (grants,) = cursor.fetchone() or (0,)
    cursor.execute("select count(*) from access.grant_log where org = any(%s)", [[subject.org_id, *own]])
    (lines,) = cursor.fetchone() or (0,)
    return {"access.org_grants": int(grants), "access.grant_log": int(lines)}
