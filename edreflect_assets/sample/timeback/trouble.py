"""TimeBack's days as they should not be: broken records, and a day that is delivered wrong at first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from edreflect_assets.contracts import Feed
from edreflect_assets.sample.dirt import MIN_RECORDS
from edreflect_assets.sample.timeback.facts import Table
from edreflect_assets.sample.timeback.system import TimeBackDay
from edreflect_assets.sample.timeback.writing import encoded
from edreflect_assets.sample.writing import PLAIN

_STRAY = "00000000-0000-4000-8000-000000000001"


class Damage(NamedTuple):
    """A way to break a record: a value that its type cannot be; None leaves out the last fields of the record."""

    table: str
    column: str
    value: str | None


DAMAGES = (
    Damage("caliper_attempt", "started_at_time", "31/02/2026 09:00"),
    Damage("insights_session", "user_id", "s000017"),
    Damage("tb_xp_ledger", "value", "n/a"),
    Damage("caliper_session", "_deleted", "perhaps"),
    Damage("caliper_event", "event_time", None),
)


class TimeBackDirt:
    """Spreads each damage once over an org's days, as damaged copies of good records that are delivered too.

    One a day; the last day takes all that are left, as far as it has enough records.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._due = list(DAMAGES)

    def lines(self, delivered: TimeBackDay, *, last_day: bool) -> dict[str, bytes]:
        """Return the broken records of a day, as bytes without a line end, by table."""
        found: dict[str, bytes] = {}
        for table, frame in delivered.frames() if self._due else ():
            damage = next((damage for damage in self._due if damage.table == table), None)
            if damage is None or len(frame) < MIN_RECORDS:
                continue
            found[table] = self._broken(damage, frame)
            self._due.remove(damage)
            if not (last_day and self._due):
                break
        return found

    def _broken(self, damage: Damage, frame: pl.DataFrame) -> bytes:
        contract = self._feed.tables[damage.table]
        fields = encoded(contract, frame.head(1), PLAIN).rstrip(b"\n").split(b",")
        place = contract.column_names.index(damage.column)
        return b",".join(
            fields[:place] if damage.value is None else [*fields[:place], damage.value.encode(), *fields[place + 1 :]]
        )


def misdelivered(frames: Iterator[Table]) -> Iterator[Table]:
    """Yield a wrong version of a day, with no table that the right one lacks.

    Every seventh attempt is missing, scores are one too low, sessions end an hour too late, reasons are cut off, and one
    session is there twice, under an id that nobody knows.
    """
    for table, frame in frames:
        match table:
            case "caliper_attempt" if "count" in frame.columns:
                yield table, frame.with_row_index("place").filter(pl.col("place") % 7 != 0).drop("place")
            case "caliper_score" if "score_given" in frame.columns:
                yield table, frame.with_columns(pl.col("score_given") - 1)
            case "caliper_session":
                late = frame.with_columns(pl.col("ended_at_time") + pl.duration(hours=1))
                yield table, pl.concat([late, late.head(1).with_columns(id=pl.lit(_STRAY))])
            case "insights_insight":
                yield table, frame.with_columns(pl.col("reason").str.head(8))
            case _:
                yield table, frame
