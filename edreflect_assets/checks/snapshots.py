"""Whether the snapshots that count are all there."""

from __future__ import annotations

from datetime import datetime

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks.base import CheckResult, Registry, query, result, where
from edreflect_assets.contracts import Feed

# A later complete snapshot makes up for an incomplete one; what the newest one lacks is lacking now.
_INCOMPLETE = """
    select org_id, day, missing_groups from ops.snapshot_deliveries as delivery
    where feed = %(feed)s and not is_complete and not exists (
        select from ops.snapshot_deliveries as later
        where later.feed = delivery.feed and later.org_id = delivery.org_id and later.day > delivery.day
          and later.is_complete)
    order by org_id, day
"""
_LACKING = """
    select org_id, day, missing_tables, unlisted_files
    from (
        select distinct on (org_id) org_id, day, missing_tables, unlisted_files
        from ops.snapshot_deliveries where feed = %(feed)s
        order by org_id, day desc
    ) as newest
    where missing_tables <> '{}'
    order by org_id
"""


def snapshots_complete(connection: Connection, feed: Feed, _registry: Registry, _now: datetime) -> CheckResult:
    """Find snapshots that lack a whole file group and that no later complete one has made up for."""
    found = [
        f"{where(org, day)}: no file of {', '.join(groups)}"
        for org, day, groups in query(connection, _INCOMPLETE, feed=feed.name)
    ]
    return result(
        "snapshots_complete",
        "error",
        found,
        good="Every snapshot has files of all groups that are not optional, or a later one has.",
        meaning="Such a snapshot is kept and does not become the current one; what was current before it still is",
        resolve="Ask the source for the missing groups and put their files into the folder of the same day: they "
        "complete it; definitions of columns do not count as a group's file",
    )


def listed_tables_present(connection: Connection, feed: Feed, _registry: Registry, _now: datetime) -> CheckResult:
    """Find listed tables that an org's newest snapshot lacks although it has files of their group."""
    found = []
    for org, day, tables, files in query(connection, _LACKING, feed=feed.name):
        groups: dict[str | None, list[str]] = {}
        for table in tables:
            contract = feed.tables[table]
            groups.setdefault(feed.group_of(contract), []).append(contract.file)
        for group, missing in groups.items():
            unlisted = [file for file in files if (other := feed.match(file)) and feed.group_of(other) == group]
            beside = f" beside the unlisted {', '.join(unlisted)}" if unlisted else ""
            found.append(f"{where(org, day)}: {', '.join(missing)} did not come{beside}")
    return result(
        "listed_tables_present",
        "warn",
        found,
        good="The newest snapshot of every org has all listed tables of the groups that it has.",
        meaning="Such a table is empty in the org's current state; an unlisted file beside it may hold the same under "
        "another name",
        resolve="If an unlisted file is the table, correct its name in the feed's contract (dbt_project/models/sources) "
        "and load the day again; if the org has none of it, nothing is to be done",
    )
