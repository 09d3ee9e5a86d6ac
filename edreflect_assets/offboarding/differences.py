"""The last daily state beside the current snapshot, table by table: which keys only one of them has, and which differ.

Rows are compared as multisets per key, which serves tables of one row per key and of whole lists alike: the rows of both
sides are put below each other and grouped by key once; two sides agree where they have the same number of rows and the
same sum of the rows' hashes. So the cost is one aggregation, and null keys need no care.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Column, Feed, FileContract, load_feeds
from edreflect_assets.offboarding.contents import Difference, Key, KeysApart
from edreflect_assets.offboarding.database import SAMPLES, columns_of, identifiers, query, shown_key

# Rows of the export; those of a key that it touched after the day of the snapshot say so by their day.
_KEYS = """
create temp table compared_keys on commit drop as
select
    compared.*,
    case
        when snapshot_rows = 0 then 'only_daily'
        when daily_rows = 0 then 'only_snapshot'
        when daily_rows <> snapshot_rows or daily_content <> snapshot_content then 'other_content'
        else 'same'
    end as outcome
from (
    select
        {key},
        count(*) filter (where is_daily) as daily_rows,
        count(*) filter (where not is_daily) as snapshot_rows,
        sum(content) filter (where is_daily) as daily_content,
        sum(content) filter (where not is_daily) as snapshot_content,
        max(last_day) as last_day,
        bool_or(has_unmapped) as has_unmapped
        {differing}
    from (
        select {key}, true as is_daily, _day as last_day, coalesce(_unmapped, '{{}}') <> '{{}}' as has_unmapped,
            hash_record_extended(row({columns}), 0) as content {hashes}
        from {daily}
        where org_id = %(org)s
        union all
        select {typed_key}, false, null, false, hash_record_extended(row({typed_columns}), 0) {typed_hashes}
        from {snapshot}
        where org_id = %(org)s
    ) as stated
    group by {key}
) as compared
"""
# A key that the export emptied or deleted after the snapshot has no row that would say so: the log of keys does.
_EMPTIED_SINCE = """
update pg_temp.compared_keys as compared
set last_day = %(after)s
from (
    select distinct {key}
    from {log}
    where org_id = %(org)s and _day > %(day)s and _kind = any (%(kinds)s)
) as since
where compared.outcome = 'only_snapshot' and {same}
"""
_COUNTS = """
select
    outcome,
    coalesce(last_day > %(day)s, false) as is_newer,
    count(*),
    count(*) filter (where has_unmapped),
    count(*) filter (where daily_rows <> snapshot_rows)
    {by_column}
from pg_temp.compared_keys
group by 1, 2
"""
_SAMPLES = """
select array[{text_key}]
from pg_temp.compared_keys
where {condition}
order by {key}
limit %(samples)s
"""


Progress = Callable[[str], None]


def differences(
    connection: Connection, feed: Feed, org: str, day: date, progress: Progress
) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """Compare every table of an org's daily state that the snapshot has, too, with its current snapshot, of ``day``.

    Also returns the tables that are not compared because the daily export never delivered them. ``progress`` is told of
    each table beforehand. In the connection's transaction, which keeps a temporary table of keys until it ends.
    """
    delivered = _delivered(connection, feed, org)
    compared, left_out = [], []
    for contract in feed.files.values():
        if not columns_of(connection, "marts", f"snapshot_{contract.table}"):
            continue
        if "_unmapped" not in columns_of(connection, feed.name, contract.table) or contract.table not in delivered:
            left_out.append(contract.table)
            continue
        progress(contract.table)
        compared.append(_Comparison(connection, contract, org, day).difference())
    return tuple(compared), tuple(left_out)


def _delivered(connection: Connection, feed: Feed, org: str) -> frozenset[str]:
    """Return the tables that the daily export, or one from before the refresh, ever delivered for an org."""
    feeds = [feed.name, *(other.name for other in load_feeds().values() if other.extends == feed.name)]
    statement = "select distinct table_name from ops.load_log where org_id = %(org)s and feed = any (%(feeds)s)"
    rows = query(connection, f"{statement} and status = 'current' and table_name is not null", org=org, feeds=feeds)
    return frozenset(table for (table,) in rows)


class _Comparison:
    """One table of one org: compared once, then asked."""

    def __init__(self, connection: Connection, contract: FileContract, org: str, day: date) -> None:
        self._connection, self._contract = connection, contract
        self._parameters = {"org": org, "day": day}
        self._key = contract.key or contract.drop_key
        self._lacking = self._not_in_snapshot()
        beside = {*self._key, *self._lacking}
        self._columns = [column for column in contract.columns if column.name not in beside and not column.deletes]

    def difference(self) -> Difference:
        """Compare, and return what came of it."""
        self._compare()
        counts = {
            (outcome, newer): (keys, unmapped, other_number, by_column)
            for outcome, newer, keys, unmapped, other_number, *by_column in self._query(
                sql.SQL(_COUNTS).format(
                    by_column=self._each(
                        ", count(*) filter (where outcome = 'other_content' and daily_rows = snapshot_rows and {differs})"
                    )
                )
            )
        }
        none = (0, 0, 0, [0] * len(self._columns))

        def apart(outcome: str) -> KeysApart:
            condition = f"outcome = '{outcome}' and (last_day > %(day)s) is not true"
            return KeysApart(counts.get((outcome, False), none)[0], self._samples(condition))

        differing = counts.get(("other_content", False), none)
        return Difference(
            table=self._contract.table,
            key=self._key,
            columns=tuple(column.name for column in self._columns),
            not_in_snapshot=self._lacking,
            same=sum(keys for (outcome, _), (keys, *_) in counts.items() if outcome == "same"),
            only_daily=apart("only_daily"),
            only_daily_unmapped=counts.get(("only_daily", False), none)[1],
            only_snapshot=apart("only_snapshot"),
            other_content=apart("other_content"),
            other_number_of_rows=differing[2],
            differing_columns={
                column.name: keys for column, keys in zip(self._columns, differing[3], strict=True) if keys
            },
            changed_after=KeysApart(
                sum(keys for (outcome, newer), (keys, *_) in counts.items() if newer and outcome != "same"),
                self._samples("outcome <> 'same' and last_day > %(day)s"),
            ),
        )

    def _compare(self) -> None:
        contract = self._contract
        types = {column.name: column for column in contract.columns}
        self._execute(sql.SQL("drop table if exists pg_temp.compared_keys"))
        self._execute(sql.SQL("set local work_mem = '128MB'"))
        self._execute(
            sql.SQL(_KEYS).format(
                key=identifiers(self._key),
                columns=identifiers(column.name for column in self._columns),
                hashes=self._each(", hash_record_extended(row({name}), 0) as {hash}"),
                # the export decides about the type: 2 and 2.0 are one number only as numbers
                typed_key=_typed([types[name] for name in self._key]),
                typed_columns=_typed(self._columns),
                typed_hashes=self._each(", hash_record_extended(row({name}::{type}), 0)"),
                differing=self._each(
                    ", sum({hash}) filter (where is_daily) is distinct from"
                    " sum({hash}) filter (where not is_daily) as {differs}"
                ),
                daily=sql.Identifier(contract.feed, contract.table),
                snapshot=sql.Identifier("marts", f"snapshot_{contract.table}"),
            )
        )
        self._mark_emptied(self._key, ["row", "touch", "removal"])
        if contract.deleted_by:
            # a deletion names a part of the key, and ends all that has it
            named = tuple(name for name in self._key if name in contract.deleted_by.key)
            self._mark_emptied(named, ["deletion"])

    def _mark_emptied(self, key: tuple[str, ...], kinds: list[str]) -> None:
        statement = sql.SQL(_EMPTIED_SINCE).format(
            key=identifiers(key),
            log=sql.Identifier(f"{self._contract.feed}_log", self._contract.table),
            # an equality that rows can be hashed by; a key that is partly empty is left as it is
            same=sql.SQL(" and ").join(
                sql.SQL("since.{0} = compared.{0}").format(sql.Identifier(name)) for name in key
            ),
        )
        self._execute(statement, after=date.max, kinds=kinds)

    def _samples(self, condition: str) -> tuple[Key, ...]:
        statement = sql.SQL(_SAMPLES).format(
            text_key=sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in self._key),
            condition=sql.SQL(condition),
            key=identifiers(self._key),
        )
        return tuple(shown_key(values) for (values,) in self._query(statement, samples=SAMPLES))

    def _not_in_snapshot(self) -> tuple[str, ...]:
        """Return the columns that marts.snapshot_<table> fills with a constant null: the product does not have them."""
        statement = sql.SQL("select pg_get_viewdef(format('marts.%%I', %(view)s)::regclass)")
        definition = self._query(statement, view=f"snapshot_{self._contract.table}")[0][0]
        constant = set(re.findall(r"\bNULL::[a-z ]+ AS (\w+)", definition))
        return tuple(name for name in self._contract.column_names if name in constant)

    def _each(self, template: str) -> sql.Composable:
        """Return ``template`` for each column, with its name, its type, and names for its hash and whether it differs."""
        return sql.Composed(
            [
                sql.SQL(template).format(
                    name=sql.Identifier(column.name),
                    type=sql.SQL(column.data_type),
                    hash=sql.Identifier(f"hash_{number}"),
                    differs=sql.Identifier(f"differs_{number}"),
                )
                for number, column in enumerate(self._columns)
            ]
        )

    def _query(self, statement: sql.Composable, **parameters: Any) -> list[tuple[Any, ...]]:
        return query(self._connection, statement, **self._parameters, **parameters)

    def _execute(self, statement: sql.Composable, **parameters: Any) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, {**self._parameters, **parameters})


def _typed(columns: list[Column]) -> sql.Composable:
    return sql.SQL(", ").join(
        sql.SQL("{}::{}").format(sql.Identifier(column.name), sql.SQL(column.data_type)) for column in columns
    )
