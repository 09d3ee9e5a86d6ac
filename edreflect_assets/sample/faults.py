"""What a source delivers by mistake, before it delivers the same day again correctly."""

from __future__ import annotations

from random import Random

from edreflect_assets.sample.tables import Export, Row

_GROUP = "observation_group_id"
_STRAY_GROUP = "0" * 23 + "1"


def misdelivered(export: Export, rng: Random) -> Export:
    """Return a wrong version of a day's export.

    It lacks one of the observations that changed, has one from a training site that does not exist, has its comments
    cut off and its ratings one level too low. Only keys and values differ, never the set of files.
    """
    groups = [row[_GROUP] for row in export["Observation_Modified.csv"]]
    if not groups:
        return export
    missing, copied = rng.choice(groups), rng.choice(groups)
    wrong: Export = {}
    for file, rows in export.items():
        kept = [row for row in rows if row.get(_GROUP) != missing]
        if file in {"Observation_Modified.csv", "Observations.csv", "Observation_Participants.csv"}:
            kept += [{**row, _GROUP: _STRAY_GROUP} for row in rows if row[_GROUP] == copied]
        wrong[file] = kept
    for row_list, column, change in (
        ("Observation_Comments.csv", "comment", _cut),
        ("Ratings.csv", "rating_value", _one_lower),
    ):
        wrong[row_list] = [_changed(row, column, change(row[column])) for row in wrong[row_list]]
    return wrong


def _changed(row: Row, column: str, value: str) -> Row:
    return {**row, column: value}


def _cut(text: str) -> str:
    return text[:40]


def _one_lower(value: str) -> str:
    return str(max(1, int(value) - 1))
