"""Broken records, as real exports have them: each is a damaged copy of a good record that is delivered too.

So setting aside the broken record, and nothing else, leaves exactly what the source meant to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from edreflect_assets.contracts import Feed
from edreflect_assets.sample.tables import Export
from edreflect_assets.sample.writing import encode_rows

# one broken record stays well below the 5 % of rejected records at which a file is refused
MIN_RECORDS = 40


@dataclass(frozen=True)
class Damage:
    """A way to break the fields of a record of a file; ``column`` is where."""

    name: str
    file: str
    column: str
    damage: Callable[[list[bytes], int], list[bytes]]


def _one_field_short(fields: list[bytes], _: int) -> list[bytes]:
    return fields[:-1]


def _no_such_date(fields: list[bytes], place: int) -> list[bytes]:
    return [*fields[:place], b"31/02/2026 09:00", *fields[place + 1 :]]


def _inside(mark: bytes) -> Callable[[list[bytes], int], list[bytes]]:
    """Return a damage that puts a mark between the second and the third byte of a field."""

    def damage(fields: list[bytes], place: int) -> list[bytes]:
        return [*fields[:place], fields[place][:2] + mark + fields[place][2:], *fields[place + 1 :]]

    return damage


DAMAGES = (
    Damage("stray quote", "Observation_Answers.csv", "answer_text", _inside(b'"')),
    Damage("ragged", "Aggregated_Observation_Ratings.csv", "school_year", _one_field_short),
    Damage("undecodable byte", "Observation_Comments.csv", "comment", _inside(b"\xe9")),
    Damage("bad date", "Ratings.csv", "rated_date", _no_such_date),
)


class Dirt:
    """Spreads each damage once over an org's days: one a day, the rest on the last day that can take them."""

    def __init__(self, feed: Feed, rng: Random) -> None:
        self._feed = feed
        self._rng = rng
        self._due = list(DAMAGES)

    def lines(self, export: Export, *, last_day: bool) -> dict[str, bytes]:
        """Return the broken records of a day, as bytes without a line end, by file."""
        found: dict[str, bytes] = {}
        for damage in list(self._due):
            line = self._broken(damage, export)
            if line is not None:
                found[damage.file] = line
                self._due.remove(damage)
                if not last_day:
                    break
        return found

    def _broken(self, damage: Damage, export: Export) -> bytes | None:
        rows, contract = export.get(damage.file, []), self._feed.files[damage.file]
        if len(rows) < MIN_RECORDS:
            return None
        place = contract.column_names.index(damage.column)
        for row in self._rng.sample(rows, len(rows)):
            line = encode_rows(contract, [row], "")
            # quoted fields and line breaks would make the damage spill over into other records
            if b'"' not in line and b"\n" not in line and len(row.get(damage.column, "")) >= 4:
                return b",".join(damage.damage(line.split(b","), place))
        return None
