"""When an org's deliveries are due: pure functions over local calendars and clocks, daylight saving included.

A delivery is named by its folder's day. On an expected day it is fetched at ``fetch_at`` and late after ``expected_by``,
both the org's local time on ``lag_days`` after that day. Instants given and returned are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = {"daily": WEEKDAYS, "weekdays": WEEKDAYS[:5]}


@dataclass(frozen=True)
class Expectation:
    """What to expect of an org: ``days`` of the week by name (see ``WEEKDAYS``) but for ``holidays``, and local times.

    ``lag_days`` is the number of days after the folder's day on which it is complete: 0 when the folder of a day
    arrives on that day, 1 when it arrives on the next morning.
    """

    days: tuple[str, ...] = WEEKDAYS
    holidays: frozenset[date] = frozenset()
    expected_by: time = time(8, 0)
    fetch_at: time = time(6, 0)
    lag_days: int = 0


def day_expected(expectation: Expectation, day: date) -> bool:
    """Tell whether a delivery named ``day`` is expected at all."""
    return WEEKDAYS[day.weekday()] in expectation.days and day not in expectation.holidays


def expected_days(expectation: Expectation, first: date, last: date) -> list[date]:
    """Return the days from ``first`` to ``last``, both included, on which a delivery is expected; none if last < first."""
    return [day for day in _days(first, last) if day_expected(expectation, day)]


def fetch_instant(expectation: Expectation, day: date, timezone: ZoneInfo) -> datetime:
    """Return when the delivery named ``day`` is to be fetched."""
    return local_instant(day + timedelta(days=expectation.lag_days), expectation.fetch_at, timezone)


def deadline(expectation: Expectation, day: date, timezone: ZoneInfo) -> datetime:
    """Return the instant after which the delivery named ``day`` is late."""
    return local_instant(day + timedelta(days=expectation.lag_days), expectation.expected_by, timezone)


def due_days(expectation: Expectation, timezone: ZoneInfo, after: datetime, until: datetime) -> list[date]:
    """Return the expected days whose fetch instant lies after ``after`` and at or before ``until``, oldest first.

    Consecutive intervals give every expected day exactly once, whatever the clocks do.
    """
    lag = timedelta(days=expectation.lag_days)
    # A day more on each side: a clock change may move a fetch instant beyond its local midnight.
    first = after.astimezone(timezone).date() - lag - timedelta(days=1)
    last = until.astimezone(timezone).date() - lag + timedelta(days=1)
    return [
        day
        for day in expected_days(expectation, first, last)
        if after < fetch_instant(expectation, day, timezone) <= until
    ]


def is_due(
    expectation: Expectation, timezone: ZoneInfo, now: datetime, *, within: timedelta = timedelta(hours=1)
) -> bool:
    """Tell whether an expected day's fetch instant lies in the time ``within`` before ``now``, ``now`` included.

    With the default an hourly schedule asks for every expected day exactly once; ``due_days`` says which days.
    """
    return bool(due_days(expectation, timezone, now - within, now))


def late_days(expectation: Expectation, timezone: ZoneInfo, first: date, now: datetime) -> list[date]:
    """Return the expected days from ``first`` on whose deadline is before ``now``: what should be there by now."""
    last = now.astimezone(timezone).date() - timedelta(days=expectation.lag_days) + timedelta(days=1)
    return [day for day in expected_days(expectation, first, last) if deadline(expectation, day, timezone) < now]


def local_instant(day: date, local_time: time, timezone: ZoneInfo) -> datetime:
    """Return the first instant at which a clock in ``timezone`` shows at least ``local_time`` on ``day``, in UTC.

    Where the clock shows a time twice that is the first of the two; where it skips it, the instant of the change.
    """
    wanted = datetime.combine(day, local_time)
    late = wanted.replace(tzinfo=timezone, fold=0).astimezone(UTC)
    if _local(late, timezone) == wanted:
        return late
    # Skipped: with fold=1 the offset after the change counts, so the change lies between the two readings.
    early = wanted.replace(tzinfo=timezone, fold=1).astimezone(UTC)
    before, after = 0, int((late - early).total_seconds())
    while after - before > 1:
        middle = (before + after) // 2
        if _local(early + timedelta(seconds=middle), timezone) >= wanted:
            after = middle
        else:
            before = middle
    return early + timedelta(seconds=after)


def _local(instant: datetime, timezone: ZoneInfo) -> datetime:
    return instant.astimezone(timezone).replace(tzinfo=None)


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
