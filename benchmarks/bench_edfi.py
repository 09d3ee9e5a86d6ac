"""Publishing cohorts to an Ed-Fi ODS: the time of a first run beside what its calls must take, and of one with nothing new.

``python benchmarks/bench_edfi.py [--quick]`` prints a table; ``run(quick)`` returns its rows. The ODS is the fake one, in
a process of its own, which takes 20 ms for each call. The bound is calls x latency / calls in flight: no client can be
faster. Programs and participations are reconciled rows, written by SQL; reading and judging them is part of the run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

from bench_load import Measurement, print_lines, server

from edreflect_assets.database import connect
from edreflect_assets.edfi.publish import Publication, publish
from edreflect_assets.fake_ods import FAKE_KEY, FAKE_SECRET
from edreflect_assets.orgs import load_registry, sync_orgs
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt

LATENCY_MS, IN_FLIGHT = 20, 8
YEAR, DISTRICT = 2026, 255901
MODELS = ("staging.infinite_campus", "reconciled.infinite_campus", "edfi")
ROWS = """
    insert into infinite_campus.programs (org_id, program_id, program_name, program_category, district_number, school_year, _day)
    select 'org', n::text, 'Program ' || n, 'Cohort', '{district}', {year}, '{day}' from generate_series(1, {programs}) as n;
    insert into infinite_campus.program_participation
        (org_id, participation_id, program_id, student_unique_id, begin_date, _day)
    select 'org', n::text, (n % {programs} + 1)::text, 's' || n, '{day}', '{day}' from generate_series(1, {students}) as n;
    insert into infinite_campus.program_staff (org_id, program_staff_id, program_id, staff_unique_id, begin_date, _day)
    select 'org', n::text, n::text, 't' || n, '{day}', '{day}' from generate_series(1, {programs}) as n;
    insert into infinite_campus.resource_preferences (org_id, program_category, cohort_type_code, mapped, _day)
    values ('org', 'Cohort', 'Other', true, '{day}');
    insert into infinite_campus.resource_toggles (org_id, resource, enabled, _day)
    select 'org', name, true, '{day}'
    from unnest(array['cohorts', 'studentCohortAssociations', 'staffCohortAssociations']) as name;
    analyze infinite_campus.programs, infinite_campus.program_participation, infinite_campus.program_staff;
"""


@contextmanager
def ods() -> Iterator[str]:
    """Run the fake ODS in a process of its own and give its URL."""
    command = [sys.executable, "-m", "edreflect_assets.fake_ods", "--port", "0", "--latency-ms", str(LATENCY_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def prepare(settings: Settings, url: str, programs: int, students: int) -> None:
    """Register the org, build the models, and give them their rows."""
    entry = {"url": url, "data_standard": '"5.0"', "districts": f"[{DISTRICT}]", "concurrency": str(IN_FLIGHT)}
    entry |= {"key_env": "FAKE_ODS_KEY", "secret_env": "FAKE_ODS_SECRET"}
    lines = ["orgs:", "  org:", "    edfi:", *(f"      {name}: {value}" for name, value in entry.items())]
    Path(settings.registry).write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.environ |= {"FAKE_ODS_KEY": FAKE_KEY, "FAKE_ODS_SECRET": FAKE_SECRET}
    with closing(connect(settings)) as connection:
        sync_orgs(connection, load_registry(settings))
        report = run_dbt(settings, ["run", "--select", *MODELS])
        assert not report.failures, report.failures
        rows = {"programs": programs, "students": students, "district": DISTRICT, "year": YEAR}
        with connection, connection.cursor() as cursor:
            cursor.execute(ROWS.format(day=date(2026, 9, 1), **rows))


def timed(settings: Settings) -> tuple[float, Publication]:
    """Publish once; return seconds and what came of it."""
    org = load_registry(settings)["org"]
    began = time.perf_counter()
    published = publish(settings, org, YEAR, "change")
    taken = time.perf_counter() - began
    assert published.outcome is not None
    assert not published.outcome.failed, published.outcome.failed
    return taken, published


def run(*, quick: bool = False) -> list[Measurement]:
    """Measure everything; ``quick`` uses small sizes, which show that it works and little else."""
    programs, students = (20, 380) if quick else (1000, 19_000)
    with server() as settings, ods() as url:
        prepare(settings, url, programs, students)
        first, published = timed(settings)
        again, unchanged = timed(settings)
    calls = published.plan.calls
    assert calls == 2 * programs + students
    assert unchanged.plan.calls == 0
    bound = calls * LATENCY_MS / 1000 / IN_FLIGHT
    size = f"{programs:,} programs, {students + programs:,} associations"
    return [
        Measurement(
            f"a first run, {size}", first, bound, 1.3,
            f"s; {calls:,} calls x {LATENCY_MS} ms / {IN_FLIGHT} in flight; {calls / first:,.0f} calls a second",
        ),
        Measurement("a second run with nothing changed, no call", again, first, 0.02, "s; the first"),
    ]  # fmt: skip


def main() -> None:
    """Print the measurements as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    arguments = parser.parse_args()
    print_lines(run(quick=arguments.quick))


if __name__ == "__main__":
    main()
