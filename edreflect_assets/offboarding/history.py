"""The history beside the snapshot: ids of legacy exports without a map, school years that contradict themselves, people."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Feed, FileContract
from edreflect_assets.offboarding.contents import Legacy, PersonConflict, Persons, SchoolYears, UnmappedIds
from edreflect_assets.offboarding.database import SAMPLES, columns_of, identifiers, query, shown_ids, shown_key

# Conflicts are named one by one up to here; marts.person_conflicts has all.
CONFLICTS = 100
FIRST_YEAR = 2009


def legacy_exports(connection: Connection, feed: Feed, legacy: Feed, org: str) -> Legacy:
    """Return what an org's exports from before the refresh brought, and the ids in them that no map translates.

    Counted are rows that are the latest word on their key: what the daily export has taken over has today's ids.
    """
    loads = query(
        connection,
        "select day, file, table_name, rows from ops.load_log where feed = %(feed)s and org_id = %(org)s"
        " and status = 'current' and table_name is not null order by day, file",
        feed=legacy.name,
        org=org,
    )
    if not loads:
        return Legacy()
    maps = _kinds_with_a_map(connection, feed, org)
    delivered = {table for _, _, table, _ in loads}
    unmapped: list[UnmappedIds] = []
    for contract in _reconciled(feed):
        if contract.table in delivered and "_unmapped" in columns_of(connection, feed.name, contract.table):
            unmapped += _unmapped_ids(connection, contract, legacy, maps, org)
    return Legacy(
        days=tuple(sorted({day for day, *_ in loads})),
        files=len(loads),
        rows=sum(rows for *_, rows in loads),
        unmapped=tuple(unmapped),
        kinds_without_map=tuple(sorted({kind for found in unmapped if not found.has_map for kind in found.kinds})),
        never_mapped=tuple(
            f"{contract.table}.{column}"
            for contract in _reconciled(feed)
            if contract.table in delivered
            for column in contract.column_names
            if _is_id(column) and column not in legacy.ids
        ),
    )


def school_years(connection: Connection, feed: Feed, legacy: Feed, org: str) -> tuple[SchoolYears, ...]:
    """Return, by table, the rows whose school year and school_year_id are both there and contradict each other.

    Reconciled rows where the contract has both columns; else the rows of legacy exports that bring an id beside the year.
    """
    found = []
    for contract in _reconciled(feed):
        if "school_year" not in contract.column_names:
            continue
        key = contract.key or contract.drop_key
        if "school_year_id" in contract.column_names:
            if not columns_of(connection, feed.name, contract.table):
                continue
            where, statement = (
                "reconciled",
                sql.SQL(
                    "select {key} from {rows} where org_id = %(org)s and school_year <> {first} + school_year_id"
                ).format(
                    key=_as_text(key), rows=sql.Identifier(feed.name, contract.table), first=sql.Literal(FIRST_YEAR)
                ),
            )
        elif "school_year_id" in columns_of(connection, feed.raw_schema, contract.table):
            where, statement = (
                "as delivered",
                sql.SQL(
                    """
                select {key} from {rows}
                where _load_id = any (array(
                    select load_id from ops.load_log where feed = %(feed)s and org_id = %(org)s
                      and table_name = %(table)s and status = 'current'
                  ))
                  and pg_input_is_valid(school_year, 'integer') and pg_input_is_valid(school_year_id, 'integer')
                  and school_year::numeric <> {first} + school_year_id::numeric
                """
                ).format(
                    key=_as_text(key),
                    rows=sql.Identifier(feed.raw_schema, contract.table),
                    first=sql.Literal(FIRST_YEAR),
                ),
            )
        else:
            continue
        counted = sql.SQL(
            "select (select count(*) from ({rows}) as counted), array(select array[{key}] from ({rows}) as named"
            " order by {key} limit {samples})"
        ).format(rows=statement, key=identifiers(key), samples=sql.Literal(SAMPLES))
        rows, samples = query(connection, counted, org=org, feed=legacy.name, table=contract.table)[0]
        if rows:
            found.append(SchoolYears(contract.table, where, rows, key, tuple(map(shown_key, samples))))
    return tuple(found)


def persons(connection: Connection, org: str, *, has_snapshot: bool) -> Persons:
    """Return the accounts and employee numbers that do not pair up, and the accounts of the snapshot without a number."""
    conflicts: list[tuple[str, list[str], list[str], list[str]]] = []
    if columns_of(connection, "marts", "person_conflicts"):
        conflicts = query(
            connection,
            "select conflict, employee_ids, user_ids, sources from marts.person_conflicts where org_id = %(org)s"
            " order by conflict, employee_ids, user_ids",
            org=org,
        )
    without, unknown, samples = 0, 0, None
    if has_snapshot and columns_of(connection, "marts", "snapshot_people"):
        without, unknown, samples = query(
            connection,
            """
            select
                count(*),
                count(*) filter (where known.user_id is null),
                (array_agg(distinct person._id order by person._id) filter (where known.user_id is null))[:%(samples)s]
            from offboarding.users as person
            left join marts.snapshot_people as known on known.org_id = person.org_id and known.user_id = person._id
            where person.org_id = %(org)s and person.employee_id is null
            """,
            org=org,
            samples=SAMPLES,
        )[0]
    return Persons(
        conflict_count=len(conflicts),
        conflicts=tuple(
            PersonConflict(conflict, shown_ids(employees), shown_ids(users), tuple(sources))
            for conflict, employees, users, sources in conflicts[:CONFLICTS]
        ),
        accounts_without_employee_number=without,
        accounts_unknown=unknown,
        sample_accounts_unknown=shown_ids(samples),
    )


def _unmapped_ids(
    connection: Connection, contract: FileContract, legacy: Feed, maps: frozenset[str], org: str
) -> Iterator[UnmappedIds]:
    ids = [column for column in contract.column_names if column in legacy.ids]
    if not ids:
        return
    statement = sql.SQL(
        """
        select id.column_name, count(*), count(distinct id.value),
            (array_agg(distinct id.value order by id.value))[:{samples}]
        from {rows} as legacy
        cross join lateral (values {ids}) as id (column_name, value)
        where legacy.org_id = %(org)s and legacy._source = 'legacy' and id.column_name = any (legacy._unmapped)
        group by id.column_name
        order by id.column_name
        """
    ).format(
        rows=sql.Identifier(contract.feed, contract.table),
        ids=sql.SQL(", ").join(
            sql.SQL("({}, {})").format(sql.Literal(column), sql.Identifier("legacy", column)) for column in ids
        ),
        samples=sql.Literal(SAMPLES),
    )
    for column, rows, different, samples in query(connection, statement, org=org):
        kinds = legacy.ids[column]
        has_map = not maps.isdisjoint(kinds)
        yield UnmappedIds(contract.table, column, kinds, has_map, rows, different, shown_ids(samples))


def _kinds_with_a_map(connection: Connection, feed: Feed, org: str) -> frozenset[str]:
    if not columns_of(connection, feed.name, "id_map"):
        return frozenset()
    statement = sql.SQL("select distinct kind from {} where org_id = %(org)s").format(
        sql.Identifier(feed.name, "id_map")
    )
    return frozenset(kind for (kind,) in query(connection, statement, org=org))


def _reconciled(feed: Feed) -> list[FileContract]:
    """Return the contracts of a feed that have a table of reconciled rows of their own."""
    return [contract for contract in feed.files.values() if contract.load not in {"reference", "id_map"}]


def _is_id(column: str) -> bool:
    # employee numbers never changed, and the id of a year is a number of years
    return column.endswith("_id") and not column.endswith("employee_id") and column != "school_year_id"


def _as_text(key: tuple[str, ...]) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL("{0}::text as {0}").format(sql.Identifier(column)) for column in key)
