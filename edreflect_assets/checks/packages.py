"""Whether packages were let through, and what validation found in them."""

from __future__ import annotations

from datetime import datetime

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks.base import WINDOW, CheckResult, Registry, plural, query, result, where
from edreflect_assets.contracts import Feed
from edreflect_assets.roster.approval import held_packages


def packages_held(connection: Connection, feed: Feed, _registry: Registry, _now: datetime) -> CheckResult:
    """Find packages that would end many records and that nobody has approved."""
    packages = held_packages(connection, feed)
    return result(
        "packages_held",
        "error",
        [f"{where(package.org_id, package.day)}: would end {package.would_end}" for package in packages],
        good="No package waits for approval.",
        meaning="Such a package changes nothing; later ones are judged against the roster as it was before it",
        resolve=f"Ask the org whether so much has ended. If so, `edreflect approve {feed.name} ORG DAY` lets it through at "
        f"the next build; if not, have the day delivered again. `edreflect report {feed.name} ORG DAY --report DIR` shows "
        "what it would change",
        held=[[package.org_id, package.day.isoformat()] for package in packages],
    )


def package_findings(connection: Connection, feed: Feed, _registry: Registry, now: datetime) -> CheckResult:
    """Sum up what validation last said of each package of the last two weeks."""
    rows = query(
        connection,
        """
        select org_id, day, verdict, errors, warnings,
            (
                select string_agg(code || ' x' || found, ', ' order by code)
                from (
                    select finding ->> 'code' as code, sum((finding ->> 'count')::bigint) as found
                    from jsonb_array_elements(report -> 'findings') as finding
                    group by 1
                ) as by_code
            )
        from (
            select distinct on (org_id, day) org_id, day, verdict, errors, warnings, report
            from ops.package_reports
            where feed = %(feed)s and reported_at >= %(since)s
            order by org_id, day, report_id desc
        ) as latest
        where errors + warnings > 0
        order by org_id, day desc
        """,
        feed=feed.name,
        since=now - WINDOW,
    )
    found = [
        f"{where(org, day)}{' (refused)' if verdict == 'refused' else ''}: "
        f"{plural(errors, 'error')}, {plural(warnings, 'warning')} ({codes})"
        for org, day, verdict, errors, warnings, codes in rows
    ]
    return result(
        "package_findings",
        "warn",
        found,
        good="Validation found nothing in the packages of the last two weeks.",
        meaning="Records with an error were set aside, or the package refused; a warning changes nothing",
        resolve=f"`edreflect report {feed.name} ORG DAY --report DIR` writes every finding with its line and what to do; "
        "send it to whoever exports the files",
        errors=sum(errors for _, _, _, errors, _, _ in rows),
        warnings=sum(warnings for _, _, _, _, warnings, _ in rows),
    )
