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

from edreflect_assets.contracts import FileContract, load_feeds
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
# The rosters' tables are made by their models, empty as nothing is loaded.
PUBLISHED_MODELS = (
    "+reconciled.oneroster",
    "marts.edreflect",
    "analytics.edreflect",
)
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
        "slos": [{"slo_id": "l1", "employee_id": "e1", "slo_title": org, "slo_status": "created"}],
        "slo_assessments": [{"slo_id": "l1", "slo_assessment_id": "a1", "slo_assessment_name": org}],
        "rubrics": [{"rubric_id": "b1", "rubric_name": org}],
        "indicators": [{"rubric_id": "b1", "indicator_id": "i1", "indicator_name": org}],
        "indicator_proficiency_levels": [
            {"rubric_id": "b1", "indicator_id": "i1", "proficiency_level_id": "p1", "level_name": org}
        ],
    }


def create_reconciled_tables(connection: Connection) -> None:
    """Create the reconciled tables as the contracts describe them, with their key indexes, and the orgs' rows; commit."""
    with connection, connection.cursor() as cursor:
        for contract in load_feeds()["edreflect"].tables.values():
            if contract.load not in {"reference", "id_map"}:
                cursor.execute(_table(contract))
        for org, (org_uuid, tenant) in ORGS.items():
            cursor.execute(
                "insert into ops.orgs (org_id, org_uuid, tenant) values (%s, %s, %s)", [org, org_uuid, tenant]
            )
            for table, rows in rows_of(org).items():
                for row in rows:
                    insert(connection, table, {"org_id": org} | row)


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
    """Insert a row into a reconciled table, in the connection's transaction."""
    statement = sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier("edreflect", table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Literal, row.values())),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)


def publish(settings: Settings, *arguments: str) -> None:
    """Build the marts and published views; fails with dbt's sentences."""
    report = run_dbt(settings, ["run", "--select", *PUBLISHED_MODELS, *arguments])
    assert report.failures == (), report.failures


@contextmanager
def published_database(server: Settings, template: str, home: Path) -> Iterator[Settings]:
    """Yield a database of its own with reconciled rows of three orgs and the views published."""
    with fresh_database(server, template, home) as settings:
        with closing(connect(settings)) as connection:
            create_reconciled_tables(connection)
        publish(settings)
        with closing(connect(settings)) as connection:
            create_assignments(
                connection,
                [
                    {"org_id": org, "assignment_id": "s1", "assignment_name": org, "learner_employee_id": "e1"}
                    for org in ORGS
                ],
            )
        yield settings


def _table(contract: FileContract) -> sql.Composed:
    columns: list[sql.Composable] = [sql.SQL("org_id text not null")]
    columns += [sql.SQL(f"{{}} {column.data_type}").format(sql.Identifier(column.name)) for column in contract.columns]
    return sql.SQL("create table {table} ({columns}); create {unique} index on {table} (org_id, {key}) {nulls}").format(
        table=sql.Identifier("edreflect", contract.table),
        columns=sql.SQL(", ").join(columns),
        key=sql.SQL(", ").join(map(sql.Identifier, contract.key or contract.drop_key)),
        unique=sql.SQL("unique" if contract.key else ""),
        nulls=sql.SQL("nulls not distinct" if contract.key else ""),
    )
