"""Every published view of TimeBack's catalogue, as a reader who may see one organization of 500 asks it.

``python benchmarks/bench_views.py [--quick] [--explain]`` prints a table; ``run(quick)`` returns its rows. The reader is an
ordinary login role that was granted one organization. What it asks of each view: the first hundred rows as they come, the
newest hundred, a week in the order of time, and one student (where a view names none, one session or one person). All rows
of each answer are taken; the median of warm runs counts. A view is slow when the slowest of them takes more than 200 ms.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlsplit

import psycopg2
from bench_load import Measurement, print_lines
from facts_base import PROGRESS, Base, kept_base
from facts_rows import LAST_DAY, TENANT, FactSize
from psycopg2.extensions import connection as Connection  # noqa: N812
from roster_files import BEGIN

from edreflect_assets.access import expand_grants, grant_scope
from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.database import database_url

LIMIT_MS = 200.0
READER, PASSWORD = "bench_reader", "bench"
# All people, but a share of their sessions, where there is no hour: EDREFLECT_BENCH_SHARE=0.3.
SHARE = float(os.environ.get("EDREFLECT_BENCH_SHARE", "1"))
FULL = FactSize(people=235_300, sessions=int(6_668 * SHARE), days=300)
QUICK = FactSize(people=6_020, sessions=68, days=300)
SCHOOL_YEAR = date.fromisoformat(BEGIN)
_FOLDERS = ("roster", "timeback")
# The column by which an answer is about one student; the later ones where there is no earlier one.
_ONE = ("student_id", "session_id", "school_id", "id")
_TIMES = ("date", "started_at_time", "mastery_timestamp", "last_updated", "begin_date", "earliest_map_date")


@dataclass(frozen=True)
class Question:
    """One query of a view, and the parameter it takes."""

    name: str
    text: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True)
class Answer:
    """How long a question took, in milliseconds, and how many rows it gave."""

    question: Question
    milliseconds: float
    rows: int


def views() -> list[str]:
    """Return the names of the views, those of the rosters first."""
    models = (path for folder in _FOLDERS for path in (DBT_PROJECT_DIR / "models" / "analytics" / folder).glob("*.sql"))
    return sorted(path.stem.removeprefix("analytics__") for path in models)


@contextmanager
def reader_of_one_school(base: Base) -> Iterator[Connection]:
    """Yield the connection, in autocommit, of an ordinary login that was granted one school."""
    school = school_id(base)
    with base.connection.cursor() as cursor:
        cursor.execute(f"drop role if exists {READER}")
        cursor.execute(f"create role {READER} login password '{PASSWORD}'")
    base.connection.commit()
    expand_grants(base.connection)
    base.connection.commit()
    grant_scope(base.connection, READER, [school])
    parts = urlsplit(database_url(base.settings))
    url = parts._replace(netloc=f"{READER}:{PASSWORD}@{parts.hostname}:{parts.port}").geturl()
    with closing(psycopg2.connect(url)) as reader:
        reader.autocommit = True
        with reader.cursor() as cursor:
            cursor.execute("set app.allowed_org_ids = %s", (school,))
        yield reader


def school_id(base: Base) -> str:
    """Return the id of the reader's school: one whose students have guides (a fifth of the schools, see roster_files.py)."""
    district = base.size.district
    number = (district.teachers + district.guardians) % 5 + 5
    ((school,),) = base.run(f"select md5('{TENANT}|org|school-{number}')::uuid::text")
    return str(school)


def questions(reader: Connection, view: str) -> list[Question]:
    """Return what is asked of a view, by its columns."""
    with reader.cursor() as cursor:
        cursor.execute(
            "select attname, atttypid::regtype::text from pg_attribute where attrelid = %s::regclass and attnum > 0",
            (f"analytics.{view}",),
        )
        types = dict(cursor.fetchall())
        select = f"select * from analytics.{view}"
        asked = [Question("first hundred", f"{select} limit 100")]
        moment = next((column for column in _TIMES if column in types), None)
        if moment:
            asked += [
                Question("newest hundred", f'{select} order by "{moment}" desc nulls last limit 100'),
                Question(
                    "a week",
                    f'{select} where "{moment}" >= %s and "{moment}" < %s order by "{moment}"',
                    _week(moment),
                ),
            ]
        one = next((column for column in _ONE if column in types), None)
        if one:
            cursor.execute(f"select {one} from analytics.{view} where {one} is not null limit 50")
            found = [value for (value,) in cursor.fetchall()]
            if found:
                asked.append(
                    Question(
                        f"one {one.removesuffix('_id')}",
                        f"{select} where {one} = %s::{types[one]}",
                        (found[len(found) // 2],),
                    )
                )
    return asked


def _week(moment: str) -> tuple[date, date]:
    """Return the bounds of the last full week of facts; of what begins with the school year, of its first."""
    first = SCHOOL_YEAR if moment == "begin_date" else LAST_DAY - timedelta(days=13)
    return first, first + timedelta(days=7)


def asked(reader: Connection, question: Question, rounds: int) -> Answer:
    """Ask once for warmth, then time a few rounds; return their median."""
    times = []
    with reader.cursor() as cursor:
        for number in range(rounds + 1):
            began = time.perf_counter()
            cursor.execute(question.text, question.values or None)
            rows = len(cursor.fetchall())
            if number:
                times.append(1000 * (time.perf_counter() - began))
            elif time.perf_counter() - began > 10:
                return Answer(question, 1000 * (time.perf_counter() - began), rows)
    return Answer(question, statistics.median(times), rows)


def plan(reader: Connection, question: Question) -> list[str]:
    """Return the plan of a question with its times, as the reader has it."""
    with reader.cursor() as cursor:
        cursor.execute(f"explain (analyze, buffers) {question.text}", question.values or None)
        return [line for (line,) in cursor.fetchall()]


def dominating(lines: list[str]) -> str:
    """Return the node that takes the most time by itself, as the plan calls it."""
    nodes: list[tuple[int, float, str]] = []
    for line in lines:
        found = re.match(r"(\s*)(?:->\s+)?(.*?)\s+\(cost=.*actual time=[\d.]+\.\.([\d.]+) rows=\S+ loops=(\d+)\)", line)
        if found:
            nodes.append((len(found[1]), float(found[3]) * int(found[4]), found[2]))
    own = []
    for place, (depth, spent, name) in enumerate(nodes):
        children = 0.0
        level = None
        for below, below_spent, _ in nodes[place + 1 :]:
            if below <= depth:
                break
            level = below if level is None else level
            children += below_spent if below == level else 0.0
        own.append((spent - children, name))
    return max(own)[1] if own else "unknown"


def measure(base: Base, rounds: int, *, explain: bool = False) -> list[Measurement]:
    """Ask every view; the slowest answer of each is a line, those above the limit with what their plan is made of."""
    measurements = []
    with reader_of_one_school(base) as reader:
        for view in views():
            answers = [asked(reader, question, rounds) for question in questions(reader, view)]
            slowest = max(answers, key=lambda answer: answer.milliseconds)
            note = "ms; " + ", ".join(f"{one.question.name} {one.milliseconds:.0f} ({one.rows:,})" for one in answers)
            if slowest.milliseconds > LIMIT_MS:
                lines = plan(reader, slowest.question)
                note += f"; mostly {dominating(lines)}"
                if explain:
                    print(
                        f"\n-- {view}: {slowest.question.text} {slowest.question.values}", *lines, sep="\n", flush=True
                    )
            measurements.append(Measurement(view, slowest.milliseconds, LIMIT_MS, 1.0, note))
    PROGRESS.say(f"{len(measurements)} views asked")
    return measurements


def run(*, quick: bool = False, rounds: int = 5) -> list[Measurement]:
    """Measure everything; ``quick`` uses small sizes."""
    return measure(kept_base(QUICK if quick else FULL), rounds)


def main() -> None:
    """Print the measurements as a table, with ``--explain`` also the plans of what is slow."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--explain", action="store_true", help="print the plans of slow queries")
    arguments = parser.parse_args()
    print_lines(measure(kept_base(QUICK if arguments.quick else FULL), 5, explain=arguments.explain))


if __name__ == "__main__":
    main()
