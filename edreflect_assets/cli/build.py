"""``edreflect build``: apply what is pending and publish."""

from __future__ import annotations

from datetime import date, datetime

import click

from edreflect_assets.cli.errors import TROUBLE
from edreflect_assets.cli.output import complain, plural, say, steps
from edreflect_assets.cli.prepared import prepared_database
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import BuildReport
from edreflect_assets.warehouse import build as build_warehouse

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--as-of", "day", type=DAY, metavar="DAY", help="Pin today to DAY; the next build without it unpins.")
@click.option("--all-tests", is_flag=True, help="Also run the data tests that are otherwise left to once a day.")
@click.pass_context
def build(context: click.Context, day: datetime | None, all_tests: bool) -> None:
    """Apply all pending loads and publish.

    With nothing pending nothing changes. Exit code 1 if a model or a test failed; what was not built stays as it was.
    """
    settings = Settings.from_environment()
    with prepared_database(settings):
        pass
    if not build_and_report(settings, as_of=day.date() if day else None, all_tests=all_tests):
        context.exit(TROUBLE)


def build_and_report(settings: Settings, *, as_of: date | None = None, all_tests: bool = False) -> bool:
    """Build with progress, print what came of it, and tell whether all went well. Raises what ``build`` raises."""
    with steps("Building") as progress:
        report = build_warehouse(
            settings,
            as_of=as_of,
            all_tests=all_tests,
            progress=lambda node, number, total: progress.done(node, number=number, total=total, quiet=True),
        )
    _print(report)
    return report.succeeded


def _print(report: BuildReport) -> None:
    for sentence in report.failures:
        complain(f"Failed: {sentence}")
    for sentence in report.warnings:
        complain(f"Warning: {sentence}")
    outcome = "Built" if report.succeeded else f"Built with {plural(len(report.failures), 'failure')}:"
    say(f"{outcome} {plural(len(report.models), 'model')}.")
