"""Reconciliation: does a day cost what the day holds, however long the history is?

``python benchmarks/bench_reconcile.py [--quick]`` prints a table; ``run(quick)`` returns its rows. Time is a model's own
(its transaction: ledger, key log, select, delete, insert, record), as dbt reports it; dbt's start-up is apart. The raw
log is written by SQL, not through the loader, which bench_load.py measures.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import closing
from datetime import date, timedelta

from bench_load import Measurement, print_lines, server
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt

FIRST_DAY = date(2020, 1, 1)
ROWS_PER_KEY = 4
MODEL = "edreflect__observation_answers"

_LOAD = """
insert into ops.load_log (feed, org_id, day, file, table_name, status, header)
values ('edreflect', %(org)s, %(day)s, %(file)s, %(table)s, 'current', '{observation_group_id}') returning load_id
"""
_TOUCHED = """
insert into raw_edreflect.observation_modified
  (org_id, _load_id, _row, _line, observation_group_id, observation_modified_date)
select %(org)s, %(load_id)s, n, n + 1, 'og-' || (n * 7919::bigint + %(offset)s) %% %(keys)s, '2026-01-01T08:00:00Z'
from generate_series(1, %(touched)s) as n
"""
_ROWS = """
insert into raw_edreflect.observation_answers
  (org_id, _load_id, _row, _line, observation_group_id, step_id, form_id, question_id, question_text, answer_text,
   answered_by_employee_id)
select %(org)s, %(load_id)s, n * %(rows_per_key)s + item, n, 'og-' || (n * 7919::bigint + %(offset)s) %% %(keys)s,
  'step-' || item, 'form-' || item %% 7, 'question-' || item, 'How did part ' || item || ' of the lesson go?',
  'Answer ' || n || ' of the day ' || %(day)s || ' in about as many words as people write', 'employee-' || n %% 1000
from generate_series(1, %(touched)s) as n, generate_series(1, %(rows_per_key)s) as item
"""


def add_day(connection: Connection, number: int, keys: int, touched: int) -> None:
    """Append one day to the log: ``touched`` of ``keys`` observations, spread over all of them."""
    parameters = {
        "org": "bench",
        "day": FIRST_DAY + timedelta(days=number),
        "keys": keys,
        "touched": touched,
        "offset": number * touched * 7919,
        "rows_per_key": ROWS_PER_KEY,
    }
    with connection.cursor() as cursor:
        for file, table, rows in (
            ("Observation_Modified.csv", "observation_modified", _TOUCHED),
            ("Observation_Answers.csv", "observation_answers", _ROWS),
        ):
            cursor.execute(_LOAD, {**parameters, "file": file, "table": table})
            (load_id,) = cursor.fetchone() or (0,)
            cursor.execute(rows, {**parameters, "load_id": load_id})
    connection.commit()


def seconds_of_model(settings: Settings, *, with_parents: bool = False) -> float:
    """Run the model and return its own time in seconds."""
    report = run_dbt(settings, ["run", "--select", f"{'+' if with_parents else ''}{MODEL}"])
    assert not report.failures, report.failures
    return report.models[MODEL]


def tidy(connection: Connection) -> None:
    """Do what autovacuum does in time of its own."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        for relation in ("raw_edreflect.observation_answers", "edreflect_log.observation_answers"):
            cursor.execute(f"vacuum analyze {relation}")
        cursor.execute("vacuum analyze edreflect.observation_answers")
        cursor.execute("checkpoint")
    connection.autocommit = False


def days_and_rebuild(rows: int, touched: int, days: int, rebuilds: int) -> tuple[float, float]:
    """Return the medians of applying one day to a history of ``rows`` and of rebuilding the table, in seconds."""
    keys = rows // ROWS_PER_KEY
    with server() as settings, closing(connect(settings)) as connection:
        for number in range(keys // touched):
            add_day(connection, number, keys, touched)
        seconds_of_model(settings, with_parents=True)
        tidy(connection)
        applied = []
        # the first day pays for cold caches and is not counted
        for number in range(keys // touched, keys // touched + days + 1):
            add_day(connection, number, keys, touched)
            applied.append(seconds_of_model(settings))
        rebuilt = []
        for _ in range(rebuilds):
            with connection.cursor() as cursor:
                cursor.execute("delete from ops.applied where model = %s", (MODEL,))
            connection.commit()
            rebuilt.append(seconds_of_model(settings))
            tidy(connection)
    return statistics.median(applied[1:]), statistics.median(rebuilt)


def run(*, quick: bool = False) -> list[Measurement]:
    """Measure at two sizes of history, the larger ten times the smaller."""
    small, touched, days = (40_000, 500, 2) if quick else (1_000_000, 10_000, 5)
    large = 10 * small
    small_day, _ = days_and_rebuild(small, touched, days, 1)
    large_day, large_rebuild = days_and_rebuild(large, touched, days, 1 if quick else 2)
    what = f"a day of {touched:,} touched keys, {ROWS_PER_KEY * touched:,} rows"
    return [
        Measurement(f"{what}: {large:,} rows of history", large_day, small_day, 1.5, f"s; at {small:,} rows"),
        Measurement(f"{what}: beside a rebuild", large_day, large_rebuild, 0.02, f"s; rebuilding {large:,} rows"),
    ]


def main() -> None:
    """Print the measurements as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    print_lines(run(quick=parser.parse_args().quick))


if __name__ == "__main__":
    main()
