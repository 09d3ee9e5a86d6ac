"""Whether the files of a delivery are the ones, and look as, the contract says."""

from __future__ import annotations

from datetime import datetime

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks.base import CheckResult, Registry, plural, query, result, span, where, window_start
from edreflect_assets.contracts import Feed


def reference_file_present(connection: Connection, feed: Feed, _registry: Registry, now: datetime) -> CheckResult:
    """Find deliveries that hold rows of a file without the reference file that says what they replace."""
    pairs = [(c.file, c.touched_by) for c in feed.files.values() if c.touched_by]
    found = [
        f"{where(org, day)}: {reference} is missing beside {', '.join(files)}"
        for org, day, reference, files in query(
            connection,
            """
            select d.org_id, d.day, p.reference, array_agg(d.file order by d.file)
            from ops.load_log d
            join unnest(%(files)s::text[], %(references)s::text[]) as p (file, reference) on p.file = d.file
            where d.load_id > %(after)s and d.feed = %(feed)s and d.status = 'current' and d.rows > 0
              and not exists (
                select from ops.load_log r
                where r.feed = d.feed and r.org_id = d.org_id and r.day = d.day
                  and r.file = p.reference and r.status = 'current')
            group by d.org_id, d.day, p.reference
            order by d.org_id, d.day, p.reference
            """,
            files=[file for file, _ in pairs],
            references=[reference for _, reference in pairs],
            after=window_start(connection, now),
            feed=feed.name,
        )
    ]
    return result(
        "reference_file_present",
        "error",
        found,
        good="Every file came with the reference file that says what it replaces.",
        meaning="Lists that became empty on such a day still show their old items",
        resolve="Ask the source for the reference file and load the day again; it takes effect in any order",
    )


def dependent_file_present(connection: Connection, feed: Feed, _registry: Registry, now: datetime) -> CheckResult:
    """Find deliveries whose reference file names keys while a file that depends on it is missing."""
    pairs = [(c.touched_by, c.file) for c in feed.files.values() if c.touched_by]
    found = [
        f"{where(org, day)}: {reference} names {plural(keys, 'key')}, but {', '.join(files)} did not come"
        for org, day, reference, keys, files in query(
            connection,
            """
            select r.org_id, r.day, r.file, r.rows, array_agg(p.file order by p.file)
            from ops.load_log r
            join unnest(%(references)s::text[], %(files)s::text[]) as p (reference, file) on p.reference = r.file
            where r.load_id > %(after)s and r.feed = %(feed)s and r.status = 'current' and r.rows > 0
              and not exists (
                select from ops.load_log d
                where d.feed = r.feed and d.org_id = r.org_id and d.day = r.day
                  and d.file = p.file and d.status = 'current')
            group by r.org_id, r.day, r.file, r.rows
            order by r.org_id, r.day, r.file
            """,
            references=[reference for reference, _ in pairs],
            files=[file for _, file in pairs],
            after=window_start(connection, now),
            feed=feed.name,
        )
    ]
    return result(
        "dependent_file_present",
        "warn",
        found,
        good="Every file came that a reference file with keys calls for.",
        meaning="A missing file counts as one without rows: what it held for these keys has left the current state",
        resolve="If it should have come, load the day again with it; `missing_file: refuse` in the registry "
        "refuses such a day from now on",
    )


def columns_as_documented(connection: Connection, feed: Feed, _registry: Registry, now: datetime) -> CheckResult:
    """Find files whose header lacks documented columns, has unknown ones, or still has columns the source removed."""
    headers = query(
        connection,
        """
        select org_id, file, min(day), max(day), header, missing_columns, unknown_columns
        from ops.load_log
        where load_id > %(after)s and feed = %(feed)s and status = 'current'
        group by org_id, file, header, missing_columns, unknown_columns
        order by org_id, file, min(day)
        """,
        after=window_start(connection, now),
        feed=feed.name,
    )
    found = []
    for org, file, first, last, header, missing, unknown in headers:
        contract = feed.match(file)
        if contract is not None and not contract.listed:
            continue
        removed = contract.removed_columns if contract else frozenset()
        legacy = sorted(removed.intersection(column.strip().lower() for column in header or ()))
        undocumented = sorted(set(unknown or ()) - removed)
        parts = [f"lacks {', '.join(missing)}"] if missing else []
        parts += [f"has unknown {', '.join(undocumented)}"] if undocumented else []
        parts += [f"is a legacy export, it still has {', '.join(legacy)}"] if legacy else []
        if parts:
            found.append(f"{org}, {span(first, last)}: {file} {'; '.join(parts)}")
    return result(
        "columns_as_documented",
        "warn",
        found,
        good="Every file has the columns its contract lists.",
        meaning="A missing column is empty in the published views, an unknown one is kept in raw only",
        resolve="If the source changed its export, say so in the feed's contract (dbt_project/models/sources)",
    )


def files_as_documented(connection: Connection, feed: Feed, _registry: Registry, now: datetime) -> CheckResult:
    """Find delivered files that were not loaded, deprecated or unlisted, and unlisted ones that were, by their names."""
    after = window_start(connection, now)
    found = [
        f"{org}, {span(first, last)}: {file} is {'left aside' if feed.package else status}"
        for org, file, status, first, last in query(
            connection,
            """
            select org_id, file, status, min(day), max(day)
            from ops.load_log
            where load_id > %(after)s and feed = %(feed)s and status in ('deprecated', 'unlisted')
            group by org_id, file, status order by org_id, file
            """,
            after=after,
            feed=feed.name,
        )
    ]
    if feed.convention:
        found += _loaded_unlisted(connection, feed, after)
    return result(
        "files_as_documented",
        "warn",
        found,
        good="Only documented files were delivered.",
        meaning=_unlisted_meaning(feed),
        resolve="Ask the org to leave out what is not part of the package"
        if feed.package
        else "Add a new file to the feed's contract (CONTRIBUTING.md shows how); a deprecated one needs nothing",
    )


def _unlisted_meaning(feed: Feed) -> str:
    if feed.package:
        return "Such files are neither kept nor loaded"
    if feed.convention:
        return (
            "Files of a known group are loaded into tables of their own, with their columns as text; others are kept in "
            "the landing area and not loaded"
        )
    return "Such files are kept in the landing area and not loaded"


def _loaded_unlisted(connection: Connection, feed: Feed, after: int) -> list[str]:
    return [
        f"{org}, {span(first, last)}: {file} is unlisted, loaded as {feed.raw_schema}.{table}"
        for org, file, table, first, last in query(
            connection,
            """
            select org_id, file, table_name, min(day), max(day)
            from ops.load_log
            where load_id > %(after)s and feed = %(feed)s and status = 'current' and table_name <> all (%(tables)s)
            group by org_id, file, table_name order by org_id, file
            """,
            after=after,
            feed=feed.name,
            tables=list(feed.tables),
        )
    ]
