"""What becomes of students over time: mastery, placements, MAP results, and recommendations with their feedback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from edreflect_assets.sample.rosters.timetable import GRADES
from edreflect_assets.sample.timeback.curriculum import LESSONS_A_UNIT, UNITS_A_COURSE
from edreflect_assets.sample.timeback.draws import looked_up
from edreflect_assets.sample.timeback.facts import Table
from edreflect_assets.sample.timeback.reference import ACHIEVEMENTS_A_COURSE, achievement_id
from edreflect_assets.sample.timeback.sessions import Schooling, midnight, moment, student_day
from edreflect_assets.sample.timeback.subjects import LEARNED, grade_id, subject_id

_HOUR = 3_600_000
_STUDENT, _SESSION, _NUMBER = pl.col("student"), pl.col("session"), pl.col("number")
_SUBJECT_IDS = pl.Series([subject_id(title) for title in LEARNED])
_GRADE_IDS = pl.Series([grade_id(code) for code in GRADES])
_ACHIEVEMENTS = pl.Series(
    [
        achievement_id(course, number)
        for course in range(len(LEARNED) * len(GRADES))
        for number in range(ACHIEVEMENTS_A_COURSE)
    ]
)
_STATUSES = ("Completed",) * 6 + ("InProgress",) * 2 + ("NotStarted", None)
_TITLES = ("Try a shorter session", "Ask your guide", "One more lesson", None)
_CONTENTS = (
    "You were **focused** this morning. Begin with the hardest lesson tomorrow.",
    "Three tries at one question: read the hint, then ask somebody.",
    "Two lessons to go in this unit.\n\n- Lesson 3\n- Lesson 4",
)
_REMARKS = ("That helped, thanks", "I knew that already", "Can I do it on Friday?", None, None)


class Progress:
    """Makes the rows about students that no single attempt explains."""

    def __init__(self, schooling: Schooling) -> None:
        self._schooling = schooling
        self._draws = schooling.draws

    def of_day(self, students: pl.DataFrame, active: pl.DataFrame, day: date) -> Iterator[Table]:
        """Yield a day's placements, MAP results and recommendations of students; most on the first day of all."""
        first = day == self._schooling.first_day
        ids = looked_up(self._schooling.learners.ids, _STUDENT).alias("user_id")
        numbered = students.with_columns(number=student_day(_STUDENT, day))
        yield (
            "placement_student_subject_placement",
            self._placements(numbered, ids, day, share=0.25 if first else 0.003),
        )
        yield "one_roster_assessment_result", self._map_results(numbered, ids, day, first=first)
        yield "insights_recommendation", self._recommendations(active, day, seen=False)

    def of_day_after(self, active: pl.DataFrame, day: date) -> Iterator[Table]:
        """Yield what became of a day's recommendations on the next."""
        yield "insights_recommendation", self._recommendations(active, day, seen=True)

    def credentials(self, sessions: pl.DataFrame) -> Iterator[Table]:
        """Yield what was mastered in sessions with a test."""
        draws = self._draws
        mastered = sessions.filter(pl.col("tested") & draws.chance("mastered", _SESSION, 0.5))
        unit = pl.col("lesson") // LESSONS_A_UNIT
        number = pl.when(draws.chance("whole course", _SESSION, 0.05)).then(UNITS_A_COURSE).otherwise(unit)
        yield (
            "clr_achievement_credential",
            draws.with_uuid(mastered, "id", "credential", _SESSION).select(
                id="id",
                achievement_id=looked_up(_ACHIEVEMENTS, pl.col("course") * ACHIEVEMENTS_A_COURSE + number),
                credential_subject_id="user_id",
                result_value=(0.5 + draws.share("mastery", _SESSION) / 2).round(4),
                awarded_date=pl.when(~draws.chance("undated", _SESSION, 0.02)).then(
                    moment(pl.col("begin") + pl.col("length"))
                ),
            ),
        )

    def _placements(self, students: pl.DataFrame, ids: pl.Expr, day: date, *, share: float) -> pl.DataFrame:
        draws = self._draws
        subjects = pl.int_range(len(LEARNED), dtype=pl.UInt64, eager=True).alias("subject").to_frame()
        frame = (
            students.join(subjects, how="cross")
            .with_columns(number=_NUMBER * 4 + pl.col("subject"))
            .filter(draws.share("placed", _NUMBER) < share)
            .with_columns(ids, status=draws.choice("placement", _NUMBER, _STATUSES))
        )
        own = looked_up(self._schooling.learners.grades, _STUDENT).cast(pl.Int64)
        grade = (own + draws.below("placed grade", _NUMBER, 3) - 1).clip(0, len(GRADES) - 1)
        when = midnight(day) + 15 * _HOUR + draws.below("placed at", _NUMBER, 6 * _HOUR)
        return frame.select(
            student_id="user_id",
            subject_id=looked_up(_SUBJECT_IDS, pl.col("subject")),
            grade_id=pl.when(pl.col("status") == "Completed").then(looked_up(_GRADE_IDS, grade)),
            placement_status="status",
            date_last_modified=pl.when(~draws.chance("placed undated", _NUMBER, 0.02)).then(moment(when)),
        )

    def _map_results(self, students: pl.DataFrame, ids: pl.Expr, day: date, *, first: bool) -> pl.DataFrame:
        """Return results of MAP tests: on the first day those of the two months before, later those of the day."""
        draws = self._draws
        tested = students.filter(draws.chance("map", _NUMBER, 0.4 if first else 0.003)).with_columns(ids)
        ago = draws.below("map days ago", _NUMBER, 60) + 1 if first else pl.lit(0, pl.Int64)
        url = pl.concat_str(pl.lit("https://map.example/reports/"), "id")
        return draws.with_uuid(tested, "id", "map result", _NUMBER).select(
            id="id",
            student_id="user_id",
            status=draws.choice("map status", _NUMBER, ("active",) * 19 + ("tobedeleted",)),
            score_status=draws.choice("map score", _NUMBER, ("fully graded",) * 8 + ("partially graded", "submitted")),
            score_date=moment(midnight(day) - ago * 24 * _HOUR).cast(pl.Date),
            report_url=pl.when(draws.chance("reported", _NUMBER, 0.9)).then(url),
        )

    def _recommendations(self, active: pl.DataFrame, day: date, *, seen: bool) -> pl.DataFrame:
        """Return a day's recommendations: as they were made, or those that have been ``seen`` by the next day."""
        draws = self._draws
        chosen = active.with_columns(number=student_day(_STUDENT, day)).filter(draws.chance("advised", _NUMBER, 0.1))
        if seen:
            chosen = chosen.filter(draws.chance("seen", _NUMBER, 0.6))
        frame = draws.with_uuid(chosen, "id", "recommendation", _NUMBER).with_columns(
            made=midnight(day) + 22 * _HOUR + draws.below("made", _NUMBER, _HOUR),
            opinion=draws.choice("opinion", _NUMBER, ("POSITIVE", "POSITIVE", "NEGATIVE", None, None)),
        )
        made, opinion = pl.col("made"), pl.col("opinion")
        told = frame.select(
            id="id",
            user_id="user_id",
            type=draws.choice("advice", _NUMBER, ("daily-coaching",) * 5 + ("weekly-plan",)),
            source=draws.choice("source", _NUMBER, ("vault-agent", "vault-agent", "app-generated", "manual")),
            source_reference_id=pl.when(draws.chance("referenced", _NUMBER, 0.7)).then(
                pl.lit("exec_") + draws.bits("reference", _NUMBER).cast(pl.String)
            ),
            title=draws.choice("title", _NUMBER, _TITLES),
            visibility=draws.choice("visibility", _NUMBER, ("student",) * 4 + ("internal",)),
            content=draws.choice("content", _NUMBER, _CONTENTS),
            generated_at=moment(made),
            delivered_at=moment(made + 11 * _HOUR),
            feedback_sentiment=opinion,
            feedback_text=pl.when(opinion.is_not_null()).then(draws.choice("remark", _NUMBER, _REMARKS)),
            feedback_at=pl.when(opinion.is_not_null()).then(moment(made + 12 * _HOUR)),
        )
        return told if seen else told.drop("delivered_at", "feedback_sentiment", "feedback_text", "feedback_at")
