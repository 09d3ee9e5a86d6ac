"""The catalogue's folder: pages from templates, swapped in whole."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from datetime import date, datetime
from importlib.resources import as_file, files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers.sql import PostgresLexer

from edreflect_assets.catalog.pages import Catalog, diagram_data, file_anchor, search_documents
from edreflect_assets.errors import UsageError

INDEX = "index.html"
# Marks a folder as one that may be replaced.
_MARK = ".edreflect-catalog"


def write_site(catalog: Catalog, directory: Path) -> Path:
    """Write the site and return its first page. A reader finds the old site or the new one, never a half.

    ``directory`` is created with what is missing above it. Raises UsageError when it holds anything but a catalogue.
    """
    check_replaceable(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    unique = secrets.token_hex(8)
    partial = directory.with_name(f".{directory.name}.{unique}.part")
    old = directory.with_name(f".{directory.name}.{unique}.old")
    try:
        _write(catalog, partial)
        if directory.exists():
            directory.rename(old)
        try:
            partial.rename(directory)
        except OSError:
            if old.exists():
                old.rename(directory)
            raise
    finally:
        for left in (partial, old):
            shutil.rmtree(left, ignore_errors=True)
    return directory / INDEX


def check_replaceable(directory: Path) -> None:
    """Raise UsageError unless ``directory`` is missing, empty or a catalogue."""
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise UsageError(f"{directory} is no folder of its own; name a new or an empty one with --out.")
    if directory.is_dir() and any(directory.iterdir()) and not (directory / _MARK).is_file():
        raise UsageError(
            f"{directory} holds something other than a catalogue; name a new or an empty folder with --out."
        )


def _write(catalog: Catalog, directory: Path) -> None:
    (directory / "views").mkdir(parents=True)
    with as_file(files("edreflect_assets.catalog").joinpath("assets")) as assets:
        shutil.copytree(assets, directory / "assets")
    _script(directory / "assets" / "search-data.js", "CATALOG_DOCUMENTS", search_documents(catalog))
    _script(directory / "assets" / "diagram-data.js", "CATALOG_DIAGRAM", diagram_data(catalog))
    environment = _environment()
    for name in (INDEX, "diagram.html", "files.html"):
        html = environment.get_template(f"{name}.jinja").render(catalog=catalog, root="", here=name)
        (directory / name).write_text(html, encoding="utf-8")
    template = environment.get_template("view.html.jinja")
    for page in catalog.pages:
        here = f"views/{page.view.name}.html"
        html = template.render(catalog=catalog, page=page, root="../", here=here)
        (directory / here).write_text(html, encoding="utf-8")
    (directory / _MARK).touch()


def _script(path: Path, name: str, content: object) -> None:
    """Write data as a script, which a page opened as a file may load, unlike JSON."""
    path.write_text(f"window.{name} = {json.dumps(content, ensure_ascii=True)};\n", encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("edreflect_assets.catalog"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": lambda number: f"{number:,}",
        "day": _day,
        "moment": _moment,
        "sql": _sql,
        "breakable": _breakable,
    }
    environment.globals["file_anchor"] = file_anchor
    return environment


def _day(day: date) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), f"{day.day} {day:%b %Y}")


def _moment(moment: datetime) -> Markup:
    text = f"{moment.day} {moment:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(timespec="minutes"), text)


def _breakable(name: str) -> Markup:
    """Return a name that may be broken between its words."""
    return Markup("<wbr>").join(re.split(r"(?<=[._])", name))


def _sql(query: str) -> Markup:
    """Return a query as HTML, its words marked by what they are; everything is escaped."""
    return Markup(highlight(query, PostgresLexer(), HtmlFormatter(nowrap=True)).strip())  # noqa: S704
