"""The snapshot itself: what was delivered, what became of each file, and which rows have lost their parents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Feed
from edreflect_assets.offboarding.contents import Delivery, FileFigures, Group, LeftAside, Orphans, TableFigures
from edreflect_assets.offboarding.database import columns_of, query, shown_ids

_DELIVERIES = """
    select
        delivery.day, is_complete,
        is_complete and delivery.day = max(delivery.day) filter (where is_complete) over () as is_current,
        missing_groups, missing_tables, unlisted_files,
        array(
            select file from ops.load_log
            where feed = %(feed)s and org_id = %(org)s and day = delivery.day and status = 'current'
              and table_name = %(definitions)s
            order by file
        ) as definition_files
    from ops.snapshot_deliveries as delivery
    where feed = %(feed)s and org_id = %(org)s
    order by delivery.day
"""
# A file that was left aside and is loaded by now is no longer left aside.
_LEFT_ASIDE = """
    select distinct on (day, file) day, file, reason
    from ops.load_log as aside
    where feed = %(feed)s and org_id = %(org)s and status in ('unlisted', 'deprecated') and not exists (
        select from ops.load_log as taken
        where taken.feed = aside.feed and taken.org_id = aside.org_id and taken.day = aside.day
          and lower(taken.file) = lower(aside.file) and taken.status = 'current'
      )
    order by day, file, load_id desc
"""
_FILES = """
    select
        table_name, file, rows + quarantined, rows, quarantined,
        (
            select count(distinct line) from ops.quarantine
            where quarantine.load_id = load_log.load_id and quarantine.model is not null
        )
    from ops.load_log
    where feed = %(feed)s and org_id = %(org)s and day = %(day)s and status = 'current'
      and table_name is not null and table_name <> %(definitions)s
    order by table_name, file
"""

Progress = Callable[[str], None]


def deliveries(connection: Connection, feed: Feed, org: str) -> tuple[Delivery, ...]:
    """Return an org's snapshots by day, as the ledger has them now; a built one or not."""
    aside = defaultdict(list)
    for day, file, reason in query(connection, _LEFT_ASIDE, feed=feed.name, org=org):
        aside[day].append(LeftAside(file, reason))
    return tuple(
        Delivery(
            day=day,
            is_complete=is_complete,
            is_current=bool(is_current),
            missing_groups=tuple(missing_groups),
            missing_tables=tuple(feed.tables[table].file for table in missing_tables),
            unlisted_files=tuple(unlisted_files),
            definition_files=tuple(definition_files),
            left_aside=tuple(aside[day]),
        )
        for day, is_complete, is_current, missing_groups, missing_tables, unlisted_files, definition_files in query(
            connection, _DELIVERIES, feed=feed.name, org=org, definitions=_definitions(feed)
        )
    )


def groups(
    connection: Connection, feed: Feed, org: str, day: date, *, is_shown: bool, progress: Progress
) -> tuple[Group, ...]:
    """Return the figures of every group of a snapshot.

    ``is_shown``: whether it is the one that offboarding.<table> shows; of another neither shown rows nor orphans are
    known. ``progress`` is told of each table before its rows are counted.
    """
    files: dict[str, list[FileFigures]] = defaultdict(list)
    for table, *figures in query(connection, _FILES, feed=feed.name, org=org, day=day, definitions=_definitions(feed)):
        files[table].append(FileFigures(*figures))
    lost = _orphans(connection, org) if is_shown else {}
    listed: dict[str, list[str]] = {group: [] for group in (feed.convention.groups if feed.convention else {})}
    for contract in feed.files.values():
        tables = listed[str(feed.group_of(contract))]
        if contract.table not in tables:
            tables.append(contract.table)
    for table in sorted(set(files) - set(feed.tables)):
        found = feed.match(files[table][0].file)
        listed[str(feed.group_of(found)) if found else ""].append(table)
    found_groups = []
    for group, tables in listed.items():
        figures_of_group = []
        for table in tables:
            came = tuple(files.get(table, ()))
            if came and is_shown:
                progress(table)
            figures_of_group.append(
                TableFigures(
                    table=table,
                    listed=table in feed.tables,
                    file=feed.tables[table].file if table in feed.tables else came[0].file,
                    files=came,
                    shown=_shown(connection, table, org) if came and is_shown else None,
                    orphans=tuple(lost.get(table, ())),
                )
            )
        found_groups.append(Group(group, _is_optional(feed, group), tuple(figures_of_group)))
    return tuple(found_groups)


def built_day(connection: Connection, org: str) -> date | None:
    """Return the day of the snapshot that offboarding.<table> shows, as the last build left it."""
    if not columns_of(connection, "offboarding", "deliveries"):
        return None
    rows = query(connection, "select day from offboarding.deliveries where org_id = %(org)s and is_current", org=org)
    return rows[0][0] if rows else None


def _shown(connection: Connection, table: str, org: str) -> int | None:
    if not columns_of(connection, "offboarding", table):
        return None
    statement = sql.SQL("select count(*) from {} where org_id = %(org)s").format(sql.Identifier("offboarding", table))
    return int(query(connection, statement, org=org)[0][0])


def _orphans(connection: Connection, org: str) -> dict[str, list[Orphans]]:
    found: dict[str, list[Orphans]] = defaultdict(list)
    if columns_of(connection, "offboarding", "orphans"):
        for table, parent, rows, samples in query(
            connection,
            "select table_name, parent_table, orphans, sample_ids from offboarding.orphans where org_id = %(org)s"
            " order by table_name, parent_table",
            org=org,
        ):
            found[table].append(Orphans(parent, rows, shown_ids(samples)))
    return found


def _definitions(feed: Feed) -> str:
    return feed.definitions.table if feed.definitions else ""


def _is_optional(feed: Feed, group: str) -> bool:
    return bool(feed.convention and feed.convention.groups.get(group))


def reported(found: Sequence[Delivery], day: date | None) -> Delivery | None:
    """Return the delivery of ``day``; without one the current one, else the newest; None where there is none."""
    if day is not None:
        return next((delivery for delivery in found if delivery.day == day), None)
    return next((delivery for delivery in found if delivery.is_current), found[-1] if found else None)
