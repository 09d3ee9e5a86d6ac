"""One org's Infinite Campus: its programs, and day by day who joins, leaves and leads them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from edreflect_assets.sample.campus.programs import Program, preferences, some_programs, toggles
from edreflect_assets.sample.context import WEEKEND_ACTIVITY, random_numbers
from edreflect_assets.sample.rosters import RosterSystem
from edreflect_assets.sample.tables import Export, Row

FEED = "infinite_campus"
# Days of the sample, from 0, on which a program gets another name, and on which one is gone.
RENAME_INDEX, DISAPPEAR_INDEX = 1, 2
MOST_STUDENTS = 150
TOO_LONG = Program("9000001", "Career and Technical Education: Agriculture and Natural Resources", "Cohort", "")
UNKNOWN = Program("9000002", "", "", "")
_PROGRAMS_FILE, _STUDENTS_FILE, _STAFF_FILE = "programs.csv", "program_participation.csv", "program_staff.csv"
# By the number of a stay: students whom the roster does not have, and such that Campus writes with a leading zero.
_EVERY, _OUTSIDER_AT, _PADDED_AT = 30, 7, 17


@dataclass
class Stay:
    """A person's time in a program; ``end`` is the last day. ``student`` is a student's number in the roster system."""

    id: int
    program: Program
    person: str
    begin: date
    end: date | None = None
    student: int | None = None


class CampusSystem:
    """A simulated org's Infinite Campus, whose people are those of a roster.

    ``programs`` is about how many there are: a third more or less. ``district`` is the org's own number, ``scale``
    multiplies the changes of a day. ``dirty``: one program has a name that no data standard allows, one stay is in a
    program that is not there.
    """

    def __init__(
        self, seed: int, org: str, *, programs: int, district: int, scale: float = 1, dirty: bool = False
    ) -> None:
        self._rng = random_numbers(seed, org, "campus")
        self._number = self._rng.randint(-(-programs * 2 // 3), programs * 4 // 3)
        self._district = district
        self._scale = scale
        self._dirty = dirty
        self._index = -1
        self._day = date.min
        self._stays_issued = self._staff_issued = 0
        self._programs: list[Program] = []
        self._students: list[Stay] = []
        self._staff: list[Stay] = []

    def step(self, roster: RosterSystem) -> Export:
        """Let the roster's present day pass, later than those before, and return its snapshot."""
        self._index += 1
        self._day = roster.day
        if self._index == 0:
            self._found(roster)
        else:
            self._follow(roster)
            self._change(roster)
        programs, students = list(self._programs), list(self._students)
        if self._dirty:
            programs.append(TOO_LONG)
            students += self._dirt(roster)
        return {
            _PROGRAMS_FILE: [self._program(program, roster.school_year.ends_in) for program in programs],
            _STUDENTS_FILE: [_row(stay, "participation_id", "student_unique_id") for stay in students],
            _STAFF_FILE: [_row(stay, "program_staff_id", "staff_unique_id") for stay in self._staff],
            "resource_preferences.csv": preferences(),
            "resource_toggles.csv": toggles(),
        }

    def _found(self, roster: RosterSystem) -> None:
        rng, number = self._rng, roster.students
        self._programs = some_programs(rng, self._number)
        teachers = roster.teachers()
        for program in self._programs:
            size = min(rng.randint(max(3, number // 50), max(6, number // 12)), MOST_STUDENTS, number)
            for student in rng.sample(range(number), size):
                start = roster.school_year.start
                stay = self._join(roster, program, student, start if rng.random() < 0.5 else self._earlier(start))
                if rng.random() < 0.1:
                    stay.end = self._earlier(stay.begin)
            for teacher in rng.sample(teachers, min(rng.randint(1, 2), len(teachers))):
                self._lead(program, teacher, roster.school_year.start)

    def _follow(self, roster: RosterSystem) -> None:
        """End what was of people who have left the district; a teacher's place is taken by another one."""
        absent, teachers = set(roster.absent()), roster.teachers()
        for stay in self._students:
            if stay.end is None and stay.student in absent:
                self._end(stay)
        for stay in [stay for stay in self._staff if stay.end is None and stay.person not in teachers]:
            self._end(stay)
            leading = {other.person for other in self._staff if other.program is stay.program}
            others = [teacher for teacher in teachers if teacher not in leading]
            if others:
                self._lead(stay.program, self._rng.choice(others), self._day)

    def _change(self, roster: RosterSystem) -> None:
        rng, number = self._rng, len(self._programs)
        cohorts = [program for program in self._programs if program.is_cohort]
        if self._index == RENAME_INDEX:
            cohorts[0].rename()
        if self._index == DISAPPEAR_INDEX and len(cohorts) > 2:
            self._disappear(cohorts[-1])
        for _ in range(self._count(number / 4, at_least=1)):
            self._join_somebody(roster)
        for _ in range(self._count(number / 5, at_least=1)):
            staying = [stay for stay in self._students if stay.end is None]
            if staying:
                self._end(rng.choice(staying))
        for _ in range(self._count(number / 20)):
            # entered by mistake: gone without an end
            self._students.remove(rng.choice(self._students))
        for _ in range(self._count(number / 8, at_least=1)):
            rng.choice(self._programs).remark(rng)

    def _join_somebody(self, roster: RosterSystem) -> None:
        program, absent = self._rng.choice(self._programs), set(roster.absent())
        known = {stay.student for stay in self._students if stay.program is program}
        for student in self._rng.sample(range(roster.students), min(8, roster.students)):
            if student not in known and student not in absent:
                self._join(roster, program, student, max(self._day, roster.school_year.start))
                return

    def _join(self, roster: RosterSystem, program: Program, student: int, begin: date) -> Stay:
        self._stays_issued += 1
        identifier, kind = roster.student_identifier(student), self._stays_issued % _EVERY
        stay = Stay(self._stays_issued, program, identifier, begin, student=student)
        if kind == _OUTSIDER_AT:
            stay.person = f"9{identifier}"
        elif kind == _PADDED_AT:
            stay.person = f"0{identifier}"
        self._students.append(stay)
        return stay

    def _lead(self, program: Program, teacher: str, begin: date) -> None:
        self._staff_issued += 1
        self._staff.append(Stay(self._staff_issued, program, teacher, begin))

    def _end(self, stay: Stay) -> None:
        stay.end = max(stay.begin, self._day)

    def _disappear(self, program: Program) -> None:
        self._programs.remove(program)
        self._students = [stay for stay in self._students if stay.program is not program]
        self._staff = [stay for stay in self._staff if stay.program is not program]

    def _earlier(self, first: date) -> date:
        """Return a day from ``first`` until before the present one, ``first`` if there is none."""
        days = (self._day - first).days
        return first + timedelta(days=self._rng.randrange(days)) if days > 0 else first

    def _count(self, mean: float, *, at_least: int = 0) -> int:
        """Return how often something happens today: ``mean`` times the scale, rounded at random."""
        weekend = self._day.weekday() >= 5
        expected = mean * self._scale * (WEEKEND_ACTIVITY if weekend else 1)
        number = int(expected) + (self._rng.random() < expected % 1)
        return number if weekend or self._scale < 1 else max(number, at_least)

    def _dirt(self, roster: RosterSystem) -> list[Stay]:
        """Return stays that cannot be reported: one in a program whose name is too long, one in a program not there."""
        return [
            Stay(int(program.id), program, roster.student_identifier(0), roster.school_year.start)
            for program in (TOO_LONG, UNKNOWN)
        ]

    def _program(self, program: Program, school_year: int) -> Row:
        return {
            "program_id": program.id,
            "program_name": program.name,
            "program_category": program.category,
            "description": program.description,
            "district_number": str(self._district),
            "school_year": str(school_year),
        }


def cut_off(export: Export) -> Export:
    """Return a snapshot as it looks when the export was stopped half-way: fewer programs and stays."""
    return {file: _first_half(rows) if file.startswith("program") else rows for file, rows in export.items()}


def _first_half(rows: Iterable[Row]) -> list[Row]:
    every = list(rows)
    return every[: max(1, len(every) // 2)]


def _row(stay: Stay, key: str, person: str) -> Row:
    return {
        key: str(stay.id),
        "program_id": stay.program.id,
        person: stay.person,
        "begin_date": str(stay.begin),
        "end_date": str(stay.end or ""),
    }
