"""Who works at the district: EdReflect's educators and observers as the SIS knows them, and people EdReflect lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from edreflect_assets.sample.people import People, Person
from edreflect_assets.sample.rosters.identities import Identities
from edreflect_assets.sample.rosters.timetable import RosterSchool, Timetable

STUDENTS_A_TEACHER = 16
TEACHERS_ONLINE = 2

# By an educator's number in a district: how the SIS's record of the person differs from EdReflect's.
_ALSO_ONLINE_EVERY, _ALSO_ONLINE_AT = 13, 3
_WITHOUT_NUMBER_EVERY, _WITHOUT_NUMBER_AT = 11, 5
_TWO_RECORDS, _UNKNOWN = 7, 9

ROLES_1_2 = {
    "teacher": "teacher",
    "principal": "principal",
    "site": "siteAdministrator",
    "district": "districtAdministrator",
    "counselor": "counselor",
    "aide": "aide",
}
ROLES_1_1 = {
    "teacher": "teacher",
    "principal": "administrator",
    "site": "administrator",
    "district": "administrator",
    "counselor": "aide",
    "aide": "aide",
}


@dataclass(frozen=True)
class StaffMember:
    """A person of the staff; ``job`` is a key of ROLES_1_1 and ROLES_1_2, ``schools`` empty for the district's own."""

    key: str
    job: str
    schools: tuple[RosterSchool, ...]
    given_name: str
    family_name: str
    email: str
    identifier: str
    hired: date | None
    teaches: bool = True


class Staff:
    """The staff of a district as of the last ``take_over``."""

    def __init__(self, identities: Identities, timetable: Timetable, people: People, students: int) -> None:
        self._identities = identities
        self._timetable = timetable
        self._people = people
        self._others = max(TEACHERS_ONLINE, students // STUDENTS_A_TEACHER - len(people.educators))
        self._members: dict[str, StaffMember] = {}
        self._teachers: dict[int, list[str]] = {}
        self.take_over(self.due())

    def due(self) -> dict[str, StaffMember]:
        """Return who should be there by key, as EdReflect has it now."""
        return {member.key: member for member in self._everyone()}

    def take_over(self, members: dict[str, StaffMember]) -> None:
        """Let these be the staff."""
        self._members = members
        self._teachers = {school.number: [] for school in self._timetable.schools}
        for member in self._members.values():
            if member.job == "teacher" and member.teaches:
                self._teachers[member.schools[0].number].append(member.key)

    def members(self) -> dict[str, StaffMember]:
        """Return everyone by key."""
        return self._members

    def member(self, key: str) -> StaffMember | None:
        """Return a person, None who is not there any more."""
        return self._members.get(key)

    def teachers(self, school: RosterSchool) -> list[str]:
        """Return the keys of a school's teachers, or of all teachers if it has none of its own."""
        own = self._teachers[school.number]
        return own or [key for keys in self._teachers.values() for key in keys]

    def _everyone(self) -> Iterator[StaffMember]:
        schools = self._timetable.schools
        regular, online = schools[:-1], schools[-1]
        of_name = {school.name: school for school in regular}
        led = set()
        for person in self._people.observers:
            school = of_name[person.school.name]
            yield self._known(person, "site" if school in led else "principal", (school,))
            led.add(school)
        for number, person in enumerate(self._people.educators):
            if not person.active:
                continue
            also = (online,) if number % _ALSO_ONLINE_EVERY == _ALSO_ONLINE_AT else ()
            member = self._known(person, "teacher", (of_name[person.school.name], *also))
            yield from self._as_recorded(member, number)
        for school in schools:
            if school not in led:
                yield self._other("principal", school.number, (school,))
            if school.number % 3 == 0:
                yield self._other("aide", school.number, (school,))
        yield self._other("district", 0, ())
        yield self._other("counselor", 0, regular[:2])
        for number in range(self._others):
            school = online if number < TEACHERS_ONLINE else schools[number % len(schools)]
            yield self._other("teacher", number, (school,))

    def _known(self, person: Person, job: str, schools: tuple[RosterSchool, ...]) -> StaffMember:
        return StaffMember(
            key=person.employee_id,
            job=job,
            schools=schools,
            given_name=person.first_name,
            family_name=person.last_name,
            email=self._people.email_of(person),
            identifier=person.employee_id,
            hired=date.fromisoformat(person.created[:10]),
        )

    def _as_recorded(self, member: StaffMember, number: int) -> Iterator[StaffMember]:
        """Yield the SIS's records of an educator: most have the employee number, a few do not, one is there twice."""
        if number == _TWO_RECORDS:
            yield replace(member, identifier="")
            yield replace(member, key=f"{member.key}-sub", identifier="", teaches=False)
        elif number == _UNKNOWN:
            yield replace(member, identifier="", email="")
        elif number % _WITHOUT_NUMBER_EVERY == _WITHOUT_NUMBER_AT:
            yield replace(member, identifier="", email=member.email.capitalize())
        else:
            yield member

    def _other(self, job: str, number: int, schools: tuple[RosterSchool, ...]) -> StaffMember:
        key = f"{job}{number}"
        given, family = self._identities.first_name("staff", key), self._identities.last_name("staff", key)
        domain = self._people.context.domain
        return StaffMember(key, job, schools, given, family, f"{key}@{domain}", f"S{key}", None)
