"""Readers loop over every published view while builds run: no error, and never half of a change within a view."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import build, dbt_environment
from edreflect_assets.warehouse.build import run_dbt
from tests.integration.published import ORGS, VIEWS, uuids
from tests.model.database import fresh_database, load
from tests.model.log import Delivery

ORG = "north"
FIRST_DAY = date(2026, 3, 2)
OBSERVATIONS = [f"o{number}" for number in range(40)]
EDUCATORS = [f"e{number}" for number in range(40)]


def table(header: str, rows: list[str]) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def day_of(number: int) -> Delivery:
    """Everything delivered anew: each list of a later day is longer, and each of its values names its day."""
    length = range(number + 1)
    return Delivery(
        ORG,
        FIRST_DAY + timedelta(days=number),
        {
            "Observation_Modified.csv": table("observation_group_id", OBSERVATIONS),
            "Observations.csv": table(
                "observation_group_id,observation_status,observation_type,learner_employee_id,observer_employee_id,"
                "school_year,observation_completed_date",
                [
                    f"{observation},day {number},day {number},{learner},x0,2026,2026-03-01"
                    for observation, learner in zip(OBSERVATIONS, EDUCATORS, strict=True)
                ],
            ),
            "Ratings.csv": table(
                "observation_group_id,rating_id,rubric_id,indicator_id,rating_value,rated_by_employee_id",
                [f"{observation},r{item},b1,i1,{number},x{item}" for observation in OBSERVATIONS for item in length],
            ),
            "Observation_Steps.csv": table(
                "step_id,observation_group_id,step_type,step_completed_date",
                [f"s {observation},{observation},feedback,2026-03-0{number + 2}" for observation in OBSERVATIONS],
            ),
            "Observation_Feedback.csv": table(
                "observation_group_id,feedback,next_steps",
                [f"{observation},day {number},day {number}" for observation in OBSERVATIONS],
            ),
            "Observation_Comments.csv": table(
                "observation_group_id,indicator_id,comment",
                [f"{observation},i{item},day {number}" for observation in OBSERVATIONS for item in length],
            ),
            "User_Modified.csv": table("employee_id,user_modified_date", [f"{e},2026-03-01" for e in EDUCATORS]),
            "User_Accounts.csv": table(
                "employee_id,user_id,title", [f"{e},day {number},day {number}" for e in EDUCATORS]
            ),
            "User_Roles.csv": table(
                "employee_id,role_id,role_name",
                [f"{e},r{item},day {number} {item}" for e in EDUCATORS for item in length],
            ),
            "User_Affiliations.csv": table(
                "learner_employee_id,observer_employee_id,affiliation_type", [f"{e},e0,primary" for e in EDUCATORS]
            ),
            "Goals.csv": table("goal_id,goal_title,goal_status", [f"g{n},day {number},day {number}" for n in range(9)]),
            "Slos.csv": table("slo_id,slo_title,slo_status", [f"s{n},created,created" for n in range(9)]),
            "Slo_Assessments.csv": table(
                "slo_id,slo_assessment_id", [f"s{n},a{item}" for n in range(9) for item in length]
            ),
            "Rubrics.csv": table("rubric_id,rubric_name", [f"b1,day {number}"]),
            "Indicators.csv": table(
                "rubric_id,indicator_id,indicator_name,indicator_code",
                [f"b1,i{item},day {number},day {number}" for item in range(9)],
            ),
        },
    )


# Per view: a query that gives one row, (True,), as long as what the view promises holds at that moment.
INVARIANTS = {
    "educators": f"""
        select count(*) = {len(EDUCATORS)} and bool_and(user_id = title)
            and bool_and((select count(distinct split_part(role, ' ', 2)) from unnest(role_names) as role) = 1)
            and bool_and(cardinality(role_names) = split_part(role_names[1], ' ', 2)::integer + 1)""",
    "educator_affiliations": f"select count(*) = {len(EDUCATORS)} and bool_and(is_open)",
    "observations": f"select count(*) = {len(OBSERVATIONS)} and bool_and(observation_status = observation_type)",
    "observation_ratings": f"""
        select count(distinct observation_group_id) = {len(OBSERVATIONS)}
            and count(distinct rating_value) = 1
            and count(*) = {len(OBSERVATIONS)} * (max(rating_value) + 1)""",
    "observation_feedback": f"""
        select count(*) = {len(OBSERVATIONS)} and bool_and(feedback = next_steps)
            and bool_and(jsonb_array_length(comments) = split_part(comments -> 0 ->> 'comment', ' ', 2)::integer + 1)""",
    "educator_goals": "select count(*) = 9 and bool_and(goal_title = goal_status)",
    "educator_slos": "select count(*) = 9 and bool_and(jsonb_array_length(assessments) = assessment_count)",
    "rubric_indicators": "select count(*) = 9 and bool_and(indicator_name = indicator_code)",
    "observer_ratings": f"""
        select count(*) = max(mean_rating) + 1 and count(distinct mean_rating) = 1
            and bool_and(rating_count = {len(OBSERVATIONS)})""",
    "rater_agreement": f"""
        select count(*) <= 1 and coalesce(min(pair_count) = {len(OBSERVATIONS)} and min(exact_agreement_percent) = 100, true)""",
    "observation_completion": "select count(*) = 0",
    "feedback_turnaround": f"select count(*) = {len(OBSERVATIONS)} and count(distinct days_to_feedback) = 1",
    "feedback_turnaround_by_observer": f"""
        select count(*) = 1 and min(with_feedback_count) = {len(OBSERVATIONS)}
            and min(mean_days_to_feedback) = min(median_days_to_feedback)""",
    # no row twice, none of a snapshot that never came
    "artifacts": "select count(*) = count(distinct artifact_id)",
    "assignments": "select count(*) = 0",
    "educator_groups": "select count(*) = count(distinct (employee_id, group_id))",
    "end_of_year_classifications": "select count(*) = count(distinct (snapshot_id, learner_employee_id))",
    "evidence": "select count(*) = 0",
    "observation_steps": "select count(*) = count(distinct step_id)",
    "observation_templates": "select count(*) = count(distinct observation_template_id)",
    "rubric_tree": "select count(*) = count(distinct (rubric_id, indicator_id)) and coalesce(bool_and(depth >= 1), true)",
    "snapshots": "select count(*) = count(distinct snapshot_id)",
}


class Reader(threading.Thread):
    """Asks every view again and again, and an analyst's own view on top of one of them, until told to stop."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection
        self.stopping = threading.Event()
        self.rounds = 0
        self.broken: list[str] = []

    def run(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("set app.allowed_org_ids = %s", [uuids(ORG)])
            while not self.stopping.is_set() and not self.broken:
                for view, promise in INVARIANTS.items():
                    self.ask(cursor, view, f"{promise} from analytics.{view}")
                self.ask(cursor, "own.ratings", f"select count(*) = {len(OBSERVATIONS)} from own.ratings")
                self.rounds += 1

    def ask(self, cursor: Any, view: str, query: str) -> None:
        try:
            cursor.execute(query)
            if cursor.fetchall() != [(True,)]:
                self.broken.append(f"{view}: half of a change")
        except psycopg2.Error as error:
            self.broken.append(f"{view}: {error.pgcode} {error.diag.message_primary}")


@pytest.fixture(scope="module")
def settings(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with fresh_database(postgres_server, template_database, tmp_path_factory.mktemp("readers")) as made:
        yield made


@pytest.fixture(scope="module")
def ledger(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("insert into ops.orgs (org_id, org_uuid, tenant) values (%s, %s, 'one')", [ORG, ORGS[ORG][0]])
        connection.commit()
        yield connection


@pytest.fixture
def reader(settings: Settings, ledger: Connection) -> Iterator[Reader]:
    """Loads and builds the first day, then starts to read as a login of its own."""
    load(ledger, settings, day_of(0))
    report = build(settings)
    assert report.succeeded, report.failures
    with ledger.cursor() as cursor:
        cursor.execute(
            "create role own_reader login password 'own' in role evaluation_read; create schema own;"
            " create view own.ratings with (security_barrier) as"
            " select observation_group_id, count(*) as ratings from analytics.observation_ratings group by 1;"
            " grant usage on schema own to own_reader; alter view own.ratings owner to own_reader;"
            " grant create on schema own to own_reader"
        )
        cursor.execute("insert into access.org_grants (role_name, org_id) values ('own_reader', %s)", [ORGS[ORG][0]])
    ledger.commit()
    with closing(psycopg2.connect(settings.database_url, user="own_reader", password="own")) as connection:
        connection.autocommit = True
        thread = Reader(connection)
        thread.start()
        yield thread
        thread.stopping.set()
        thread.join()
    with ledger.cursor() as cursor:
        cursor.execute("drop owned by own_reader cascade; drop schema own cascade; drop role own_reader")
    ledger.commit()


def test_readers_notice_no_build(settings: Settings, ledger: Connection, reader: Reader, tmp_path: Path) -> None:
    """A new day, an operator's --full-refresh, and a release that moves columns of every view, one after the other."""
    assert set(INVARIANTS) == set(VIEWS)
    load(ledger, settings, day_of(1))
    assert build(settings).failures == ()
    rounds = reader.rounds
    assert run_dbt(settings, ["run", "--full-refresh"]).failures == ()
    release_with_moved_columns(settings, tmp_path / "release")
    reader.stopping.set()
    reader.join()

    assert reader.broken == []
    assert reader.rounds > rounds > 1
    with ledger.cursor() as cursor:
        cursor.execute(
            "select attname from pg_attribute where attrelid = 'analytics.educators'::regclass and attnum = 2"
        )
        assert cursor.fetchone() == ("user_id",), "the release did not change the views"
        cursor.execute("select distinct reloptions from pg_class where relnamespace = 'analytics'::regnamespace")
        assert cursor.fetchall() == [(["security_barrier=true"],)]


def release_with_moved_columns(settings: Settings, project: Path) -> None:
    """Build the published views of a copy of the project in which two columns of each changed places."""
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    for path in (project / "models/analytics").rglob("*.yml"):
        catalogue = yaml.safe_load(path.read_text())
        columns = catalogue["models"][0]["columns"]
        one, other = (1, 2) if len(columns) > 2 else (0, 1)
        columns[one], columns[other] = columns[other], columns[one]
        path.write_text(yaml.safe_dump(catalogue, sort_keys=False))
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "run", "--select", "analytics"]
    places = ["--project-dir", str(project), "--profiles-dir", str(project)]
    outcome = subprocess.run(
        [*command, *places],
        env={**os.environ, **dbt_environment(settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout
