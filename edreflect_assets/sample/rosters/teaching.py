"""Who teaches which class, from when to when; one teacher at a time is in charge."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from datetime import date

from edreflect_assets.sample.rosters.staff import Staff
from edreflect_assets.sample.rosters.timetable import ClassKey, RosterSchool, Timetable

# Every so many-th class has a second teacher.
SECOND_TEACHER_EVERY = 10


@dataclass(frozen=True)
class Tenure:
    """A time in which someone teaches a class; ``end`` is the first day without."""

    teacher: str
    begin: date
    end: date | None = None
    primary: bool = True


class Teaching:
    """The teachers of all classes; what was so on the first day is computed, only changes are remembered."""

    def __init__(self, timetable: Timetable, staff: Staff, students: int, first_day: date) -> None:
        self._timetable = timetable
        self._staff = staff
        self._founded_for = students
        self._first_day = first_day
        self._first_teachers = {school.number: tuple(staff.teachers(school)) for school in timetable.schools}
        self._changed: dict[ClassKey, list[Tenure]] = {}

    def tenures(self, key: ClassKey) -> list[Tenure]:
        """Return who teaches and taught a class, in the order of their first days."""
        changed = self._changed.get(key)
        if changed is not None:
            return changed
        teachers = self._first_teachers[self._school(key).number]
        number = key.cell * 31 + key.section * 8 + key.subject
        tenures = [Tenure(teachers[number % len(teachers)], self._first_day)]
        if number % SECOND_TEACHER_EVERY == 0 and len(teachers) > 1:
            tenures.append(Tenure(teachers[(number + 1) % len(teachers)], self._first_day, primary=False))
        return tenures

    def teacher_now(self, key: ClassKey) -> str:
        """Return who is in charge of a class, or was last."""
        return [tenure for tenure in self.tenures(key) if tenure.primary][-1].teacher

    def open(self, key: ClassKey, day: date) -> None:
        """Give a new class a teacher."""
        teachers = self._staff.teachers(self._school(key))
        self._changed[key] = [Tenure(teachers[(key.cell + key.section + key.subject) % len(teachers)], day)]

    def classes_of(self, teachers: Set[str], students: int) -> Iterator[ClassKey]:
        """Yield the classes that some of these people teach now."""
        for key in self._timetable.classes(students):
            if any(tenure.end is None and tenure.teacher in teachers for tenure in self.tenures(key)):
                yield key

    def replace(self, key: ClassKey, gone: Set[str], day: date) -> None:
        """End what people who have gone teach in a class; whoever is in charge gets a successor of the same school."""
        tenures = [
            replace(tenure, end=day) if tenure.end is None and tenure.teacher in gone else tenure
            for tenure in self.tenures(key)
        ]
        if not any(tenure.primary and tenure.end is None for tenure in tenures):
            present = {tenure.teacher for tenure in tenures if tenure.end is None}
            free = [key for key in self._staff.teachers(self._school(key)) if key not in present]
            if free:
                tenures.append(Tenure(free[(key.cell + key.subject) % len(free)], day))
        self._changed[key] = tenures

    def _school(self, key: ClassKey) -> RosterSchool:
        return self._timetable.cells[key.cell].school
