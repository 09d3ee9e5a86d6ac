"""The report for the person who signs it: report.json, and a page that needs nothing but a browser or a printer."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from edreflect_assets.files import replace_text
from edreflect_assets.offboarding.contents import CompletenessReport, Key

PAGE, DATA = "report.html", "report.json"
_TEMPLATE = Path(__file__).with_name("report.html.jinja")


def write_report(directory: Path, report: CompletenessReport) -> None:
    """Write report.html and report.json to ``directory``, which is created for the owner alone.

    The files are readable to the owner only: employee numbers identify people. Raises OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_text(directory / DATA, report.json_text)
    replace_text(directory / PAGE, report_page(report))


def report_page(report: CompletenessReport) -> str:
    """Return report.html."""
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters["number"] = lambda number: "" if number is None else f"{number:,}"
    page.filters["moment"] = _moment
    page.filters["key"] = _key
    return page.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(report=report, data=DATA)


def _moment(moment: datetime | date) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if isinstance(moment, datetime) else moment.isoformat()


def _key(values: Key) -> str:
    return " · ".join("(empty)" if value is None else value for value in values)
