"""The rostering files: what their columns are called, hold and become, written by hand from the contract."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass

STATUSES = ("active", "tobedeleted", "inactive")
SESSION_TYPES = ("gradingPeriod", "semester", "schoolYear", "term")
ORG_TYPES = ("department", "school", "district", "local", "state", "national")
CLASS_TYPES = ("homeroom", "scheduled")
ROLES_1_1 = ("administrator", "aide", "guardian", "parent", "proctor", "relative", "student", "teacher")
ROLES_1_2 = (
    "aide", "counselor", "districtAdministrator", "guardian", "parent", "principal", "proctor", "relative",
    "siteAdministrator", "student", "systemAdministrator", "teacher",
)  # fmt: skip
ROLES_OF_ENROLLMENTS = ("administrator", "proctor", "student", "teacher")
ROLE_TYPES = ("primary", "secondary")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """A column of a file: the table's column it becomes, and how its text is read.

    ``kind``: text, list, date, integer, boolean, enum, id or ids; the last two refer to things of the type ``of``.
    ``required``: yes, no, or 1.1 (in version 1.1 only).
    """

    name: str
    header: str
    kind: str = "text"
    required: str = "no"
    of: str | tuple[str, ...] = ""


@dataclass(frozen=True)
class Entity:
    """A rostering file, the type its derived ids are made with, and the table its records become.

    ``columns`` become columns of the table, in its order; ``beside`` are kept for the roles and agents they imply.
    """

    file: str
    table: str
    type: str
    columns: tuple[Column, ...]
    beside: tuple[Column, ...] = ()

    @property
    def headers(self) -> tuple[str, ...]:
        """Return every header of the file that the platform stores something of."""
        own = (column.header for column in (*self.columns, *self.beside))
        return ("sourcedId", "status", "dateLastModified", *own)


TITLE = Column("title", "title", required="yes")
GRADES = Column("grades", "grades", "list")
SUBJECTS = (Column("subjects", "subjects", "list"), Column("subject_codes", "subjectCodes", "list"))
PARENT_ORG = Column("parent_id", "parentSourcedId", "id", of="org")
PARENT_SESSION = Column("parent_id", "parentSourcedId", "id", of="academicSession")
FROM_TO = (Column("begin_date", "beginDate", "date"), Column("end_date", "endDate", "date"))

SESSIONS = Entity(
    "academicSessions.csv",
    "one_roster_academic_session",
    "academicSession",
    (
        TITLE,
        Column("type", "type", "enum", "yes", SESSION_TYPES),
        Column("start_date", "startDate", "date", "yes"),
        Column("end_date", "endDate", "date", "yes"),
        PARENT_SESSION,
        Column("school_year", "schoolYear", "integer", "yes"),
    ),
)
ORGS = Entity(
    "orgs.csv",
    "one_roster_organization",
    "org",
    (
        Column("name", "name", required="yes"),
        Column("type", "type", "enum", "yes", ORG_TYPES),
        Column("identifier", "identifier"),
        PARENT_ORG,
    ),
)
COURSES = Entity(
    "courses.csv",
    "one_roster_course",
    "course",
    (
        TITLE,
        Column("course_code", "courseCode"),
        GRADES,
        *SUBJECTS,
        Column("organization_id", "orgSourcedId", "id", "yes", "org"),
        Column("school_year_id", "schoolYearSourcedId", "id", of="academicSession"),
    ),
)
CLASSES = Entity(
    "classes.csv",
    "one_roster_class",
    "class",
    (
        TITLE,
        Column("class_code", "classCode"),
        GRADES,
        *SUBJECTS,
        Column("class_type", "classType", "enum", "yes", CLASS_TYPES),
        Column("location", "location"),
        Column("course_id", "courseSourcedId", "id", "yes", "course"),
        Column("school_id", "schoolSourcedId", "id", "yes", "org"),
        Column("term_ids", "termSourcedIds", "ids", "yes", "academicSession"),
        Column("periods", "periods", "list"),
    ),
)
ENROLLMENTS = Entity(
    "enrollments.csv",
    "one_roster_enrollment",
    "enrollment",
    (
        Column("user_id", "userSourcedId", "id", "yes", "user"),
        Column("class_id", "classSourcedId", "id", "yes", "class"),
        Column("school_id", "schoolSourcedId", "id", "yes", "org"),
        Column("role", "role", "enum", "yes", ROLES_OF_ENROLLMENTS),
        Column("primary", "primary", "boolean"),
        *FROM_TO,
    ),
)
USERS = Entity(
    "users.csv",
    "one_roster_user",
    "user",
    (
        Column("enabled_user", "enabledUser", "boolean", "yes"),
        Column("username", "username", required="yes"),
        Column("given_name", "givenName", required="yes"),
        Column("middle_name", "middleName"),
        Column("family_name", "familyName", required="yes"),
        Column("identifier", "identifier"),
        Column("email", "email"),
        Column("sms", "sms"),
        Column("phone", "phone"),
        GRADES,
        Column("user_ids", "userIds"),
    ),
    beside=(
        Column("role", "role", "enum", "1.1", ROLES_1_1),
        Column("orgs", "orgSourcedIds", "list", "1.1"),
        Column("agents", "agentSourcedIds", "list"),
    ),
)
ROLES = Entity(
    "roles.csv",
    "one_roster_role",
    "role",
    (
        Column("user_id", "userSourcedId", "id", "yes", "user"),
        Column("organization_id", "orgSourcedId", "id", "yes", "org"),
        Column("role", "role", "enum", "yes", ROLES_1_2),
        Column("role_type", "roleType", "enum", "yes", ROLE_TYPES),
        *FROM_TO,
    ),
)
ENTITIES = {entity.file: entity for entity in (SESSIONS, ORGS, COURSES, CLASSES, ENROLLMENTS, USERS, ROLES)}

COMMON = ("org_id", "id", "sourced_id", "status", "date_last_modified")
AGENT_COLUMNS = (
    "source_user_id", "agent_user_id", "relationship_type", "begin_date", "end_date", "date_created",
)  # fmt: skip
# table -> its columns in the contract's order
TABLES = {
    **{entity.table: (*COMMON, *(column.name for column in entity.columns)) for entity in ENTITIES.values()},
    "one_roster_user_agent": (*COMMON, *AGENT_COLUMNS),
}


def identity(org: str, kind: str, sourced_id: str) -> str:
    """Return the id of a thing: its sourcedId where that is a UUID, else made from org, type and sourcedId."""
    if _UUID.fullmatch(sourced_id):
        return sourced_id.lower()
    return derived(f"{org}|{kind}|{sourced_id}")


def derived(text: str) -> str:
    """Return the UUID whose digits are the MD5 of a text."""
    return str(uuid.UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()))
