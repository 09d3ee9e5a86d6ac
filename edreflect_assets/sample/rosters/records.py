"""What the student information system knows, as records of the OneRoster files, keyed by the files' headers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from edreflect_assets.sample.people import plain
from edreflect_assets.sample.rosters.identities import Identities
from edreflect_assets.sample.rosters.school_year import SchoolYear
from edreflect_assets.sample.rosters.staff import ROLES_1_1, ROLES_1_2, Staff, StaffMember
from edreflect_assets.sample.rosters.students import GuardianKey, Students
from edreflect_assets.sample.rosters.teaching import Teaching
from edreflect_assets.sample.rosters.timetable import SUBJECTS, Cell, ClassKey, RosterSchool, Timetable
from edreflect_assets.sample.tables import Row

_RELATIONS = ("parent", "parent", "guardian", "relative")


class Records:
    """Builds the records of one org's files from its state; every function returns what is true now.

    ``open_ended``: enrollments have no end until they are over. ``dirty``: the first student names an agent whom the
    roster does not have.
    """

    def __init__(
        self,
        org: str,
        domain: str,
        identities: Identities,
        *,
        year: SchoolYear,
        timetable: Timetable,
        staff: Staff,
        students: Students,
        teaching: Teaching,
        open_ended: bool,
        dirty: bool,
    ) -> None:
        self._org = org
        self._domain = domain
        self._open_ended = open_ended
        self._dirty = dirty
        self._ids = identities
        self._year = year
        self._timetable = timetable
        self._staff = staff
        self._students = students
        self._teaching = teaching
        # asked for by millions of records
        self._periods = [year.period(subject.terms) for subject in SUBJECTS]
        self._school_ids = [identities.sourced_id("org", school.number + 1) for school in timetable.schools]
        self._district = identities.sourced_id("org", 0)

    def sessions(self) -> Iterator[Row]:
        """Yield academicSessions.csv."""
        for session in self._year.sessions:
            yield {
                "sourcedId": self._session(session.key),
                "title": session.title,
                "type": session.type,
                "startDate": str(session.start),
                "endDate": str(session.end),
                "parentSourcedId": self._session(session.parent) if session.parent else "",
                "schoolYear": str(self._year.ends_in),
            }

    def orgs(self) -> Iterator[Row]:
        """Yield orgs.csv: the district and its schools."""
        name = f"{self._org.replace('_', ' ').title()} School District"
        yield {"sourcedId": self._district, "name": name, "type": "district", "identifier": self._nces(0)}
        for school, identity in zip(self._timetable.schools, self._school_ids, strict=True):
            yield {
                "sourcedId": identity,
                "name": school.name,
                "type": "school",
                "identifier": self._nces(school.number + 1),
                "parentSourcedId": self._district,
            }

    def courses(self) -> Iterator[Row]:
        """Yield courses.csv."""
        for cell, number in self._timetable.courses():
            subject = SUBJECTS[number]
            yield {
                "sourcedId": self._course(cell, number),
                "schoolYearSourcedId": self._session("year"),
                "title": f"{subject.title} {cell.label}",
                "courseCode": f"{subject.code}-{cell.label}",
                "grades": ",".join(cell.grades),
                "orgSourcedId": self._district,
                "subjects": ",".join(subject.subjects),
                "subjectCodes": ",".join(subject.subject_codes),
            }

    def class_record(self, key: ClassKey) -> Row:
        """Return a class's record of classes.csv."""
        cell, subject = self._timetable.cells[key.cell], SUBJECTS[key.subject]
        room = 100 + self._ids.draw("room", key.cell, key.section)[0]
        return {
            "sourcedId": self.class_id(key),
            "title": f"{subject.title} {cell.label}, section {key.section + 1}",
            "grades": ",".join(cell.grades),
            "courseSourcedId": self._course(cell, key.subject),
            "classCode": f"{subject.code}-{cell.label}-{key.section + 1}",
            "classType": "scheduled" if key.subject else "homeroom",
            "location": "online" if cell.school.online else f"Room {room}",
            "schoolSourcedId": self._school(cell.school),
            "termSourcedIds": ",".join(self._session(term) for term in subject.terms),
            "subjects": ",".join(subject.subjects),
            "subjectCodes": ",".join(subject.subject_codes),
            "periods": ",".join(subject.periods),
        }

    def class_enrollments(self, key: ClassKey) -> Iterator[Row]:
        """Yield the records of enrollments.csv for the teachers of a class."""
        for number, tenure in enumerate(self._teaching.tenures(key)):
            user = self.staff_id(tenure.teacher)
            times = self._times(key.subject, tenure.begin, tenure.end)
            # whoever has left is not in users.csv, so neither are the enrollments
            if times and self._staff.member(tenure.teacher):
                identity = self._ids.sourced_id("enrollment", "t", key.cell, key.section, key.subject, number)
                primary = {"primary": "true" if tenure.primary else "false"}
                yield self._enrollment(identity, key, user, "teacher", times) | primary

    def student(self, number: int) -> Row:
        """Return a student's record of users.csv."""
        students, stay = self._students, self._students.last_stay(number)
        given, family = self._ids.first_name("student", number), students.last_name(number)
        agents = [self.guardian_id(key) for key in students.guardians(number)]
        guide = self._teaching.teacher_now(ClassKey(stay.cell.number, stay.section, 0))
        if students.has_guide(number) and self._staff.member(guide):
            agents.append(self.staff_id(guide))
        if self._dirty and number == 0:
            agents.append(self.unknown_person)
        login = f"s{number + 1:06}"
        return {
            "sourcedId": self.student_id(number),
            "enabledUser": "true" if students.is_present(number) else "false",
            "orgSourcedIds": self._school(stay.cell.school),
            "role": "student",
            "username": login,
            "userIds": f"{{LDAP:{login}}},{{State:{self._nces(0)}{number:06}}}" if number % 5 == 0 else "",
            "givenName": given,
            "familyName": family,
            "middleName": self._ids.first_name("student middle", number) if number % 3 == 0 else "",
            "identifier": self.student_identifier(number),
            "email": f"{plain(family)}.{login}@students.{self._domain}" if number % 40 != 39 else "",
            "agentSourcedIds": ",".join(agents),
            "grades": self._timetable.grade(number),
            "password": f"start-{login}",
        }

    def student_roles(self, number: int) -> Iterator[Row]:
        """Yield a student's records of roles.csv, one for each time at a school."""
        for which, stay in enumerate(self._students.school_stays(number)):
            identity = self._ids.sourced_id("role", "s", number, which)
            role = self._role(identity, self.student_id(number), "student", self._school(stay.school))
            yield role | {"beginDate": str(stay.begin or ""), "endDate": str(stay.end or "")}

    def student_enrollments(self, number: int) -> Iterator[Row]:
        """Yield a student's records of enrollments.csv."""
        user = self.student_id(number)
        for which, stay in enumerate(self._students.stays(number)):
            for subject in range(len(SUBJECTS)):
                times = self._times(subject, stay.begin, stay.end)
                if times:
                    identity = self._ids.sourced_id("enrollment", "s", number, which, subject)
                    key = ClassKey(stay.cell.number, stay.section, subject)
                    yield self._enrollment(identity, key, user, "student", times)

    def guardian(self, key: GuardianKey, children: Iterable[int]) -> Row:
        """Return a guardian's record of users.csv, given the children who are in the roster."""
        pair, which = key
        draw = self._ids.draw("guardian", *key)
        number = f"555-01{(draw[1] + 7 * self._students.phone_number(key)) % 100:02}"
        login = f"g{2 * pair + which + 1:06}"
        return {
            "sourcedId": self.guardian_id(key),
            "enabledUser": "true" if draw[2] % 4 else "false",
            "orgSourcedIds": ",".join(self._guardian_orgs(children)),
            "role": _RELATIONS[draw[3] % 4],
            "username": login,
            "givenName": self._ids.first_name("guardian", *key),
            "familyName": self._students.family_name(key),
            "email": f"{login}@mail.example" if draw[4] % 5 else "",
            "sms": number if draw[5] % 2 else "",
            "phone": number,
            "password": f"start-{login}",
        }

    def guardian_roles(self, key: GuardianKey, children: Iterable[int]) -> Iterator[Row]:
        """Yield a guardian's records of roles.csv, one for each school of the children."""
        relation = _RELATIONS[self._ids.draw("guardian", *key)[3] % 4]
        for number, school in enumerate(self._guardian_orgs(children)):
            identity = self._ids.sourced_id("role", "g", *key, school)
            yield self._role(identity, self.guardian_id(key), relation, school, primary=number == 0)

    def staff(self, member: StaffMember) -> Row:
        """Return a staff member's record of users.csv."""
        return {
            "sourcedId": self.staff_id(member.key),
            "enabledUser": "true",
            "orgSourcedIds": ",".join(self._staff_orgs(member)),
            "role": ROLES_1_1[member.job],
            "username": f"t{plain(member.key)}",
            "userIds": f"{{LDAP:{plain(member.key)}}}",
            "givenName": member.given_name,
            "familyName": member.family_name,
            "identifier": member.identifier,
            "email": member.email,
            "phone": "555-0100",
            "password": f"start-{member.key}",
        }

    def staff_roles(self, member: StaffMember) -> Iterator[Row]:
        """Yield a staff member's records of roles.csv."""
        for number, org in enumerate(self._staff_orgs(member)):
            identity = self._ids.sourced_id("role", "t", member.key, number)
            role = self._role(identity, self.staff_id(member.key), ROLES_1_2[member.job], org, primary=number == 0)
            yield role | {"beginDate": str(member.hired or "")}

    @property
    def unknown_person(self) -> str:
        """The sourcedId of a person whom no file has."""
        return self._ids.sourced_id("grd", "unknown")

    def student_id(self, number: int) -> str:
        """Return a student's sourcedId."""
        return self._ids.sourced_id("stu", number)

    def student_identifier(self, number: int) -> str:
        """Return a student's number in the district."""
        return f"{number + 500000}"

    def guardian_id(self, key: GuardianKey) -> str:
        """Return a guardian's sourcedId."""
        return self._ids.sourced_id("grd", *key)

    def staff_id(self, key: str) -> str:
        """Return a staff member's sourcedId."""
        return self._ids.sourced_id("stf", key)

    def class_id(self, key: ClassKey) -> str:
        """Return a class's sourcedId."""
        return self._ids.sourced_id("class", key.cell, key.section, key.subject)

    def _enrollment(self, identity: str, key: ClassKey, user: str, role: str, times: tuple[str, str]) -> Row:
        return {
            "sourcedId": identity,
            "classSourcedId": self.class_id(key),
            "schoolSourcedId": self._school(self._timetable.cells[key.cell].school),
            "userSourcedId": user,
            "role": role,
            "beginDate": times[0],
            "endDate": times[1],
        }

    def _times(self, subject: int, begin: date, end: date | None) -> tuple[str, str] | None:
        """Return begin and end of an enrollment within its class's terms, None where nothing is left of it."""
        first, over = self._periods[subject]
        begin = max(begin, first)
        if begin >= min(end or over, over):
            return None
        if end is None or end >= over:
            return str(begin), "" if self._open_ended else str(over)
        return str(begin), str(end)

    def _role(self, identity: str, user: str, role: str, org: str, *, primary: bool = True) -> Row:
        return {
            "sourcedId": identity,
            "userSourcedId": user,
            "roleType": "primary" if primary else "secondary",
            "role": role,
            "orgSourcedId": org,
        }

    def _guardian_orgs(self, children: Iterable[int]) -> list[str]:
        schools = dict.fromkeys(self._students.last_stay(child).cell.school.number for child in children)
        return [self._school_ids[number] for number in schools]

    def _staff_orgs(self, member: StaffMember) -> list[str]:
        return [self._school(school) for school in member.schools] or [self._district]

    def _school(self, school: RosterSchool) -> str:
        return self._school_ids[school.number]

    def _session(self, key: str) -> str:
        return self._ids.sourced_id("session", key)

    def _course(self, cell: Cell, subject: int) -> str:
        return self._ids.sourced_id("course", SUBJECTS[subject].code, cell.label)

    def _nces(self, number: int) -> str:
        return f"{int.from_bytes(self._ids.draw('nces')[:3]) % 10_000_000:07}" + (f"{number:05}" if number else "")
