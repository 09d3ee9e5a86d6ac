"""Roster packages of any size for benchmarks: OneRoster 1.1 with ids that are no UUIDs, written row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

MANIFEST = "manifest.csv"
_FILES = ("academicSessions", "classes", "courses", "enrollments", "orgs", "users")
_HEADERS = {
    "academicSessions": "title,type,startDate,endDate,parentSourcedId,schoolYear",
    "classes": "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,"
    "subjectCodes,periods",
    "courses": "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
    "enrollments": "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
    "orgs": "name,type,identifier,parentSourcedId",
    "users": "enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,"
    "agentSourcedIds,grades",
}
_GIVEN = ("Ada", "Bo", "Chidi", "Dalia", "Émile", "Farah", "Goran", "Hye-jin", "Ines", "Jun", "Kofi", "Lena", "Maya")
_FAMILY = ("Abara", "Brandt", "Castillo", "Dvořák", "Eriksen", "Fofanah", "García", "Haddad", "Ito", "Jansen", "Kaur")
BEGIN, END = "2025-08-15", "2026-06-15"


@dataclass(frozen=True)
class RosterSize:
    """How large a district is: everything follows from the number of its people, 200,000 of whom are 100 schools."""

    users: int

    @property
    def schools(self) -> int:
        """One school for 2,000 people."""
        return max(2, self.users // 2000)

    @property
    def teachers(self) -> int:
        """5 % of the people; they come first."""
        return self.users // 20

    @property
    def guardians(self) -> int:
        """A tenth of the people; they come after the teachers, each the agent of one student."""
        return self.users // 10

    @property
    def students(self) -> int:
        """Everybody else."""
        return self.users - self.teachers - self.guardians

    @property
    def classes(self) -> int:
        """One class, with one primary teacher, for five people."""
        return self.users // 5 // self.schools * self.schools

    @property
    def enrollments(self) -> int:
        """Five for each person; first those of the teachers, one per class, then turns of all students."""
        return 5 * self.users


def write_package(folder: Path, size: RosterSize) -> dict[str, Path]:
    """Write a full (bulk) package and return its files by name; about 160 MiB for 200,000 people."""
    rows = {
        "academicSessions": _sessions(),
        "classes": _classes(size),
        "courses": _courses(size),
        "enrollments": (_enrollment(size, number) for number in range(size.enrollments)),
        "orgs": _orgs(size),
        "users": (_user(size, number) for number in range(size.users)),
    }
    return _written(folder, rows, "bulk", ",")


def write_delta(folder: Path, size: RosterSize, day: date, number: int, rows: int) -> dict[str, Path]:
    """Write the changes of one day, the ``number``-th: ``rows``, a fifth of them users with another e-mail address, the
    others enrollments with another end, spread over the whole district.
    """
    people, others = rows // 5, rows - rows // 5
    chosen = [(number * people + item) * 7919 % size.users for item in range(people)]
    changed = [(number * others + item) * 7919 % size.enrollments for item in range(others)]
    end = f"2026-05-{1 + number % 28:02d}"
    return _written(
        folder,
        {
            "enrollments": (_enrollment(size, place, end) for place in changed),
            "users": (_user(size, place, f"day{number}.") for place in chosen),
        },
        "delta",
        f"active,{day}T08:00:00Z",
    )


def write_moves(folder: Path, size: RosterSize, day: date, rows: int) -> dict[str, Path]:
    """Write a day on which that many students are at the school after the one where they were."""
    first = size.teachers + size.guardians
    moved = []
    for item in range(rows):
        number = first + item * 7919 % size.students
        school = number % size.schools
        sourced_id, rest = _user(size, number)
        moved.append((sourced_id, rest.replace(f"school-{school},", f"school-{(school + 1) % size.schools},", 1)))
    return _written(folder, {"users": moved}, "delta", f"active,{day}T08:00:00Z")


def _written(folder: Path, rows: Mapping[str, Iterable[tuple[str, str]]], mode: str, stamp: str) -> dict[str, Path]:
    """Write files whose rows are (sourcedId, the rest); ``stamp`` is what stands for status and dateLastModified."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, lines in rows.items():
        path = paths[f"{name}.csv"] = folder / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            out.write(f"sourcedId,status,dateLastModified,{_HEADERS[name]}\n")
            out.writelines(f"{sourced_id},{stamp},{rest}\n" for sourced_id, rest in lines)
    declared = "".join(f"file.{name},{mode if name in rows else 'absent'}\n" for name in (*_FILES, "demographics"))
    paths[MANIFEST] = folder / MANIFEST
    paths[MANIFEST].write_text(
        f"propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n{declared}", encoding="utf-8"
    )
    return paths


def _sessions() -> Iterator[tuple[str, str]]:
    yield "year", "2025-26,schoolYear,2025-08-01,2026-07-01,,2026"
    yield "fall", "Fall,term,2025-08-01,2026-01-15,year,2026"
    yield "spring", "Spring,term,2026-01-15,2026-07-01,year,2026"


def _orgs(size: RosterSize) -> Iterator[tuple[str, str]]:
    yield "district", "District,district,,"
    for number in range(size.schools):
        yield f"school-{number}", f"School {number},school,{1000 + number},district"


def _courses(size: RosterSize) -> Iterator[tuple[str, str]]:
    for number in range(size.classes // 20):
        yield (
            f"course-{number}",
            f"year,Course {number},C{number},{1 + number % 12:02d},district,Reading,R{number % 40}",
        )


def _classes(size: RosterSize) -> Iterator[tuple[str, str]]:
    for number in range(size.classes):
        course = number % (size.classes // 20)
        yield (
            f"class-{number}",
            f"Class {number},{1 + course % 12:02d},course-{course},K{number},scheduled,Room {number % 300},"
            f'school-{number % size.schools},"fall,spring",Reading,R{course % 40},{1 + number % 8}',
        )


def _user(size: RosterSize, number: int, mailbox: str = "") -> tuple[str, str]:
    school = number % size.schools
    student = number - size.teachers - size.guardians
    role = "student" if student >= 0 else "teacher" if number < size.teachers else "guardian"
    agents = []
    if 0 <= student < size.guardians:
        agents.append(f"user-{size.teachers + student:07d}")
    if student >= 0 and student % 5 == 0:
        agents.append(f"user-{student % size.teachers:07d}")
    grades = f"{1 + student % 12:02d}" if student >= 0 else ""
    given, family = _GIVEN[number % len(_GIVEN)], _FAMILY[number % len(_FAMILY)]
    return (
        f"user-{number:07d}",
        f"true,school-{school},{role},user{number},{{SIS:{number}}},{given},{family},,E{number},"
        f'{mailbox}user{number}@example.org,,,"{",".join(agents)}",{grades}',
    )


def _enrollment(size: RosterSize, number: int, end: str = END) -> tuple[str, str]:
    per_school = size.classes // size.schools
    if number < size.classes:
        section, user, rest = number, number % size.teachers, "teacher,true"
    else:
        turn, student = divmod(number - size.classes, size.students)
        user = size.teachers + size.guardians + student
        school, within = user % size.schools, user // size.schools * 7 + turn * 13
        section, rest = school + size.schools * (within % per_school), "student,false"
    return (
        f"enrollment-{number:08d}",
        f"class-{section},school-{section % size.schools},user-{user:07d},{rest},{BEGIN},{end}",
    )
