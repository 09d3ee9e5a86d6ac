"""The offboarding product: a snapshot of 83 files loaded beside psql, and what a second delivery costs to publish.

``python benchmarks/bench_offboarding.py [--quick] [--rounds N]`` prints a table; ``run(quick)`` returns its rows. Loading is
``load_delivery`` from landed bytes against one psql transaction with a ``\\copy`` of each file into a plain text table;
publishing is ``build`` with everything that dbt takes but reading the project, which an earlier build of the process did.
In each later delivery one row in a hundred of every file differs from the one before, so that no file is the same.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from bench_load import FIRST_DAY, Measurement, alternate, clear, land, print_lines, psql, server
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.contracts import Column, FileContract, load_feeds
from edreflect_assets.database import connect, database_url
from edreflect_assets.landing import Delivery
from edreflect_assets.loading.load import load_delivery
from edreflect_assets.orgs import Org, default_org_uuid, sync_orgs
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import build

FEED = load_feeds()["offboarding"]
# Rows of a file for one of a root document's; the sum over all files is what the sizes below are divided by.
WEIGHTS = {
    "observations.work.steps.formElements.csv": 24,
    "ratings.sets.ratings.csv": 24,
    "observations.work.evaluations.indicators.csv": 24,
    "observations.work.evaluations.indicators.comments.csv": 8,
    "observations.work.steps.csv": 6,
    "observations.work.steps.statusMessages.csv": 6,
}
# Documents of a group of which there are few, whatever the size.
FEW = 400
# Deliveries after the first one.
LATER = 3


def sizes(rows: int) -> dict[str, int]:
    """Return how many rows each file has so that all have about ``rows``."""
    small = {"rubrics", "observationTemplates", "sloTemplates", "groups"}
    many = [file for file in FEED.files if file.split(".")[0] not in small]
    unit = (rows - FEW * (len(FEED.files) - len(many))) / sum(WEIGHTS.get(file, 1) for file in many)
    return {file: round(unit * WEIGHTS.get(file, 1)) if file in many else FEW for file in FEED.files}


def write_snapshot(directory: Path, rows: int, *, changed: bool = False) -> dict[str, Path]:
    """Write every file of the product; with ``changed`` one row in a hundred says something else."""
    directory.mkdir(exist_ok=True)
    paths = {}
    for file, count in sizes(rows).items():
        path = paths[file] = directory / file
        contract = FEED.files[file]
        with path.open("w", encoding="utf-8", newline="") as out:
            out.write(",".join(column.header or column.name for column in contract.columns) + "\n")
            out.writelines(_rows(contract, count, changed))
    return paths


def _rows(contract: FileContract, count: int, changed: bool) -> Iterator[str]:
    documents = max(1, count // WEIGHTS.get(contract.file, 1))
    form = ",".join(_cell(contract, column) for column in contract.columns) + "\n"
    for number in range(count):
        mark = "*" if changed and number % 100 == 7 else ""
        yield form.format(
            n=number, d=number % documents, u=number % 5000, p=number % 7, k=number % 4 + 1,
            day=FIRST_DAY - timedelta(days=number % 700), ms=1_700_000_000_000 + number * 1000, mark=mark,
        )  # fmt: skip


def _cell(contract: FileContract, column: Column) -> str:
    group = contract.file.split(".")[0]
    if column.name == "_id":
        return "u{u}" if group == "users" and contract.table != "users" else f"{group[:3]}{{d}}"
    by_type = {"integer": "{p}", "numeric": "{k}", "boolean": "true", "date": "{day}"}
    if column.data_type == "timestamp":
        return "{ms}" if column.name.startswith("created") else "{day}T08:15:00Z"
    if column.data_type in by_type:
        return by_type[column.data_type]
    if column.name == "employee_id":
        return "E{d}"
    if column.name in {"user_id", "learner_id", "observer_id", "created_by"}:
        return "use{u}"
    if column.name == "observation_id":
        return "obs{d}"
    if column.name.endswith("_id"):
        return f"{column.name[:3]}{{n}}"
    return f"{column.name} as the district words it under number {{n}}{{mark}}"


def load(settings: Settings, delivery: Delivery, rows: int, rounds: int) -> Measurement:
    """The delivery against the same COPYs in one psql transaction."""
    url, plain = database_url(settings), {}
    script = ["begin;\n"]
    for landed in delivery.files:
        contract = FEED.files[landed.file]
        plain[landed.file] = f"public.plain_{len(plain)}"
        columns = ", ".join(f'"{column.name}" text' for column in contract.columns)
        psql(url, f"create table {plain[landed.file]} ({columns});")
        script.append(f"\\copy {plain[landed.file]} from '{landed.path}' with (format csv, header true)\n")
    script.append("commit;\n")
    tables = [*plain.values(), *{f"raw_offboarding.{contract.table}" for contract in FEED.files.values()}]
    with closing(connect(settings)) as connection:
        ours, reference = alternate(
            rounds,
            [lambda: load_delivery(connection, FEED, delivery, again=True), lambda: psql(url, "".join(script))],
            lambda: clear(connection, *tables),
        )
        psql(url, f"drop table {', '.join(plain.values())};")
        forget(connection)
    size = sum(landed.bytes for landed in delivery.files) / 1024**2
    name = f"a snapshot of {len(delivery.files)} files, {rows:,} rows"
    return Measurement(name, ours, reference, 1.4, f"s; {size:,.0f} MiB; the same COPYs in one psql transaction")


def forget(connection: Connection) -> None:
    """Take back every load of the feed, so that the first delivery is a first one."""
    tables = {f"raw_offboarding.{contract.table}" for contract in FEED.files.values()}
    clear(connection, *tables)
    with connection, connection.cursor() as cursor:
        cursor.execute("delete from ops.load_log where feed = %s", (FEED.name,))


def publish(settings: Settings, deliveries: list[Delivery], rows: int) -> list[Measurement]:
    """What a build takes after the first delivery, after each later one, and when nothing is new."""
    taken = []
    with closing(connect(settings)) as connection:
        for delivery in (*deliveries, None):
            if delivery is not None:
                load_delivery(connection, FEED, delivery)
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("checkpoint")
            connection.autocommit = False
            began = time.perf_counter()
            report = build(settings, select="offboarding__deliveries+" if delivery is None else None)
            taken.append(time.perf_counter() - began)
            assert not report.failures, report.failures[0]
    *later, idle = taken[1:]
    return [
        Measurement("publishing a later delivery, 1 % of the rows changed", statistics.median(later), taken[0], 0.3,
                    f"s; publishing the first, {rows:,} rows; median of {', '.join(f'{each:.1f}' for each in later)}"),
        Measurement("the same build with nothing new", idle, taken[0], 0, "s; publishing the first"),
    ]  # fmt: skip


def run(*, quick: bool = False, rounds: int = 3) -> list[Measurement]:
    """Measure everything; ``quick`` uses small sizes, which show that it works and little else."""
    rows = 50_000 if quick else round(5_000_000 * float(os.environ.get("EDREFLECT_BENCH_SHARE", "1")))
    with server() as settings:
        deliveries = []
        for number in range(1 + LATER):
            paths = write_snapshot(settings.home / f"snapshot{number}", rows, changed=number % 2 == 1)
            deliveries.append(land(settings, FEED.name, paths, day=FIRST_DAY + timedelta(days=number)))
            for path in paths.values():
                path.unlink()
        loading = load(settings, deliveries[0], rows, rounds)
        with closing(connect(settings)) as connection:
            sync_orgs(connection, {"org": Org("org", default_org_uuid("org", "org"), "org")})
        report = build(settings)
        assert not report.failures, report.failures[0]
        return [loading, *publish(settings, deliveries, rows)]


def main() -> None:
    """Print the measurements as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs per median")
    arguments = parser.parse_args()
    print_lines(run(quick=arguments.quick, rounds=arguments.rounds))


if __name__ == "__main__":
    main()
