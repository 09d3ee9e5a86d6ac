"""A small chart of rows over days: the geometry of its bars. The template draws it, and lists the numbers beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

# As many days as can be told apart in a small chart, the newest; and as many as keep a few days from being a few walls.
DAYS, FEWEST = 60, 14
WIDTH, HEIGHT = 600, 96
_GAP = 0.25


@dataclass(frozen=True)
class Bar:
    """One day: its rows, and its rectangle in a drawing of WIDTH by HEIGHT."""

    day: date
    rows: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """Bars of consecutive days, without a gap where nothing was delivered; ``earlier`` days are not shown."""

    bars: tuple[Bar, ...]
    highest: int
    total: int
    earlier: int

    @property
    def first(self) -> date:
        """The first day shown."""
        return self.bars[0].day

    @property
    def last(self) -> date:
        """The last day shown."""
        return self.bars[-1].day


def chart_of(rows_by_day: Mapping[date, int]) -> Chart | None:
    """Return the chart of at least FEWEST and at most DAYS days up to the last one delivered; None when none was."""
    if not rows_by_day:
        return None
    last = max(rows_by_day)
    first = max(min(*rows_by_day, last - timedelta(days=FEWEST - 1)), last - timedelta(days=DAYS - 1))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    rows = [rows_by_day.get(day, 0) for day in days]
    highest = max(rows)
    slot = WIDTH / len(days)
    bars = tuple(
        Bar(
            day=day,
            rows=number,
            x=round(index * slot, 2),
            y=round(HEIGHT - (height := _height(number, highest)), 2),
            width=round(slot * (1 - _GAP), 2),
            height=round(height, 2),
        )
        for index, (day, number) in enumerate(zip(days, rows, strict=True))
    )
    earlier = sum(1 for day in rows_by_day if day < first)
    return Chart(bars=bars, highest=highest, total=sum(rows), earlier=earlier)


def _height(rows: int, highest: int) -> float:
    """Return the height of a bar; days with few rows beside ones with many can still be seen."""
    return max(HEIGHT * rows / highest, 1.5) if rows else 0.0
