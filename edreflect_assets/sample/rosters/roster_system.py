"""One org's student information system: it changes day by day and knows the records of its files at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from edreflect_assets.sample import words
from edreflect_assets.sample.context import WEEKEND_ACTIVITY, random_numbers
from edreflect_assets.sample.people import People
from edreflect_assets.sample.rosters.delivering import Delivering
from edreflect_assets.sample.rosters.groups import ClassGroup, Group, Groups, GuardianGroup, StaffGroup, StudentGroup
from edreflect_assets.sample.rosters.identities import Identities
from edreflect_assets.sample.rosters.records import Records
from edreflect_assets.sample.rosters.school_year import SchoolYear
from edreflect_assets.sample.rosters.staff import Staff
from edreflect_assets.sample.rosters.students import Students
from edreflect_assets.sample.rosters.teaching import Teaching
from edreflect_assets.sample.rosters.timetable import SUBJECTS, ClassKey, Timetable
from edreflect_assets.sample.tables import Row


class RosterSystem:
    """A simulated district's student information system, whose staff are the people of its EdReflect.

    The constructor gives the state of the first day, ``step`` lets a later day pass, after EdReflect's. ``files`` yields
    everything as it is now, ``changes`` what the last step changed. The same arguments and days give the same records.
    Memory follows the staff, the schools and what has changed, not the number of students. ``scale`` multiplies the
    changes of a day. ``dirty``: one reference leads nowhere, ``unknown_person``.
    """

    def __init__(
        self,
        seed: int,
        org: str,
        people: People,
        day: date,
        *,
        students: int,
        delivering: Delivering,
        scale: float = 1,
        dirty: bool = False,
    ) -> None:
        self.org = org
        self.day = day
        self.delivering = delivering
        self._scale = scale
        self._rng = random_numbers(seed, org, "roster")
        self.school_year = year = SchoolYear(day)
        identities = Identities(seed, org, uuids=delivering.uuids)
        self._timetable = Timetable([school.name for school in people.schools], students)
        self._staff = Staff(identities, self._timetable, people, students)
        self._students = Students(identities, self._timetable, students, year.start)
        self._teaching = Teaching(self._timetable, self._staff, students, year.start)
        self._records = Records(
            org,
            people.context.domain,
            identities,
            year=year,
            timetable=self._timetable,
            staff=self._staff,
            students=self._students,
            teaching=self._teaching,
            open_ended=delivering.open_ended,
            dirty=dirty,
        )
        self.unknown_person = self._records.unknown_person
        with_roles = delivering.version == "1.2"
        self._groups = Groups(self._records, self._timetable, self._staff, self._students, with_roles=with_roles)
        self._before: dict[Group, dict[tuple[str, str], Row]] = {}

    @property
    def students(self) -> int:
        """How many students there are and were; their numbers are those below."""
        return self._students.number

    def absent(self) -> list[int]:
        """Return the numbers of the students who have left, in order."""
        return self._students.absent()

    def student(self, number: int) -> tuple[str, str]:
        """Return sourcedId and grade of a student."""
        return self._records.student_id(number), self._timetable.grade(number)

    def student_identifier(self, number: int) -> str:
        """Return the number by which the district knows a student."""
        return self._records.student_identifier(number)

    def teachers(self) -> list[str]:
        """Return the numbers by which the district knows its teachers, also those whose records here lack them."""
        members = self._staff.members().values()
        return [member.identifier or member.key for member in members if member.job == "teacher" and member.teaches]

    def files(self) -> dict[str, Callable[[], Iterator[Row]]]:
        """Return for each file of the org's version a function that yields its present records, keyed by header."""
        return self._groups.files()

    def changes(self) -> dict[str, list[Row]]:
        """Return by file the records that the last step changed, each with its status but no dateLastModified.

        A record that is gone is given as it was, ``tobedeleted``. Files without changes are left out.
        """
        changed: dict[str, list[Row]] = {}
        for group, before in self._before.items():
            now = self._groups.records(group)
            for key in before | now:
                row = now.get(key)
                if row is None:
                    changed.setdefault(key[0], []).append({**before[key], "status": "tobedeleted"})
                elif row != before.get(key):
                    changed.setdefault(key[0], []).append({**row, "status": "active"})
        return changed

    def step(self, day: date) -> None:
        """Let a day pass; at weekends next to nothing happens. Raises ValueError when days do not rise."""
        if day <= self.day:
            raise ValueError(f"{self.org}: {day} is not later than {self.day}, the last day of the roster.")
        self.day = day
        self._before = {}
        if day.weekday() < 5:
            self._take_over_staff()
        number = self._students.number
        for _ in range(self._count(number / 200)):
            self._enroll()
        for event, mean in (
            (self._move, number / 250),
            (self._rename, number / 300),
            (self._change_phone, number / 300),
            (self._leave, number / 300),
        ):
            for _ in range(self._count(mean)):
                event(self._rng.randrange(number))
        for student in self._students.absent():
            if self._count(0.1, at_least=0):
                self._come_back(student)

    def _count(self, mean: float, *, at_least: int = 1) -> int:
        """Return how often something happens today: ``mean`` times the scale, rounded at random."""
        weekend = self.day.weekday() >= 5
        expected = mean * self._scale * (WEEKEND_ACTIVITY if weekend else 1)
        number = int(expected) + (self._rng.random() < expected % 1)
        return number if weekend or self._scale < 1 else max(number, at_least)

    def _take_over_staff(self) -> None:
        """Let come and go who has come to EdReflect or left it; classes of those who left get other teachers."""
        now, due = self._staff.members(), self._staff.due()
        gone = now.keys() - due.keys()
        self._touch(*(StaffGroup(key) for key in now | due if now.get(key) != due.get(key)))
        affected = list(self._teaching.classes_of(gone, self._students.number)) if gone else []
        self._touch(*(ClassGroup(key) for key in affected))
        homerooms = {(key.cell, key.section) for key in affected if key.subject == 0}
        for student in range(self._students.number) if homerooms else ():
            stay = self._students.last_stay(student)
            if (stay.cell.number, stay.section) in homerooms:
                self._touch(StudentGroup(student))
        self._staff.take_over(due)
        for key in affected:
            self._teaching.replace(key, gone, self.day)

    def _enroll(self) -> None:
        number = self._students.number
        cell, section = self._timetable.place(number)
        self._touch_family(number)
        if section >= self._timetable.sections(cell, number):
            keys = [ClassKey(cell.number, section, subject) for subject in range(len(SUBJECTS))]
            self._touch(*(ClassGroup(key) for key in keys))
            for key in keys:
                self._teaching.open(key, self.day)
        self._students.enroll(self.day)

    def _move(self, student: int) -> None:
        """Move a student to another section or to another school."""
        if self._is_touched(student) or not self._students.is_present(student):
            return
        stay, number = self._students.last_stay(student), self._students.number
        sections = [
            section for section in range(self._timetable.sections(stay.cell, number)) if section != stay.section
        ]
        cells = self._timetable.elsewhere(stay.cell, self._timetable.grade(student))
        if cells and (not sections or self._rng.random() < 0.5):
            cell = self._rng.choice(cells)
            section = self._rng.randrange(self._timetable.sections(cell, number))
        elif sections:
            cell, section = stay.cell, self._rng.choice(sections)
        else:
            return
        self._touch_family(student)
        self._students.move(student, cell, section, self.day)

    def _rename(self, student: int) -> None:
        if self._students.is_present(student):
            self._touch(StudentGroup(student))
            self._students.rename(student, self._rng.choice(words.LAST_NAMES))

    def _change_phone(self, student: int) -> None:
        for guardian in self._students.guardians(student)[:1]:
            self._touch(GuardianGroup(guardian))
            self._students.change_phone(guardian)

    def _leave(self, student: int) -> None:
        if not self._is_touched(student) and self._students.is_present(student):
            self._touch_family(student)
            self._students.leave(student, self.day, "inactive" if self._rng.random() < 0.4 else "gone")

    def _come_back(self, student: int) -> None:
        if not self._is_touched(student):
            self._touch_family(student)
            self._students.come_back(student, self.day)

    def _is_touched(self, student: int) -> bool:
        return StudentGroup(student) in self._before

    def _touch_family(self, student: int) -> None:
        self._touch(StudentGroup(student), *(GuardianGroup(key) for key in self._students.guardians(student)))

    def _touch(self, *groups: Group) -> None:
        """Note what groups hold before they change, once a day."""
        for group in groups:
            if group not in self._before:
                self._before[group] = self._groups.records(group)
