"""Corners of loading and reconciling where rows, refusals or whole builds could get lost without a word."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.checks.deliveries import REFUSED
from edreflect_assets.checks.rows import lists_delivered_again
from edreflect_assets.contracts import DBT_PROJECT_DIR, load_feeds
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.model import database as model
from tests.model.log import Delivery

DAY = date(2026, 3, 2)
NEXT_DAY = date(2026, 3, 3)


def deliver(
    connection: Connection, settings: Settings, org: str = "springfield", day: date = DAY, **files: str
) -> bool:
    """Load files by name without ``.csv``; False when the delivery is refused."""
    delivery = Delivery(org, day, {f"{name}.csv": text.encode() for name, text in files.items()})
    return model.load(connection, settings, delivery)


def standing_refusals(connection: Connection) -> int:
    with connection, connection.cursor() as cursor:
        cursor.execute(REFUSED, {"feed": "edreflect"})
        return len(cursor.fetchall())


def test_a_stray_quote_in_the_header_does_not_swallow_the_records(database: Settings, connection: Connection):
    assert not deliver(connection, database, Rubrics='rubric_id,rubric"name\nr1,one\nr2,two\n')


def test_bytes_refused_again_after_a_good_delivery_stand_refused_again(database: Settings, connection: Connection):
    bad, good = "rubric_name\nno key\n", "rubric_id\nr1\n"
    assert not deliver(connection, database, Rubrics=bad)
    assert deliver(connection, database, Rubrics=good)
    assert standing_refusals(connection) == 0
    assert not deliver(connection, database, Rubrics=bad)
    assert standing_refusals(connection) == 1


def test_a_refusal_ends_when_the_current_bytes_are_delivered_again(database: Settings, connection: Connection):
    assert deliver(connection, database, Rubrics="rubric_id\nr1\n")
    assert not deliver(connection, database, Rubrics="rubric_name\nno key\n")
    assert standing_refusals(connection) == 1
    assert deliver(connection, database, Rubrics="rubric_id\nr1\n")
    assert standing_refusals(connection) == 0


@pytest.fixture(scope="module")
def built(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """A database in which every model has been built once, with one healthy org."""
    home = tmp_path_factory.mktemp("review")
    with model.fresh_database(postgres_server, template_database, home) as settings:
        with closing(connect(settings)) as connection:
            deliver(connection, settings, "healthy", Rubrics="rubric_id\nr1\n", User_Grades="employee_id,grade\ne1,5\n")
        model.build_reconciled(settings, first=True)
        yield settings


def stored(connection: Connection, table: str, org: str) -> int:
    return sum(model.rows(connection, table).get(org, {}).values())


def test_a_key_too_long_for_an_index_is_set_aside_and_stops_nobody(built: Settings):
    letters = Random(7)
    key = "".join(letters.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(9000))
    with closing(connect(built)) as connection:
        deliver(
            connection,
            built,
            "long-key",
            Rubrics=f"rubric_id\n{key}\nr1\n",
            User_Modified=f"employee_id\n{key}\ne1\n",
            User_Grades=f"employee_id,grade\n{key},5\ne1,6\n",
        )
        deliver(connection, built, "healthy", NEXT_DAY, Rubrics="rubric_id\nr2\n")
        model.build_reconciled(built)
        assert stored(connection, "rubrics", "long-key") == 1
        assert stored(connection, "user_grades", "long-key") == 1
        assert stored(connection, "rubrics", "healthy") == 2
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "select file, line, column_name, quarantine.reason from ops.quarantine join ops.load_log using (load_id)"
                " where org_id = 'long-key' order by file"
            )
            too_long = "key is longer than 400 bytes"
            assert cursor.fetchall() == [
                ("Rubrics.csv", 2, "rubric_id", too_long),
                ("User_Grades.csv", 2, "employee_id", too_long),
                ("User_Modified.csv", 2, "employee_id", too_long),
            ]


def test_a_row_that_does_not_cast_is_kept_as_delivered_whatever_its_columns_are_called(built: Settings):
    header = 'RUBRIC_ID, School Year ,raw,uncast,ctid,"a ""quoted"" %s name",_row'
    record = 'r9,next year,one,two,three,"fo""ur",six'
    with closing(connect(built)) as connection:
        assert deliver(connection, built, "odd-columns", Rubrics=f"{header}\n{record}\n")
        # the staging views are made again, as by every build of everything
        model.build_reconciled(built, first=True)
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "select column_name, raw_line from ops.quarantine join ops.load_log using (load_id)"
                " where org_id = 'odd-columns'"
            )
            assert cursor.fetchall() == [("school_year", record)]


def test_pairs_of_a_modified_goal_that_did_not_come_are_counted_from_the_key_log(built: Settings):
    with closing(connect(built)) as connection:
        pairs = "goal_id,indicator_id\ng1,a\ng1,b\ng2,a\n"
        deliver(connection, built, "pairs", Goals_Indicators=pairs)
        again = "goal_id,indicator_id\ng1,a\n"
        deliver(connection, built, "pairs", NEXT_DAY, Goals_Modified="goal_id\ng1\n", Goals_Indicators=again)
        model.build_reconciled(built)
        found = lists_delivered_again(connection, load_feeds()["edreflect"], {}, datetime.now(UTC))
    assert found.metadata["not_delivered_again"] == 1
    assert f"pairs, {NEXT_DAY}: 1 row of Goals_Indicators.csv not delivered again" in found.text


def test_a_table_dropped_behind_the_back_of_the_ledger_is_built_anew(built: Settings):
    with closing(connect(built)) as connection:
        before = model.rows(connection, "user_grades")
        with connection, connection.cursor() as cursor:
            cursor.execute("drop table edreflect.user_grades cascade")
        deliver(connection, built, "healthy", NEXT_DAY, User_Grades="employee_id,grade\ne2,5\n")
        model.build_reconciled(built)
        after = model.rows(connection, "user_grades")
        assert sum(after["healthy"].values()) == 2
        assert {org: rows for org, rows in after.items() if org != "healthy"} == {
            org: rows for org, rows in before.items() if org != "healthy"
        }


BUILD = """
import sys
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import build
sys.exit("; ".join(build(Settings.from_environment(), select=sys.argv[1]).failures) or 0)
"""


def test_columns_that_leave_or_change_their_type_in_a_contract_need_no_hands(
    database: Settings, connection: Connection, tmp_path: Path
):
    checkout = tmp_path / "checkout"
    shutil.copytree(DBT_PROJECT_DIR, checkout / "dbt_project")
    shutil.copytree(DBT_PROJECT_DIR.parent / "edreflect_assets", checkout / "edreflect_assets")
    contract = checkout / "dbt_project" / "models" / "sources" / "edreflect.yml"

    def build_as_checked_out() -> None:
        assert database.database_url is not None
        environment = os.environ | {
            "PYTHONPATH": str(checkout),
            "EDREFLECT_HOME": str(database.home),
            "EDREFLECT_DATABASE_URL": database.database_url,
            "DBT_INDIRECT_SELECTION": "empty",
        }
        command = [sys.executable, "-c", BUILD, "+analytics__rubric_indicators"]
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-1000:]

    def fetch(query: str) -> list[tuple[object, ...]]:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    deliver(
        connection,
        database,
        Rubrics="rubric_id,rubric_name,rubric_type,is_active\nr1,7,x,true\n",
        Indicators="rubric_id,indicator_id\nr1,i1\n",
    )
    build_as_checked_out()
    text = contract.read_text(encoding="utf-8")
    start, end = text.index("      - name: rubrics\n"), text.index("      - name: indicators\n")
    rubrics = text[start:end].replace(
        "rubric_type\n            data_type: text", "rubric_type\n            data_type: integer"
    )
    leaving = rubrics.index("          - name: is_active\n")
    rubrics = rubrics[:leaving] + rubrics[rubrics.index("          - name: school_year\n") :]
    contract.write_text(text[:start] + rubrics + text[end:], encoding="utf-8")
    mart = checkout / "dbt_project" / "models" / "marts" / "edreflect" / "marts__rubric_indicators.sql"
    mart.write_text(
        mart.read_text(encoding="utf-8").replace("rubric.is_active as", "null::boolean as"), encoding="utf-8"
    )
    snapshot = checkout / "dbt_project" / "models" / "marts" / "educators" / "snapshot" / "marts__snapshot_rubrics.sql"
    snapshot.write_text(
        snapshot.read_text(encoding="utf-8").replace("rubric.type as", "null::integer as"), encoding="utf-8"
    )
    deliver(connection, database, day=NEXT_DAY, Rubrics="rubric_id,rubric_name,rubric_type\nr2,8,9\n")

    build_as_checked_out()
    build_as_checked_out()

    kept = "org_id, rubric_id, rubric_name, rubric_type, school_year"
    assert fetch(f"select {kept} from edreflect.rubrics") == [("springfield", "r2", "8", 9, None)]
    assert fetch(f"select rubric_id from edreflect.rubrics_as_of('{NEXT_DAY}')") == [("r2",)]
    assert fetch("select count(*) from marts.rubric_indicators") == [(1,)]
    assert fetch("select relname from pg_class where relname like '%\\_\\_replaced\\_%' and relname !~ 'key'") == []
