"""What the platform's frameworks, applications and resources are about; the subjects are those of the rosters' classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid5

import polars as pl

_PLATFORM = UUID("8d3c6f0e-5b1a-4e5d-9c57-2f1f0b7d4a10")


class CaseSubject(NamedTuple):
    """A CASE subject; classes name its code or its title, whose commas they cannot deliver."""

    title: str
    code: str
    description: str | None = None


class App(NamedTuple):
    """An application of a type; ``counts``: it says of each attempt which one it is."""

    name: str
    type: str
    subjects: tuple[str, ...] = ()
    counts: bool = True


CASE_SUBJECTS = (
    CaseSubject("Mathematics", "02999", "Number, algebra, geometry, and data."),
    CaseSubject("Reading", "01999", "Stories and reports: finding out what they say, and how."),
    CaseSubject("Science", "03999", "Matter, life, the earth, and how to ask them questions."),
    CaseSubject("Technology", "10999"),
    CaseSubject("Social Studies", "04999", "Places, times, and how people live together."),
    CaseSubject("Visual Arts", "05199"),
    CaseSubject("Music", "05149"),
    CaseSubject("World Languages, French", "24102", "French, from greetings to novels."),
)
# What is learned in applications, each with the application for students of even and of odd number.
LEARNED = ("Mathematics", "Reading", "Science", "Social Studies")
APPS = (
    App("Numeral Garden", "learning", ("Mathematics",)),
    App("Proof by Pictures", "learning", ("Mathematics",)),
    App("Page Lantern", "learning", ("Reading",)),
    App("Tidepool Lab", "learning", ("Science",), counts=False),
    App("Street & River", "learning", ("Social Studies",)),
    App("Checkpoint Tests", "assessment", ("Mathematics", "Reading")),
    App("Platform Console", "internal"),
)
APPS_OF_SUBJECT = (
    ("Numeral Garden", "Proof by Pictures"),
    ("Page Lantern", "Page Lantern"),
    ("Tidepool Lab", "Tidepool Lab"),
    ("Street & River", "Street & River"),
)
GRADE_LABELS = {
    "PK": "Pre-kindergarten",
    "KG": "Kindergarten",
    **{f"{number:02}": f"Grade {number}" for number in range(1, 13)},
    "PS": "After school",
}


def reference_id(*name: object) -> str:
    """Return the id of something that all orgs share; it depends on the name alone."""
    return str(uuid5(_PLATFORM, "/".join(map(str, name))))


def subject_id(title: str) -> str:
    """Return the id of a CASE subject."""
    return reference_id("subject", title)


def app_id(name: str) -> str:
    """Return the id of an application."""
    return reference_id("app", name)


def grade_id(code: str) -> str:
    """Return the id of a grade level."""
    return reference_id("grade", code)


def rows(columns: Sequence[str], values: Sequence[Sequence[object]]) -> pl.DataFrame:
    """Return a frame of rows, whose columns are typed by their values."""
    return pl.DataFrame(values, schema=list(columns), orient="row", infer_schema_length=None)
