"""One org's TimeBack: what it records of the students of a roster, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from edreflect_assets.sample.rosters import RosterSystem
from edreflect_assets.sample.timeback.curriculum import Curriculum, district_courses
from edreflect_assets.sample.timeback.draws import Draws
from edreflect_assets.sample.timeback.facts import Facts, Table
from edreflect_assets.sample.timeback.insights import Insights
from edreflect_assets.sample.timeback.learners import Attendance, Learners
from edreflect_assets.sample.timeback.progress import Progress
from edreflect_assets.sample.timeback.reference import CHANGE_INDEX, reference_changes, reference_data
from edreflect_assets.sample.timeback.sessions import DAYS_A_LESSON, Schooling

# Rows of so many students are in memory at a time.
STUDENTS_AT_A_TIME = 8_000


@dataclass(frozen=True)
class TimeBackDay:
    """What an org's TimeBack delivers of a day. Its rows are the same whenever they are asked for."""

    day: date
    schooling: Schooling
    courses: Curriculum

    def frames(self) -> Iterator[Table]:
        """Yield table and rows, by groups of students, the same table many times; some frames have no rows."""
        index = (self.day - self.schooling.first_day).days
        if index == 0:
            yield from reference_data()
            yield from self.courses.frames()
        if index == CHANGE_INDEX:
            yield from reference_changes()
        today, before = self.schooling.attendance[self.day], self.day - timedelta(days=1)
        for first in range(0, today.students, STUDENTS_AT_A_TIME):
            last = first + STUDENTS_AT_A_TIME
            yield from self._of_today(today.within(first, last))
            if before in self.schooling.attendance:
                yield from self._of_day_before(self.schooling.attendance[before].within(first, last), before)

    def _of_today(self, students: pl.DataFrame) -> Iterator[Table]:
        schooling, facts = self.schooling, Facts(self.schooling)
        active = schooling.active(students, self.day)
        yield from Progress(schooling).of_day(students, active, self.day)
        sessions = schooling.sessions(active, self.day)
        yield from self._of_sessions(facts.with_ids(sessions.filter(~pl.col("late"))), self.day)

    def _of_day_before(self, students: pl.DataFrame, before: date) -> Iterator[Table]:
        """Yield what has come of the day before: sessions that come late, and what is corrected or reviewed."""
        schooling, facts, insights = self.schooling, Facts(self.schooling), Insights(self.schooling.draws)
        active = schooling.active(students, before)
        yield from Progress(schooling).of_day_after(active, before)
        sessions = schooling.sessions(active, before)
        yield from self._of_sessions(facts.with_ids(sessions.filter("late")), before)
        revisited = facts.with_ids(sessions.filter(pl.col("revisited") & ~pl.col("late")))
        if not revisited.is_empty():
            yield from facts.of_day_after(facts.attempts(revisited, before))
            yield from insights.of_day_after(insights.watched(revisited))

    def _of_sessions(self, sessions: pl.DataFrame, day: date) -> Iterator[Table]:
        if sessions.is_empty():
            return
        facts, insights = Facts(self.schooling), Insights(self.schooling.draws)
        yield from facts.of_day(sessions, facts.attempts(sessions, day))
        yield from insights.of_day(insights.watched(sessions))
        yield from Progress(self.schooling).credentials(sessions)


class TimeBackSystem:
    """A simulated org's TimeBack, whose people are those of a roster.

    ``activity`` is the share of students who learn on a school day, from 0 to 1. Memory follows the number of students,
    by a few dozen bytes each, not the days.
    """

    def __init__(self, seed: int, org: str, *, activity: float) -> None:
        self._draws = Draws(seed, org, "timeback")
        self._learners = Learners()
        self._activity = activity
        self._first_day: date | None = None
        self._courses = Curriculum((), (), pl.Series(dtype=pl.String))
        self._attendance: dict[date, Attendance] = {}

    def step(self, roster: RosterSystem) -> TimeBackDay:
        """Let the roster's present day pass, later than those before, and return what is delivered of it."""
        day = roster.day
        if self._first_day is None:
            self._first_day, self._courses = day, district_courses(roster)
        self._learners.take_over(roster)
        self._attendance = {
            known: attendance
            for known, attendance in self._attendance.items()
            if known > day - timedelta(days=DAYS_A_LESSON + 1)
        } | {day: Attendance.of(roster)}
        schooling = Schooling(
            self._draws, self._learners, self._first_day, self._activity, attendance=dict(self._attendance)
        )
        return TimeBackDay(day, schooling, self._courses)
