"""The ten roster views, by name, as any scope sees them: columns in the catalogue's order, one tuple per row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from tests.model.roster.records import Value
from tests.model.roster.tenants import Tenant

Columns = Mapping[str, Value]
ViewRow = tuple[Value, ...]
# What a caller may see: ids of organizations, or everything.
Scope = frozenset[str] | None
EVERYTHING: Scope = None


@dataclass(frozen=True)
class Caller:
    """One tenant's rows as one scope sees them on one day."""

    tenant: Tenant
    today: date
    scope: Scope

    def org_ids(self, user: Value) -> tuple[str, ...]:
        """Return a person's organizations, those of the scope alone, in order."""
        ids = self._organizations[user]
        return tuple(sorted(ids if self.scope is None else ids & self.scope))

    @cached_property
    def _organizations(self) -> Mapping[Value, set[str]]:
        found: dict[Value, set[str]] = defaultdict(set)
        for role in self.tenant.rows("one_roster_role"):
            if self.counts(role):
                found[role["user_id"]].add(str(role["organization_id"]))
        return found

    def has_left(self, row: Columns) -> bool:
        """Tell whether the person of a membership has ended in the org that the row is from."""
        return (str(row["org_id"]), str(row["user_id"])) in self.tenant.left

    def counts(self, row: Columns) -> bool:
        """Tell whether a membership of a person holds today."""
        return is_current(row, self.today) and not self.has_left(row)

    def sees(self, user: Value) -> bool:
        """Tell whether rows about a person are seen at all."""
        return self.scope is None or bool(self.org_ids(user))


def is_current(row: Columns, today: date) -> bool:
    """Tell whether a membership or relation holds today; ends are exclusive."""
    begin, end = row["begin_date"], row["end_date"]
    begun = not isinstance(begin, date) or begin <= today
    return row["status"] != "tobedeleted" and begun and not (isinstance(end, date) and end <= today)


def view(name: str, tenants: Iterable[Tenant], today: date, scope: Scope = EVERYTHING) -> Counter[ViewRow]:
    """Return a view's rows with how often each occurs; tenants do not see each other, a caller may see several."""
    return Counter(row for tenant in tenants for row in VIEWS[name](Caller(tenant, today, scope)))


def _name(user: Columns | None) -> str | None:
    parts = [str(user[part] or "").strip(" ") for part in ("given_name", "family_name")] if user else []
    return " ".join(part for part in parts if part) or None


def _roles(caller: Caller, *names: str) -> list[Columns]:
    return [row for row in caller.tenant.rows("one_roster_role") if row["role"] in names]


def _people(caller: Caller, *roles: str) -> Iterator[Columns]:
    """Yield the people of the roster who hold one of these roles today and are seen."""
    for user in sorted({str(r["user_id"]) for r in _roles(caller, *roles) if caller.counts(r)}):
        known = caller.tenant.row("one_roster_user", user)
        if known and caller.sees(user):
            yield known


def _addresses(caller: Caller, people: Iterable[Columns]) -> Iterator[ViewRow]:
    for known in people:
        if name := _name(known):
            yield known["id"], name, known["email"], caller.org_ids(known["id"])


def students(caller: Caller) -> Iterator[ViewRow]:
    """Everyone who is a student today."""
    return _addresses(caller, _people(caller, "student"))


def guides(caller: Caller) -> Iterator[ViewRow]:
    """Everyone who is a teacher or principal today."""
    return _addresses(caller, _people(caller, "teacher", "principal"))


def _student_enrollments(caller: Caller) -> list[tuple[Columns, Columns]]:
    """Return the student enrollments in known classes, each with its class."""
    found = []
    for enrollment in caller.tenant.rows("one_roster_enrollment"):
        held = caller.tenant.row("one_roster_class", enrollment["class_id"])
        if enrollment["role"] == "student" and held:
            found.append((enrollment, held))
    return found


def _attachments(caller: Caller) -> Iterator[tuple[str, Columns, str, Columns]]:
    """Yield (student, school, kind of link, the row that links them) for student roles and classes at schools."""
    for role in _roles(caller, "student"):
        if school := _school(caller, role["organization_id"]):
            yield str(role["user_id"]), school, f"{role['role_type']}_role", role
    for enrollment, held in _student_enrollments(caller):
        if school := _school(caller, held["school_id"]):
            yield str(enrollment["user_id"]), school, "enrollment", enrollment


def _school(caller: Caller, key: Value) -> Columns | None:
    found = caller.tenant.row("one_roster_organization", key)
    return found if found and found["type"] == "school" else None


def students_of_schools(caller: Caller) -> Iterator[tuple[Columns, set[str]]]:
    """Yield every school, whatever the scope, with its students of today."""
    students_of: dict[Value, set[str]] = defaultdict(set)
    for student, school, _, row in _attachments(caller):
        if caller.counts(row):
            students_of[school["id"]].add(student)
    for school in caller.tenant.rows("one_roster_organization"):
        if school["type"] == "school":
            yield school, students_of[school["id"]]


def schools(caller: Caller) -> Iterator[ViewRow]:
    """Every school, whatever the scope, with the number of its students of today."""
    for school, attached in students_of_schools(caller):
        own = (school["id"], school["name"], school["identifier"], school["parent_id"])
        yield *own, _organization_name(caller, school["parent_id"]), school["status"], len(attached)


def _organization_name(caller: Caller, key: Value) -> Value:
    found = caller.tenant.row("one_roster_organization", key)
    return found["name"] if found else None


def student_schools(caller: Caller) -> Iterator[ViewRow]:
    """Every distinct attachment of a student to a school; an ended one that has no end would read as if it lasted."""
    rows = {
        (student, school["id"], school["name"], kind, row["begin_date"], row["end_date"])
        for student, school, kind, row in _attachments(caller)
        if row["end_date"] or not (row["status"] == "tobedeleted" or caller.has_left(row))
    }
    for row in rows:
        if caller.sees(row[0]):
            yield *row, caller.org_ids(row[0])


def students_enrollments(caller: Caller) -> Iterator[ViewRow]:
    """The names of the organizations at which someone is a student today."""
    roles = [role for role in _roles(caller, "student") if caller.counts(role)]
    pairs = {(str(role["user_id"]), _organization_name(caller, role["organization_id"])) for role in roles}
    for student, name in pairs:
        if name is not None and caller.sees(student):
            yield student, name, caller.org_ids(student)


def student_start_dates(caller: Caller) -> Iterator[ViewRow]:
    """The first days of everyone who is a student today."""
    for student in (person["id"] for person in _people(caller, "student")):
        held = [r for r in _roles(caller, "student") if r["user_id"] == student]
        held = [role for role in held if _school(caller, role["organization_id"])]
        admission = _first(role for role in held if role["role_type"] == "primary") or _first(held)
        enrolled = [r for r in caller.tenant.rows("one_roster_enrollment") if r["role"] == "student"]
        first_class = _first(r for r in enrolled if r["user_id"] == student)
        yield student, admission, first_class, _first_result(caller, student), caller.org_ids(student)


def _first_result(caller: Caller, student: Value) -> date | None:
    """Return the day of someone's first finished assessment that has a report."""
    finished = [
        result["score_date"]
        for result in caller.tenant.recorded("one_roster_assessment_result")
        if (result["student_id"], result["status"], result["score_status"]) == (student, "active", "fully graded")
        and result["report_url"]
    ]
    return min((day for day in finished if day), default=None)


def _first(rows: Iterable[Columns]) -> date | None:
    return min((begin for row in rows if isinstance(begin := row["begin_date"], date)), default=None)


def _course_and_school(caller: Caller, held: Columns) -> tuple[Value, ...]:
    course = caller.tenant.row("one_roster_course", held["course_id"])
    school = _organization_name(caller, held["school_id"])
    return held["course_id"], course["title"] if course else None, held["school_id"], school


def subject_ids(caller: Caller, held: Columns) -> tuple[str, ...]:
    """Return the subjects that a class names, by code or else by title; without codes of its own by its subjects."""
    named = held["subject_codes"] or held["subjects"] or ()
    assert isinstance(named, tuple)
    found = (_subject(caller, "hierarchy_code", name) or _subject(caller, "title", name) for name in named)
    return tuple(sorted({subject for subject in found if subject}))


def _subject(caller: Caller, column: str, name: str) -> str | None:
    subjects = caller.tenant.recorded("cf_subject")
    matches = (row["identifier"] for row in subjects if row[column] and _plain(row[column]) == _plain(name))
    return min(matches, default=None)


def _plain(text: str) -> str:
    return text.replace(",", "").lower()


def grade_ids(caller: Caller, held: Columns) -> tuple[str, ...]:
    """Return the grades whose identifiers a class names."""
    named = held["grades"] or ()
    assert isinstance(named, tuple)
    grades = caller.tenant.recorded("placement_grade")
    return tuple(sorted(grade["id"] for grade in grades if grade["grade_primary_identifier"] in named))


def classes(caller: Caller) -> Iterator[ViewRow]:
    """Every class, whatever the scope."""
    for held in caller.tenant.rows("one_roster_class"):
        own = (held["id"], held["title"], held["class_code"], held["class_type"])
        matched = (subject_ids(caller, held), grade_ids(caller, held))
        yield *own, *_course_and_school(caller, held), held["status"], *matched


def class_enrollments(caller: Caller) -> Iterator[ViewRow]:
    """Every enrollment of a student in a known class, ended ones too."""
    for row, held in _student_enrollments(caller):
        if caller.sees(row["user_id"]):
            placed = (held["id"], held["title"], *_course_and_school(caller, held))
            dates = (row["begin_date"], row["end_date"])
            own = (row["role"], bool(row["primary"]), *dates, row["status"])
            matched = (subject_ids(caller, held), grade_ids(caller, held))
            yield row["id"], row["user_id"], *placed, *own, *matched


def course_enrollments(caller: Caller) -> Iterator[ViewRow]:
    """A student's classes of one course together."""
    taken: dict[tuple[Value, Value], list[tuple[Columns, Columns]]] = defaultdict(list)
    for row, held in _student_enrollments(caller):
        if caller.sees(row["user_id"]) and row["status"] != "tobedeleted" and held["course_id"]:
            taken[row["user_id"], held["course_id"]].append((row, held))
    for (student, course), rows in taken.items():
        titled = caller.tenant.row("one_roster_course", course)
        schools_of = tuple(sorted({str(held["school_id"]) for _, held in rows if held["school_id"]}))
        ends = [row["end_date"] for row, _ in rows]
        flags = [row["primary"] for row, _ in rows if row["primary"] is not None]
        yield (
            student,
            course,
            titled["title"] if titled else None,
            schools_of,
            tuple(sorted({subject for _, held in rows for subject in subject_ids(caller, held)})),
            _first(row for row, _ in rows),
            max((end for end in ends if isinstance(end, date)), default=None) if None not in ends else None,
            any(flags) if flags else None,
            len({held["id"] for _, held in rows}),
        )


def student_guides(caller: Caller) -> Iterator[ViewRow]:
    """Every teacher or principal that a roster names for someone who is or was a student."""
    ever = {role["user_id"] for role in _roles(caller, "student")}
    for row in caller.tenant.rows("one_roster_user_agent"):
        student, guide = row["source_user_id"], row["agent_user_id"]
        names = [_name(caller.tenant.row("one_roster_user", user)) for user in (student, guide)]
        if row["relationship_type"] not in {"teacher", "principal"} or student not in ever or not all(names):
            continue
        if caller.sees(student):
            link = (row["relationship_type"], row["status"], row["begin_date"], row["end_date"])
            times = (row["date_created"], row["date_last_modified"])
            yield student, names[0], guide, names[1], *link, *times, caller.org_ids(student)


VIEWS: Mapping[str, Callable[[Caller], Iterator[ViewRow]]] = {
    view.__name__: view
    for view in (
        students, guides, student_guides, schools, student_schools, students_enrollments, student_start_dates,
        classes, class_enrollments, course_enrollments,
    )
}  # fmt: skip
