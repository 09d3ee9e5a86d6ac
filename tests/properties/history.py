"""Random histories of one org's export: a small simulated source system, and everything that goes wrong on the way.

``SourceSystem`` holds what is true at the source and exports what changed each day, as the source promises it.
``clean_history`` delivers such days as they are. ``random_history`` spoils them (``dirt``), corrects some, leaves some
out, delivers older bytes again and mixes the order. Every choice is drawn from one ``random.Random``, so that a
seed replays a history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from tests.model.log import Delivery
from tests.model.rules import ID_MAPS, RULES
from tests.properties import dirt
from tests.properties.sheets import Fields, Sheet, random_key, random_row, write

DAYS = tuple(date(2026, 3, 2) + timedelta(days=n) for n in range(6))

# Files that change together: (what names the keys, the files whose rows carry them).
FAMILIES: tuple[tuple[str | None, tuple[str, ...]], ...] = tuple(
    (
        f"{named}.csv",
        tuple(rule.file for rule in RULES.values() if rule.touched_by == f"{named}.csv"),
    )
    for named in (
        "Observation_Modified", "Goals_Modified", "User_Modified", "User_Rubrics_Modified", "Rubrics", "Slos", "Trendings",
    )
)  # fmt: skip
LONE_UPSERTS = tuple(
    rule.file for rule in RULES.values() if rule.load == "upsert" and rule.file not in {f for f, _ in FAMILIES}
)
GOAL_FILES = ("Goals.csv", "Goals_Indicators.csv", "Goals_Deleted.csv")


@dataclass(frozen=True)
class History:
    """One org's deliveries in the order in which they are loaded."""

    org: str
    deliveries: tuple[Delivery, ...]


class SourceSystem:
    """What is true at the source, changed a little each day; exports what it changed as the source says it does."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.rows: dict[str, dict[tuple[str | None, ...], Fields]] = {}
        self.lists: dict[str, dict[str | None, list[Fields]]] = {}
        self.pairs: dict[tuple[str | None, ...], Fields] = {}
        families = random.sample(FAMILIES, random.randint(1, 3))
        self.families = [
            (named, random.sample(files, random.randint(1, min(2, len(files))))) for named, files in families
        ]
        self.upserts = random.sample(LONE_UPSERTS, random.randint(0, 2))
        if any(named == "Goals_Modified.csv" for named, _ in families):
            self.upserts = [*(file for file in self.upserts if file not in GOAL_FILES), *GOAL_FILES]
        self.has_affiliations = any(named == "User_Modified.csv" for named, _ in families)

    def export_day(self, day: date) -> dict[str, Sheet]:
        """Change something and return the day's files by name."""
        sheets: dict[str, list[Fields]] = {}
        for named, files in self.families:
            assert named is not None
            rule = RULES[named]
            keys = {random_key(self.random, rule.key[0]) for _ in range(self.random.randint(0, 2))}
            if named == "User_Modified.csv":
                keys |= self._change_pairs(day, keys, sheets)
            else:
                sheets[named] = [random_row(self.random, rule, {rule.key[0]: key}) for key in sorted(keys, key=str)]
            if rule.load == "upsert":
                self._upsert(named, sheets[named])
            for file in files:
                sheets[file] = self._change_lists(file, keys)
        for file in self.upserts:
            if file != "Goals_Deleted.csv":
                sheets[file] = [random_row(self.random, RULES[file], {}) for _ in range(self.random.randint(0, 3))]
                self._upsert(file, sheets[file])
        if "Goals_Deleted.csv" in self.upserts:
            sheets["Goals_Deleted.csv"] = self._delete_goals()
        return {file: Sheet(RULES[file], tuple(rows)) for file, rows in sheets.items()}

    def _upsert(self, file: str, rows: list[Fields]) -> None:
        table = self.rows.setdefault(file, {})
        for row in rows:
            table[tuple(row[column] for column in RULES[file].key)] = row

    def _change_lists(self, file: str, keys: set[str | None]) -> list[Fields]:
        """Give each key's list new items, keep some, delete some; return the lists as they now are."""
        lists, rule = self.lists.setdefault(file, {}), RULES[file]
        for key in keys:
            kept = [row for row in lists.get(key, []) if self.random.random() < 0.5]
            lists[key] = kept + [
                random_row(self.random, rule, {rule.key[0]: key}) for _ in range(self.random.randint(0, 2))
            ]
        return [row for key in sorted(keys, key=str) for row in lists[key]]

    def _delete_goals(self) -> list[Fields]:
        rule = RULES["Goals_Deleted.csv"]
        goals = {random_key(self.random, "goal_id") for _ in range(self.random.choice((0, 0, 1)))}
        deletions = [random_row(self.random, rule, {"goal_id": goal}) for goal in goals]
        self._upsert(rule.file, deletions)
        for file in ("Goals.csv", "Goals_Indicators.csv"):
            table = self.rows.get(file, {})
            self.rows[file] = {key: row for key, row in table.items() if row["goal_id"] not in goals}
        for file in ("Goal_Posts.csv", "Goals_Questions.csv"):
            self.lists[file] = {k: rows for k, rows in self.lists.get(file, {}).items() if k not in goals}
        return deletions

    def _change_pairs(self, day: date, users: set[str | None], sheets: dict[str, list[Fields]]) -> set[str | None]:
        """Begin, end and drop affiliations; a pair that is dropped shows only in its users being modified.

        Returns the users modified by it.
        """
        rule, at = RULES["User_Affiliations.csv"], f"{day}T06:00:00Z"
        delivered: dict[tuple[str | None, ...], Fields] = {}
        for _ in range(self.random.randint(0, 2)):
            row = random_row(self.random, rule, {"date_deleted": self.random.choice((None, at))})
            key: tuple[str | None, ...] = (row["learner_employee_id"], row["observer_employee_id"])
            self.pairs[key] = {**self.pairs.get(key, row), "date_deleted": row["date_deleted"]}
            delivered[key] = self.pairs[key]
        dropped = [key for key, row in self.pairs.items() if key not in delivered and row["date_deleted"] is None]
        dropped = [key for key in dropped if self.random.random() < 0.3]
        modified = users | {user for key in dropped for user in key}
        for key in dropped:
            self.pairs[key] = {**self.pairs[key], "date_deleted": at}
        for key, row in self.pairs.items():
            if row["date_deleted"] is None and modified & set(key):
                delivered[key] = row
        sheets["User_Affiliations.csv"] = list(delivered.values())
        sheets["User_Modified.csv"] = [
            {"employee_id": user, "user_modified_date": at} for user in sorted(modified, key=str)
        ]
        return modified


def clean_history(random: Random, org: str) -> tuple[History, SourceSystem]:
    """Return a history without a fault, and the source as it is at its end."""
    source = SourceSystem(random)
    deliveries = [
        Delivery(org, day, {file: write(sheet) for file, sheet in source.export_day(day).items()}) for day in DAYS
    ]
    return History(org, tuple(deliveries)), source


def random_history(random: Random, org: str) -> History:
    """Return a history with everything that may go wrong; versions of one day keep their order, days do not."""
    source = SourceSystem(random)
    by_day = [_versions(random, org, day, source.export_day(day)) for day in DAYS if random.random() < 0.85]
    if random.random() < 0.4:
        kinds = random.sample(ID_MAPS, random.randint(1, 2))
        by_day.append(_versions(random, org, None, {f"{kind}_ids.csv": _id_map(random, kind) for kind in kinds}))
    return History(org, tuple(_in_some_order(random, by_day)))


def _versions(random: Random, org: str, day: date | None, sheets: Mapping[str, Sheet]) -> list[Delivery]:
    """Return what is delivered for one day: the export, then perhaps corrections, older bytes and repeats of it."""
    versions = [Delivery(org, day, dirt.spoiled(random, sheets))]
    while random.random() < 0.4 and len(versions) < 4:
        if random.random() < 0.5:
            versions.append(random.choice(versions))
            continue
        corrected = {file: dirt.forgetful(random, sheet) for file, sheet in sheets.items() if random.random() < 0.6}
        versions.append(Delivery(org, day, dirt.spoiled(random, corrected)))
    return versions


def _id_map(random: Random, kind: str) -> Sheet:
    rule = RULES[f"{kind}_ids.csv"]
    return Sheet(rule, tuple(random_row(random, rule, {}) for _ in range(random.randint(0, 4))))


def _in_some_order(random: Random, by_day: Sequence[list[Delivery]]) -> list[Delivery]:
    """Return the deliveries of all days as they came, from the last day to the first, or mixed."""
    order = random.choice(("forward", "backward", "mixed"))
    if order != "mixed":
        return [delivery for versions in by_day[:: 1 if order == "forward" else -1] for delivery in versions]
    waiting, mixed = [list(versions) for versions in by_day], []
    while any(waiting):
        mixed.append(random.choice([versions for versions in waiting if versions]).pop(0))
    return mixed
