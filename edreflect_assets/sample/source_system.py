"""One org's source system: it changes day by day, exports what changed, and knows what a platform must hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.sample.context import Context
from edreflect_assets.sample.goals import Goals
from edreflect_assets.sample.observations import Observations
from edreflect_assets.sample.people import People
from edreflect_assets.sample.rubrics import Rubrics
from edreflect_assets.sample.slos import Slos
from edreflect_assets.sample.summaries import Summaries
from edreflect_assets.sample.tables import Export
from edreflect_assets.sample.writing import write_export

FEED = "edreflect"
AFFILIATIONS = "User_Affiliations.csv"
MIN_EDUCATORS = 3


class SourceSystem:
    """A simulated district's EdReflect.

    The first call of ``step`` gives the full first export, each later one the changes of that day; days must rise, and
    a day left out has no export of its own. The same arguments and days give the same exports. ``observations_per_day``
    is the mean number of new observations on a weekday (default: an eighth of the educators); ``scale`` multiplies the
    changes of every kind after the first day.
    """

    def __init__(
        self,
        seed: int,
        org: str,
        *,
        educators: int = 40,
        observations_per_day: float | None = None,
        scale: float = 1.0,
    ) -> None:
        if educators < MIN_EDUCATORS:
            raise ValueError(f"A district has at least {MIN_EDUCATORS} educators, not {educators}.")
        self.org = org
        self.feed: Feed = load_feeds()[FEED]
        self._context = Context(self.feed, seed, org, scale)
        self.people = People(self._context, educators)
        self._rubrics = Rubrics(self._context, domains=4 if educators >= 20 else 2)
        per_day = educators / 8 if observations_per_day is None else observations_per_day
        self._observations = Observations(self._context, self.people, self._rubrics, per_day)
        self._parts = (
            self._rubrics,
            self.people,
            self._observations,
            Goals(self._context, self.people, self._rubrics, educators / 20),
            Slos(self._context, self.people, educators / 10),
            Summaries(self._context, self.people, self._observations, educators / 15),
        )
        self._started = False

    def step(self, day: date) -> Export:
        """Let the system live through a day and return its export: a list of rows for each of the feed's day files.

        Raises ValueError when the day is not later than the one before.
        """
        if day <= self._context.day:
            raise ValueError(f"{self.org}: {day} is not later than {self._context.day}, the last day exported.")
        self._context.begin(day)
        if self._started:
            for part in self._parts:
                part.step()
        else:
            self._found()
        affiliations = self.people.affiliations.take_export()
        return {**self._context.tables.take_export(), AFFILIATIONS: affiliations}

    def write(self, day: date, directory: Path) -> Export:
        """Step to a day and write its export as CSV files into a directory, which is created. Returns the export."""
        export = self.step(day)
        write_export(self.feed, export, directory)
        return export

    def id_maps(self) -> Export:
        """Return the rows of each file without a day: ids of the old platform and what became of them.

        Old artifacts and their contents share new ids; the map of group ids is empty, as the source says it will be.
        """
        maps: Export = {}
        for file, contract in self.feed.files.items():
            if contract.dayless:
                kind = contract.file.removesuffix("_ids.csv")
                legacy = self._context.legacy_ids.get("artifact" if kind == "artifact_content" else kind, [])
                offset = 4_000_000 if kind == "artifact_content" else 70_000
                known = () if kind == "user_group" else legacy
                maps[file] = [{"old_id": str(offset + 7 * n), "new_id": new_id} for n, new_id in enumerate(known)]
        return maps

    def current_state(self) -> dict[str, list[dict[str, str | None]]]:
        """Return what a platform must hold once every delivery so far is applied, by reconciled table.

        Rows have the contract's columns, without org_id, in no particular order. Values are as Postgres prints the
        reconciled type (a timestamp in UTC: ``2026-10-16 14:00:05``); an empty field is None. The table ``id_map`` has
        kind, old_id and new_id; reference files have no table.
        """
        files = {**self._context.tables.present(), AFFILIATIONS: self.people.affiliations.present()}
        state = {
            self.feed.files[file].table: [self._reconciled(file, row) for row in rows] for file, rows in files.items()
        }
        state["id_map"] = [
            {"kind": file.removesuffix("_ids.csv"), **row} for file, rows in self.id_maps().items() for row in rows
        ]
        return state

    def _found(self) -> None:
        self._started = True
        self._rubrics.found()
        self.people.found([rubric.id for rubric in self._rubrics.rubrics])
        for part in self._parts[2:]:
            part.found()
        self._context.close_legacy()

    def _reconciled(self, file: str, row: Mapping[str, str]) -> dict[str, str | None]:
        return {
            column.name: _as_printed(row, column.name, column.data_type) for column in self.feed.files[file].columns
        }


def _as_printed(row: Mapping[str, str], column: str, data_type: str) -> str | None:
    value = row.get(column) or None
    if value and data_type == "timestamp":
        return value.replace("T", " ").removesuffix("Z")
    return value
