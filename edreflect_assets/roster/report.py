"""The report of a package for rostering staff: two CSVs and a page that needs nothing but a browser."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from edreflect_assets.roster.codes import CODES
from edreflect_assets.roster.verdict import PackageVerdict

BY_CODE, BY_ROW, PAGE = "errors_by_code.csv", "errors_by_row.csv", "report.html"
_TEMPLATE = Path(__file__).with_name("report.html.jinja")
# Column of oneroster.sync_report, and what rostering staff call it.
_SYNC = (
    ("file", "File"),
    ("mode", "Mode"),
    ("delivered", "Delivered"),
    ("added", "Added"),
    ("changed", "Changed"),
    ("ended", "Ended"),
    ("returned", "Came back"),
    ("stayed", "Stayed"),
    ("stale", "Older than known"),
    ("rejected", "Rejected"),
)
_FIRST_LINES = 10


def write_report(
    directory: Path, verdict: PackageVerdict, title: str, sync: Sequence[Mapping[str, Any]] | None = None
) -> None:
    """Write errors_by_code.csv, errors_by_row.csv and report.html to ``directory``, which is created for the owner alone.

    The CSVs hold warnings, too, with their severity. ``sync`` are rows of oneroster.sync_report, one per file: what
    became of the records once the package was applied. Nothing written holds a value of a record. Raises OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_csv(
        directory / BY_CODE,
        ("code", "severity", "file", "column", "findings", "first_lines", "what_is_wrong", "what_to_do"),
        (
            (
                counted.code,
                counted.severity,
                counted.file,
                counted.column,
                counted.count,
                " ".join(str(line) for line in counted.lines[:_FIRST_LINES]),
                counted.text,
                CODES[counted.code].advice,
            )
            for counted in verdict.by_code()
        ),
    )
    _write_csv(
        directory / BY_ROW,
        ("file", "line", "column", "code", "severity", "what_is_wrong"),
        (
            (finding.file, finding.line, finding.column, finding.code, finding.severity, finding.text)
            for finding in verdict.findings()
        ),
    )
    (directory / PAGE).write_text(report_page(verdict, title, sync), encoding="utf-8")


def report_page(verdict: PackageVerdict, title: str, sync: Sequence[Mapping[str, Any]] | None = None) -> str:
    """Return report.html."""
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters["number"] = lambda number: f"{number:,}"
    columns = [(name, label) for name, label in _SYNC if any(name in row for row in sync or ())]
    return page.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        title=title,
        verdict=verdict,
        findings=[(counted, CODES[counted.code].advice) for counted in verdict.by_code()],
        first_lines=_FIRST_LINES,
        sync_labels=[label for _, label in columns],
        sync_rows=[[row.get(name) for name, _ in columns] for row in sync or ()],
        by_row=BY_ROW,
    )


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula: names of files and columns are the sender's."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value
