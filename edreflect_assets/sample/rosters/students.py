"""Students and their guardians: where they begin is computed, only what changed since is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from edreflect_assets.sample.rosters.identities import Identities
from edreflect_assets.sample.rosters.timetable import Cell, RosterSchool, Timetable

GuardianKey = tuple[int, int]
Absence = Literal["gone", "inactive"]

# Every so many-th student has the homeroom teacher as a guide.
GUIDE_EVERY, GUIDE_AT = 9, 4


@dataclass(frozen=True)
class Stay:
    """A time in one section of a cell; ``end`` is the first day elsewhere."""

    cell: Cell
    section: int
    begin: date
    end: date | None = None


@dataclass(frozen=True)
class SchoolStay:
    """A time at one school; ``begin`` None when it began with the student's first record."""

    school: RosterSchool
    begin: date | None
    end: date | None


class Students:
    """Students by number, from 0. Two neighbours are a pair: most pairs are siblings with shared guardians."""

    def __init__(self, identities: Identities, timetable: Timetable, number: int, first_day: date) -> None:
        self.number = number
        self._identities = identities
        self._timetable = timetable
        self._first_day = first_day
        self._stays: dict[int, list[Stay]] = {}
        self._absent: dict[int, Absence] = {}
        self._renamed: dict[int, str] = {}
        self._phones: dict[GuardianKey, int] = {}

    # what is true now

    def exists(self, student: int) -> bool:
        """Tell whether the roster has the student, enabled or not."""
        return student < self.number and self._absent.get(student) != "gone"

    def is_present(self, student: int) -> bool:
        """Tell whether the student attends a school."""
        return student < self.number and student not in self._absent

    def absent(self) -> list[int]:
        """Return the students who have left, in order."""
        return sorted(self._absent)

    def stays(self, student: int) -> list[Stay]:
        """Return where a student is and was, the last one last."""
        changed = self._stays.get(student)
        if changed is not None:
            return changed
        cell, section = self._timetable.place(student)
        return [Stay(cell, section, self._first_day)]

    def last_stay(self, student: int) -> Stay:
        """Return where a student is, or was last."""
        return self.stays(student)[-1]

    def school_stays(self, student: int) -> list[SchoolStay]:
        """Return the schools of a student, stays in one school without a day between them as one."""
        found: list[SchoolStay] = []
        for number, stay in enumerate(self.stays(student)):
            if found and found[-1].school == stay.cell.school and found[-1].end == stay.begin:
                found[-1] = replace(found[-1], end=stay.end)
            else:
                found.append(SchoolStay(stay.cell.school, stay.begin if number else None, stay.end))
        return found

    def has_guide(self, student: int) -> bool:
        """Tell whether the homeroom teacher is the student's guide."""
        return student % GUIDE_EVERY == GUIDE_AT

    def last_name(self, student: int) -> str:
        """Return a student's family name."""
        return self._renamed.get(student) or self._identities.last_name(
            "family", *_family(self._shape(student), student)
        )

    def phone_number(self, guardian: GuardianKey) -> int:
        """Return how often a guardian has got another telephone number."""
        return self._phones.get(guardian, 0)

    def guardians(self, student: int) -> list[GuardianKey]:
        """Return a student's guardians."""
        shape, pair = self._shape(student), student // 2
        if shape <= 3:
            return [(pair, 0)]
        if shape == 6:
            return [(pair, 0), (pair, 1)]
        return [(pair, student % 2)] if shape <= 5 else []

    def children(self, guardian: GuardianKey) -> list[int]:
        """Return the guardian's children who are in the roster."""
        pair, which = guardian
        both = (2 * pair, 2 * pair + 1)
        shape = self._shape(both[0])
        mine = both if shape <= 3 or shape == 6 else (both[which],)
        return [student for student in mine if self.exists(student)]

    def all_guardians(self) -> Iterator[GuardianKey]:
        """Yield the guardians of every student there ever was; those without children() are not in the roster."""
        for pair in range((self.number + 1) // 2):
            shape = self._shape(2 * pair)
            if shape <= 6:
                yield pair, 0
            if 4 <= shape <= 6:
                yield pair, 1

    def family_name(self, guardian: GuardianKey) -> str:
        """Return the family name of a guardian."""
        pair, which = guardian
        return self._identities.last_name("family", *_family(self._shape(2 * pair), 2 * pair + which))

    # what happens

    def enroll(self, day: date) -> int:
        """Add a student and return the number."""
        student = self.number
        self.number += 1
        cell, section = self._timetable.place(student)
        self._stays[student] = [Stay(cell, section, day)]
        return student

    def move(self, student: int, cell: Cell, section: int, day: date) -> None:
        """End where a student is and begin elsewhere on the same day."""
        stays = self.stays(student)
        self._stays[student] = [*stays[:-1], replace(stays[-1], end=day), Stay(cell, section, day)]

    def leave(self, student: int, day: date, absence: Absence) -> None:
        """Let a student leave: gone from the roster, or still in it but not enabled."""
        stays = self.stays(student)
        self._stays[student] = [*stays[:-1], replace(stays[-1], end=day)]
        self._absent[student] = absence

    def come_back(self, student: int, day: date) -> None:
        """Let a student who left come back to the same section."""
        last = self.last_stay(student)
        del self._absent[student]
        self._stays[student] = [*self.stays(student), Stay(last.cell, last.section, day)]

    def rename(self, student: int, family_name: str) -> None:
        """Give a student another family name."""
        self._renamed[student] = family_name

    def change_phone(self, guardian: GuardianKey) -> None:
        """Give a guardian another telephone number."""
        self._phones[guardian] = self.phone_number(guardian) + 1

    def _shape(self, student: int) -> int:
        """Return what kind of family a pair is: 0 to 3 siblings with a guardian, 4 and 5 strangers, 6 two guardians."""
        return self._identities.draw("pair", student // 2)[0] % 8


def _family(shape: int, student: int) -> tuple[int, ...]:
    siblings = shape <= 3 or shape == 6
    return (student // 2,) if siblings else (student // 2, student % 2)
