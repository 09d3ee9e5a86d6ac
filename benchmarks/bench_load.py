"""The loader against psql: one large file, a day of 43 small ones, and the memory a very large file takes.

``python benchmarks/bench_load.py [--quick] [--rounds N]`` prints a table; ``run(quick)`` returns its rows. Ours and the
reference take turns on the same embedded server (durable, as it is by default), so that a ratio holds within one run
even where times do not. Ours is ``load_delivery``: checks, profile, quarantine and ledger included.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType

from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.contracts import Column, Feed, FileContract, load_feeds
from edreflect_assets.database import connect, database_url, ensure_server, migrate
from edreflect_assets.database.binaries import wheel_binaries
from edreflect_assets.database.server import remove_server
from edreflect_assets.landing import Delivery, Landing
from edreflect_assets.loading.load import load_delivery
from edreflect_assets.settings import Settings

FIRST_DAY = date(2026, 1, 1)
COLUMNS = {
    "answer_id": "text",
    "observation_group_id": "text",
    "learner_employee_id": "text",
    "observer_employee_id": "text",
    "question_id": "text",
    "question_text": "text",
    "answer_text": "text",
    "school_year": "integer",
    "answer_order": "integer",
    "rating_value": "numeric",
    "is_final": "boolean",
    "created_date": "timestamp",
    "due_date": "date",
    "note": "text",
}


@dataclass(frozen=True)
class Measurement:
    """One line of the table: medians in seconds (or MiB where ``note`` says so); ``target`` bounds the ratio."""

    name: str
    ours: float
    reference: float
    target: float
    note: str

    @property
    def ratio(self) -> float:
        """Ours over the reference."""
        return self.ours / self.reference


def bench_feed() -> Feed:
    """Return a feed of one file with 14 columns of the usual kinds."""
    columns = tuple(Column(name, data_type, "", True) for name, data_type in COLUMNS.items())
    contract = FileContract(
        "bench", "Answers.csv", "answers", "upsert", ("answer_id",), (), None, columns, {}, frozenset(), False
    )
    contract = replace(contract, raw_schema="raw_bench")
    return Feed("bench", "", None, MappingProxyType({"Answers.csv": contract}), frozenset(), "raw_bench", "utf-8")


def write_answers(path: Path, rows: int, *, quoted: bool = False) -> None:
    """Write a file of about 200 bytes per row; ``quoted``: every tenth row holds commas, quotes and line ends."""
    chance = random.Random(1)
    words = ["clear", "goals", "student", "evidence", "Übung", "lesson", "discussion", "practice", "question", "time"]
    notes = [" ".join(chance.choices(words, k=9)) for _ in range(1000)]
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(",".join(COLUMNS) + "\n")
        for number in range(rows):
            day = FIRST_DAY + timedelta(days=number % 300)
            text = notes[number % 997]
            if quoted and number % 10 == 0:
                text = f'"{text}, ""so"",\nthey said"'
            out.write(
                f"a{number:09d},og{number // 9},e{number % 4000},e{number % 311},q{number % 83},Was it {number % 83}?,"
                f"{text},2026,{number % 12},{number % 4}.5,true,{day}T08:15:00Z,{day},{notes[number % 991]}\n"
            )


@contextmanager
def server() -> Iterator[Settings]:
    """Start an embedded server in a directory of its own, migrated, and remove both at the end."""
    home = Path(tempfile.mkdtemp(prefix="edreflect-bench-"))
    home.chmod(0o711)
    settings = Settings(home=home)
    try:
        ensure_server(settings)
        with closing(connect(settings)) as connection:
            migrate(connection, {**load_feeds(), "bench": bench_feed()})
        yield settings
    finally:
        remove_server(settings)
        shutil.rmtree(home, ignore_errors=True)


def psql(url: str, script: str) -> None:
    """Run a script in one psql process and one session."""
    binaries = wheel_binaries()
    assert binaries is not None
    command: list[str | Path] = [binaries / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url]
    subprocess.run(command, input=script.encode(), check=True, env={**os.environ, "PGCLIENTENCODING": "UTF8"})


def alternate(rounds: int, runs: Sequence[Callable[[], object]], between: Callable[[], object]) -> list[float]:
    """Time the runs in turns, in another order each round, and return their medians in seconds.

    A first round goes unrecorded; ``between`` tidies up before each run and is not timed.
    """
    times: list[list[float]] = [[] for _ in runs]
    for number in range(rounds + 1):
        for place in sorted(range(len(runs)), reverse=bool(number % 2)):
            between()
            began = time.perf_counter()
            runs[place]()
            if number:
                times[place].append(time.perf_counter() - began)
    return [statistics.median(taken) for taken in times]


def clear(connection: Connection, *tables: str) -> None:
    """Empty tables and write out what is pending, so that no round pays for another."""
    with connection.cursor() as cursor:
        cursor.execute(f"truncate {', '.join(tables)}")
        connection.commit()
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("checkpoint")
    connection.autocommit = False


def land(settings: Settings, feed: str, files: dict[str, Path], *, org: str = "org", day: date = FIRST_DAY) -> Delivery:
    """Put files into the landing area as one delivery."""
    landed = []
    for file, path in files.items():
        with path.open("rb") as stream:
            landed.append(Landing(settings.landing).store(feed, org, day, file, stream))
    return Delivery(feed, org, day, tuple(landed))


def large_file(settings: Settings, rows: int, rounds: int, *, quoted: bool) -> Measurement:
    """One file of 14 columns against ``psql \\copy`` into a plain text table."""
    source, url = settings.home / "answers.csv", database_url(settings)
    write_answers(source, rows, quoted=quoted)
    delivery = land(settings, "bench", {"Answers.csv": source})
    psql(
        url,
        f"drop table if exists public.plain; create table public.plain ({', '.join(f'{name} text' for name in COLUMNS)});",
    )
    with closing(connect(settings)) as connection:
        ours, reference = alternate(
            rounds,
            [
                lambda: load_delivery(connection, bench_feed(), delivery, again=True),
                lambda: psql(url, f"\\copy public.plain from '{source}' with (format csv, header true)\n"),
            ],
            lambda: clear(connection, "raw_bench.answers", "public.plain"),
        )
    size = source.stat().st_size / 1024**2
    kind = "a tenth of the rows with quotes" if quoted else "no quotes"
    return Measurement(f"{rows:,} rows x 14 columns, {kind}", ours, reference, 1.25, f"s; {size:.0f} MiB; psql \\copy")


def small_files(settings: Settings, rows: int, rounds: int) -> Measurement:
    """Every file of an EdReflect day against the same COPYs in one psql transaction, into plain text tables."""
    feed, url = load_feeds()["edreflect"], database_url(settings)
    contracts = [contract for contract in feed.files.values() if not contract.dayless]
    paths: dict[str, Path] = {}
    script = ["begin;\n"]
    for contract in contracts:
        path = paths[contract.file] = settings.home / contract.file
        path.write_text(_day_file(contract, rows // len(contracts)), encoding="utf-8")
        plain = ", ".join(f"{name} text" for name in contract.column_names)
        psql(url, f"drop table if exists public.{contract.table}; create table public.{contract.table} ({plain});")
        script.append(f"\\copy public.{contract.table} from '{path}' with (format csv, header true)\n")
    script.append("commit;\n")
    delivery = land(settings, "edreflect", paths)
    tables = [f"{schema}.{contract.table}" for contract in contracts for schema in ("public", "raw_edreflect")]
    with closing(connect(settings)) as connection:
        ours, reference, start_up = alternate(
            rounds,
            [
                lambda: load_delivery(connection, feed, delivery, again=True),
                lambda: psql(url, "".join(script)),
                lambda: psql(url, "select 1\\g /dev/null\n"),
            ],
            lambda: clear(connection, *tables),
        )
    name = f"a day of {len(contracts)} files, {rows:,} rows"
    stricter = ours / (reference - start_up)
    note = f"s; the same COPYs in one psql transaction ({stricter:.2f} when psql's start and login are left out)"
    return Measurement(name, ours, reference, 1.3, note)


def _day_file(contract: FileContract, rows: int) -> str:
    values = {"timestamp": "2026-01-01T08:{0:02d}:00Z", "date": "2026-01-01", "integer": "{0}", "numeric": "{0}.5"}
    texts = [values.get(column.data_type, f"{column.name} {{1}}") for column in contract.columns]
    lines = [",".join(contract.column_names), *(",".join(texts).format(n % 60, n) for n in range(rows))]
    return "\n".join(lines) + "\n"


def peak_memory(settings: Settings, mebibytes: int) -> Measurement:
    """The peak resident size of a process that loads one very large file, quoted rows included."""
    source = settings.home / "answers.csv"
    write_answers(source, mebibytes * 1024**2 // 205, quoted=True)
    delivery = land(settings, "bench", {"Answers.csv": source})
    size = source.stat().st_size / 1024**2
    source.unlink()
    done = subprocess.run(
        [sys.executable, __file__, "--load"],
        input=pickle.dumps((settings, delivery)),
        stdout=subprocess.PIPE,
        check=True,
    )
    return Measurement(f"peak memory, a file of {size:,.0f} MiB", float(done.stdout), 300.0, 1.0, "MiB; the limit")


def _load_and_print_peak() -> None:
    settings, delivery = pickle.load(sys.stdin.buffer)
    with closing(connect(settings)) as connection:
        load_delivery(connection, bench_feed(), delivery)
    # Linux gives KiB, macOS bytes.
    unit = 1024**2 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def run(*, quick: bool = False, rounds: int = 5) -> list[Measurement]:
    """Measure everything; ``quick`` uses small sizes, which show that it works and little else."""
    rows, day_rows, size = (20_000, 2_700, 20) if quick else (1_000_000, 27_000, 1024)
    with server() as settings:
        return [
            large_file(settings, rows, rounds, quoted=False),
            large_file(settings, rows, rounds, quoted=True),
            small_files(settings, day_rows, rounds * 2),
            peak_memory(settings, size),
        ]


def print_lines(measurements: list[Measurement]) -> None:
    """Print one line per measurement."""
    for one in measurements:
        print(f"{one.name:60} {one.ours:9.3f} {one.reference:9.3f} {one.ratio:6.2f} (<= {one.target}) {one.note}")


def main() -> None:
    """Print the measurements as a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs per median")
    parser.add_argument("--load", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        _load_and_print_peak()
        return
    print_lines(run(quick=arguments.quick, rounds=arguments.rounds))


if __name__ == "__main__":
    main()
