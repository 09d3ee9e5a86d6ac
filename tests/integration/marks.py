"""Exports in which every text of every cell is marked, and the search for marks in whatever a run leaves behind."""

from __future__ import annotations

import base64
import csv
import io
import re
import sqlite3
import stat
from collections.abc import Collection, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

from edreflect_assets.contracts import Feed

MARK = "ZQX7MARK"
_numbers = count(1)


def mark() -> str:
    """Return a text nobody else has."""
    return f"{MARK}-{next(_numbers)}"


def _in_base64() -> Iterator[bytes]:
    """Yield what base64 makes of a mark at each of its three offsets, without the characters that depend on more."""
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + MARK.encode() + bytes(3))
        yield encoded[-(-8 * offset // 6) : 8 * (offset + len(MARK)) // 6]


_FORMS = re.compile(
    b"|".join(
        re.escape(form)
        for form in (
            *(text.encode(encoding) for text in (MARK, MARK.lower()) for encoding in ("utf-8", "utf-16-le")),
            *(digits.encode() for digits in (MARK.encode().hex(), MARK.encode().hex().upper())),
            *_in_base64(),
        )
    )
)


def marks_in(content: bytes | str) -> list[str]:
    """Return the surroundings of the first marks, in whatever form: UTF-8, UTF-16, hexadecimal, base64, lower case."""
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    found = [data[max(0, hit.start() - 300) : hit.end() + 40] for hit in _FORMS.finditer(data)]
    return [repr(text.decode("utf-8", "replace")) for text in found[:3]]


def mark_export(feed: Feed, root: Path) -> None:
    """Rewrite every file of the feed below ``root``: in columns of text, equal values become the same mark.

    Ids of people and of everything else are text, too; they stay joined to each other.
    """
    known: dict[str, str] = {}
    for path in sorted(root.rglob("*.csv")):
        contract = feed.match(path.name)
        if contract is None:
            continue
        texts = {column.name for column in contract.columns if column.data_type == "text"}
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header, *records = list(csv.reader(stream))
        rows = [
            [
                known.setdefault(value, mark()) if value and column in texts else value
                for column, value in zip(header, row, strict=True)
            ]
            for row in records
        ]
        path.write_bytes(csv_of([header, *rows]))


def csv_of(rows: list[list[str]]) -> bytes:
    """Return rows as CSV."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def marked_row(feed: Feed, file: str, **given: str) -> list[str]:
    """Return a row of a file in the contract's order of columns: marks, and valid values where types ask for them."""
    values = {
        "timestamp": "2026-01-05T10:00:00Z",
        "date": "2026-01-05",
        "boolean": "true",
        "integer": "1",
        "numeric": "1",
    }
    return [given.get(column.name, values.get(column.data_type) or mark()) for column in feed.files[file].columns]


def dirty_lines(feed: Feed, file: str) -> bytes:
    """Return records of a file that are wrong in every way the loader or a cast knows, marks in each."""
    good = marked_row(feed, file)
    columns = feed.files[file].columns
    first, rest = good[0].encode(), b"," + csv_of([good[1:]]).rstrip(b"\n")
    uncast = [mark() if column.data_type != "text" else value for column, value in zip(columns, good, strict=True)]
    return b"".join(
        [
            csv_of([good, good, uncast]),
            csv_of([good[:-1], [*good, mark()]]),
            first + b' 5" pipe' + rest + b"\n",
            first + b" caf\xe9" + rest + b"\n",
            first + b"\0" + rest + b"\n",
            first + b"\r" + mark().encode() + rest + b"\n",
            b'"' + first + rest + b"\n",
            csv_of([good]),
        ]
    )


def marked_files(root: Path, *, but: Collection[Path] = ()) -> dict[str, list[str]]:
    """Return the files below ``root`` that hold marks in their bytes, their name or their SQLite rows, with the marks."""
    found = {}
    for path in _files(root, but):
        content = path.read_bytes()
        hits = marks_in(content) + marks_in(path.name)
        if content.startswith(b"SQLite format 3\0"):
            # A row may be spread over pages that do not follow each other.
            with closing(sqlite3.connect(path)) as database:
                hits += marks_in("\n".join(database.iterdump()))
        if hits:
            found[str(path)] = hits
    return found


def open_to_others(root: Path, *, but: Collection[Path] = ()) -> list[str]:
    """Return the files below ``root`` that group or others could read, given that they can pass to ``root``."""
    return [
        str(path)
        for path in _files(root, but)
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
        and all(
            folder.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH)
            for folder in path.parents
            if folder.is_relative_to(root)
        )
    ]


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def _files(root: Path, but: Collection[Path]) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not any(path.is_relative_to(left_out) for left_out in but):
            yield path
