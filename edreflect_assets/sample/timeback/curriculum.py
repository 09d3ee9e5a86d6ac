"""The curriculum: a course for each learned subject and grade, with its units, lessons, tests and questions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from edreflect_assets.sample.rosters import RosterSystem
from edreflect_assets.sample.rosters.timetable import GRADES
from edreflect_assets.sample.timeback.learners import roster_id
from edreflect_assets.sample.timeback.subjects import LEARNED, reference_id, rows

UNITS_A_COURSE = 5
LESSONS_A_UNIT = 4
LESSONS_A_COURSE = UNITS_A_COURSE * LESSONS_A_UNIT
QUESTIONS_A_LESSON = 5
# What a lesson has to attempt, in this order: itself, its questions, its test.
RESOURCES_A_LESSON = 1 + QUESTIONS_A_LESSON + 1
LESSON, TEST = 0, RESOURCES_A_LESSON - 1

_PART_OF, _FOLLOWS = "isPartOf", "follows"
# This subject's tests are known by their addresses.
_WITH_ADDRESSES = "Science"
_TABLES = {"test": "caliper_assessment", "quiz": "caliper_assessment_item", "guiding": "caliper_assessment_item"}
_KINDS = ("Solve", "Explain", "Compare", "Estimate", "Draw", "Find the mistake in")


class Resource(NamedTuple):
    """A resource of the curriculum; ``kind`` is its media type, of a test ``test``."""

    id: str
    kind: str
    name: str | None
    description: str | None = None


class Relation(NamedTuple):
    """How a resource belongs to another one."""

    source_id: str
    destination_id: str
    relationship_type: str
    item_order: int | None


class Curriculum(NamedTuple):
    """All resources and relations; ``attempted`` holds the ids of what lessons have to attempt, lesson by lesson."""

    resources: tuple[Resource, ...]
    relations: tuple[Relation, ...]
    attempted: pl.Series

    def frames(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield the tables of the curriculum."""
        tables: dict[str, list[Resource]] = {}
        for resource in self.resources:
            tables.setdefault(_TABLES.get(resource.kind, "caliper_assignable_digital_resource"), []).append(resource)
        for name, held in tables.items():
            frame = rows(("id", "media_type", "name", "description"), held)
            yield name, frame.drop("media_type") if name == "caliper_assessment" else frame
        yield "caliper_resource_relation", rows(Relation._fields, self.relations)


def first_of_lesson(course: pl.Expr, lesson: pl.Expr) -> pl.Expr:
    """Return the place in ``Curriculum.attempted`` at which a lesson's resources begin."""
    return (course * LESSONS_A_COURSE + lesson) * RESOURCES_A_LESSON


def course_of(subject: pl.Expr, grade: pl.Expr) -> pl.Expr:
    """Return the number of a course by the numbers of its subject in LEARNED and of its grade in GRADES."""
    return subject * len(GRADES) + grade


def unit_id(subject: str, grade: str, unit: int) -> str:
    """Return the id of a unit."""
    return reference_id("unit", subject, grade, unit)


def course_id(subject: str, grade: str) -> str:
    """Return the id of a course."""
    return reference_id("course", subject, grade)


def lesson_name(subject: str, grade: str, lesson: int) -> str:
    """Return the name of a lesson."""
    return f"{subject} {grade}, lesson {lesson + 1}"


@lru_cache(maxsize=1)
def curriculum() -> Curriculum:
    """Return the curriculum, the same for every org and seed."""
    parts = [_course(subject, grade, order) for order, subject in enumerate(LEARNED) for grade in GRADES]
    subjects = [Resource(_top_id(subject), "curriculum/subject", subject) for subject in LEARNED]
    return Curriculum(
        (*subjects, *(resource for part in parts for resource in part.resources)),
        tuple(relation for part in parts for relation in part.relations),
        pl.concat(part.attempted for part in parts),
    )


def district_courses(roster: RosterSystem) -> Curriculum:
    """Return the courses of a roster as resources, which an org delivers beside what all share; nothing is in them."""
    resources: list[Resource] = []
    relations: list[Relation] = []
    for course in roster.files()["courses.csv"]():
        own = roster_id(roster.org, "course", course["sourcedId"])
        resources.append(Resource(own, "curriculum/course", course["title"]))
        relations += [
            Relation(own, _top_id(subject), _PART_OF, None)
            for subject in course["subjects"].split(",")
            if subject in LEARNED
        ]
    return Curriculum(tuple(resources), tuple(relations), pl.Series(dtype=pl.String))


def lesson_id(subject: str, grade: str, lesson: int) -> str:
    """Return the id of a lesson."""
    return reference_id("lesson", subject, grade, lesson)


def test_id(subject: str, grade: str, lesson: int) -> str:
    """Return the id of a lesson's test: a UUID or an address."""
    if subject == _WITH_ADDRESSES:
        return f"https://tidepool.example/lesson/{lesson_id(subject, grade, lesson)}/practice"
    return reference_id("test", subject, grade, lesson)


def _top_id(subject: str) -> str:
    return reference_id("curriculum", subject)


def _course(subject: str, grade: str, order: int) -> Curriculum:
    """Return a course with all that is part of it."""
    course, name = course_id(subject, grade), f"{subject} {grade}"
    resources = [Resource(course, "curriculum/course", f"{subject}, grade {grade}")]
    relations = [Relation(course, _top_id(subject), _PART_OF, order)]
    attempted: list[str] = []
    for unit in range(UNITS_A_COURSE):
        own = unit_id(subject, grade, unit)
        resources.append(Resource(own, "curriculum/unit", f"{name}, unit {unit + 1}"))
        relations.append(Relation(own, course, _PART_OF, unit + 1))
    for lesson in range(LESSONS_A_COURSE):
        questions = [reference_id("question", subject, grade, lesson, n) for n in range(QUESTIONS_A_LESSON)]
        resources += _lesson_resources(subject, grade, lesson, questions)
        relations += _lesson_relations(subject, grade, lesson, questions)
        attempted += [lesson_id(subject, grade, lesson), *questions, test_id(subject, grade, lesson)]
    return Curriculum(tuple(resources), tuple(relations), pl.Series(attempted))


def _lesson_resources(subject: str, grade: str, lesson: int, questions: list[str]) -> Iterator[Resource]:
    """Yield a lesson, its test and its questions; some have a description instead of a name, some neither."""
    name = lesson_name(subject, grade, lesson)
    yield Resource(
        lesson_id(subject, grade, lesson), "curriculum/lesson", name if lesson % 9 else None, f"What {name} is about"
    )
    yield Resource(
        test_id(subject, grade, lesson),
        "test",
        f"Check of {name}" if lesson % 7 else None,
        None if lesson % 14 else f"Check: {name}",
    )
    for number, question in enumerate(questions):
        title = f"{_KINDS[(lesson + number) % len(_KINDS)]} item {number + 1} of {name}"
        kind = "guiding" if number % 3 == 2 else "quiz"
        yield Resource(question, kind, title if (lesson + number) % 11 else None)


def _lesson_relations(subject: str, grade: str, lesson: int, questions: list[str]) -> Iterator[Relation]:
    """Yield how a lesson, its test and its questions belong together, and to unit and neighbour."""
    unit, place = divmod(lesson, LESSONS_A_UNIT)
    own, test, of_unit = (
        lesson_id(subject, grade, lesson),
        test_id(subject, grade, lesson),
        unit_id(subject, grade, unit),
    )
    yield Relation(own, of_unit, _PART_OF, place + 1)
    yield Relation(test, own, _PART_OF, None)
    if place == LESSONS_A_UNIT - 1:
        # the last test of a unit is also the unit's own
        yield Relation(test, of_unit, _PART_OF, LESSONS_A_UNIT + 1)
    if lesson:
        yield Relation(own, lesson_id(subject, grade, lesson - 1), _FOLLOWS, None)
    for number, question in enumerate(questions):
        yield Relation(question, test, _PART_OF, number + 1)
    if place:
        # the first question of a lesson comes already in the test before
        yield Relation(questions[0], test_id(subject, grade, lesson - 1), _PART_OF, QUESTIONS_A_LESSON + 1)
