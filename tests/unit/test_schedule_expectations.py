"""When deliveries are due: local clocks, holidays, daylight saving."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edreflect_assets.schedule_expectations import (
    WEEKDAYS,
    Expectation,
    day_expected,
    deadline,
    due_days,
    expected_days,
    fetch_instant,
    is_due,
    late_days,
    local_instant,
)

CHICAGO = ZoneInfo("America/Chicago")
ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "UTC",
            "America/Chicago",
            "America/Santiago",  # changes its clocks at midnight
            "Australia/Lord_Howe",  # by half an hour
            "Pacific/Apia",  # left out a whole day in 2011
            "Asia/Kathmandu",
            "Africa/Casablanca",
        )
    ]
)
DAYS = st.dates(date(2010, 1, 1), date(2030, 12, 31))
TIMES = st.times().map(lambda value: value.replace(second=0, microsecond=0))
EXPECTATIONS = st.builds(
    Expectation,
    days=st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(tuple),
    holidays=st.frozensets(DAYS, max_size=5),
    expected_by=TIMES,
    fetch_at=TIMES,
    lag_days=st.integers(0, 3),
)


def test_weekends_and_holidays_are_not_expected() -> None:
    expectation = Expectation(days=WEEKDAYS[:5], holidays=frozenset({date(2026, 11, 26)}))
    assert expected_days(expectation, date(2026, 11, 23), date(2026, 11, 30)) == [
        date(2026, 11, 23),
        date(2026, 11, 24),
        date(2026, 11, 25),
        date(2026, 11, 27),
        date(2026, 11, 30),
    ]


def test_a_range_that_ends_before_it_begins_is_empty() -> None:
    assert expected_days(Expectation(), date(2026, 1, 2), date(2026, 1, 1)) == []


@pytest.mark.parametrize(
    ("day", "local", "instant"),
    [
        (date(2026, 1, 5), time(6, 0), datetime(2026, 1, 5, 12, 0, tzinfo=UTC)),
        (date(2026, 7, 6), time(6, 0), datetime(2026, 7, 6, 11, 0, tzinfo=UTC)),
        # 02:30 does not exist on this day: the clock jumps from 02:00 to 03:00 at 08:00 UTC.
        (date(2026, 3, 8), time(2, 30), datetime(2026, 3, 8, 8, 0, tzinfo=UTC)),
        # 01:30 comes twice on this day: the first counts.
        (date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
    ],
)
def test_local_time_in_chicago(day: date, local: time, instant: datetime) -> None:
    assert local_instant(day, local, CHICAGO) == instant


def test_a_day_that_a_time_zone_left_out_is_over_when_it_should_have_begun() -> None:
    # Samoa went from 29 to 31 December 2011 at midnight, 10:00 UTC.
    instant = local_instant(date(2011, 12, 30), time(12, 0), ZoneInfo("Pacific/Apia"))
    assert instant == datetime(2011, 12, 30, 10, 0, tzinfo=UTC)


@given(DAYS, TIMES, ZONES)
@example(date(2026, 3, 8), time(2, 30), CHICAGO)
@example(date(2011, 12, 30), time(0, 0), ZoneInfo("Pacific/Apia"))
def test_a_local_time_has_come_at_its_instant_and_not_before(day: date, local: time, zone: ZoneInfo) -> None:
    wanted = datetime.combine(day, local)
    instant = local_instant(day, local, zone)
    assert instant.astimezone(zone).replace(tzinfo=None) >= wanted
    assert (instant - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None) < wanted


@given(DAYS, TIMES, TIMES, ZONES)
def test_later_local_times_never_come_first(day: date, one: time, other: time, zone: ZoneInfo) -> None:
    early, late = sorted((one, other))
    assert local_instant(day, early, zone) <= local_instant(day, late, zone)


@given(EXPECTATIONS, ZONES, DAYS, st.integers(1, 12))
def test_hourly_ticks_ask_for_every_expected_day_exactly_once(
    expectation: Expectation, zone: ZoneInfo, first: date, days: int
) -> None:
    start = datetime.combine(first, time(), UTC)
    ticks = [start + timedelta(hours=hour) for hour in range(days * 24 + 1)]
    asked = [day for before, now in pairwise(ticks) for day in due_days(expectation, zone, before, now)]
    around = expected_days(expectation, first - timedelta(days=6), first + timedelta(days=days + 3))
    due = [day for day in around if ticks[0] < fetch_instant(expectation, day, zone) <= ticks[-1]]
    assert sorted(asked) == due


@given(EXPECTATIONS, ZONES, DAYS, st.integers(0, 24 * 60))
def test_is_due_says_whether_the_last_hour_has_a_due_day(
    expectation: Expectation, zone: ZoneInfo, day: date, minutes: int
) -> None:
    now = datetime.combine(day, time(), UTC) + timedelta(minutes=minutes)
    assert is_due(expectation, zone, now) == bool(due_days(expectation, zone, now - timedelta(hours=1), now))


@given(EXPECTATIONS, ZONES, DAYS)
def test_late_days_are_the_expected_ones_past_their_deadline(
    expectation: Expectation, zone: ZoneInfo, today: date
) -> None:
    now = datetime.combine(today, time(12), UTC)
    first = today - timedelta(days=10)
    late = late_days(expectation, zone, first, now)
    for offset in range(15):
        day = first + timedelta(days=offset)
        overdue = day_expected(expectation, day) and deadline(expectation, day, zone) < now
        assert (day in late) == overdue


def test_a_delivery_that_comes_on_the_next_morning_is_not_late_before() -> None:
    expectation = Expectation(expected_by=time(8, 0), lag_days=1)
    friday = date(2026, 1, 9)
    saturday_morning = datetime(2026, 1, 10, 13, 59, tzinfo=UTC)
    assert friday not in late_days(expectation, CHICAGO, friday, saturday_morning)
    assert friday in late_days(expectation, CHICAGO, friday, saturday_morning + timedelta(minutes=2))
