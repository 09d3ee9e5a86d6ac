"""A small roster without a fault, and ways to spoil it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from edreflect_assets.contracts import load_feeds
from edreflect_assets.roster.validation import validate
from edreflect_assets.roster.verdict import PackageVerdict

FEED = load_feeds()["oneroster"]
CHANGED = "2026-03-01T08:00:00Z"

_GOOD = {
    "academicSessions.csv": """\
sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear
y1,,,2025/26,schoolYear,2025-08-01,2026-07-01,,2026
t1,,,Autumn,term,2025-08-01,2026-01-01,y1,2026
t2,,,Spring,term,2026-01-01,2026-07-01,y1,2026
""",
    "orgs.csv": """\
sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId
d1,,,Springfield,district,,
s1,,,North High,school,100,d1
s2,,,South High,school,200,d1
""",
    "courses.csv": """\
sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes
c1,,,y1,Algebra,ALG,09,d1,Mathematics,02052
""",
    "classes.csv": """\
sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods
k1,,,Algebra 1,09,c1,A1,scheduled,R1,s1,"t1,t2",Mathematics,02052,"1,3"
k2,,,Algebra 2,09,c1,A2,homeroom,,s1,t1,,,
""",
    "enrollments.csv": """\
sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate
e1,,,k1,s1,u1,teacher,true,2025-08-01,2026-07-01
e2,,,k1,s1,u2,student,false,2025-09-01,2026-07-01
e3,,,k2,s1,u2,student,,,
""",
    "users.csv": """\
sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades
u1,,,true,"s1,s2",teacher,alee,{LDAP:alee},Ann,Lee,,7,alee@x.example,,,,
u2,,,true,s1,student,zray,,Zoë,Ray,,8,,,,"u1,u3",09
u3,,,false,s1,guardian,mray,"{LDAP:mray},{Fed:m:1}",Max,Ray,,,,,,u2,
""",
    "manifest.csv": """\
propertyName,value
manifest.version,1.0
oneroster.version,1.1
file.academicSessions,bulk
file.orgs,bulk
file.courses,bulk
file.classes,bulk
file.enrollments,bulk
file.users,bulk
""",
}
_ROLES = """\
sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId
r1,,,u1,primary,teacher,2025-08-01,,s1,
r2,,,u2,primary,student,,,s1,
r3,,,u3,primary,guardian,,,s1,
"""


class Roster:
    """The files of a package as tables of fields without commas' quotes; lines are physical lines, the header is 1."""

    def __init__(self, files: dict[str, str] | None = None) -> None:
        self.tables = {file: [_fields(line) for line in text.splitlines()] for file, text in (files or _GOOD).items()}
        self.texts: dict[str, bytes] = {}
        self.left_aside: tuple[str, ...] = ()

    def set(self, file: str, line: int, column: str, value: str) -> Roster:
        """Give a field another value."""
        table = self.tables[file]
        table[line - 1][table[0].index(column)] = value
        return self

    def rename(self, file: str, column: str, name: str) -> Roster:
        """Give a column another name."""
        header = self.tables[file][0]
        header[header.index(column)] = name
        return self

    def drop_column(self, file: str, *columns: str) -> Roster:
        """Leave columns out."""
        for column in columns:
            place = self.tables[file][0].index(column)
            for row in self.tables[file]:
                del row[place]
        return self

    def add_column(self, file: str, name: str, values: Sequence[str] = (), place: int | None = None) -> Roster:
        """Add a column at the end, or before the one at ``place``."""
        for n, row in enumerate(self.tables[file]):
            value = name if n == 0 else values[n - 1] if n <= len(values) else ""
            row.insert(len(row) if place is None else place, value)
        return self

    def repeat(self, file: str, line: int, **changed: str) -> Roster:
        """Append a copy of a line with some fields changed."""
        table = self.tables[file]
        table.append([changed.get(name, value) for name, value in zip(table[0], table[line - 1], strict=True)])
        return self

    def cut(self, file: str, lines: int) -> Roster:
        """Keep only the first lines."""
        del self.tables[file][lines:]
        return self

    def drop(self, *files: str) -> Roster:
        """Leave files out, of the manifest, too."""
        for file in files:
            del self.tables[file]
            self.say(file, "absent")
        return self

    def only(self, *files: str) -> Roster:
        """Leave every other file out, the manifest included; it is not asked for."""
        self.tables = {file: table for file, table in self.tables.items() if file in files}
        return self

    def say(self, file: str, mode: str) -> Roster:
        """Let the manifest say something of a file; nothing when ``mode`` is empty."""
        return self.declare(f"file.{file.removesuffix('.csv')}", mode)

    def declare(self, name: str, value: str) -> Roster:
        """Set a property of the manifest, or remove it when the value is empty."""
        manifest = self.tables["manifest.csv"]
        for n, row in enumerate(manifest):
            if row[0] == name:
                if value:
                    manifest[n] = [name, value]
                else:
                    del manifest[n]
                return self
        if value:
            manifest.append([name, value])
        return self

    def as_delta(self, file: str, status: str = "active") -> Roster:
        """Give every row of a file a status and a time, and say so in the manifest."""
        for line in range(2, len(self.tables[file]) + 1):
            self.set(file, line, "status", status).set(file, line, "dateLastModified", CHANGED)
        return self.say(file, "delta")

    def as_1_2(self) -> Roster:
        """Move roles from users.csv to a roles.csv."""
        self.drop_column("users.csv", "orgSourcedIds", "role")
        self.tables["roles.csv"] = [_fields(line) for line in _ROLES.splitlines()]
        return self.declare("oneroster.version", "1.2").say("roles.csv", "bulk")

    def text(self, file: str) -> bytes:
        """Return the bytes of a file."""
        return self.texts[file] if file in self.texts else b"".join(_line(row) for row in self.tables[file])

    def replace(self, file: str, text: bytes) -> Roster:
        """Let a file consist of these bytes."""
        self.texts[file] = text
        return self

    def insert(self, file: str, line: int, text: bytes) -> Roster:
        """Put bytes before a line of a file."""
        lines = self.text(file).splitlines(keepends=True)
        return self.replace(file, b"".join([*lines[: line - 1], text, *lines[line - 1 :]]))

    def write(self, folder: Path) -> dict[str, Path]:
        """Write the files and return their paths by name."""
        paths = {file: folder / file for file in {**self.tables, **self.texts}}
        for file, path in paths.items():
            path.write_bytes(self.text(file))
        return paths

    def judged(self, folder: Path) -> PackageVerdict:
        """Validate the package."""
        return validate(FEED, self.write(folder), self.left_aside)


def _fields(line: str) -> list[str]:
    return next(csv.reader([line]))


def _line(row: Sequence[str]) -> bytes:
    return (",".join(f'"{field}"' if "," in field or "\n" in field else field for field in row) + "\n").encode()
