"""Seconds between moments, and rounding."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

Interval = tuple[datetime, datetime]


def rounded(number: Decimal | Fraction | int, digits: int = 0) -> Decimal:
    """Return a number rounded to so many digits after the point, halves away from zero."""
    scaled = abs(Fraction(number)) * 10**digits
    units = (scaled + Fraction(1, 2)).__floor__()
    return Decimal(units if number >= 0 else -units).scaleb(-digits)


def seconds(interval: Interval) -> Fraction:
    """Return how long an interval lasts, exactly."""
    start, end = interval
    return Fraction((end - start) // timedelta(microseconds=1), 10**6)


def merged_seconds(intervals: Iterable[Interval]) -> Fraction:
    """Return how long at least one of the intervals lasts, exactly."""
    total, until = Fraction(0), datetime.min
    for start, end in sorted(intervals):
        if end > until:
            total += seconds((max(start, until), end))
            until = end
    return total
