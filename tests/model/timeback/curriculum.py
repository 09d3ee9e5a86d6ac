"""The views that every analyst reads whatever the scope: resources, frameworks, applications, and schools' totals."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.model.roster.views import Caller, students_of_schools
from tests.model.timeback.attempts import ViewRow, known_sessions, nulls_last, session_seconds
from tests.model.timeback.insights import qualifying
from tests.model.timeback.numbers import rounded, seconds

RESOURCES = "caliper_assignable_digital_resource"


def _title(row: Any) -> str:
    return str(row["name"] or row["description"] or "N/A")


def _resources(caller: Caller, kind: str) -> list[Any]:
    return [row for row in caller.tenant.recorded(RESOURCES) if row["media_type"] == f"curriculum/{kind}"]


def _resource(caller: Caller, key: str, kind: str) -> Any:
    found = caller.tenant.record(RESOURCES, key)
    return found if found and found["media_type"] == f"curriculum/{kind}" else None


def _parts(caller: Caller) -> list[Any]:
    """Return the relations that say that something is part of something."""
    rows = caller.tenant.recorded("caliper_resource_relation")
    return [row for row in rows if row["relationship_type"] == "isPartOf"]


def courses(caller: Caller) -> Iterator[ViewRow]:
    """Courses of the curriculum, each with the first of its subjects."""
    for course in _resources(caller, "course"):
        parents = [
            part
            for part in _parts(caller)
            if part["source_id"] == course["id"] and _resource(caller, part["destination_id"], "subject")
        ]
        parents.sort(key=lambda part: nulls_last(part["item_order"], part["destination_id"]))
        yield course["id"], parents[0]["destination_id"] if parents else None, _title(course)


def units(caller: Caller) -> Iterator[ViewRow]:
    """Units of the curriculum."""
    return ((row["id"], _title(row)) for row in _resources(caller, "unit"))


def lessons(caller: Caller) -> Iterator[ViewRow]:
    """Lessons of the curriculum."""
    return ((row["id"], _title(row)) for row in _resources(caller, "lesson"))


def subjects(caller: Caller) -> Iterator[ViewRow]:
    """Subjects of the curriculum."""
    return ((row["id"], _title(row)) for row in _resources(caller, "subject"))


def tests(caller: Caller) -> Iterator[ViewRow]:
    """Tests."""
    return ((row["id"], _title(row)) for row in caller.tenant.recorded("caliper_assessment"))


def questions(caller: Caller) -> Iterator[ViewRow]:
    """Questions."""
    rows = caller.tenant.recorded("caliper_assessment_item")
    return ((row["id"], _title(row), row["media_type"]) for row in rows)


def unit_courses(caller: Caller) -> Iterator[ViewRow]:
    """Which courses units are part of."""
    for part in _parts(caller):
        if _resource(caller, part["source_id"], "unit") and _resource(caller, part["destination_id"], "course"):
            yield part["source_id"], part["destination_id"]


def question_tests(caller: Caller) -> Iterator[ViewRow]:
    """Which tests questions are part of."""
    for part in _parts(caller):
        question = caller.tenant.record("caliper_assessment_item", part["source_id"])
        test = caller.tenant.record("caliper_assessment", part["destination_id"])
        if question and test:
            yield question["id"], test["id"]


def test_parents(caller: Caller) -> Iterator[ViewRow]:
    """Which resources tests are part of."""
    for part in _parts(caller):
        test = caller.tenant.record("caliper_assessment", part["source_id"])
        parent = caller.tenant.record(RESOURCES, part["destination_id"])
        if test and parent:
            yield test["id"], parent["id"], parent["media_type"]


def resource_relations(caller: Caller) -> Iterator[ViewRow]:
    """Every relation between resources, whatever its ends."""
    for row in caller.tenant.recorded("caliper_resource_relation"):
        yield row["source_id"], row["destination_id"], row["relationship_type"], row["item_order"]


def curriculum_items(caller: Caller) -> Iterator[ViewRow]:
    """Items of the frameworks."""
    for row in caller.tenant.recorded("cf_item"):
        yield row["identifier"], row["full_statement"], row["human_coding_scheme"], row["cf_item_type"]


def case_courses(caller: Caller) -> Iterator[ViewRow]:
    """Courses of the frameworks, once for each of their subjects."""
    for row in caller.tenant.recorded("cf_item"):
        if (row["cf_item_type"] or "").lower() == "course":
            mapped = [
                each["subject_id"]
                for each in caller.tenant.recorded("cf_item_subject")
                if each["cf_item_id"] == row["identifier"]
            ]
            for subject in mapped or [None]:
                yield row["identifier"], row["full_statement"], subject


def case_subjects(caller: Caller) -> Iterator[ViewRow]:
    """Subjects of the frameworks."""
    for row in caller.tenant.recorded("cf_subject"):
        if None not in (row["title"], row["hierarchy_code"]):
            yield row["identifier"], row["title"], row["hierarchy_code"], row["description"]


def grades(caller: Caller) -> Iterator[ViewRow]:
    """Grade levels."""
    for row in caller.tenant.recorded("placement_grade"):
        own: ViewRow = (row["id"], row["grade_primary_identifier"], row["label"], row["order_number"])
        if None not in own:
            yield own


def learning_apps(caller: Caller) -> Iterator[ViewRow]:
    """Applications."""
    return ((row["id"], row["name"]) for row in caller.tenant.recorded("lti_application") if row["name"] is not None)


def learning_app_subjects(caller: Caller) -> Iterator[ViewRow]:
    """Which subjects applications name."""
    for row in caller.tenant.recorded("lti_application_subject"):
        yield row["lti_application_id"], row["subject_title"]


def school_usage_stats(caller: Caller) -> Iterator[ViewRow]:
    """How long the students of each school used applications, and how much of it they wasted."""
    used: dict[str, Decimal] = {}
    for row in known_sessions(caller.tenant):
        used[row["user_id"]] = used.get(row["user_id"], Decimal(0)) + (session_seconds(row) or 0)
    wasted: dict[str | None, Decimal] = {}
    for each in qualifying(caller.tenant):
        if each.shows_waste:
            time = rounded(seconds(each.interval))
            wasted[each.session_user_id] = wasted.get(each.session_user_id, Decimal(0)) + time
    for school, students in students_of_schools(caller):
        app_time = sum((used.get(student, Decimal(0)) for student in students), Decimal(0))
        waste_time = sum((wasted.get(student, Decimal(0)) for student in students), Decimal(0))
        yield school["id"], school["name"], len(students), app_time, waste_time
