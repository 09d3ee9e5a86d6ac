"""A night of 40 orgs: all feeds, from SFTP to the published views, as ``edreflect run`` does it.

``python benchmarks/bench_nightly.py [--quick]`` prints a table; ``run(quick)`` returns its rows. The districts are small
(the sample's), so that what a night costs by itself shows: logins, folders, files, models and tests. The nights before are
loaded from a folder and built; of the last, everything is new to the platform.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from bench_load import Measurement, print_lines, server
from facts_base import PROGRESS

from edreflect_assets.cli.deliveries import Loader, Selection, Totals
from edreflect_assets.database import connect
from edreflect_assets.orgs import Org, add_org, load_registry, sync_orgs
from edreflect_assets.sample import Sample
from edreflect_assets.settings import Settings
from edreflect_assets.sftp_server import SftpServer, SftpUser
from edreflect_assets.sources.folder import FolderSource
from edreflect_assets.sources.sftp import SftpSource
from edreflect_assets.warehouse import build
from edreflect_assets.warehouse.report import BuildReport

# dbt's models run four at a time unless EDREFLECT_DBT_THREADS says otherwise (profiles.yml).
THREADS = 4


@dataclass(frozen=True)
class Night:
    """One night, in seconds: fetching and loading, and the build with dbt's report of it."""

    fetch: float
    build: float
    totals: Totals
    report: BuildReport

    @property
    def whole(self) -> float:
        """From the first login to the published views."""
        return self.fetch + self.build


@contextmanager
def platform(sample: Sample) -> Iterator[tuple[Settings, Path, dict[str, Org]]]:
    """Yield a platform that has all days of a sample but the last, the sample's folder, and the registry."""
    folder = Path(tempfile.mkdtemp(prefix="edreflect-bench-sample-"))
    try:
        with server() as settings:
            sample.generate(folder)
            for name in sample.org_names:
                add_org(settings, name)
            registry = load_registry(settings)
            with closing(connect(settings)) as connection:
                sync_orgs(connection, registry)
            PROGRESS.say(f"a sample of {len(registry)} orgs, {len(sample.calendar)} days")
            source = FolderSource(folder)
            taken = load(settings, [(org, source) for org in registry.values()], last=sample.calendar[-2])
            assert not taken.failed, taken
            report = build(settings)
            assert not report.failures, report.failures
            PROGRESS.say("the nights before")
            yield settings, folder, registry
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def load(
    settings: Settings,
    pairs: list[tuple[Org, FolderSource | SftpSource]],
    *,
    first: date | None = None,
    last: date | None = None,
) -> Totals:
    """Fetch and load what sources have of some days, one org after the other."""
    # a line for each delivery is for a person who waits
    with closing(connect(settings)) as connection, redirect_stdout(io.StringIO()):
        loader = Loader(settings, connection, Selection(first=first, last=last))
        loader.load(pairs)
    return loader.totals


def night(settings: Settings, folder: Path, registry: dict[str, Org], day: date) -> Night:
    """Fetch the last day of all orgs, each with a login of its own, load it, and build."""
    with SftpServer({"bench": SftpUser(folder, "bench")}) as sftp:
        began = time.perf_counter()
        totals = Totals()
        for org in registry.values():
            remote = replace(
                org,
                host="127.0.0.1",
                port=sftp.port,
                user="bench",
                password_env="BENCH",
                host_key=(sftp.host_key,),
                stable_seconds=0,
            )
            with SftpSource(remote, environ={"BENCH": "bench"}) as source:
                of_org = load(settings, [(remote, source)], first=day)
            assert not of_org.failed, of_org
            totals.loaded += of_org.loaded
            totals.rows += of_org.rows
        fetched = time.perf_counter()
    report = build(settings)
    built = time.perf_counter()
    assert not report.failures, report.failures
    return Night(fetched - began, built - fetched, totals, report)


def run(*, quick: bool = False) -> list[Measurement]:
    """Measure one night; ``quick`` is one of few orgs."""
    sample = Sample(orgs=3 if quick else 40, days=3, educators=6, scale=0.2, students=60, activity=0.3)
    with platform(sample) as (settings, folder, registry):
        taken = night(settings, folder, registry, sample.calendar[-1])
        idle_began = time.perf_counter()
        build(settings, everything=True)
        idle = time.perf_counter() - idle_began
    PROGRESS.say(f"the night took {taken.whole:.1f} s")
    what = f"a night of {len(registry)} orgs, {taken.totals.loaded} deliveries, {taken.totals.rows:,} records"
    nodes = taken.report.nodes
    tests = sum(node.is_test for node in nodes)
    busy = sum(node.seconds for node in nodes)
    longest = ", ".join(f"{node.name} {node.seconds:.1f}" for node in sorted(nodes, key=lambda node: -node.seconds)[:3])
    return [
        Measurement(
            f"{what}: fetch and load, of the whole",
            taken.fetch,
            taken.whole,
            0.0,
            f"s; wall time from the first login to the published views; {1000 * taken.fetch / len(registry):.0f} ms per org,"
            " one after the other",
        ),
        Measurement(
            f"{what}: dbt, of the whole",
            taken.build,
            taken.whole,
            0.0,
            f"s; the same wall time; {len(nodes) - tests} models and {tests} tests, {busy:.0f} s of nodes in {THREADS} threads"
            f" ({busy / THREADS / taken.build:.0%} of the build); longest {longest}",
        ),
        Measurement(
            "the build of that night, beside one of everything with nothing to do",
            taken.build,
            idle,
            0.0,
            "s; models that find nothing pending, and tests",
        ),
    ]


def main() -> None:
    """Print the measurements as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    print_lines(run(quick=parser.parse_args().quick))


if __name__ == "__main__":
    main()
