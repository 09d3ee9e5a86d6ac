"""A small simulated student information system: rosters that change a little each day, exported as OneRoster files."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from random import Random

from tests.model.roster.entities import (
    CLASS_TYPES,
    ENTITIES,
    ORG_TYPES,
    ROLE_TYPES,
    ROLES_1_1,
    ROLES_1_2,
    ROLES_OF_ENROLLMENTS,
    SESSION_TYPES,
    STATUSES,
)
from tests.model.roster.records import Sheet
from tests.model.roster.sheets import ONLY_1_1

Fields = dict[str, str]

_UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
NAMES = ("Ada", "Bö", "de la Cruz", 'Al "Ace"', "O'Hara, Jr.", " Kim ", "李", "Zoë")
# The roles that the views ask for come up more often than the others.
ROLES_USERS_HAVE = ("student", "student", "student", "teacher", "teacher", "parent", *ROLES_1_1)
ROLES_FILED = ("student", "student", "student", "teacher", "principal", "parent", *ROLES_1_2)
SMALL = {
    "academicSessions.csv": 3, "orgs.csv": 5, "courses.csv": 3, "classes.csv": 4, "users.csv": 8,
    "enrollments.csv": 10, "roles.csv": 12,
}  # fmt: skip
LARGE = SMALL | {"users.csv": 34, "enrollments.csv": 42, "roles.csv": 40}


class SourceSystem:
    """What is true at an org, changed a little each day; exports it whole or as changes.

    Every third id is a UUID that other orgs have, too: any org for people and classes, orgs of the tenant for
    organizations.
    """

    def __init__(self, random: Random, tenant: str) -> None:
        self.random = random
        self.tenant = tenant
        self.large = random.random() < 0.2
        self.version = "1.2" if random.random() < 0.25 else "1.1"
        self.rows: dict[str, dict[str, Fields]] = {file: {} for file in ENTITIES}
        self.keys = {file: [self._key(file, n) for n in range(count)] for file, count in self._sizes().items()}
        for file in ENTITIES:
            share = 0.9 if self.large else 0.6
            self.rows[file] = {key: self._row(file) for key in self.keys[file] if random.random() < share}

    def pass_day(self) -> set[tuple[str, str]]:
        """Change something; return what changed as (file, sourcedId)."""
        random, changed = self.random, set()
        for file, rows in self.rows.items():
            for key in self.keys[file]:
                chance = random.random()
                if key not in rows and chance < 0.2:
                    rows[key] = self._row(file)
                elif key in rows and chance < 0.1:
                    del rows[key]
                elif key in rows and chance < 0.3:
                    header = random.choice(list(rows[key]))
                    rows[key][header] = self._row(file)[header]
                else:
                    continue
                changed.add((file, key))
        if self.large and random.random() < 0.4:
            changed |= self._lose_many(random.choice(("users.csv", "enrollments.csv", "roles.csv")))
        if self.version == "1.1" and random.random() < 0.12:
            self.version = "1.2"
        return changed

    def files(self) -> list[str]:
        """Return the files that the system exports in its version of the standard."""
        return [file for file in ENTITIES if self.version == "1.2" or file != "roles.csv"]

    def bulk(self, file: str) -> Sheet:
        """Return all rows of a file."""
        return self.sheet(file, [{"sourcedId": key, **fields} for key, fields in self.rows[file].items()])

    def delta(self, file: str, day: date, changed: set[str]) -> Sheet:
        """Return changes of a file: the changed rows, some that did not change, some twice, some old or gone."""
        random, lines = self.random, []
        for key in self.keys[file]:
            if key not in changed and random.random() > 0.1:
                continue
            fields = self.rows[file].get(key)
            status = "tobedeleted" if fields is None else random.choice(("active", "active", "active", "inactive"))
            lines.append(self._change(key, fields or self._row(file), status, day))
            if random.random() < 0.15:
                lines.append(self._change(key, self._row(file), random.choice(STATUSES), day))
        return self.sheet(file, lines)

    def sheet(self, file: str, lines: list[Fields]) -> Sheet:
        """Return these rows as a file of the system's version."""
        header = [
            header
            for header in ENTITIES[file].headers
            if not (file == "users.csv" and self.version == "1.2" and header in ONLY_1_1)
        ]
        if self.random.random() < 0.06:
            lines = [_with_capital_ids(self.random, fields) for fields in lines]
        return Sheet(file, tuple(header), tuple(tuple(fields.get(name, "") for name in header) for fields in lines))

    def _sizes(self) -> Mapping[str, int]:
        return LARGE if self.large else SMALL

    def _key(self, file: str, number: int) -> str:
        if number % 3 != 0:
            return f"{file[0]}{number}"
        owner = self.tenant if file == "orgs.csv" else "anybody"
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{owner} {file} {number}"))

    def _lose_many(self, file: str) -> set[tuple[str, str]]:
        lost = [key for key in self.rows[file] if self.random.random() < 0.8]
        for key in lost:
            del self.rows[file][key]
        return {(file, key) for key in lost}

    def _change(self, key: str, fields: Fields, status: str, day: date) -> Fields:
        return {"sourcedId": key, "status": status, "dateLastModified": random_moment(self.random, day), **fields}

    def _row(self, file: str) -> Fields:
        return {header: make(self) for header, make in MAKERS[file].items()}

    def some_key(self, file: str) -> str:
        """Return a sourcedId of a file, sometimes of a thing that nobody delivered."""
        return self.random.choice(self.keys[file]) if self.random.random() < 0.95 else "nobody"

    def some_keys(self, file: str, most: int) -> str:
        """Return a list of sourcedIds, one at least."""
        keys = [self.some_key(file) for _ in range(self.random.randint(1, most))]
        return self.random.choice((",", ",", ", ")).join(keys)


def _with_capital_ids(random: Random, fields: Fields) -> Fields:
    """Write a row's UUIDs in capitals: the same ids all the same."""
    capital = {name: _UUID.sub(lambda found: found.group().upper(), value) for name, value in fields.items()}
    return {name: capital[name] if random.random() < 0.7 else value for name, value in fields.items()}


def random_moment(random: Random, day: date) -> str:
    """Return a time near a day, in one of the ways in which systems write it."""
    moment = datetime.combine(day, time()) + timedelta(hours=random.choice((-60, -30, -20, 0, 1, 5, 8, 20, 30)))
    return moment.isoformat() + random.choice(("Z", "Z", ".000Z", ".25Z", "+02:00", "-05:00"))


def _one(*values: str) -> Callable[[SourceSystem], str]:
    return lambda source: source.random.choice(values)


def _day(*, optional: bool, end: bool) -> Callable[[SourceSystem], str]:
    """Return a maker of days around those on which packages come, ends later than begins."""

    def make(source: SourceSystem) -> str:
        if optional and source.random.random() < 0.5:
            return ""
        return (date(2026, 3, 7 if end else 1) + timedelta(days=source.random.randint(-3, 3))).isoformat()

    return make


def _key_of(file: str) -> Callable[[SourceSystem], str]:
    return lambda source: source.some_key(file)


def _keys_of(file: str, most: int) -> Callable[[SourceSystem], str]:
    return lambda source: source.some_keys(file, most)


def _maybe(make: Callable[[SourceSystem], str]) -> Callable[[SourceSystem], str]:
    return lambda source: make(source) if source.random.random() < 0.5 else ""


LIST = _one("", "1", "Algebra I", "Algebra I, Physics", "x,,y", " x ")
MAKERS: Mapping[str, Mapping[str, Callable[[SourceSystem], str]]] = {
    "academicSessions.csv": {
        "title": _one("Fall", "Spring", "Year"),
        "type": _one(*SESSION_TYPES),
        "startDate": _day(optional=False, end=False),
        "endDate": _day(optional=False, end=True),
        "parentSourcedId": _maybe(_key_of("academicSessions.csv")),
        "schoolYear": _one("2026", "2027"),
    },
    "orgs.csv": {
        "name": _one("North", "South", "West, Upper"),
        "type": _one("school", "school", "school", "School", "district", *ORG_TYPES),
        "identifier": _one("", "0042"),
        "parentSourcedId": _maybe(_key_of("orgs.csv")),
    },
    "courses.csv": {
        "title": _one("Algebra", "Physics"),
        "courseCode": _one("", "A1"),
        "grades": _one("", "09", "09,10"),
        "subjects": LIST,
        "subjectCodes": LIST,
        "orgSourcedId": _key_of("orgs.csv"),
        "schoolYearSourcedId": _maybe(_key_of("academicSessions.csv")),
    },
    "classes.csv": {
        "title": _one("Period 1", "Period 2"),
        "classCode": _one("", "P1"),
        "grades": _one("", "09", "KG,01"),
        "subjects": LIST,
        "subjectCodes": LIST,
        "classType": _one(*CLASS_TYPES, "Scheduled"),
        "location": _one("", "Room 1"),
        "courseSourcedId": _key_of("courses.csv"),
        "schoolSourcedId": _key_of("orgs.csv"),
        "termSourcedIds": _keys_of("academicSessions.csv", 2),
        "periods": _one("", "1", "1,3,5"),
    },
    "enrollments.csv": {
        "userSourcedId": _key_of("users.csv"),
        "classSourcedId": _key_of("classes.csv"),
        "schoolSourcedId": _key_of("orgs.csv"),
        "role": _one("student", "student", "student", "Student", *ROLES_OF_ENROLLMENTS),
        "primary": _one("", "", "true", "false", "TRUE", "no"),
        "beginDate": _day(optional=True, end=False),
        "endDate": _day(optional=True, end=True),
    },
    "users.csv": {
        "enabledUser": _one("true", "false", "yes"),
        "username": _one("a", "b"),
        "givenName": _one(*NAMES),
        "middleName": _one("", "M."),
        "familyName": _one(*NAMES),
        "identifier": _one("", "4711"),
        "email": _one("", "a@example.org"),
        "sms": _one("", "555"),
        "phone": _one("", "555"),
        "grades": _one("", "05", "05, 06"),
        "userIds": _one("", "{LDAP:x}", "{LDAP:x},{LTI:y}"),
        "role": _one(*ROLES_USERS_HAVE),
        "orgSourcedIds": _keys_of("orgs.csv", 3),
        "agentSourcedIds": _maybe(_keys_of("users.csv", 3)),
    },
    "roles.csv": {
        "userSourcedId": _key_of("users.csv"),
        "orgSourcedId": _key_of("orgs.csv"),
        "role": _one(*ROLES_FILED),
        "roleType": _one(*ROLE_TYPES, "primary"),
        "beginDate": _day(optional=True, end=False),
        "endDate": _day(optional=True, end=True),
    },
}
