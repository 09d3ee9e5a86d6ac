"""``edreflect validate oneroster``: judge a roster package before anybody delivers it. Needs no database."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edreflect_assets.cli.errors import TROUBLE
from edreflect_assets.cli.output import say, table
from edreflect_assets.contracts import load_feeds
from edreflect_assets.roster.package import PackageRefused, open_package
from edreflect_assets.roster.report import write_report
from edreflect_assets.roster.validation import validate as validate_package
from edreflect_assets.roster.verdict import Counted, PackageVerdict

_LINES_SHOWN = 5


@click.group()
def validate() -> None:
    """Judge files before they are delivered."""


@validate.command()
@click.argument("package", type=click.Path(path_type=Path, exists=True))
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, nothing else.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write errors_by_code.csv, errors_by_row.csv and report.html to DIR.",
)
@click.pass_context
def oneroster(context: click.Context, *, package: Path, as_json: bool, report: Path | None) -> None:
    """Judge a OneRoster package: a folder of CSV files, or a zip of them.

    Exit code 0: no errors (there may be warnings). 1: records would be set aside, or the package refused.
    """
    verdict = _judge(package)
    if report is not None:
        write_report(report, verdict, f"OneRoster package {package.resolve().name}")
    if as_json:
        say(json.dumps(verdict.as_json(), indent=2))
    else:
        _show(verdict)
        if report is not None:
            say(f"The report is in {report}.")
    if verdict.errors:
        context.exit(TROUBLE)


def _judge(path: Path) -> PackageVerdict:
    feed = load_feeds()["oneroster"]
    try:
        with open_package(path, feed) as package:
            return validate_package(feed, package.files, package.left_aside)
    except PackageRefused as refusal:
        return PackageVerdict.of_unreadable(refusal.code, refusal.file or path.name, refusal.text)


def _show(verdict: PackageVerdict) -> None:
    if verdict.files:
        files = [[file.file, file.mode, file.records, len(file.rejected)] for file in verdict.files.values()]
        table(["file", "mode", "records", "rejected"], files, right=["records", "rejected"])
        say()
    findings = verdict.by_code()
    if findings:
        rows = [
            [found.code, found.severity, found.file, found.column, found.count, _lines(found), found.text]
            for found in findings
        ]
        table(["code", "severity", "file", "column", "findings", "lines", "what is wrong"], rows, right=["findings"])
        say()
    say(verdict.sentence())


def _lines(counted: Counted) -> str | None:
    if not counted.lines:
        return None
    shown = ", ".join(str(line) for line in counted.lines[:_LINES_SHOWN])
    return f"{shown}, …" if counted.count > _LINES_SHOWN else shown
