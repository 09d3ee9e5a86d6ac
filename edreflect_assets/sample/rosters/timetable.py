"""Which schools there are, which grades they teach, and which classes follow from the number of students."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

GRADES = ("KG", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12")
_ELEMENTARY, _MIDDLE, _HIGH = GRADES[:6], GRADES[6:9], GRADES[9:]
STUDENTS_A_SECTION = 16
STUDENTS_A_SCHOOL = 700
# Every so many-th student attends the district's online school.
ONLINE_EVERY = 12


@dataclass(frozen=True)
class Subject:
    """What a class teaches and when; the first of SUBJECTS is homeroom, which has no subject."""

    title: str
    code: str
    subjects: tuple[str, ...]
    subject_codes: tuple[str, ...]
    terms: tuple[str, ...]
    periods: tuple[str, ...]


_WHOLE_YEAR = ("s1", "s2")
SUBJECTS = (
    Subject("Homeroom", "HR", (), (), _WHOLE_YEAR, ("0",)),
    Subject("Mathematics", "MAT", ("Mathematics",), ("02999",), _WHOLE_YEAR, ("1", "5")),
    Subject("Reading", "REA", ("Reading",), ("01999",), _WHOLE_YEAR, ("2",)),
    Subject("Science", "SCI", ("Science", "Technology"), ("03999", "10999"), _WHOLE_YEAR, ("3",)),
    Subject("Social Studies", "SOC", ("Social Studies",), ("04999",), _WHOLE_YEAR, ("4",)),
    Subject("Visual Arts", "ART", ("Visual Arts",), ("05199",), ("q1", "q2"), ("6",)),
    Subject("Music", "MUS", ("Music",), ("05149",), ("s2",), ("6",)),
    Subject("French", "FRE", ("World Languages French",), (), _WHOLE_YEAR, ("7",)),
)


@dataclass(frozen=True)
class RosterSchool:
    """A school by its number; ``online`` is the district's own, which no one in EdReflect works at."""

    number: int
    name: str
    grades: tuple[str, ...]
    online: bool = False


@dataclass(frozen=True)
class Cell:
    """The students of a school who share their classes' grades: one grade, or several in the online school."""

    number: int
    school: RosterSchool
    grades: tuple[str, ...]

    @property
    def label(self) -> str:
        """The grades as a course's name and code give them."""
        return self.grades[0] if len(self.grades) == 1 else f"{self.grades[0]}-{self.grades[-1]}"


@dataclass(frozen=True)
class ClassKey:
    """A class: a section of a cell in one of SUBJECTS."""

    cell: int
    section: int
    subject: int


class Timetable:
    """A district's schools and cells. Student ``n`` has a place that depends on ``n`` alone."""

    def __init__(self, school_names: Sequence[str], students: int) -> None:
        count = max(len(school_names), students // STUDENTS_A_SCHOOL)
        names = [
            school_names[n % len(school_names)] + (f" {n // len(school_names) + 1}" if n >= len(school_names) else "")
            for n in range(count)
        ]
        schools = [RosterSchool(n, name, _grades_of(name)) for n, name in enumerate(names)]
        cells: list[tuple[RosterSchool, tuple[str, ...]]] = [
            (school, (grade,)) for school in schools for grade in school.grades
        ]
        self._regular = len(cells)
        taught = {grade for school in schools for grade in school.grades}
        online = RosterSchool(count, "Online School", tuple(grade for grade in GRADES if grade in taught), online=True)
        for band in (_ELEMENTARY, _MIDDLE, _HIGH):
            grades = tuple(grade for grade in band if grade in taught)
            if grades:
                cells.append((online, grades))
        self.schools = (*schools, online)
        self.cells = tuple(Cell(n, school, grades) for n, (school, grades) in enumerate(cells))
        self._online = len(self.cells) - self._regular

    def place(self, student: int) -> tuple[Cell, int]:
        """Return the cell and the section in which student ``n`` begins."""
        block, within = divmod(student, ONLINE_EVERY)
        if within == ONLINE_EVERY - 1:
            rank, cell = divmod(block, self._online)
            cell += self._regular
        else:
            rank, cell = divmod(block * (ONLINE_EVERY - 1) + within, self._regular)
        return self.cells[cell], rank // STUDENTS_A_SECTION

    def grade(self, student: int) -> str:
        """Return the grade of student ``n``."""
        cell, _ = self.place(student)
        return cell.grades[student // ONLINE_EVERY % len(cell.grades)]

    def sections(self, cell: Cell, students: int) -> int:
        """Return how many sections a cell has once ``students`` students have a place, at least one."""
        blocks, rest = divmod(students, ONLINE_EVERY)
        if cell.number >= self._regular:
            number = (blocks - (cell.number - self._regular) + self._online - 1) // self._online
        else:
            regular = blocks * (ONLINE_EVERY - 1) + rest
            number = (regular - cell.number + self._regular - 1) // self._regular
        return max(1, -(-number // STUDENTS_A_SECTION))

    def classes(self, students: int) -> Iterator[ClassKey]:
        """Yield all classes that ``students`` students need."""
        for cell in self.cells:
            for section in range(self.sections(cell, students)):
                for subject in range(len(SUBJECTS)):
                    yield ClassKey(cell.number, section, subject)

    def courses(self) -> Iterator[tuple[Cell, int]]:
        """Yield each course once, as a subject with the first cell that is taught it."""
        seen = set()
        for cell in self.cells:
            if cell.label not in seen:
                seen.add(cell.label)
                yield from ((cell, subject) for subject in range(len(SUBJECTS)))

    def elsewhere(self, cell: Cell, grade: str) -> list[Cell]:
        """Return the cells of other schools that teach a grade."""
        return [other for other in self.cells if other.school != cell.school and grade in other.grades]


def _grades_of(name: str) -> tuple[str, ...]:
    for word, grades in (("Elementary", _ELEMENTARY), ("Middle", _MIDDLE), ("High", _HIGH)):
        if word in name:
            return grades
    return GRADES
