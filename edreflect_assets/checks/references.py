"""Whether what the rosters refer to is there, judged over everything that was delivered and not package by package."""

from __future__ import annotations

from datetime import datetime

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks.base import CheckResult, Registry, plural, query, result
from edreflect_assets.contracts import Feed

# A column of a roster file, and where it stands once reconciled: table, expression of the id, table of the target.
_REFERENCES = (
    ("academicSessions.csv parentSourcedId", "one_roster_academic_session", "parent_id", "one_roster_academic_session"),
    ("orgs.csv parentSourcedId", "one_roster_organization", "parent_id", "one_roster_organization"),
    ("courses.csv schoolYearSourcedId", "one_roster_course", "school_year_id", "one_roster_academic_session"),
    ("courses.csv orgSourcedId", "one_roster_course", "organization_id", "one_roster_organization"),
    ("classes.csv courseSourcedId", "one_roster_class", "course_id", "one_roster_course"),
    ("classes.csv schoolSourcedId", "one_roster_class", "school_id", "one_roster_organization"),
    ("classes.csv termSourcedIds", "one_roster_class", "unnest(term_ids)", "one_roster_academic_session"),
    ("enrollments.csv classSourcedId", "one_roster_enrollment", "class_id", "one_roster_class"),
    ("enrollments.csv schoolSourcedId", "one_roster_enrollment", "school_id", "one_roster_organization"),
    ("enrollments.csv userSourcedId", "one_roster_enrollment", "user_id", "one_roster_user"),
    ("users.csv agentSourcedIds", "one_roster_user", "unnest(_agent_ids)", "one_roster_user"),
    ("roles: the person", "one_roster_role", "user_id", "one_roster_user"),
    ("roles: the organization", "one_roster_role", "organization_id", "one_roster_organization"),
)

# Within the tenant: orgs of one platform may refer to each other's records where the ids are UUIDs.
_LOST = """
select said.org_id, '{what}', count(*)
from (
    select org_id, {expression} as id from oneroster_log.{table}
    where _valid_to is null and status <> 'tobedeleted'
) as said
where said.id is not null and not exists (
    select from oneroster_log.{target} as target
    where target.id = said.id and target._valid_to is null
      and (target.org_id = said.org_id or exists (
        select from ops.orgs as own join ops.orgs as other on other.tenant = own.tenant
        where own.org_id = said.org_id and other.org_id = target.org_id
      ))
)
group by said.org_id
"""
_LOST_IN_ALL = " union all ".join(
    _LOST.format(what=what, table=table, expression=expression, target=target)
    for what, table, expression, target in _REFERENCES
)


def references_resolved(connection: Connection, _feed: Feed, _registry: Registry, _now: datetime) -> CheckResult:
    """Count, by org and column, the references of open records that lead to no record of the tenant, open or ended."""
    built = query(connection, "select to_regclass('oneroster_log.one_roster_enrollment') is not null")[0][0]
    rows = query(connection, f"{_LOST_IN_ALL} order by 1, 2") if built else []
    return result(
        "references_resolved",
        "warn",
        [f"{org}: {what}: {plural(count, 'reference')} without a target" for org, what, count in rows],
        good="Everything that the rosters refer to was delivered.",
        meaning="The records count all the same; what they refer to is missing beside them in the views",
        resolve="Have the org deliver what is missing, or correct the ids; `edreflect validate` names the lines of a package",
        lost=sum(count for _, _, count in rows),
    )


def subjects_matched(connection: Connection, _feed: Feed, _registry: Registry, _now: datetime) -> CheckResult:
    """Count, by org, the open classes that name subjects of which none is known; without any known subject, nothing."""
    built = query(connection, "select to_regclass('oneroster.one_roster_class_subject') is not null")[0][0]
    rows = (
        query(
            connection,
            """
            select class.org_id, count(*)
            from oneroster.one_roster_class as class
            where class.status <> 'tobedeleted' and coalesce(class.subject_codes, class.subjects) is not null
              and exists (select from timeback.cf_subject)
              and not exists (
                select from oneroster.one_roster_class_subject as match
                where match.org_id = class.org_id and match.class_id = class.id
              )
            group by class.org_id
            order by class.org_id
            """,
        )
        if built
        else []
    )
    return result(
        "subjects_matched",
        "warn",
        [f"{org}: no known subject in {count} of its classes" for org, count in rows],
        good="Every class that names subjects has one that is known.",
        meaning="Such a class has no subject_ids in the views",
        resolve="Have the org use the codes or the titles of the subjects that the platform knows",
        classes=sum(count for _, count in rows),
    )
