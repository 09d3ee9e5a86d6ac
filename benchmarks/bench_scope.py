"""Scope: what the views that are scoped by a person cost beside the same queries without any scope.

``python benchmarks/bench_scope.py [--quick]`` prints a table; ``run(quick)`` returns its rows. The view over a generated
fact is rendered by the project's own macro, in a copy of the dbt project; the reader is an ordinary login role, whose
grant is by registry name. The rosters are written by SQL where a fold would have put them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
from bench_load import Measurement, alternate, print_lines, server
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.access import expand_grants, grant_scope
from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.database import connect, database_url
from edreflect_assets.orgs import Org, default_org_uuid, sync_orgs
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.dbt import dbt_arguments, dbt_environment

ORGANIZATIONS = 500
# A second tenant has the first few of the same people and organizations.
SHARED = 5
ORGS = {name: Org(name, default_org_uuid(name, name), name) for name in ("district", "other")}
READER, PASSWORD = "bench_reader", "bench"
ROSTERS = ("+reconciled.oneroster", "+analytics.roster")
VIEW = "analytics__bench_facts"

_VIEW_SQL = "{{ scoped_by_person('marts.bench_facts', 'student_id') }}\n"
_VIEW_YML = f"""
models:
  - name: {VIEW}
    config: {{materialized: published_view, reader: analyst_read, contract: {{enforced: true}}}}
    description: Generated facts.
    columns:
      - {{name: student_id, data_type: uuid, description: The student.}}
      - {{name: day, data_type: date, description: The day.}}
      - {{name: minutes, data_type: integer, description: How long.}}
      - {{name: org_ids, data_type: "uuid[]", description: The organizations.}}
"""
_UNSCOPED = "marts.bench_facts"
_SCOPED = "analytics.bench_facts"

# Day after day, as facts arrive, so that one student's lie far apart.
_FACTS = """
create table marts.bench_facts as
select
  'district' as tenant, md5('student' || n * 7919::bigint %% %(students)s)::uuid as student_id,
  date '2026-01-01' + (n * 200::bigint / %(facts)s)::integer as day, (n %% 60)::integer as minutes
from generate_series(0, %(facts)s - 1) as n;
insert into marts.bench_facts
select 'other', md5('student' || n %% %(shared)s)::uuid, date '2026-01-01' + n %% 200, 1
from generate_series(0, 199) as n;
create index on marts.bench_facts (student_id, day);
create index on marts.bench_facts (day);
"""
_VALID = "'active', '2026-01-01', date '2026-01-01'"
_ROWS = {
    "one_roster_organization": ("name, type", "'School ' || n, 'school'", "org", "organizations"),
    "one_roster_user": ("given_name, family_name", "'Student', n::text", "student", "students"),
    "one_roster_course": ("title", "'Course ' || n", "course", "organizations"),
    "one_roster_class": (
        "title, course_id, school_id",
        "'Class ' || n, md5('course' || n % {organizations})::uuid, md5('org' || n % {organizations})::uuid",
        "class",
        "classes",
    ),
    "one_roster_role": (
        "user_id, organization_id, role, role_type",
        "md5('student' || n % {students})::uuid,"
        " md5('org' || (n + n / {students} * 7) % {organizations})::uuid, 'student',"
        " case when n < {students} then 'primary' else 'secondary' end",
        "role",
        "roles",
    ),
    "one_roster_enrollment": (
        "user_id, class_id, school_id, role",
        "md5('student' || n % {students})::uuid,"
        " md5('class' || (n % {organizations} + {organizations} * (n / {students})) % {classes})::uuid,"
        " md5('org' || n % {organizations})::uuid, 'student'",
        "enrollment",
        "enrollments",
    ),
}


def fill(connection: Connection, students: int, facts: int) -> None:
    """Write rosters of both tenants: students at one of the organizations, every twentieth at two; and the facts."""
    counts = {
        "organizations": ORGANIZATIONS,
        "students": students,
        "classes": students // 5,
        "roles": students + students // 20,
        "enrollments": 5 * students,
    }
    with connection, connection.cursor() as cursor:
        for org, most in (("district", None), ("other", SHARED)):
            for table, (columns, values, kind, counted) in _ROWS.items():
                cursor.execute(
                    f"insert into oneroster_log.{table} (org_id, id, sourced_id, status, date_last_modified, _valid_from,"
                    f" {columns}) select '{org}', md5('{kind}' || n)::uuid, '{kind}' || n, {_VALID},"
                    f" {values.format(**counts)} from generate_series(0, {(most or counts[counted]) - 1}) as n"
                )
        cursor.execute(_FACTS, {"students": students, "facts": facts, "shared": SHARED})


def run_dbt_with_view(settings: Settings, project: Path, *selection: str) -> None:
    """Run models of a copy of the project that also has the view of the facts."""
    arguments = [argument if argument != str(DBT_PROJECT_DIR) else str(project) for argument in dbt_arguments(settings)]
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "--quiet", "run", "--select", *selection, *arguments],
        env={**os.environ, **dbt_environment(settings)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def copy_of_project(home: Path) -> Path:
    """Copy the dbt project and add the view."""
    project = home / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    folder = project / "models" / "analytics" / "bench"
    folder.mkdir()
    (folder / f"{VIEW}.sql").write_text(_VIEW_SQL, encoding="utf-8")
    (folder / f"{VIEW}.yml").write_text(_VIEW_YML, encoding="utf-8")
    return project


@contextmanager
def platform(students: int, facts: int) -> Iterator[tuple[Connection, Connection]]:
    """Yield the owner's and a reader's connection to a platform with facts about students; both autocommit."""
    with server() as settings, closing(connect(settings)) as owner:
        sync_orgs(owner, ORGS)
        project = copy_of_project(settings.home)
        run_dbt_with_view(settings, project, *ROSTERS)
        fill(owner, students, facts)
        run_dbt_with_view(settings, project, "marts__person_orgs", "marts__person_roles", VIEW)
        owner.autocommit = True
        with owner.cursor() as cursor:
            cursor.execute(f"create role {READER} login password '{PASSWORD}'")
        owner.autocommit = False
        expand_grants(owner)
        grant_scope(owner, READER, ["district"])
        owner.autocommit = True
        with owner.cursor() as cursor:
            cursor.execute("vacuum analyze")
            cursor.execute("checkpoint")
        parts = urlsplit(database_url(settings))
        url = parts._replace(netloc=f"{READER}:{PASSWORD}@{parts.hostname}:{parts.port}").geturl()
        with closing(psycopg2.connect(url)) as reader:
            reader.autocommit = True
            yield owner, reader


def ids(connection: Connection, kind: str, numbers: Sequence[int]) -> list[str]:
    """Return the ids of organizations or students."""
    with connection.cursor() as cursor:
        cursor.execute("select md5(%s || n)::uuid::text from unnest(%s) as n", [kind, list(numbers)])
        return [found for (found,) in cursor.fetchall()]


def asking(connection: Connection, text: str, value: object = None) -> Callable[[], list[tuple[object, ...]]]:
    """Return what asks a query and takes all rows."""

    def ask() -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(text, None if value is None else [value])
            return cursor.fetchall()

    return ask


def scope_to(reader: Connection, organizations: Sequence[str]) -> None:
    """Set what the reader asks to see."""
    with reader.cursor() as cursor:
        cursor.execute("set app.allowed_org_ids = %s", [",".join(organizations)])


def one_student(owner: Connection, reader: Connection, students: int, rounds: int) -> list[Measurement]:
    """A student's facts in the order of days, a hundred students in a row: planned each time, and prepared once."""
    numbers = [number for number in range(SHARED, students) if number % ORGANIZATIONS == 7][:100]
    chosen = ids(owner, "student", numbers)
    scope_to(reader, ids(owner, "org", [7]))
    text = "select student_id, day, minutes from {} where student_id = {} order by day"
    for connection, relation in ((reader, _SCOPED), (owner, _UNSCOPED)):
        with connection.cursor() as cursor:
            cursor.execute(f"prepare by_student (uuid) as {text.format(relation, '$1')}")

    def each_with(connection: Connection, question: str) -> Callable[[], list[list[tuple[object, ...]]]]:
        questions = [asking(connection, question, student) for student in chosen]
        return lambda: [ask() for ask in questions]

    measurements = []
    for name, target, ours, plain in (
        ("one student", 2.0, text.format(_SCOPED, "%s"), text.format(_UNSCOPED, "%s")),
        ("one student, prepared", 0.0, "execute by_student (%s)", "execute by_student (%s)"),
    ):
        scoped, unscoped = each_with(reader, ours), each_with(owner, plain)
        assert scoped() == unscoped()
        assert all(scoped())
        ours_all, reference_all = alternate(rounds, [scoped, unscoped], lambda: None)
        each, note = 1000 / len(chosen), "ms; the same query on the mart, without scope"
        measurements.append(Measurement(name, ours_all * each, reference_all * each, target, note))
    return measurements


def organizations(owner: Connection, reader: Connection, number: int, target: float, rounds: int) -> Measurement:
    """All facts of one or more organizations beside a scan of all facts."""
    scope_to(reader, ids(owner, "org", range(100, 100 + number)))
    text = "select count(*), sum(minutes) from {}"
    scoped, unscoped = asking(reader, text.format(_SCOPED)), asking(owner, text.format(_UNSCOPED))
    ((seen, _),), ((all_facts, _),) = scoped(), unscoped()
    assert isinstance(seen, int)
    assert isinstance(all_facts, int)
    assert 0.5 * number / ORGANIZATIONS < seen / all_facts < 2 * number / ORGANIZATIONS, (seen, all_facts)
    ours, reference = alternate(rounds, [scoped, unscoped], lambda: None)
    name = "one organization" if number == 1 else f"{number} organizations"
    return Measurement(
        f"{name} of {ORGANIZATIONS}, {seen:,} facts",
        ours * 1000,
        reference * 1000,
        target,
        "ms; a full scan of the mart, without scope",
    )


def first_page(owner: Connection, reader: Connection, view: str, order: str, rounds: int) -> Measurement:
    """A hundred rows of a published view for one organization, beside the mart's, which may take any."""
    scope_to(reader, ids(owner, "org", [100]))
    text = f"select * from {{}}.{view} order by {order} limit 100"
    scoped, unscoped = asking(reader, text.format("analytics")), asking(owner, text.format("marts"))
    assert len(scoped()) == 100
    ours, reference = alternate(rounds, [scoped, unscoped], lambda: None)
    return Measurement(
        f"{view}, first page for one organization", ours * 1000, reference * 1000, 0.0, "ms; of all organizations"
    )


def run(*, quick: bool = False, rounds: int = 9) -> list[Measurement]:
    """Measure everything; ``quick`` uses small sizes."""
    students, facts = (50_000, 200_000) if quick else (200_000, 10_000_000)
    rounds = 3 if quick else rounds
    with platform(students, facts) as (owner, reader):
        return [
            *one_student(owner, reader, students, rounds),
            organizations(owner, reader, 1, 0.1, rounds),
            organizations(owner, reader, 10, 0.6, rounds),
            first_page(owner, reader, "students", "name, id", rounds),
            first_page(owner, reader, "class_enrollments", "class_title, enrollment_id", rounds),
        ]


def main() -> None:
    """Print the measurements as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    print_lines(run(quick=parser.parse_args().quick))


if __name__ == "__main__":
    main()
