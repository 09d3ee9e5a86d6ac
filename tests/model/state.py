"""The rows of every reconciled table, worked out day by day from the first to the last; nothing is remembered."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time

from tests.model.log import Log
from tests.model.records import Record, Value, columns_of
from tests.model.rules import ENDED_BY_GOALS_DELETED, ID_MAPS, RULES, Rule

Row = tuple[Value, ...]
Key = tuple[Value, ...]


def state(log: Log, org: str, table: str, as_of: date | None = None) -> Counter[Row]:
    """Return a table's rows of one org as (org_id, the contract's columns in order), each with how often it occurs.

    ``as_of`` leaves out the loads of later days; loads without a day always count.
    """
    if table == "id_map":
        return Counter((org, kind, *key, new_id) for kind in ID_MAPS for key, new_id in _id_map(log, org, kind).items())
    rule = next(rule for rule in RULES.values() if rule.table == table and rule.load not in {"reference", "id_map"})
    if rule.load == "affiliation":
        rows = _affiliations(log, org, rule, as_of)
    else:
        lists = _lists(log, org, rule, as_of) if rule.load == "drop_insert" else _upserted(log, org, rule, as_of)
        if rule.file in ENDED_BY_GOALS_DELETED:
            lists = _without_deleted_goals(log, org, rule, as_of, lists)
        rows = [record.values for _, records in lists.values() for record in records]
    return Counter((org, *(row[column] for column in columns_of(rule))) for row in rows)


def _id_map(log: Log, org: str, kind: str) -> dict[Key, Value]:
    records = log.records(org, None, f"{kind}_ids.csv")
    return {record.key(("old_id",)): record.values["new_id"] for record in records}


def _upserted(log: Log, org: str, rule: Rule, as_of: date | None) -> dict[Key, tuple[date, list[Record]]]:
    """Return by key the day that delivered it last and its row: the last line of that day that casts."""
    rows: dict[Key, tuple[date, list[Record]]] = {}
    for day in log.days(org, as_of):
        for record in log.records(org, day, rule.file):
            if record.casts:
                rows[record.key(rule.key)] = (day, [record])
    return rows


def _lists(log: Log, org: str, rule: Rule, as_of: date | None) -> dict[Key, tuple[date, list[Record]]]:
    """Return by key the day that touched it last and the list that it has since then, which may be empty."""
    lists: dict[Key, tuple[date, list[Record]]] = {}
    assert rule.touched_by is not None
    for day in log.days(org, as_of):
        delivered = [record for record in log.records(org, day, rule.file) if record.casts]
        # A reference row names its key even when another value of it does not cast.
        named = log.records(org, day, rule.touched_by)
        for key in {record.key(rule.key) for record in (*named, *delivered)}:
            lists[key] = (day, [record for record in delivered if record.key(rule.key) == key])
    return lists


def _without_deleted_goals(
    log: Log, org: str, rule: Rule, as_of: date | None, lists: dict[Key, tuple[date, list[Record]]]
) -> dict[Key, tuple[date, list[Record]]]:
    """Leave out what was delivered up to and including the last day on which its goal was deleted."""
    deleted = {key: day for key, (day, _) in _upserted(log, org, RULES["Goals_Deleted.csv"], as_of).items()}
    goal = rule.key.index("goal_id")
    return {
        key: (day, records)
        for key, (day, records) in lists.items()
        if (key[goal],) not in deleted or day > deleted[(key[goal],)]
    }


def _affiliations(log: Log, org: str, rule: Rule, as_of: date | None) -> list[dict[str, Value]]:
    """Replay the days: pairs begin with their first delivery, end and reopen with later ones, or end with a user."""
    pairs: dict[Key, dict[str, Value]] = {}
    for day in log.days(org, as_of):
        delivered = {r.key(rule.key): r for r in log.records(org, day, rule.file) if r.casts}
        for key, record in delivered.items():
            known = pairs.setdefault(key, dict(record.values))
            known["date_deleted"] = record.values["date_deleted"]
        modified = _first_modification_of_users(log, org, day)
        for key, row in pairs.items():
            dates = [modified[user] for user in key if user in modified]
            if dates and row["date_deleted"] is None and key not in delivered:
                row["date_deleted"] = min(dates)
    return list(pairs.values())


def _first_modification_of_users(log: Log, org: str, day: date) -> dict[Value, datetime]:
    """Return the smallest date that a day's User_Modified gives each user; an empty one counts as the day's start."""
    first: dict[Value, datetime] = {}
    for record in log.records(org, day, "User_Modified.csv"):
        user, modified = record.values["employee_id"], record.values["user_modified_date"]
        at = modified if isinstance(modified, datetime) else datetime.combine(day, time())
        first[user] = min(first.get(user, at), at)
    return first
