"""``edreflect export``: what the platform holds, in the formats of others."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from edreflect_assets.cli.build import DAY
from edreflect_assets.cli.output import plural, say, table
from edreflect_assets.cli.prepared import prepared_database
from edreflect_assets.contracts import load_feeds
from edreflect_assets.roster.export import ExportedFile, export_package
from edreflect_assets.settings import Settings


@click.group()
def export() -> None:
    """Hand on what the platform holds."""


@export.command()
@click.option("--org", required=True, help="The org whose roster is exported.")
@click.option("--day", required=True, type=DAY, metavar="DAY", help="The roster as it was on DAY (YYYY-MM-DD).")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="A new or empty folder.")
def oneroster(*, org: str, day: datetime, out: Path) -> None:
    """Write an org's roster of a day as a full OneRoster 1.1 package.

    The state of that day as of the last build. Version 1.1 knows one role for each person: the primary one is exported,
    with its organizations; a principal or an administrator of any kind becomes administrator, a counselor aide. People
    without a role on that day are left out.
    """
    with prepared_database(Settings.from_environment()) as (connection, _):
        files = export_package(connection, load_feeds()["oneroster"], org, day.date(), out)
    table(
        ["file", "records", "left out"], [[f.file, f.records, f.left_out] for f in files], right=["records", "left out"]
    )
    for file in files:
        for line in _remarks(file):
            say(line)
    say(f"The roster of {org} on {day.date()} is in {out.absolute()}.")


def _remarks(file: ExportedFile) -> list[str]:
    remarks = []
    if file.left_out:
        remarks.append(f"{file.file}: {plural(file.left_out, 'record')} left out: {file.why_left_out}.")
    if file.emptied:
        remarks.append(f"{file.file}: {plural(file.emptied, 'reference')} to nothing in the roster left empty.")
    return remarks
