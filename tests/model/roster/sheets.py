"""Roster files written by hand in a test: what a row does not say is filled in with something plain."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date

from tests.model.roster.entities import ENTITIES
from tests.model.roster.log import Delivery
from tests.model.roster.records import Sheet, mode_of

PLAIN = {
    "academicSessions.csv": {
        "title": "Year", "type": "schoolYear", "startDate": "2025-08-01", "endDate": "2026-07-01", "schoolYear": "2026",
    },
    "orgs.csv": {"name": "School", "type": "school"},
    "courses.csv": {"title": "Course", "orgSourcedId": "s1"},
    "classes.csv": {
        "title": "Class", "courseSourcedId": "c1", "classType": "scheduled", "schoolSourcedId": "s1", "termSourcedIds": "t1",
    },
    "enrollments.csv": {"classSourcedId": "k1", "schoolSourcedId": "s1", "userSourcedId": "u1", "role": "student"},
    "users.csv": {
        "enabledUser": "true", "orgSourcedIds": "s1", "role": "student", "username": "user", "givenName": "Given",
        "familyName": "Family",
    },
    "roles.csv": {"userSourcedId": "u1", "roleType": "primary", "role": "student", "orgSourcedId": "s1"},
}  # fmt: skip
ONLY_1_1 = ("orgSourcedIds", "role")
Fields = Mapping[str, str]


def row(sourced_id: str, **fields: str) -> dict[str, str]:
    """Return the fields of a row by header."""
    return {"sourcedId": sourced_id, **fields}


def change(sourced_id: str, at: str = "2026-03-01T08:00:00Z", status: str = "active", **fields: str) -> dict[str, str]:
    """Return the fields of a row of a delta."""
    return {"sourcedId": sourced_id, "status": status, "dateLastModified": at, **fields}


def sheet(file: str, *rows: Fields, version: str = "1.1", plain: bool = True) -> Sheet:
    """Return a file with these rows, by name without ``.csv``; ``plain`` fills in what a row does not say."""
    name = f"{file}.csv"
    header = [
        header for header in ENTITIES[name].headers if not (version == "1.2" and file == "users" and header in ONLY_1_1)
    ]
    filled = [{**(PLAIN[name] if plain else {}), **fields} for fields in rows]
    return Sheet(name, tuple(header), tuple(tuple(fields.get(column, "") for column in header) for fields in filled))


def delivery(org: str, day: date, sheets: Iterable[Sheet], version: str = "1.1", **announced: str) -> Delivery:
    """Return a package with its manifest, which says of each file what it is; ``announced`` overrides that by file."""
    by_file = {each.file: each for each in sheets}
    modes = {file: mode_of(by_file[file], None) if file in by_file else "absent" for file in ENTITIES}
    said = {file.removesuffix(".csv"): mode for file, mode in modes.items()} | announced
    lines = [
        ("manifest.version", "1.0"),
        ("oneroster.version", version),
        *((f"file.{file}", mode) for file, mode in said.items()),
    ]
    return Delivery(
        org, day, {**by_file, "manifest.csv": Sheet("manifest.csv", ("propertyName", "value"), tuple(lines))}
    )


def write(sheet: Sheet) -> bytes:
    """Return the file's bytes."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([sheet.header, *sheet.lines])
    return text.getvalue().encode()
