"""The students as TimeBack knows them: by the ids that the platform gives to people of the rosters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from hashlib import md5

import polars as pl

from edreflect_assets.sample.rosters import RosterSystem
from edreflect_assets.sample.rosters.timetable import GRADES

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PIECE = 10_000


def roster_id(org: str, kind: str, sourced_id: str) -> str:
    """Return the id of a record of an org's roster, such as a user, as the views show it (macros/roster/ids.sql)."""
    if _UUID.fullmatch(sourced_id):
        return sourced_id.lower()
    digits = md5(f"{org}|{kind}|{sourced_id}".encode(), usedforsecurity=False).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@dataclass(frozen=True)
class Attendance:
    """Who attended a school on a day: students by number, below ``students``, without those who are ``absent``."""

    day: date
    students: int
    absent: pl.Series

    @classmethod
    def of(cls, roster: RosterSystem) -> Attendance:
        """Return the attendance of a roster's present day."""
        return cls(roster.day, roster.students, pl.Series(roster.absent(), dtype=pl.UInt64))

    def includes(self, student: pl.Expr) -> pl.Expr:
        """Tell of each student whether he or she was there."""
        return (student < self.students) & ~student.is_in(self.absent.implode())

    def within(self, first: int, last: int) -> pl.DataFrame:
        """Return the students (column ``student``) from number ``first`` up to, and without, ``last``."""
        students = pl.int_range(first, min(last, self.students), dtype=pl.UInt64, eager=True).alias("student")
        return students.to_frame().filter(self.includes(pl.col("student")))


class Learners:
    """Ids and grades of an org's students by number; a few dozen bytes each."""

    def __init__(self) -> None:
        self.ids = pl.Series(dtype=pl.String)
        self.grades = pl.Series(dtype=pl.UInt64)

    def take_over(self, roster: RosterSystem) -> None:
        """Get to know the students who are new in a roster."""
        while len(self.ids) < roster.students:
            numbers = range(len(self.ids), min(len(self.ids) + _PIECE, roster.students))
            known = [roster.student(number) for number in numbers]
            ids = [roster_id(roster.org, "user", sourced_id) for sourced_id, _ in known]
            grades = [GRADES.index(grade) for _, grade in known]
            self.ids = pl.concat([self.ids, pl.Series(ids, dtype=pl.String)], rechunk=True)
            self.grades = pl.concat([self.grades, pl.Series(grades, dtype=pl.UInt64)], rechunk=True)
