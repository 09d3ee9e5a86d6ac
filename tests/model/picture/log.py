"""What is current of each feed: deliveries in the order in which they are loaded."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from tests.model import log as daily_log
from tests.model.records import Value, cast, columns_of
from tests.model.rules import ALIASES, RULES

REQUIRED_GROUPS = {
    "artifacts", "assignments", "evidences", "groups", "observationTemplates", "observations", "ratings", "rubrics", "snapshots",
    "users",
}  # fmt: skip

Row = dict[str, Value]


@dataclass(frozen=True)
class Delivery:
    """The files of one org, feed and day; ``day`` is None for the id maps, which are of the daily feed."""

    feed: str
    org: str
    day: date | None
    files: Mapping[str, bytes] = field(hash=False)


class PictureLog:
    """Keeps the current bytes of every file of the feeds ``edreflect``, ``legacy`` and ``offboarding``."""

    def __init__(self) -> None:
        self.daily = daily_log.Log()
        self._files: dict[tuple[str, str], dict[date, dict[str, bytes]]] = {}

    def load(self, delivery: Delivery) -> None:
        if delivery.feed == "edreflect":
            self.daily.load(daily_log.Delivery(delivery.org, delivery.day, delivery.files))
            return
        assert delivery.day is not None
        days = self._files.setdefault((delivery.feed, delivery.org), {})
        days.setdefault(delivery.day, {}).update(delivery.files)

    def snapshot(self, org: str, as_of: date | None = None) -> tuple[date, dict[str, bytes]] | None:
        """Return the newest complete snapshot and its day."""
        days = self._files.get(("offboarding", org), {})
        complete = [
            day
            for day, files in days.items()
            if {file.split(".", 1)[0] for file in files} >= REQUIRED_GROUPS and (as_of is None or day <= as_of)
        ]
        return (max(complete), days[max(complete)]) if complete else None

    def legacy(self, org: str, file: str) -> tuple[date, list[tuple[Row, tuple[str, ...]]]] | None:
        """Return the rows of an export from before the refresh with today's ids, each with the columns that no map knows."""
        for day, files in self._files.get(("legacy", org), {}).items():
            if file in files:
                return day, [self._renewed(org, row) for row in legacy_rows(file, files[file])]
        return None

    def _renewed(self, org: str, row: Row) -> tuple[Row, tuple[str, ...]]:
        renewed, unmapped = dict(row), []
        for column, kinds in KINDS_OF_IDS.items():
            if row.get(column) is None:
                continue
            found = [self._id_map(org, kind).get(row[column]) for kind in kinds]
            known = [new for new in found if new is not None]
            renewed[column] = known[0] if known else row[column]
            unmapped += [] if known else [column]
        return renewed, tuple(sorted(unmapped))

    def _id_map(self, org: str, kind: str) -> dict[Value, Value]:
        records = self.daily.records(org, None, f"{kind}_ids.csv")
        return {record.values["old_id"]: record.values["new_id"] for record in records}


KINDS_OF_IDS = {
    "artifact_id": ["artifact", "artifact_content"], "goal_id": ["goal"], "group_id": ["user_group"], "indicator_id": ["indicator"],
    "observation_group_id": ["observation_group"], "observation_template_id": ["observation_template"],
    "organization_id": ["organization"], "parent_indicator_id": ["indicator"], "rubric_id": ["rubric"],
    "slo_assessment_id": ["slo_assessment"], "slo_id": ["slo"], "slo_template_id": ["slo_template"], "snapshot_id": ["snapshot"],
    "step_id": ["step"], "trending_id": ["trending"], "user_id": ["user"],
}  # fmt: skip


@cache
def legacy_rows(file: str, data: bytes) -> tuple[Row, ...]:
    """Return the rows of a file of that time with the ids of that time; year and its id are filled from each other."""
    rows = []
    for delivered in csv.DictReader(io.StringIO(data.decode(), newline="")):
        cells = {ALIASES.get(name, name): cell or None for name, cell in delivered.items()}
        row: Row = {name: cast(cells.get(name), data_type) for name, data_type in columns_of(RULES[file]).items()}
        if "school_year" in row and row["school_year"] is None and cells.get("school_year_id"):
            row["school_year"] = 2009 + int(str(cells["school_year_id"]))
        if "school_year_id" in row and row["school_year_id"] is None and row["school_year"] is not None:
            row["school_year_id"] = int(str(row["school_year"])) - 2009
        rows.append(row)
    return tuple(rows)
