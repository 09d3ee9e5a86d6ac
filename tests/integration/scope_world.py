"""Four orgs of three tenants who deliver the same ids, and readers' sessions: what tests of the scope are asked about.

north and south deliver the same people, classes, facts and curriculum, ids and all, under two tenants; west is of north's
tenant and has a role for one of its students; east delivers north's org_uuid and one of north's students as its own, and
facts of another, who is in no roster of east's. Whatever an org delivered names it: in a text, by the year of a date, or by
as many seconds or points as the year has, so that a row, a name or a number seen under another tenant shows.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.access import expand_grants, grant_scope
from edreflect_assets.settings import Settings
from tests.integration.roster_tables import Rosters, insert_org, insert_rosters, uid
from tests.integration.timeback_tables import Records, insert_records

TENANTS = {"north": "one", "south": "two", "west": "one", "east": "three"}
YEARS = {"north": 2021, "south": 2022, "west": 2023, "east": 2024}
NORTH_UUID = uid("org north")
SHARED = ("shared district", "shared school")
STUDENTS = ("ada", "bob")

Login = Callable[..., Connection]


def role(person: str, place: str, org: str, kind: str = "student") -> dict[str, Any]:
    return {
        "id": f"{person} at {place}",
        "user_id": person,
        "organization_id": place,
        "role": kind,
        "role_type": "secondary",
        "begin_date": f"{YEARS[org]}-08-01",
    }


def package(org: str) -> Rosters:
    """Return the rosters that north and south deliver: the same ids, other words."""
    began = {"begin_date": f"{YEARS[org]}-08-01"}
    return {
        "organization": [
            {"id": "shared district", "name": f"District {org}", "type": "district"},
            {"id": "shared school", "name": f"School {org}", "type": "school", "parent_id": "shared district"},
        ],
        "user": [
            {"id": "ada", "given_name": "Ada", "family_name": org, "email": f"ada@{org}", "identifier": "n-ada"},
            {"id": "bob", "given_name": "Bob", "family_name": org},
            {"id": "tom", "given_name": "Tom", "family_name": org},
        ],
        "role": [
            role(person, place, org, kind) | {"role_type": "primary"}
            for person, kind in (("ada", "student"), ("bob", "student"), ("tom", "teacher"))
            for place in SHARED
        ],
        "user_agent": [
            began
            | {
                "source_user_id": "ada",
                "agent_user_id": "tom",
                "relationship_type": "teacher",
                "date_created": f"{YEARS[org]}-08-01",
            }
        ],
        "course": [{"id": "algebra", "title": f"Algebra {org}"}],
        "class": [
            {
                "id": "1a",
                "title": f"1a {org}",
                "course_id": "algebra",
                "school_id": "shared school",
                "subject_codes": ["M"],
                "grades": ["09"],
            }
        ],
        "enrollment": [
            began | {"id": f"{person} in 1a", "user_id": person, "class_id": "1a", "role": "student"}
            for person in STUDENTS
        ],
    }


OTHER_ROSTERS: dict[str, Rosters] = {
    "west": {
        "organization": [{"id": "west school", "name": "School west", "type": "school"}],
        "role": [role("ada", "west school", "west")],
    },
    "east": {
        "organization": [
            {"id": "org north", "name": "District east", "type": "district"},
            {"id": "east school", "name": "School east", "type": "school"},
        ],
        "user": [{"id": "ada", "given_name": "Ada", "family_name": "east"}],
        "role": [role("ada", "org north", "east"), role("ada", "east school", "east")],
        "enrollment": [{"user_id": "ada", "class_id": "1a", "role": "student", "begin_date": "2024-08-01"}],
    },
}


def curriculum(org: str) -> Records:
    """Return the reference data that north and south deliver: the same ids, other words."""
    resources = {"math": "subject", uid("algebra"): "course", "unit": "unit", "lesson": "lesson"}
    parents = [
        ("question", "test"),
        ("test", "lesson"),
        ("test", "unit"),
        ("test", uid("algebra")),
        ("lesson", "unit"),
        ("unit", uid("algebra")),
        (uid("algebra"), "math"),
    ]
    return {
        "caliper_assessment": [{"id": "test", "name": f"Test {org}"}],
        "caliper_assessment_item": [{"id": "question", "name": f"Question {org}", "media_type": "quiz"}],
        "caliper_assignable_digital_resource": [
            {"id": name, "name": f"{kind} {org}", "media_type": f"curriculum/{kind}"}
            for name, kind in resources.items()
        ],
        "caliper_resource_relation": [
            {"source_id": part, "destination_id": whole, "relationship_type": "isPartOf", "item_order": YEARS[org]}
            for part, whole in parents
        ],
        "lti_application": [{"id": "app", "name": f"App {org}"}],
        "lti_application_subject": [{"lti_application_id": "app", "subject_title": f"subject {org}"}],
        "lti_application_curriculum_scope": [{"lti_application_id": "app", "cf_document_id": "document"}],
        "cf_document": [{"identifier": "document", "title": org}],
        "cf_item": [
            {
                "identifier": "case course",
                "cf_document_id": "document",
                "full_statement": f"Course {org}",
                "cf_item_type": "Course",
            }
        ],
        "cf_item_subject": [{"cf_item_id": "case course", "subject_id": "mathematics"}],
        "cf_subject": [{"identifier": "mathematics", "title": f"Mathematics {org}", "hierarchy_code": "M"}],
        "placement_grade": [
            {"id": "ninth", "grade_primary_identifier": "09", "label": f"Ninth {org}", "order_number": 9}
        ],
        "insights_type": [
            {"id": slug, "slug": slug, "category": category, "visibility": "external", "is_waste": slug == "Idling"}
            for slug, category in INSIGHTS.items()
        ],
        "clr_achievement": [
            {"id": "achievement", "achievement_type": "standard-mastery", "cf_item_id": "case course"},
        ],
    }


def programs(org: str) -> Records:
    """Return the programs that north and south deliver: the same ids, other words; ada's number is in the rosters."""
    return {
        "programs": [
            {
                "program_id": "readers",
                "program_name": f"Readers {org}",
                "program_category": "Cohort: Cohort",
                "district_number": str(YEARS[org]),
                "school_year": YEARS[org],
            }
        ],
        "program_participation": [
            {
                "participation_id": f"{number} reads",
                "program_id": "readers",
                "student_unique_id": number,
                "begin_date": f"{YEARS[org]}-08-01",
            }
            for number in ("n-ada", "n-nobody")
        ],
        "program_staff": [{"program_staff_id": "tom reads", "program_id": "readers", "staff_unique_id": "n-tom"}],
    }


INSIGHTS = {
    "Idling": "Engagement",
    "CheatingUnauthorizedAppUse": "Cheating",
    "UnauthorizedDeviceUse": "Proctoring",
    "Journal": "Journal",
}


def facts(org: str, person: str) -> Records:
    """Return what a person did in one session, in each of the tables of facts."""
    begin = datetime(YEARS[org], 8, 2, 8, tzinfo=UTC)
    lasts = {"started_at_time": begin, "ended_at_time": begin + timedelta(seconds=YEARS[org])}
    session = {"session_id": f"session of {person}"}
    return {
        "caliper_session": [{"id": f"session of {person}", "user_id": person, "client_id": "app"} | lasts],
        "caliper_attempt": [
            {"id": f"{person} at {what}", "assignee_id": person, "assignable_id": what, "count": 1} | lasts
            for what in ("question", "test", "lesson")
        ],
        "caliper_event": [
            {"id": f"{person} {what}", "attempt_id": f"{person} at {what}", "event_time": begin} | session
            for what in ("question", "test", "lesson")
        ],
        "caliper_score": [
            {"id": f"{person} score", "attempt_id": f"{person} at question", "score_given": 1, "max_score": 1}
        ],
        "insights_session": [
            {
                "id": f"{person} watched",
                "caliper_session_id": f"session of {person}",
                "user_id": person,
                "application_id": "app",
                "is_proctored": True,
            }
        ],
        "insights_insight": [
            lasts
            | {
                "id": f"{person} {slug}",
                "insights_session_id": f"{person} watched",
                "insight_type_id": slug,
                "reason": f"{slug} in {org}",
                "is_visible": True,
            }
            for slug in INSIGHTS
        ],
        "insights_recommendation": [
            {
                "id": f"{person} recommendation",
                "user_id": person,
                "type": "daily-coaching",
                "source": "manual",
                "visibility": "student",
                "content": f"Rest, {org}.",
                "generated_at": begin,
            }
        ],
        "clr_achievement_credential": [
            {
                "id": f"{person} credential",
                "achievement_id": "achievement",
                "credential_subject_id": person,
                "awarded_date": begin,
            }
        ],
        "placement_student_subject_placement": [
            {"student_id": person, "subject_id": "mathematics", "grade_id": "ninth", "date_last_modified": begin}
        ],
        "tb_xp_ledger": [
            {
                "id": f"{person} points",
                "user_id": person,
                "application_id": "app",
                "caliper_event_id": f"{person} question",
                "value": YEARS[org],
                "date_created": begin,
            }
        ],
        "one_roster_assessment_result": [
            {
                "id": f"{person} map",
                "student_id": person,
                "status": "active",
                "score_status": "fully graded",
                "score_date": begin,
                "report_url": "https://example.org",
            }
        ],
    }


def fill(connection: Connection) -> None:
    """Insert the whole world, in the connection's transaction."""
    for org, tenant in TENANTS.items():
        insert_org(connection, org, tenant)
    for org in ("north", "south"):
        insert_rosters(connection, org, package(org))
        insert_records(connection, org, curriculum(org))
        insert_records(connection, org, programs(org), "infinite_campus")
        for person in STUDENTS:
            insert_records(connection, org, facts(org, person))
    insert_rosters(connection, "north", {"role": [role("bob", "org north", "north")]})
    for org, rosters in OTHER_ROSTERS.items():
        insert_rosters(connection, org, rosters)
    known = curriculum("east")
    for table in ("insights_type", "clr_achievement", "caliper_assessment_item"):
        insert_records(connection, "east", {table: known[table]})
    for person in STUDENTS:
        insert_records(connection, "east", facts("east", person))


@contextmanager
def logins(owner: Connection, settings: Settings) -> Iterator[Login]:
    """Yield a function that opens a session of a new login role with a scope of its own."""
    sessions: list[Connection] = []
    roles: list[str] = []

    def login(*orgs: str, gateway: bool = False) -> Connection:
        name, password = f"reader_{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
        with owner, owner.cursor() as cursor:
            cursor.execute(
                sql.SQL("create role {} login password {} in role analyst_read").format(
                    sql.Identifier(name), sql.Literal(password)
                )
            )
        roles.append(name)
        if orgs or gateway:
            grant_scope(owner, name, orgs, gateway=gateway)
        session = psycopg2.connect(settings.database_url, user=name, password=password)
        session.autocommit = True
        sessions.append(session)
        return session

    yield login
    for session in sessions:
        session.close()
    for name in roles:
        with owner, owner.cursor() as cursor:
            cursor.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(name)))
    expand_grants(owner)


def orgs_in(rows: Any) -> set[str]:
    """Return the orgs that something names, in a text, by a year, or by a number."""
    text = json.dumps(rows, default=str)
    return {org for org, year in YEARS.items() if re.search(rf"\b{org}\b|(?<![\w-]){year}(?!\w)", text)}


def everything() -> str:
    """Return a scope that asks for all that anybody ever delivered."""
    ids = [uid(f"org {org}") for org in TENANTS] + [uid(name) for name in (*SHARED, "west school", "east school")]
    return ",".join(ids)


def run(session: Connection, query: str) -> list[tuple[Any, ...]]:
    with session.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall() if cursor.description else []


def ask_for(session: Connection, scope: str) -> None:
    with session.cursor() as cursor:
        cursor.execute("set app.allowed_org_ids = %s", [scope])
