"""``edreflect report``: what validation and the last build said of a delivered package."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from edreflect_assets.cli.build import DAY
from edreflect_assets.cli.output import say
from edreflect_assets.cli.prepared import prepared_database
from edreflect_assets.contracts import load_feeds
from edreflect_assets.roster.report import write_report
from edreflect_assets.roster.stored import stored_report
from edreflect_assets.settings import Settings


@click.group()
def report() -> None:
    """Write reports of what was delivered."""


@report.command()
@click.argument("org")
@click.argument("day", type=DAY)
@click.option(
    "--report",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    required=True,
    help="Where to write errors_by_code.csv, errors_by_row.csv and report.html.",
)
def oneroster(org: str, day: datetime, *, directory: Path) -> None:
    """Write the report of the roster package of ORG and DAY: its findings, and what it changed."""
    settings = Settings.from_environment()
    with prepared_database(settings) as (connection, _):
        stored = stored_report(connection, settings, load_feeds()["oneroster"], org, day.date())
    write_report(directory, stored.verdict, f"OneRoster package of {org}, {day.date()}", stored.sync)
    say(stored.verdict.sentence())
    if not stored.complete:
        say("The files of that report are no longer there: it names the first lines of each code, and counts them all.")
    if stored.sync is None and stored.outcome == "accepted":
        say("No build has applied the package yet; `edreflect build` does, then the report says what changed.")
    say(f"The report is in {directory}.")
