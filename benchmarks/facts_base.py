"""A platform with rosters and a base of facts, for the benchmarks of TimeBack's views; built once per size and process.

The rosters are a real package, taken in as any other. The base's raw rows and their ledger are written by SQL, so that
what is measured is the build, not the generator; the days after it are files, loaded by the loader.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path

from bench_load import land, server
from facts_rows import LAST_DAY, PER_SESSION, REFERENCE, ROWS, TENANT, FactSize, rows_of, selected
from psycopg2.extensions import connection as Connection  # noqa: N812
from roster_files import RosterSize, write_package

from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.landing import Delivery
from edreflect_assets.loading.load import load_delivery
from edreflect_assets.orgs import Org, default_org_uuid, sync_orgs
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import build
from edreflect_assets.warehouse.report import BuildReport

FEEDS = load_feeds()
FEED = FEEDS["timeback"]
# A second tenant, so that the scope has something to keep apart: a small roster, and people it does not know.
OTHER = "other"
ORGS = {name: Org(name, default_org_uuid(name, name), name) for name in (TENANT, OTHER)}
# In so many loads does the base arrive; each counts as that of its last day.
CHUNKS = 10

_LOAD = """
insert into ops.load_log (feed, org_id, day, file, table_name, status, header, rows)
values ('timeback', %s, %s, %s, %s, 'current', %s, %s) returning load_id
"""


@dataclass(frozen=True)
class Base:
    """A platform whose base is built: where it is, how large, and how long its first build took."""

    settings: Settings
    connection: Connection
    size: FactSize
    first_build: float

    def build(self) -> BuildReport:
        """Build as of the base's last day, so that "today" never moves."""
        report = build(self.settings, as_of=LAST_DAY)
        assert not report.failures, report.failures
        return report

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements outside a transaction; return the rows of the last."""
        return run(self.connection, *statements)


class Progress:
    """Lines that say what has been done, and after how many seconds."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def say(self, line: str) -> None:
        """Print a line."""
        print(f"  {time.perf_counter() - self._began:7.1f} s  {line}", flush=True)


PROGRESS = Progress()


def run(connection: Connection, *statements: str) -> list[tuple[object, ...]]:
    """Run statements outside a transaction; return the rows of the last."""
    connection.autocommit = True
    rows: list[tuple[object, ...]] = []
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
    connection.autocommit = False
    return rows


@cache
def kept_base(size: FactSize) -> Base:
    """Return a base that lasts as long as the process: benchmarks that share one need not build it twice."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(new_base(size))


@contextmanager
def new_base(size: FactSize) -> Iterator[Base]:
    """Build a platform: rosters, then the base from nothing."""
    with server() as settings, closing(connect(settings)) as connection:
        sync_orgs(connection, ORGS)
        take_in_rosters(settings, connection, size)
        base = Base(settings, connection, size, 0.0)
        base.build()
        PROGRESS.say(f"rosters of {size.people:,} people")
        write_base(base)
        run(connection, "checkpoint")
        began = time.perf_counter()
        base.build()
        first_build = time.perf_counter() - began
        PROGRESS.say(f"the base of {size.rows('caliper_attempt'):,} attempts is built, in {first_build:.1f} s")
        # what autovacuum does in time of its own
        run(connection, "vacuum analyze", "checkpoint")
        PROGRESS.say("vacuumed")
        yield Base(settings, connection, size, first_build)


def take_in_rosters(settings: Settings, connection: Connection, size: FactSize) -> None:
    """Load the rosters of both tenants."""
    feed = FEEDS["oneroster"]
    for org, rosters in ((TENANT, size.district), (OTHER, RosterSize(400))):
        files = write_package(settings.home / f"rosters-{org}", rosters)
        load_delivery(connection, feed, land(settings, feed.name, files, org=org, day=size.day(0)))


def write_base(base: Base) -> None:
    """Write the raw rows of the base, and its ledger."""
    size, connection = base.size, base.connection
    for table, (source, columns) in REFERENCE.items():
        _write_load(connection, TENANT, size.day(0), table, columns, selected(size, columns, source))
    for table in ROWS:
        bounds = [size.days * chunk // CHUNKS for chunk in range(CHUNKS + 1)]
        for first, end in pairwise(bounds):
            rows = rows_of(size, table, *size.range_of(table, first, end))
            _write_load(connection, TENANT, size.day(end - 1), table, ROWS[table], rows)
        few = rows_of(size, table, 0, int(1000 * PER_SESSION[table]))
        _write_load(connection, OTHER, size.day(0), table, ROWS[table], few)
        PROGRESS.say(f"{size.rows(table):,} raw rows of {table}")


def _write_load(connection: Connection, org: str, day: date, table: str, columns: dict[str, str], rows: str) -> None:
    file = f"{table}.csv"
    names = list(columns)
    listed = ", ".join(f'"{name}"' for name in names)
    with connection, connection.cursor() as cursor:
        cursor.execute(_LOAD, (org, day, file, table, names, 0))
        (load_id,) = cursor.fetchone() or (0,)
        cursor.execute(
            f"insert into raw_timeback.{table} (org_id, _load_id, _row, _line, {listed})"
            f" select '{org}', {load_id}, row_number() over (), row_number() over () + 1, {listed} from ({rows}) as written"
        )
        cursor.execute("update ops.load_log set rows = %s where load_id = %s", (cursor.rowcount, load_id))


def write_day(base: Base, number: int) -> dict[str, Path]:
    """Write the files of a day, counted from the base's first; those of the base are before ``size.days``."""
    selects = {table: rows_of(base.size, table, *base.size.range_of(table, number, number + 1)) for table in ROWS}
    return write_files(base, f"day-{number}", selects)


def write_files(base: Base, name: str, selects: dict[str, str]) -> dict[str, Path]:
    """Write a file for each table from a select of text columns."""
    folder = base.settings.home / name
    folder.mkdir()
    paths = {}
    with base.connection.cursor() as cursor:
        for table, select in selects.items():
            path = paths[f"{table}.csv"] = folder / f"{table}.csv"
            with path.open("w", encoding="utf-8", newline="") as out:
                cursor.copy_expert(f"copy ({select}) to stdout with (format csv, header true)", out)
    base.connection.rollback()
    return paths


def landed(base: Base, files: dict[str, Path], day: date, feed: str = FEED.name) -> Delivery:
    """Land files as a delivery of the district."""
    return land(base.settings, feed, files, org=TENANT, day=day)


def count_lines(paths: Sequence[Path]) -> int:
    """Return how many records files of one line each hold."""
    return sum(path.read_bytes().count(b"\n") - 1 for path in paths)
