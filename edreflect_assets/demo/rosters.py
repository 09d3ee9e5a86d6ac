"""What the demo shows of rosters, read from the database: packages and what they changed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.roster.approval import HeldPackage, held_packages
from edreflect_assets.settings import Settings

FEED = "oneroster"


@dataclass(frozen=True)
class PackageSummary:
    """What a day's package was and did; None where it was held and did nothing. Numbers are records of all its files."""

    org: str
    day: date
    kind: str
    records: int
    added: int | None
    changed: int | None
    ended: int | None
    rejected: int


@dataclass(frozen=True)
class RosterSummary:
    """What an org's roster holds now: active people, classes, enrollments, schools."""

    org: str
    people: int
    classes: int
    enrollments: int
    schools: int


def packages(settings: Settings) -> list[PackageSummary]:
    """Return every package by org and day; ``kind`` is full, changes, both, no updates or held."""
    with closing(connect(settings)) as connection:
        rows = _query(
            connection,
            """
            select package.org_id, package.day,
                case
                    when package.status = 'held' then 'held'
                    when count(report.file) = 0 then 'no updates'
                    when bool_and(report.mode = 'bulk') then 'full'
                    when bool_and(report.mode = 'delta') then 'changes'
                    else 'full and changes'
                end,
                coalesce(sum(report.delivered + report.rejected), 0)::integer,
                case when package.status <> 'held' then coalesce(sum(report.added), 0)::integer end,
                case when package.status <> 'held' then coalesce(sum(report.changed + report.returned), 0)::integer end,
                case when package.status <> 'held' then coalesce(sum(report.ended), 0)::integer end,
                coalesce(sum(report.rejected), 0)::integer
            from oneroster.packages as package
            left join oneroster.sync_report as report on report.org_id = package.org_id and report.day = package.day
            group by package.org_id, package.day, package.status
            order by package.org_id, package.day
            """,
        )
    return [PackageSummary(*row) for row in rows]


def held(settings: Settings) -> list[HeldPackage]:
    """Return the packages that wait for a person."""
    with closing(connect(settings)) as connection:
        return held_packages(connection, load_feeds()[FEED])


def rosters(settings: Settings, orgs: Sequence[str]) -> list[RosterSummary]:
    """Return what each org's roster holds now."""
    with closing(connect(settings)) as connection:
        rows = _query(
            connection,
            """
            select org_id,
                (select count(*) from oneroster.one_roster_user as person
                    where person.org_id = wanted.org_id and person.status <> 'tobedeleted'),
                (select count(*) from oneroster.one_roster_class as class
                    where class.org_id = wanted.org_id and class.status <> 'tobedeleted'),
                (select count(*) from oneroster.one_roster_enrollment as enrollment
                    where enrollment.org_id = wanted.org_id and enrollment.status <> 'tobedeleted'),
                (select count(*) from oneroster.one_roster_organization as school
                    where school.org_id = wanted.org_id and school.type = 'school' and school.status <> 'tobedeleted')
            from unnest(%s) as wanted (org_id)
            """,
            list(orgs),
        )
    return [RosterSummary(*row) for row in rows]


def largest_school(settings: Settings, org: str) -> tuple[str, str] | None:
    """Return id and name of the school of an org with most students, None if it has none."""
    with closing(connect(settings)) as connection:
        rows = _query(
            connection,
            """
            select school.id::text, school.name
            from oneroster.one_roster_organization as school
            join oneroster.one_roster_role as role
                on role.organization_id = school.id and role.org_id = school.org_id and role.role = 'student'
            where school.org_id = %s and school.type = 'school' and role.status = 'active' and role.end_date is null
            group by school.id, school.name order by count(*) desc, school.id limit 1
            """,
            org,
        )
    return (str(rows[0][0]), str(rows[0][1])) if rows else None


def educators_matched(analyst_url: str) -> list[tuple[str, int]]:
    """Return how many educators were found in the rosters in each way, as an analyst sees them."""
    with closing(psycopg2.connect(analyst_url)) as connection:
        rows = _query(
            connection,
            """
            select guide_matched_by, count(*) from analytics.educators
            group by guide_matched_by order by count(*) desc, guide_matched_by
            """,
        )
    return [(str(how), int(number)) for how, number in rows]


def _query(connection: Connection, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall()
