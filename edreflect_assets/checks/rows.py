"""Whether every row is accounted for."""

from __future__ import annotations

from datetime import datetime

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks.base import (
    CheckResult,
    Registry,
    column_list,
    plural,
    query,
    result,
    same_values,
    where,
    window_start,
)
from edreflect_assets.contracts import Feed, FileContract


def rows_balanced(connection: Connection, feed: Feed, _registry: Registry, now: datetime) -> CheckResult:
    """Compare the ledger's figures with the rows that raw and quarantine really hold."""
    after = window_start(connection, now)
    # Rows that a load shares with an older one are those of the older one.
    older = query(
        connection,
        """
        select coalesce(array_agg(distinct rows_load_id), '{}') from ops.load_log
        where load_id > %(after)s and feed = %(feed)s and status = 'current' and rows_load_id <= %(after)s
        """,
        after=after,
        feed=feed.name,
    )[0][0]
    # Files that a naming convention let in have tables that no contract lists.
    beside = query(
        connection,
        """
        select distinct table_name from ops.load_log
        where load_id > %(after)s and feed = %(feed)s and status = 'current' and table_name is not null
        """,
        after=after,
        feed=feed.name,
    )
    counts = sql.SQL(" union all ").join(
        sql.SQL("select _load_id, count(*) as found from {} where _load_id > {}{} group by _load_id").format(
            # a feed that extends another has its rows in that one's raw tables
            sql.Identifier(feed.tables[table].raw_schema if table in feed.tables else feed.raw_schema, table),
            sql.Literal(after),
            sql.SQL(" or _load_id = any({})").format(sql.Literal(older)) if older else sql.SQL(""),
        )
        for table in sorted({*feed.tables, *(table for (table,) in beside)})
    )
    statement = sql.SQL(
        """
        with raw as ({counts}),
        set_aside as (
            select load_id, count(*) as found from ops.quarantine
            where load_id > {after} and model is null group by load_id
        )
        select l.org_id, l.day, l.file, l.load_id, l.rows, coalesce(raw.found, 0), l.quarantined,
               coalesce(set_aside.found, 0)
        from ops.load_log l
        left join raw on raw._load_id = coalesce(l.rows_load_id, l.load_id)
        left join set_aside using (load_id)
        where l.load_id > {after} and l.feed = {feed} and l.status = 'current'
          and (l.rows <> coalesce(raw.found, 0) or l.quarantined <> coalesce(set_aside.found, 0))
        order by l.load_id
        """
    ).format(counts=counts, after=sql.Literal(after), feed=sql.Literal(feed.name))
    found = [
        f"{where(org, day)}, {file} (load {load}): {rows} rows and {aside} set aside were recorded, "
        f"{raw_rows} and {quarantined} are there"
        for org, day, file, load, rows, raw_rows, aside, quarantined in query(connection, statement)
    ]
    return result(
        "rows_balanced",
        "error",
        found,
        good="Every record of every file was loaded or set aside.",
        meaning="Rows were added or removed behind the ledger's back",
        resolve="Load the files again from their landed bytes with `edreflect load --again`",
    )


def quarantine(connection: Connection, feed: Feed, _registry: Registry, now: datetime) -> CheckResult:
    """Count the rows of current loads that were set aside, at load or because a value did not cast."""
    at_loading = "not readable or against a rule" if feed.package else "not readable"
    rows = query(
        connection,
        """
        select l.org_id, l.day, l.file, l.load_id,
               count(*) filter (where q.model is null), count(*) filter (where q.model is not null)
        from ops.quarantine q
        join ops.load_log l using (load_id)
        where q.load_id > %(after)s and l.feed = %(feed)s and l.status = 'current'
        group by l.org_id, l.day, l.file, l.load_id
        order by l.org_id, l.day, l.file
        """,
        after=window_start(connection, now),
        feed=feed.name,
    )
    found = [
        f"{where(org, day)}, {file} (load {load}): {at_load} {at_loading}, {uncast} with a value that does not fit"
        for org, day, file, load, at_load, uncast in rows
    ]
    return result(
        "quarantine",
        "warn",
        found,
        good="No row was set aside.",
        meaning="These rows are not in any published view"
        + (", and count as deleted until a later file has them" if feed.holds_snapshots else ""),
        resolve="`select line, column_name, reason from ops.quarantine where load_id = N` names the lines; "
        "have the source correct them and deliver the day again",
        set_aside=sum(at_load + uncast for *_, at_load, uncast in rows),
    )


def lists_delivered_again(connection: Connection, feed: Feed, _registry: Registry, now: datetime) -> CheckResult:
    """Count rows whose owner was named as modified, but which were not delivered again.

    Concerns upsert files whose key extends that of a reference file (Goals_Indicators and Goals_Modified): the source
    states no drop rule for them, so a row that was removed there looks just like one that did not change.
    """
    references = [c for c in feed.files.values() if c.load == "reference"]
    owned = [
        (contract, reference)
        for contract in feed.files.values()
        for reference in references
        if contract.load == "upsert" and len(contract.key) > len(reference.key)
        if contract.key[: len(reference.key)] == reference.key
    ]
    after = window_start(connection, now)
    found = []
    total = 0
    for contract, reference in owned:
        reconciled = sql.Identifier(feed.name, contract.table)
        exists = query(connection, "select to_regclass(%(name)s)", name=f"{feed.name}.{contract.table}")[0][0]
        still_there: sql.Composable = sql.SQL("")
        if exists:
            matches = same_values("t", "rows", contract.key)
            still_there = sql.SQL("and exists (select from {} t where t.org_id = rows.org_id and {})").format(
                reconciled, matches
            )
        statement = sql.SQL(
            """
            with named as (
                select r.org_id, {owner}, max(l.day) as day
                from {reference} r join ops.load_log l on l.load_id = r._load_id and l.status = 'current'
                where r._load_id > {after}
                group by r.org_id, {owner}
            ),
            rows as (
                select t.org_id, {key}, max(t._day) as day
                from {delivered} t
                where exists (select from named where named.org_id = t.org_id and {same_owner})
                group by t.org_id, {key}
            )
            select rows.org_id, named.day, count(*)
            from rows join named on named.org_id = rows.org_id and {joined}
            where rows.day < named.day {still_there}
            group by rows.org_id, named.day order by rows.org_id, named.day
            """
        ).format(
            owner=column_list("r", reference.key),
            key=column_list("t", contract.key),
            reference=sql.Identifier(feed.raw_schema, reference.table),
            delivered=_delivered(connection, feed, contract),
            after=sql.Literal(after),
            same_owner=same_values("named", "t", reference.key),
            joined=same_values("named", "rows", reference.key),
            still_there=still_there,
        )
        for org, day, count in query(connection, statement):
            total += count
            found.append(f"{where(org, day)}: {plural(count, 'row')} of {contract.file} not delivered again")
    return result(
        "lists_delivered_again",
        "warn",
        found,
        good="Whatever belongs to something modified was delivered again.",
        meaning="The source states no drop rule for such a file: these rows stay in the published views, although "
        "the source may have removed them",
        resolve="Ask the source whether the file is complete for everything named as modified; if it is, give it "
        "a drop_key and touched_by in the feed's contract",
        not_delivered_again=total,
    )


def _delivered(connection: Connection, feed: Feed, contract: FileContract) -> sql.Composable:
    """Return the delivered rows of a file with their ``_day``: its key log, indexed by key, once there is one."""
    if query(connection, "select to_regclass(%(name)s)", name=f"{feed.name}_log.{contract.table}")[0][0]:
        return sql.SQL("(select * from {} where _kind = 'row')").format(
            sql.Identifier(f"{feed.name}_log", contract.table)
        )
    return sql.SQL(
        "(select raw.*, l.day as _day from {} as raw"
        " join ops.load_log l on l.load_id = raw._load_id and l.status = 'current')"
    ).format(sql.Identifier(feed.raw_schema, contract.table))
