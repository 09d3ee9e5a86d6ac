"""Records that change together, by file: a student's, a guardian's, a staff member's, a class's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from edreflect_assets.sample.rosters.records import Records
from edreflect_assets.sample.rosters.staff import Staff
from edreflect_assets.sample.rosters.students import GuardianKey, Students
from edreflect_assets.sample.rosters.timetable import ClassKey, Timetable
from edreflect_assets.sample.tables import Row

CLASSES, ENROLLMENTS, ROLES, USERS = "classes.csv", "enrollments.csv", "roles.csv", "users.csv"


class StudentGroup(NamedTuple):
    """A student with roles and enrollments."""

    number: int


class GuardianGroup(NamedTuple):
    """A guardian with roles."""

    key: GuardianKey


class StaffGroup(NamedTuple):
    """A staff member with roles."""

    key: str


class ClassGroup(NamedTuple):
    """A class with its teachers' enrollments."""

    key: ClassKey


Group = StudentGroup | GuardianGroup | StaffGroup | ClassGroup


class Groups:
    """The present records of an org, by group and by file; ``with_roles`` as version 1.2 has them."""

    def __init__(
        self, records: Records, timetable: Timetable, staff: Staff, students: Students, *, with_roles: bool
    ) -> None:
        self._records = records
        self._timetable = timetable
        self._staff = staff
        self._students = students
        self._with_roles = with_roles

    def files(self) -> dict[str, Callable[[], Iterator[Row]]]:
        """Return for each file a function that yields its records."""
        records = self._records
        files: dict[str, Callable[[], Iterator[Row]]] = {
            "academicSessions.csv": records.sessions,
            "orgs.csv": records.orgs,
            "courses.csv": records.courses,
            CLASSES: self._classes,
            ENROLLMENTS: self._enrollments,
            USERS: self._users,
        }
        return {**files, ROLES: self._roles} if self._with_roles else files

    def records(self, group: Group) -> dict[tuple[str, str], Row]:
        """Return the records of a group by file and sourcedId, none if it is not in the roster."""
        by_file: dict[str, Iterator[Row]] = {}
        match group:
            case StudentGroup(number) if self._students.exists(number):
                by_file[USERS] = iter([self._records.student(number)])
                by_file[ROLES] = self._records.student_roles(number)
                by_file[ENROLLMENTS] = self._records.student_enrollments(number)
            case GuardianGroup(key) if children := self._students.children(key):
                by_file[USERS] = iter([self._records.guardian(key, children)])
                by_file[ROLES] = self._records.guardian_roles(key, children)
            case StaffGroup(key) if member := self._staff.member(key):
                by_file[USERS] = iter([self._records.staff(member)])
                by_file[ROLES] = self._records.staff_roles(member)
            case ClassGroup(key) if key.section < self._sections(key):
                by_file[CLASSES] = iter([self._records.class_record(key)])
                by_file[ENROLLMENTS] = self._records.class_enrollments(key)
        if not self._with_roles:
            by_file.pop(ROLES, None)
        return {(file, row["sourcedId"]): row for file, rows in by_file.items() for row in rows}

    def _sections(self, key: ClassKey) -> int:
        return self._timetable.sections(self._timetable.cells[key.cell], self._students.number)

    def _classes(self) -> Iterator[Row]:
        for key in self._timetable.classes(self._students.number):
            yield self._records.class_record(key)

    def _enrollments(self) -> Iterator[Row]:
        for key in self._timetable.classes(self._students.number):
            yield from self._records.class_enrollments(key)
        for student in self._present_students():
            yield from self._records.student_enrollments(student)

    def _users(self) -> Iterator[Row]:
        for member in self._staff.members().values():
            yield self._records.staff(member)
        for student in self._present_students():
            yield self._records.student(student)
        for key in self._students.all_guardians():
            if children := self._students.children(key):
                yield self._records.guardian(key, children)

    def _roles(self) -> Iterator[Row]:
        for member in self._staff.members().values():
            yield from self._records.staff_roles(member)
        for student in self._present_students():
            yield from self._records.student_roles(student)
        for key in self._students.all_guardians():
            if children := self._students.children(key):
                yield from self._records.guardian_roles(key, children)

    def _present_students(self) -> Iterator[int]:
        return (student for student in range(self._students.number) if self._students.exists(student))
