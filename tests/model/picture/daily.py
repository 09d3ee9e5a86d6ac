"""What the daily export and exports from before the refresh say of each key, and since when.

An export from before the refresh is a day like any other that names no key without rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time

from tests.model.picture.log import PictureLog, Row
from tests.model.records import Value
from tests.model.rules import ENDED_BY_GOALS_DELETED, RULES, Rule

Key = tuple[Value, ...]


@dataclass(frozen=True)
class Spoken:
    """The newest word about a key: its day, its rows (none: there is nothing), whose word it is, and unmapped columns."""

    day: date
    source: str
    rows: tuple[tuple[Row, tuple[str, ...] | None], ...]


@dataclass(frozen=True)
class Day:
    """What one day says by key; keys that it names have an entry, if only an empty one."""

    day: date
    source: str
    rows: dict[Key, list[tuple[Row, tuple[str, ...] | None]]]


def spoken(log: PictureLog, org: str, table: str, as_of: date | None = None) -> dict[Key, Spoken]:
    """Return the newest word about every key of a table that anything was ever said about."""
    rule = next(rule for rule in RULES.values() if rule.table == table)
    if rule.load == "affiliation":
        return _affiliations(log, org, rule, as_of)
    words: dict[Key, Spoken] = {}
    for day in _days(log, org, rule, as_of):
        for key, rows in day.rows.items():
            told = rows[-1:] if rule.load == "upsert" else rows
            words[key] = Spoken(day.day, day.source, tuple(told))
    if rule.file in ENDED_BY_GOALS_DELETED:
        goal = rule.key.index("goal_id")
        for deleted, day in goals_deleted(log, org, as_of).items():
            for key in {key for key in words if key[goal] == deleted} | ({(deleted,)} if len(rule.key) == 1 else set()):
                if key not in words or words[key].day <= day:
                    words[key] = Spoken(day, "daily", ())
    return words


def goals_deleted(log: PictureLog, org: str, as_of: date | None = None) -> dict[Value, date]:
    """Return the last day on which each goal was deleted."""
    return {
        record.values["goal_id"]: day
        for day in log.daily.days(org, as_of)
        for record in log.daily.records(org, day, "Goals_Deleted.csv")
    }


def rows_of(words: dict[Key, Spoken]) -> list[tuple[Row, Spoken, tuple[str, ...] | None]]:
    """Return the rows that are there now."""
    return [(row, word, unmapped) for word in words.values() for row, unmapped in word.rows]


def _days(log: PictureLog, org: str, rule: Rule, as_of: date | None) -> list[Day]:
    days = []
    old = log.legacy(org, rule.file)
    if old and (as_of is None or old[0] <= as_of):
        days.append(Day(old[0], "legacy", {}))
        for row, unmapped in old[1]:
            days[0].rows.setdefault(tuple(row[column] for column in rule.key), []).append((row, unmapped))
    for day in log.daily.days(org, as_of):
        said = Day(day, "daily", {})
        for record in log.daily.records(org, day, rule.touched_by) if rule.touched_by else ():
            said.rows.setdefault(record.key(rule.key), [])
        for record in log.daily.records(org, day, rule.file):
            said.rows.setdefault(record.key(rule.key), []).append((record.values, None))
        days.append(said)
    return days


def _affiliations(log: PictureLog, org: str, rule: Rule, as_of: date | None) -> dict[Key, Spoken]:
    """Attributes of the first delivery, end of the last; an open pair ends when either is modified without it."""
    pairs: dict[Key, Spoken] = {}
    for day in _days(log, org, rule, as_of):
        for key, rows in day.rows.items():
            row, unmapped = rows[-1]
            first = pairs[key].rows[0][0] if key in pairs else row
            pairs[key] = Spoken(day.day, day.source, (({**first, "date_deleted": row["date_deleted"]}, unmapped),))
        modified: dict[Value, datetime] = {}
        for record in log.daily.records(org, day.day, "User_Modified.csv") if day.source == "daily" else ():
            at = record.values["user_modified_date"]
            moment = at if isinstance(at, datetime) else datetime.combine(day.day, time())
            user = record.values["employee_id"]
            modified[user] = min(modified.get(user, moment), moment)
        for key, pair in pairs.items():
            row, _ = pair.rows[0]
            ends = [modified[user] for user in key if user in modified]
            if ends and row["date_deleted"] is None and key not in day.rows:
                pairs[key] = replace(
                    pair, day=day.day, source="daily", rows=(({**row, "date_deleted": min(ends)}, None),)
                )
    return pairs
