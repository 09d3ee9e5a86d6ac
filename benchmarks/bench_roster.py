"""Rosters: a large district's first package, the same one on a new day, a day's changes, and validation by itself.

``python benchmarks/bench_roster.py [--quick] [--rounds N]`` prints a table; ``run(quick)`` returns its rows. Ours is from
landed bytes to published views: ``load_delivery`` (validation, raw log, ledger), then ``build`` with all that dbt takes,
but for reading the project, which an earlier build of the same process has done.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

from bench_load import FIRST_DAY, Measurement, alternate, land, print_lines, psql, server
from psycopg2.extensions import connection as Connection  # noqa: N812
from roster_files import MANIFEST, RosterSize, write_delta, write_package

from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect, database_url
from edreflect_assets.landing import Delivery
from edreflect_assets.loading import packages
from edreflect_assets.loading.load import load_delivery
from edreflect_assets.orgs import Org, default_org_uuid, sync_orgs
from edreflect_assets.roster.validation import validate
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import build

FEED = load_feeds()["oneroster"]
MODEL = "oneroster__packages"
ORGS = {name: Org(name, default_org_uuid(name, name), name) for name in ("org", "second")}
TABLES = tuple(contract.table for contract in FEED.files.values())
PLAIN = tuple(f"public.plain_{table}" for table in TABLES)


@dataclass(frozen=True)
class Parts:
    """Where the seconds of one delivery went; ``fold`` is the part of ``build`` that makes versions of the rows."""

    validate: float
    load: float
    build: float
    fold: float

    @property
    def whole(self) -> float:
        """From the landed bytes to the published views."""
        return self.validate + self.load + self.build


def median_parts(parts: list[Parts]) -> Parts:
    """Return the median of each part."""
    return Parts(*(statistics.median(getattr(one, name) for one in parts) for name in Parts.__dataclass_fields__))


@contextmanager
def platform() -> Iterator[tuple[Settings, Connection]]:
    """Start a platform with two orgs, everything built and no roster."""
    with server() as settings, closing(connect(settings)) as connection:
        sync_orgs(connection, ORGS)
        take_in(settings, connection, landed(settings, write_package(settings.home / "tiny", RosterSize(400))))
        forget_everything(connection)
        yield settings, connection


def landed(settings: Settings, files: Mapping[str, Path], day: date = FIRST_DAY, org: str = "org") -> Delivery:
    """Land the files of a package."""
    return land(settings, FEED.name, dict(files), org=org, day=day)


def take_in(settings: Settings, connection: Connection, delivery: Delivery) -> Parts:
    """Load a delivery and build, and say what took how long."""
    validating: list[float] = []

    def timed(*arguments: object) -> object:
        began = time.perf_counter()
        verdict = validate(*arguments)  # type: ignore[arg-type]
        validating.append(time.perf_counter() - began)
        return verdict

    began = time.perf_counter()
    with patch.object(packages, "validate", timed):
        load_delivery(connection, FEED, delivery)
    loaded = time.perf_counter()
    report = build(settings)
    built = time.perf_counter()
    assert not report.failures, report.failures
    validated = sum(validating)
    return Parts(validated, loaded - began - validated, built - loaded, report.models.get(MODEL, 0.0))


def maintain(connection: Connection, *statements: str) -> None:
    """Run statements outside a transaction, and write out what is pending, so that no run pays for another."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in (*statements, "checkpoint"):
            cursor.execute(statement)
    connection.autocommit = False


def forget_everything(connection: Connection) -> None:
    """Make it a platform that never had a roster: the next build makes the tables of versions and their views."""
    raw = ", ".join(f"raw_oneroster.{table}" for table in TABLES)
    maintain(
        connection,
        "drop schema if exists oneroster_log cascade",
        f"truncate {raw}, marts.person_orgs, access.delivered_organizations",
        "delete from ops.applied where load_id in (select load_id from ops.load_log where feed = 'oneroster')",
        "delete from ops.load_log where feed = 'oneroster'",
        "delete from ops.package_reports",
    )


def forget_second(connection: Connection) -> None:
    """Remove what the second org delivered, and the space that its rows took."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select format('%I.%I', c.table_schema, c.table_name) from information_schema.columns as c"
            " join information_schema.tables as t using (table_schema, table_name)"
            " where c.column_name = 'org_id' and t.table_type = 'BASE TABLE'"
            " and c.table_schema in ('oneroster_log', 'raw_oneroster')"
        )
        tables = [table for (table,) in cursor.fetchall()]
    maintain(
        connection,
        *(f"delete from {table} where org_id = 'second'" for table in tables),
        "delete from marts.person_orgs where tenant = 'second'",
        "delete from ops.applied where load_id in (select load_id from ops.load_log where org_id = 'second')",
        "delete from ops.load_log where org_id = 'second'",
        "delete from ops.package_reports where org_id = 'second'",
        *(f"vacuum analyze {table}" for table in (*tables, "marts.person_orgs")),
    )


def plain_tables(settings: Settings) -> None:
    """Create the reference's tables: a column of text for every column of a file."""
    psql(
        database_url(settings),
        "".join(
            f"drop table if exists {plain}; create table {plain} ("
            + ", ".join(f'"{column.header}" text' for column in contract.columns)
            + ");\n"
            for plain, contract in zip(PLAIN, FEED.files.values(), strict=True)
        ),
    )


def copies(files: Mapping[str, Path]) -> str:
    """Return the psql script that copies files into the plain tables."""
    return "".join(
        f"\\copy {plain} ({', '.join(_header(files[contract.file]))}) from '{files[contract.file]}'"
        " with (format csv, header true)\n"
        for plain, contract in zip(PLAIN, FEED.files.values(), strict=True)
        if contract.file in files
    )


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        return [f'"{name}"' for name in lines.readline().strip().split(",")]


def validated_alone(files: Mapping[str, Path]) -> tuple[float, float]:
    """Validate files in a process of their own; return the seconds and the peak resident size of it, in MiB."""
    done = subprocess.run(
        [sys.executable, __file__, "--validate"],
        input=json.dumps({file: str(path) for file, path in files.items()}).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds, peak = json.loads(done.stdout)
    return seconds, peak


def _validate_and_print() -> None:
    files = {file: Path(path) for file, path in json.load(sys.stdin).items()}
    began = time.perf_counter()
    verdict = validate(FEED, files)
    seconds = time.perf_counter() - began
    assert not verdict.refusals, verdict.refusals
    assert not verdict.errors, verdict.by_code()
    # Linux gives KiB, macOS bytes.
    unit = 1024**2 if sys.platform == "darwin" else 1024
    peaks = [resource.getrusage(who).ru_maxrss / unit for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps([seconds, max(peaks)]))


def bulk(
    settings: Settings, connection: Connection, files: Mapping[str, Path], org: str, rounds: int
) -> tuple[Parts, float]:
    """Take a package in, time and again as if for the first time, in turns with psql; medians of both."""
    delivery, parts, forget = (
        landed(settings, files, org=org),
        list[Parts](),
        forget_second if org == "second" else forget_everything,
    )

    def between() -> None:
        forget(connection)
        maintain(connection, f"truncate {', '.join(PLAIN)}")

    _, reference = alternate(
        rounds,
        [
            lambda: parts.append(take_in(settings, connection, delivery)),
            lambda: psql(database_url(settings), copies(files)),
        ],
        between,
    )
    maintain(connection, f"truncate {', '.join(PLAIN)}")
    # where psql had the last turn
    take_in(settings, connection, delivery)
    return median_parts(parts[1:]), reference


def same_again(settings: Settings, connection: Connection, files: Mapping[str, Path], days: int) -> Parts:
    """Take the same bytes in for further days; medians."""
    parts = []
    for number in range(1, days + 1):
        delivery = landed(settings, files, FIRST_DAY + timedelta(days=number))
        maintain(connection)
        parts.append(take_in(settings, connection, delivery))
    return median_parts(parts)


def changes(bases: list[tuple[Settings, Connection, RosterSize]], rows: int, days: int) -> list[Parts]:
    """Take in days of changes on each base, in turns; medians for each, the first day apart."""
    parts: list[list[Parts]] = [[] for _ in bases]
    for _, connection, _ in bases:
        # what autovacuum does in time of its own
        maintain(connection, "vacuum analyze")
    for number in range(days + 1):
        day = FIRST_DAY + timedelta(days=100 + number)
        for place in sorted(range(len(bases)), reverse=bool(number % 2)):
            settings, connection, size = bases[place]
            files = write_delta(settings.home / f"delta-{number}", size, day, number, rows)
            delivery = landed(settings, files, day)
            maintain(connection)
            taken = take_in(settings, connection, delivery)
            if number:
                parts[place].append(taken)
    return [median_parts(measured) for measured in parts]


def enrollments_alone(settings: Settings, files: Mapping[str, Path], rounds: int) -> Measurement:
    """Validate the largest file by itself, beside copying it."""
    chosen = {file: files[file] for file in ("enrollments.csv", MANIFEST)}
    parts: list[tuple[float, float]] = []
    with closing(connect(settings)) as connection:
        _, reference = alternate(
            rounds,
            [
                lambda: parts.append(validated_alone(chosen)),
                lambda: psql(database_url(settings), copies({"enrollments.csv": chosen["enrollments.csv"]})),
            ],
            lambda: maintain(connection, f"truncate {', '.join(PLAIN)}"),
        )
    with chosen["enrollments.csv"].open("rb") as lines:
        rows = sum(1 for _ in lines) - 1
    return Measurement(
        f"validation alone of {rows:,} enrollments",
        statistics.median(seconds for seconds, _ in parts[1:]),
        reference,
        0.0,
        f"s; psql \\copy of that file; peak memory {max(peak for _, peak in parts):.0f} MiB",
    )


def run(*, quick: bool = False, rounds: int = 3) -> list[Measurement]:
    """Measure everything; ``quick`` uses small sizes, which show that it works and little else."""
    large, small, delta_rows, days = (
        (RosterSize(4_000), RosterSize(400), 100, 1) if quick else (RosterSize(200_000), RosterSize(20_000), 1_000, 7)
    )
    rounds = 1 if quick else rounds
    with ExitStack() as stack:
        settings, connection = stack.enter_context(platform())
        files = write_package(settings.home / "large", large)
        plain_tables(settings)
        _, peak = validated_alone(files)
        first, first_reference = bulk(settings, connection, files, "org", rounds)
        again = same_again(settings, connection, files, 1 if quick else 3)

        small_settings, small_connection = stack.enter_context(platform())
        small_files = write_package(small_settings.home / "small", small)
        take_in(small_settings, small_connection, landed(small_settings, small_files))
        bases = [(settings, connection, large), (small_settings, small_connection, small)]
        on_large, on_small = changes(bases, delta_rows, days)

        shutil.rmtree(small_settings.home / "small")
        second, second_reference = bulk(settings, connection, files, "second", rounds)
        alone = enrollments_alone(settings, files, rounds)
    package = f"a roster of {large.users:,} people, {large.enrollments:,} enrollments"
    delta = f"{delta_rows:,} changes on {large.enrollments:,} enrollments"
    return [
        Measurement(
            f"{package}, a platform's first",
            first.whole,
            first_reference,
            6.0,
            f"s; psql \\copy of its files; {_shares(first)}; peak memory of validation {peak:.0f} MiB",
        ),
        Measurement(
            f"{package}, beside another org's",
            second.whole,
            second_reference,
            6.0,
            f"s; psql \\copy of its files; {_shares(second)}",
        ),
        Measurement(
            "the same files on a new day", again.whole, first.whole, 0.2, f"s; the first time; {_shares(again)}"
        ),
        Measurement(
            f"{delta}, load and build",
            on_large.whole,
            on_small.whole,
            1.5,
            f"s; on {small.enrollments:,}; {_shares(on_large)}",
        ),
        Measurement(f"{delta}, the fold alone", on_large.fold, on_small.fold, 0.0, f"s; on {small.enrollments:,}"),
        alone,
    ]


def _shares(parts: Parts) -> str:
    return (
        f"validate {parts.validate:.1f}, load {parts.load:.1f}, build {parts.build:.1f}"
        f" (fold {parts.fold:.1f}, the rest {parts.build - parts.fold:.1f})"
    )


def main() -> None:
    """Print the measurements as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs per median")
    parser.add_argument("--validate", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.validate:
        _validate_and_print()
        return
    print_lines(run(quick=arguments.quick, rounds=arguments.rounds))


if __name__ == "__main__":
    main()
