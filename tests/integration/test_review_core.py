"""Corners of loading and reconciling where rows, refusals or whole builds could get lost without a word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from random import Random

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.checks.deliveries import REFUSED
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
