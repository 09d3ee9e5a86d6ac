"""Whether files that are the whole state of their table came, and said anything."""

from __future__ import annotations

from datetime import datetime

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks.base import CheckResult, Registry, query, result, where, window_start
from edreflect_assets.contracts import Feed


def bulk_files_delivered(connection: Connection, feed: Feed, _registry: Registry, now: datetime) -> CheckResult:
    """Find deliveries in which such a file has a header and no rows, or is missing though the org delivered it before."""
    figures = {
        "after": window_start(connection, now),
        "feed": feed.name,
        "tables": [contract.table for contract in feed.files.values() if contract.load == "bulk"],
        "files": [contract.file for contract in feed.files.values() if contract.load == "bulk"],
    }
    empty = query(
        connection,
        """
        select org_id, day, array_agg(file order by file)
        from ops.load_log
        where load_id > %(after)s and feed = %(feed)s and status = 'current' and rows = 0
          and table_name = any (%(tables)s)
        group by org_id, day order by org_id, day
        """,
        **figures,
    )
    missing = query(
        connection,
        """
        select delivered.org_id, delivered.day, array_agg(bulk.file order by bulk.file)
        from (
            select distinct org_id, day from ops.load_log
            where load_id > %(after)s and feed = %(feed)s and status = 'current'
        ) as delivered
        cross join unnest(%(files)s::text[]) as bulk (file)
        where exists (
            select from ops.load_log as earlier
            where earlier.feed = %(feed)s and earlier.org_id = delivered.org_id and earlier.file = bulk.file
              and earlier.status = 'current' and earlier.day < delivered.day)
          and not exists (
            select from ops.load_log as there
            where there.feed = %(feed)s and there.org_id = delivered.org_id and there.file = bulk.file
              and there.status = 'current' and there.day = delivered.day)
        group by delivered.org_id, delivered.day order by delivered.org_id, delivered.day
        """,
        **figures,
    )
    found = [f"{where(org, day)}: {', '.join(files)} without rows" for org, day, files in empty]
    found += [f"{where(org, day)}: {', '.join(files)} did not come" for org, day, files in missing]
    return result(
        "bulk_files_delivered",
        "warn",
        found,
        good="Every file that is the whole state of its table came, with rows.",
        meaning="Such a file changes nothing: what the newest file with rows says stays, and nothing counts as deleted",
        resolve="Ask the source whether the export was complete; load the day again with the file. Whatever is really"
        " gone goes with the next file that has rows",
    )
