"""A year of three orgs in any order, and one org-day from SFTP to the published views.

``python benchmarks/bench_backfill.py [--quick]`` prints a table; ``run(quick)`` returns its rows. The sample's tiny days
(a few hundred rows in up to 43 files) make the fixed costs visible: they are what a backfill is about.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from bench_load import Measurement, print_lines, server

from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.ingest import ingest
from edreflect_assets.orgs import add_org, load_registry, sync_orgs
from edreflect_assets.sample import generate
from edreflect_assets.settings import Settings
from edreflect_assets.sftp_server import SftpServer, SftpUser
from edreflect_assets.sources.folder import FolderSource
from edreflect_assets.sources.sftp import SftpSource
from edreflect_assets.warehouse import build
from edreflect_assets.warehouse.build import run_dbt

FEED = load_feeds()["edreflect"]


@contextmanager
def platform_with_sample(orgs: int, days: int) -> Iterator[tuple[Settings, Path]]:
    """Yield a fresh platform whose registry names the sample's orgs, and the folder that holds the sample."""
    folder = Path(tempfile.mkdtemp(prefix="edreflect-bench-sample-"))
    try:
        with server() as settings:
            generate(folder, orgs=orgs, days=days, educators=6, scale=0.2)
            for name in sorted(path.name for path in folder.iterdir() if path.is_dir()):
                add_org(settings, name)
            with closing(connect(settings)) as connection:
                sync_orgs(connection, load_registry(settings))
            assert build(settings).succeeded
            yield settings, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def partitions(settings: Settings, folder: Path) -> list[tuple[str, date]]:
    """Return every (org, day) of the sample, in a fixed random order."""
    source = FolderSource(folder)
    found = [(org, day) for org in load_registry(settings) for day in source.days(FEED, org) if day]
    random.Random(1).shuffle(found)
    return found


def load(settings: Settings, folder: Path, chosen: list[tuple[str, date]]) -> None:
    """Fetch and load partitions from the folder, one after the other."""
    registry, source = load_registry(settings), FolderSource(folder)
    with closing(connect(settings)) as connection:
        for org, day in chosen:
            ingest(connection, settings, FEED, registry[org], day, source, stable_seconds=0)


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def backfill(orgs: int, days: int, sample: int) -> list[Measurement]:
    """Load everything out of order and build once, beside one dbt run per partition, measured on a sample of them."""
    with platform_with_sample(orgs, days) as (settings, folder):
        everything = partitions(settings, folder)
        one_by_one = []
        for partition in everything[:sample]:
            load(settings, folder, [partition])
            one_by_one.append(seconds(lambda: run_dbt(settings, ["build"])))
        loading = seconds(lambda: load(settings, folder, everything))
        building = seconds(lambda: build(settings))
    number = len(everything)
    per_partition = statistics.median(one_by_one)
    return [
        Measurement(
            f"{days} days x {orgs} orgs out of order: {number} loads and one build",
            loading + building,
            number * per_partition,
            0.05,
            f"s; {number} x one dbt run ({per_partition:.1f} s, {sample} measured); loads {loading:.0f} s, build"
            f" {building:.0f} s, {1000 * (loading + building) / number:.0f} ms per partition",
        )
    ]


def one_org_day(rounds: int) -> Measurement:
    """Fetch one day over SFTP, load and publish it, beside a dbt build of the same models with nothing to do."""
    with platform_with_sample(1, rounds + 1) as (settings, folder):
        org = next(iter(load_registry(settings)))
        with SftpServer({"bench": SftpUser(folder, "bench")}) as sftp:
            registry = load_registry(settings)
            days = sorted(day for day in FolderSource(folder).days(FEED, org) if day)
            remote = replace(
                registry[org],
                host="127.0.0.1",
                port=sftp.port,
                user="bench",
                password_env="BENCH",
                host_key=(sftp.host_key,),
            )

            def from_sftp_to_view(day: date) -> None:
                with closing(connect(settings)) as connection, SftpSource(remote, environ={"BENCH": "bench"}) as source:
                    ingest(connection, settings, FEED, remote, day, source, stable_seconds=0)
                assert not build(settings).failures

            published = [seconds(lambda day=day: from_sftp_to_view(day)) for day in days]
            idle = [seconds(lambda: run_dbt(settings, ["build"])) for _ in days]
    return Measurement(
        "one org-day from SFTP to the published views",
        statistics.median(published[1:]),
        statistics.median(idle[1:]),
        0.0,
        "s; a dbt build of everything with nothing to do",
    )


def run(*, quick: bool = False) -> list[Measurement]:
    """Measure both; ``quick`` uses small sizes."""
    return [*backfill(3, 6 if quick else 365, 2 if quick else 5), one_org_day(2 if quick else 5)]


def main() -> None:
    """Print the measurements as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    print_lines(run(quick=parser.parse_args().quick))


if __name__ == "__main__":
    main()
