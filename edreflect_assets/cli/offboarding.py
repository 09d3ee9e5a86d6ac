"""``edreflect offboarding``: what has to be known and done when a client leaves."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from edreflect_assets.cli.build import DAY
from edreflect_assets.cli.errors import TROUBLE
from edreflect_assets.cli.output import say, steps, table
from edreflect_assets.cli.prepared import prepared_database
from edreflect_assets.offboarding import CompletenessReport, collect_report, write_report
from edreflect_assets.settings import Settings


@click.group()
def offboarding() -> None:
    """Tell whether all of a leaving client is here."""


@offboarding.command()
@click.option("--org", required=True, metavar="NAME", help="The org that leaves.")
@click.option("--day", type=DAY, metavar="DAY", help="The snapshot of DAY; default: the current one.")
@click.option(
    "--report",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write report.html, to be signed, and report.json to DIR.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, nothing else.")
@click.pass_context
def report(context: click.Context, *, org: str, day: datetime | None, directory: Path | None, as_json: bool) -> None:
    """Say whether an org's snapshot is all here: what a person signs before the source is switched off.

    Files, rows, orphans, ids without a map, people, and the differences between the last daily state and the snapshot, as
    of the last build. Exit code 0: nothing needs a person. 1: something does, and is named.
    """
    with (
        prepared_database(Settings.from_environment()) as (connection, _),
        steps(f"Looking at {org}") as progress,
    ):
        found = collect_report(
            connection, org, day.date() if day else None, lambda line: progress.done(line, quiet=True)
        )
    if directory is not None:
        write_report(directory, found)
    if as_json:
        click.echo(found.json_text, nl=False)
    else:
        _show(found)
        if directory is not None:
            say(f"The report is in {directory}; sha256 of report.json: {found.digest}.")
    if not found.signable:
        context.exit(TROUBLE)


def _show(report: CompletenessReport) -> None:
    came = [group for group in report.groups if group.delivered]
    if came:
        table(
            ["group", "files", "records", "quarantined", "shown", "orphans"],
            [
                [
                    group.name,
                    sum(len(each.files) for each in group.tables),
                    sum(each.records for each in group.tables),
                    sum(each.quarantined for each in group.tables),
                    None if any(each.files and each.shown is None for each in group.tables) else group.shown,
                    sum(orphans.rows for each in group.tables for orphans in each.orphans),
                ]
                for group in came
            ],
            right=["files", "records", "quarantined", "shown", "orphans"],
        )
        say()
    apart = [each for each in report.differences if each.keys or each.changed_after.keys]
    if apart:
        table(
            ["table", "same", "only daily", "only snapshot", "differ", "changed after"],
            [
                [
                    each.table,
                    each.same,
                    each.only_daily.keys,
                    each.only_snapshot.keys,
                    each.other_content.keys,
                    each.changed_after.keys,
                ]
                for each in apart
            ],
            right=["same", "only daily", "only snapshot", "differ", "changed after"],
        )
        say()
    for remark in report.remarks:
        say(f"Worth knowing, {remark.code} ({remark.count:,}): {remark.text}")
    for reason in report.reasons:
        say(f"Needs a person, {reason.code} ({reason.count:,}): {reason.text}")
    if report.signable:
        say(f"The snapshot of {report.org}, {report.day}, is all here; nothing needs a person.")
