"""Reconciled tables with rows of three orgs, made from the contracts, for tests of the views on top of them.

The rows stand where a build would have put them; the orgs deliver the same ids, and every text names its org, so that a
row, a name or a comment seen under another org shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt
from tests.model.database import fresh_database

VIEWS = (
    "educators",
    "educator_affiliations",
    "observations",
    "observation_ratings",
    "observation_feedback",
    "educator_goals",
    "educator_slos",
    "rubric_indicators",
    "artifacts",
    "assignments",
    "educator_groups",
    "end_of_year_classifications",
    "evidence",
    "observation_steps",
    "observation_templates",
    "rubric_tree",
    "snapshots",
    "observer_ratings",
    "rater_agreement",
    "observation_completion",
    "feedback_turnaround",
    "feedback_turnaround_by_observer",
)
# org_id -> (org_uuid, tenant)
ORGS = {
    "north": ("00000000-0000-4000-8000-00000000000a", "one"),
    "south": ("00000000-0000-4000-8000-00000000000b", "two"),
    "west": ("00000000-0000-4000-8000-00000000000c", "one"),
}
# Made by their models, empty as nothing is loaded.
RECONCILED_MODELS = ("+reconciled.edreflect", "+reconciled.oneroster", "+reconciled.offboarding")
PUBLISHED_MODELS = ("marts.educators", "marts.edreflect", "analytics.edreflect")
UNKNOWN_ORG = "00000000-0000-4000-8000-0000000000ff"


def uuids(*orgs: str) -> str:
    """Return the value of app.allowed_org_ids that asks for these orgs."""
    return ",".join(ORGS[org][0] for org in orgs)


def rows_of(org: str) -> dict[str, list[dict[str, Any]]]:
    """Return one org's rows by table: enough for one row or more in every view, a deleted observation among them."""
    learner, observer = {"employee_id": "e1"}, {"employee_id": "e2"}
    return {
        "user_accounts": [person | {"first_name": org, "is_active": True} for person in (learner, observer)],
        "user_roles": [learner | {"role_name": f"Teacher {org}", "organization_id": "s1"}],
        "user_grades": [learner | {"grade": f"K {org}"}],
        "user_subjects": [learner | {"subject": f"Mathematics {org}"}],
        "user_groups": [learner | {"group_id": "gr1", "group_name": f"Newcomers {org}"}],
        "user_rubrics": [learner | {"rubric_id": "b1"}],
        "user_affiliations": [{"learner_employee_id": "e1", "observer_employee_id": "e2", "affiliation_type": org}],
        "observations": [
            {
                "observation_group_id": "o1",
                "observation_template_id": "m1",
                "observation_template_name": org,
                "learner_employee_id": "e1",
                "observer_employee_id": "e2",
                "school_year": 2026,
                "observation_completed_date": "2026-02-02",
            },
            {"observation_group_id": "o2", "observation_template_name": org, "observation_is_deleted": True},
        ],
        "observation_steps": [
            {"step_id": "t1", "observation_group_id": "o1", "step_name": org},
            {
                "step_id": "t2",
                "observation_group_id": "o1",
                "step_type": "feedback",
                "step_completed_date": "2026-02-03",
            },
        ],
        "ratings": [
            {
                "observation_group_id": observation,
                "rating_id": f"r{number}",
                "step_id": "t1",
                "rubric_id": "b1",
                "indicator_id": "i1",
                "proficiency_level_id": "p1",
                "rated_by_employee_id": rater,
                "rating_value": 1,
            }
            for observation in ("o1", "o2")
            for number, rater in enumerate(("e2", "e2", "e3"))
        ],
        "observation_feedback": [
            {"observation_group_id": observation, "feedback": f"feedback {org}"} for observation in ("o1", "o2")
        ],
        "observation_comments": [{"observation_group_id": "o1", "indicator_id": "i1", "comment": f"comment {org}"}],
        "goals": [{"goal_id": "g1", "employee_id": "e1", "goal_title": org}],
        "goals_indicators": [{"goal_id": "g1", "indicator_id": "i1", "rubric_id": "b1"}],
        "snapshots": [{"snapshot_id": "n1", "snapshot_name": org, "learner_employee_id": "e1"}],
        "snapshots_ratings": [{"snapshot_id": "n1", "indicator_id": "i1", "rating_value": 1}],
        "aggregated_eoy_snapshots": [{"snapshot_id": "n1", "learner_employee_id": "e1", "classification": org}],
        "user_artifacts": [{"artifact_id": "f1", "employee_id": "e1", "artifact_name": org}],
        "slos": [{"slo_id": "l1", "employee_id": "e1", "slo_title": org, "slo_status": "created"}],
        "slo_assessments": [{"slo_id": "l1", "slo_assessment_id": "a1", "slo_assessment_name": org}],
        "rubrics": [{"rubric_id": "b1", "rubric_name": org}],
        "indicators": [{"rubric_id": "b1", "indicator_id": "i1", "indicator_name": org}],
        "indicator_proficiency_levels": [
            {"rubric_id": "b1", "indicator_id": "i1", "proficiency_level_id": "p1", "level_name": org}
        ],
    }


# What is in the offboarding product alone: its documents, and which account of it has which employee number.
SNAPSHOT_DAY = "2026-02-01"
SNAPSHOT = {
    "offboarding_log.assignments": {"_id": "s1"},
    "offboarding_log.assignments__learners": {"_id": "s1", "user_id": "u1"},
    "offboarding_log.evidences": {"_id": "v1", "user_id": "u1"},
    "marts.snapshot_people": {"user_id": "u1", "employee_id": "e1", "known_by": "snapshot"},
}
NAMED = {"offboarding_log.assignments": "name", "offboarding_log.evidences": "title"}


def create_reconciled_tables(settings: Settings) -> None:
    """Have the reconciled tables made, and fill in the orgs' rows as a build would have; commit."""
    run(settings, *RECONCILED_MODELS, "marts__snapshot_people")
    with closing(connect(settings)) as connection, connection, connection.cursor() as cursor:
        for org, (org_uuid, tenant) in ORGS.items():
            cursor.execute(
                "insert into ops.orgs (org_id, org_uuid, tenant) values (%s, %s, %s)", [org, org_uuid, tenant]
            )
            for table, rows in rows_of(org).items():
                for row in rows:
                    insert(connection, table, {"org_id": org} | row)
            cursor.execute(
                "insert into offboarding.deliveries (org_id, day, is_complete, is_current, valid_from, missing_groups,"
                " missing_tables, unlisted_files) values (%s, %s, true, true, %s, '{}', '{}', '{}')",
                [org, SNAPSHOT_DAY, SNAPSHOT_DAY],
            )
            for relation, row in SNAPSHOT.items():
                named = {NAMED[relation]: org} if relation in NAMED else {}
                hashed = {"_hash": 1} if relation.startswith("offboarding_log") else {}
                _insert(connection, *relation.split("."), {"org_id": org, **row, **named, **hashed})


def create_assignments(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Put a view of these rows in the place of marts.assignments, which no feed fills so far; commit."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select attname::text from pg_attribute where attrelid = 'marts.assignments'::regclass and attnum > 0"
        )
        names = [name for (name,) in cursor.fetchall()]
        cursor.execute("create table public.given_assignments as select * from marts.assignments")
        for row in rows:
            assert set(row) <= set(names)
            cursor.execute(
                sql.SQL("insert into public.given_assignments ({}) values ({})").format(
                    sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Literal, row.values()))
                )
            )
        cursor.execute(
            "create index on public.given_assignments (org_id);"
            " create or replace view marts.assignments as select * from public.given_assignments"
        )


def insert(connection: Connection, table: str, row: dict[str, Any]) -> None:
    """Insert a row of the daily export into a reconciled table, in the connection's transaction."""
    _insert(connection, "edreflect", table, {"_day": "2026-02-02", "_source": "daily"} | row)


def _insert(connection: Connection, schema: str, table: str, row: dict[str, Any]) -> None:
    statement = sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier(schema, table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Literal, row.values())),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)


def run(settings: Settings, *selection: str) -> None:
    """Have dbt make what is selected; fails with dbt's sentences."""
    report = run_dbt(settings, ["run", "--select", *selection])
    assert report.failures == (), report.failures


def publish(settings: Settings, *arguments: str) -> None:
    """Build the marts and published views; fails with dbt's sentences."""
    run(settings, *PUBLISHED_MODELS, "--exclude", "marts__snapshot_people", *arguments)


@contextmanager
def published_database(server: Settings, template: str, home: Path) -> Iterator[Settings]:
    """Yield a database of its own with reconciled rows of three orgs and the views published."""
    with fresh_database(server, template, home) as settings:
        create_reconciled_tables(settings)
        publish(settings)
        yield settings
