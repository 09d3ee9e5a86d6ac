"""What the current snapshot says, in the columns of the daily export, and which documents it holds."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache

from edreflect_assets.contracts import load_feeds
from tests.model.picture import daily
from tests.model.picture.log import PictureLog, Row
from tests.model.records import Value, cast

# Tables whose rows hang below a document: the document's file, and the column that holds its id.
DOCUMENTS = {
    **dict.fromkeys(
        ("observations", "observation_steps", "observation_feedback", "observation_comments", "ratings"),
        ("observations", "observation_group_id"),
    ),
    **dict.fromkeys(("goals", "goals_indicators", "goal_posts", "goals_questions"), ("goals", "goal_id")),
    **dict.fromkeys(("rubrics", "indicators", "indicator_proficiency_levels"), ("rubrics", "rubric_id")),
    **dict.fromkeys(("slos", "slo_assessments", "aggregated_slo_assessments"), ("slos", "slo_id")),
    **dict.fromkeys(("snapshots", "snapshots_ratings"), ("snapshots", "snapshot_id")),
    "user_artifacts": ("artifacts", "artifact_id"),
}
USER_LISTS = ("user_accounts", "user_grades", "user_groups", "user_roles", "user_subjects")
WITHOUT_DOCUMENTS = ("aggregated_eoy_snapshots", "user_affiliations")
TABLES = (*DOCUMENTS, *USER_LISTS, *WITHOUT_DOCUMENTS)


@dataclass
class Held:
    """The current snapshot of an org: its day, its files' rows by listed name without ``.csv``, its people's numbers."""

    day: date
    files: dict[str, list[Row]]
    numbers: dict[Value, Value] = field(default_factory=dict)

    def of(self, file: str, **wanted: Value) -> list[Row]:
        return [
            row for row in self.files.get(file, ()) if all(row[column] == value for column, value in wanted.items())
        ]

    def number(self, user: Value) -> Value:
        return self.numbers.get(user)


@cache
def typed(file: str, data: bytes) -> tuple[Row, ...]:
    """Return the rows of a file by the columns of its table; rows of nested indicators say how deep they are."""
    contract = load_feeds()["offboarding"].match(file)
    assert contract is not None
    types = {column.header or column.name: column for column in contract.columns}
    rows = []
    for cells in csv.DictReader(io.StringIO(data.decode(), newline="")):
        row: Row = {types[name].name: _value(cell or None, types[name].data_type) for name, cell in cells.items()}
        if file.startswith("rubrics.indicators"):
            row["level"] = file.count(".indicators")
        rows.append(row)
    return tuple(rows)


def _value(cell: str | None, data_type: str) -> Value:
    if cell and data_type == "timestamp" and re.fullmatch(r"-?\d{11,14}", cell):
        return datetime(1970, 1, 1) + timedelta(milliseconds=int(cell))
    return cast(cell, data_type)


def held(log: PictureLog, org: str) -> Held | None:
    """Return the current snapshot of an org, if there is one."""
    current = log.snapshot(org)
    if current is None:
        return None
    files: dict[str, list[Row]] = {}
    for file, data in current[1].items():
        name = re.sub(r"^(rubrics\.indicators)(?:\.indicators)*", r"\1", file.removesuffix(".csv"))
        files.setdefault(name, []).extend(typed(file, data))
    found = Held(current[0], files)
    accounts = daily.rows_of(daily.spoken(log, org, "user_accounts"))
    for person in found.of("users"):
        own, old = person["_id"], person["old_id"]
        told = [(row["user_id"] == own, word.day, row["employee_id"]) for row, word, unmapped in accounts
                if row["user_id"] == own or (row["user_id"] == old and unmapped and "user_id" in unmapped)]  # fmt: skip
        known = [each for each in told if each[2] is not None]
        if person["employee_id"] is not None:
            found.numbers[own] = person["employee_id"]
        elif known:
            best = max(each[:2] for each in known)
            found.numbers[own] = min(str(number) for *how, number in known if tuple(how) == best)
    return found
