"""What all orgs share and each delivers on its first day, and the few changes of it that come later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from edreflect_assets.sample.rosters.timetable import GRADES
from edreflect_assets.sample.timeback.curriculum import (
    UNITS_A_COURSE,
    curriculum,
    lesson_id,
    lesson_name,
    test_id,
    unit_id,
)
from edreflect_assets.sample.timeback.subjects import (
    APPS,
    CASE_SUBJECTS,
    GRADE_LABELS,
    LEARNED,
    app_id,
    grade_id,
    reference_id,
    rows,
    subject_id,
)

# The sample's day, from 0, on which the shared data change.
CHANGE_INDEX = 2
ACHIEVEMENTS_A_COURSE = UNITS_A_COURSE + 1


class InsightType(NamedTuple):
    """A kind of insight; ``review`` is what the configuration says of it, None where there is no configuration."""

    slug: str
    category: str
    visibility: str
    is_waste: bool | None
    review: bool | None
    reasons: tuple[str, ...]

    @property
    def id(self) -> str:
        """The id of the kind."""
        return reference_id("insight type", self.slug)


INSIGHT_TYPES = (
    InsightType(
        "Idling", "Engagement", "external", True, None, ("No input for a while", "The page stayed where it was")
    ),
    InsightType("EyesOffScreen", "Engagement", "external", True, False, ("Looked away, then came back",)),
    InsightType("AwayFromSeat", "Engagement", "external", True, True, ("Nobody in the picture",)),
    InsightType("TopicShopping", "Engagement", "external", True, None, ("Opened three lessons, finished none",)),
    InsightType("SteadyPace", "Engagement", "external", False, None, ("Kept going, question after question",)),
    InsightType("LongReading", "Engagement", "internal", None, None, ("Stayed on one page, scrolling",)),
    InsightType("UnauthorizedAppUse", "Proctoring", "external", True, None, ("Another window was in front",)),
    InsightType("UnauthorizedDeviceUse", "Proctoring", "external", True, False, ("A phone in view",)),
    InsightType(
        "ProctoringHelpFromAnotherPerson", "Proctoring", "external", False, True, ("A second voice", "Two faces")
    ),
    InsightType("CheatingUnauthorizedAppUse", "Cheating", "external", True, True, ("A chat was open beside the test",)),
    InsightType(
        "CheatingHelpFromAnotherPerson", "Cheating", "external", False, True, ('"It\'s the second one," someone said',)
    ),
    InsightType("CheatingUnauthorizedDeviceUse", "Cheating", "external", None, False, ("Answers read from a phone",)),
)
JOURNAL = InsightType(
    "Journal",
    "Journal",
    "external",
    False,
    None,
    (
        "Ratios make sense now, I drew them.",
        "Too loud today, but I finished.",
        "J'ai tout compris!",
        "Stuck on item 3, asked for help,\nthen it worked.",
    ),
)


def reference_data() -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield table and rows of everything that all orgs share."""
    yield (
        "cf_subject",
        rows(
            ("identifier", "title", "hierarchy_code", "description"),
            [(subject_id(subject.title), *subject) for subject in CASE_SUBJECTS],
        ),
    )
    yield (
        "placement_grade",
        rows(
            ("id", "grade_primary_identifier", "label", "order_number"),
            [(grade_id(code), code, label, order + 1) for order, (code, label) in enumerate(GRADE_LABELS.items())],
        ),
    )
    yield from _apps()
    yield from _frameworks()
    yield from curriculum().frames()
    yield from _insight_types()


def reference_changes() -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield table and rows of what changes in the data that all orgs share, some days later."""
    yield (
        "insights_config",
        rows(
            ("insight_type_id", "requires_review"),
            [(kind.id, True) for kind in INSIGHT_TYPES if kind.slug == "EyesOffScreen"],
        ),
    )
    subject, grade = LEARNED[0], GRADES[1]
    lesson = lesson_id(subject, grade, 2)
    yield (
        "caliper_assignable_digital_resource",
        rows(
            ("id", "name", "description", "media_type"),
            [(lesson, f"{lesson_name(subject, grade, 2)}, revised", "Shorter, with pictures", "curriculum/lesson")],
        ),
    )
    moved = (test_id(subject, grade, 3), unit_id(subject, grade, 0))
    yield (
        "caliper_resource_relation",
        rows(
            ("source_id", "destination_id", "relationship_type", "item_order", "_deleted"),
            [
                (*moved, "isPartOf", None, True),
                (moved[0], unit_id(subject, grade, 1), "isPartOf", 9, None),
            ],
        ),
    )


def achievement_id(course: int, number: int) -> str:
    """Return the id of an achievement of a course: of one of its units or, the last one, of the course itself."""
    return reference_id("achievement", course, number)


def _apps() -> Iterator[tuple[str, pl.DataFrame]]:
    yield "lti_application", rows(("id", "name", "type"), [(app_id(app.name), app.name, app.type) for app in APPS])
    yield (
        "lti_application_subject",
        rows(
            ("lti_application_id", "subject_title"),
            [(app_id(app.name), subject) for app in APPS for subject in app.subjects],
        ),
    )
    yield (
        "lti_application_curriculum_scope",
        rows(
            ("lti_application_id", "cf_document_id"),
            [
                (app_id(app.name), reference_id("document", subject))
                for app in APPS
                for subject in app.subjects
                if subject in LEARNED
            ],
        ),
    )


def _frameworks() -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield CASE documents with a course and its standards for each subject and grade, and what can be achieved."""
    yield (
        "cf_document",
        rows(
            ("identifier", "title"),
            [(reference_id("document", subject), f"{subject} framework") for subject in LEARNED],
        ),
    )
    items: list[tuple[object, ...]] = []
    of_subject: list[tuple[str, str]] = []
    achievements: list[tuple[str, str, str]] = []
    courses = [(subject, grade) for subject in LEARNED for grade in GRADES]
    for number, (subject, grade) in enumerate(courses):
        document, course = reference_id("document", subject), reference_id("cf course", subject, grade)
        spelled = "Course" if number % 5 else "course"
        items.append((course, document, f"{subject} {grade}", f"{subject[:3].upper()}.{grade}", spelled))
        if number < len(courses) - 1:  # the last course has no subject
            of_subject.append((course, subject_id(subject)))
        if subject == "Science":
            of_subject.append((course, subject_id("Technology")))
        for unit in range(UNITS_A_COURSE):
            standard = reference_id("cf standard", subject, grade, unit)
            code = f"{subject[:3].upper()}.{grade}.{unit + 1}" if unit else None
            items.append(
                (standard, document, f"Can do what unit {unit + 1} of {subject} {grade} is about", code, "Standard")
            )
            of_subject.append((standard, subject_id(subject)))
            achievements.append((achievement_id(number, unit), "standard-mastery", standard))
        achievements.append((achievement_id(number, UNITS_A_COURSE), "curriculum-mastery", course))
    achievements.append((achievement_id(0, ACHIEVEMENTS_A_COURSE), "badge", str(items[0][0])))
    yield (
        "cf_item",
        rows(("identifier", "cf_document_id", "full_statement", "human_coding_scheme", "cf_item_type"), items),
    )
    yield "cf_item_subject", rows(("cf_item_id", "subject_id"), of_subject)
    yield "clr_achievement", rows(("id", "achievement_type", "cf_item_id"), achievements)


def _insight_types() -> Iterator[tuple[str, pl.DataFrame]]:
    kinds = (*INSIGHT_TYPES, JOURNAL)
    yield (
        "insights_type",
        rows(
            ("id", "slug", "category", "visibility", "is_waste"),
            [(kind.id, kind.slug, kind.category, kind.visibility, kind.is_waste) for kind in kinds],
        ),
    )
    yield (
        "insights_config",
        rows(
            ("insight_type_id", "requires_review"),
            [(kind.id, kind.review) for kind in kinds if kind.review is not None],
        ),
    )
