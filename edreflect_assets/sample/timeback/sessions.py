"""Who learns when and what: sessions of a day and the attempts in them, as numbers.

Everything about a session follows from its number, which is made of day, student and place in the day; so the sessions
of a day before can be made again to tell which attempt at a resource an attempt is, or to review what was noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from edreflect_assets.sample.context import WEEKEND_ACTIVITY
from edreflect_assets.sample.timeback.curriculum import (
    LESSON,
    LESSONS_A_COURSE,
    RESOURCES_A_LESSON,
    TEST,
    course_of,
    curriculum,
    first_of_lesson,
)
from edreflect_assets.sample.timeback.draws import Draws, looked_up
from edreflect_assets.sample.timeback.learners import Attendance, Learners
from edreflect_assets.sample.timeback.subjects import APPS, APPS_OF_SUBJECT, LEARNED, app_id

DAYS_A_LESSON = 3
SESSIONS_A_DAY = 3
# The numbers of attempts in a session: a first and a second try at each resource of its lesson.
ATTEMPTS_A_SESSION = 16
_STUDENTS = 2**25
_MINUTE = 60_000
_COUNTING = pl.Series(
    [next(app.counts for app in APPS if app.name == name) for pair in APPS_OF_SUBJECT for name in pair]
)
_APP_IDS = pl.Series([app_id(name) for pair in APPS_OF_SUBJECT for name in pair])

_SLOTS = pl.int_range(RESOURCES_A_LESSON, dtype=pl.UInt64, eager=True).alias("slot").to_frame()

_STUDENT, _SESSION, _ATTEMPT = pl.col("student"), pl.col("session"), pl.col("attempt")


def student_day(student: pl.Expr, day: date) -> pl.Expr:
    """Return a number of a student's day, unlike that of all others."""
    return student + pl.lit(day.toordinal() * _STUDENTS, dtype=pl.UInt64)


def midnight(day: date) -> int:
    """Return the beginning of a day in UTC, in milliseconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def moment(milliseconds: pl.Expr) -> pl.Expr:
    """Return milliseconds as a moment in UTC."""
    return milliseconds.cast(pl.Datetime("ms"))


@dataclass(frozen=True)
class Schooling:
    """What decides who learns when: an org's draws, students, first day, mean share of active students, attendance."""

    draws: Draws
    learners: Learners
    first_day: date
    activity: float
    attendance: Mapping[date, Attendance]

    def is_active(self, student: pl.Expr, day: date) -> pl.Expr:
        """Tell of students whether they learn on a day on which they attend; some do so oftener than others."""
        diligence = self.draws.share("diligence", student) + 0.5
        share = self.activity * (WEEKEND_ACTIVITY if day.weekday() >= 5 else 1)
        return self.draws.share("active", student_day(student, day)) < diligence * share

    def sessions_of(self, student: pl.Expr, day: date) -> pl.Expr:
        """Return how many sessions an active student has on a day, from 1 to SESSIONS_A_DAY."""
        drawn = self.draws.below("sessions", student_day(student, day), 100)
        return pl.lit(1, pl.UInt64) + (drawn < 35).cast(pl.UInt64) + (drawn < 8).cast(pl.UInt64)

    def active(self, students: pl.DataFrame, day: date) -> pl.DataFrame:
        """Return those of the students who learn on a day, with their ``user_id``."""
        ids = looked_up(self.learners.ids, _STUDENT).alias("user_id")
        return students.filter(self.is_active(_STUDENT, day)).with_columns(ids)

    def sessions(self, active: pl.DataFrame, day: date) -> pl.DataFrame:
        """Return the sessions of active students on a day.

        ``late``: the application was offline, and all of it comes a day later. ``revisited``: something is corrected,
        or reviewed, a day later. ``tested``: the lesson's test was taken, watched by a proctor.
        """
        day_of_sample = (day - self.first_day).days
        number = self.sessions_of(_STUDENT, day)
        many = active.with_columns(sessions=number)
        rank, subject = pl.col("rank"), pl.col("subject")
        # whoever has been through a course begins anew, and applications go on counting
        turn, lesson = divmod(day_of_sample // DAYS_A_LESSON, LESSONS_A_COURSE)
        frame = pl.concat(
            many.filter(pl.col("sessions") > place).with_columns(rank=pl.lit(place, pl.UInt64))
            for place in range(SESSIONS_A_DAY)
        ).with_columns(
            session=student_day(_STUDENT, day) * 4 + rank,
            subject=(_STUDENT + rank + pl.lit(day_of_sample, pl.UInt64)) % len(LEARNED),
            grade=looked_up(self.learners.grades, _STUDENT),
        )
        draws, app = self.draws, subject * 2 + _STUDENT % 2
        begin = draws.below("begin", _SESSION, 80 * _MINUTE) + (rank.cast(pl.Int64) * 150 + 14 * 60) * _MINUTE
        # the third session of a day is at home, in the evening: it may go on until after midnight
        begin += (rank == 2).cast(pl.Int64) * 240 * _MINUTE
        return frame.with_columns(
            course=course_of(subject, pl.col("grade")),
            lesson=pl.lit(lesson, pl.UInt64),
            turn=pl.lit(turn, pl.Int64),
            begin=pl.lit(midnight(day), pl.Int64) + begin,
            length=draws.below("length", _SESSION, 38 * _MINUTE) + 12 * _MINUTE,
            app_id=looked_up(_APP_IDS, app),
            counts=looked_up(_COUNTING, app),
            late=draws.chance("late", _SESSION, 0.01),
            revisited=draws.chance("revisited", _SESSION, 0.2),
            tested=self._is_attempted(_SESSION * ATTEMPTS_A_SESSION + TEST * 2, pl.lit(TEST)),
        )

    def attempts(self, sessions: pl.DataFrame, day: date) -> pl.DataFrame:
        """Return the attempts in sessions of a day: of each the resource, whether it was ``right``, and its ``count``.

        A question that was answered wrongly may be tried again; so may a whole lesson on the days that it lasts.
        ``begin`` and ``length`` are those of the attempt.
        """
        slot = pl.col("slot")
        tries = (
            sessions.join(_SLOTS, how="cross")
            .with_columns(attempt=_SESSION * ATTEMPTS_A_SESSION + slot * 2)
            .filter(self._is_attempted(_ATTEMPT, slot))
        )
        again = tries.filter(self._is_tried_again(_ATTEMPT, slot)).with_columns(attempt=_ATTEMPT + 1)
        part = pl.col("length") // (ATTEMPTS_A_SESSION - 1)
        place = first_of_lesson(pl.col("course"), pl.col("lesson")) + slot
        number = pl.col("turn") + 1 + (_ATTEMPT % 2).cast(pl.Int64) + self._earlier_tries(day)
        return pl.concat([tries, again]).with_columns(
            resource_id=looked_up(curriculum().attempted, place),
            right=self._is_right(_ATTEMPT),
            count=pl.when("counts").then(number),
            begin=pl.col("begin") + part * (_ATTEMPT % ATTEMPTS_A_SESSION).cast(pl.Int64),
            length=part * (40 + self.draws.below("attempt's length", _ATTEMPT, 55)) // 100,
        )

    def _is_attempted(self, attempt: pl.Expr, slot: pl.Expr) -> pl.Expr:
        """Tell of first tries at the resources of a lesson whether they take place; the lesson itself is opened."""
        share = pl.when(slot == TEST).then(0.3).otherwise(0.65)
        return (slot == LESSON) | (self.draws.share("attempted", attempt) < share)

    def _is_right(self, attempt: pl.Expr) -> pl.Expr:
        return self.draws.chance("right", attempt, 0.7)

    def _is_tried_again(self, attempt: pl.Expr, slot: pl.Expr) -> pl.Expr:
        is_question = (slot != LESSON) & (slot != TEST)
        return is_question & ~self._is_right(attempt) & self.draws.chance("tried again", attempt, 0.6)

    def _earlier_tries(self, day: date) -> pl.Expr:
        """Return how often the resources of attempts were tried on the days before, since their lesson began."""
        tries: pl.Expr = pl.lit(0, pl.Int64)
        for back in range(1, (day - self.first_day).days % DAYS_A_LESSON + 1):
            before = day - timedelta(days=back)
            if before not in self.attendance:
                continue
            # of the same subject, as subjects take turns
            rank = (pl.col("rank") + back) % len(LEARNED)
            session = student_day(_STUDENT, before) * 4 + rank
            was_there = (
                self.attendance[before].includes(_STUDENT)
                & self.is_active(_STUDENT, before)
                & (rank < self.sessions_of(_STUDENT, before))
            )
            slot = pl.col("slot")
            first = session * ATTEMPTS_A_SESSION + slot * 2
            done = was_there & self._is_attempted(first, slot)
            tries += done.cast(pl.Int64) + (done & self._is_tried_again(first, slot)).cast(pl.Int64)
        return tries
