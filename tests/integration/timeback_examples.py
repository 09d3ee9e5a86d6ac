"""Examples of what the TimeBack views show, worked out by hand from their rules; each has a tenant of its own.

Ids are names: within an example they are its own, and read back as the names they were given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.integration.roster_tables import Rosters
from tests.integration.timeback_tables import Records

Shown = tuple[Any, ...]


@dataclass(frozen=True)
class Example:
    """Records of orgs of one tenant, and per view the columns looked at and the rows they show, in any order."""

    records: dict[str, Records]
    shows: dict[tuple[str, ...], list[Shown]]
    rosters: dict[str, Rosters] = field(default_factory=dict)
    left_out: dict[tuple[str, str], int] = field(default_factory=dict)


def at(time: str) -> str:
    """Return a moment of the day on which everything happens."""
    return f"2026-01-05 {time}+00"


def attempt(name: str, resource: str | None, count: int | None, start: str | None, end: str | None = None) -> Any:
    return {
        "id": name,
        "assignee_id": "ann",
        "assignable_id": resource,
        "count": count,
        "started_at_time": start and at(start),
        "ended_at_time": end and at(end),
    }


FIRST_ATTEMPTS = Example(
    {
        "org": {
            "caliper_attempt": [
                attempt("first", "counted", 1, "10:00:00"),
                attempt("second", "counted", 2, "09:00:00"),
                attempt("later", "uncounted", None, "11:00:00"),
                attempt("earliest", "uncounted", None, "10:30:00"),
                attempt("uncounted earliest", "mixed", None, "12:00:00"),
                attempt("counted", "mixed", 1, "13:00:00"),
                attempt("undated", "undated", None, None),
                attempt("dated", "undated", None, "10:00:00"),
                attempt("b", "at once", None, "10:00:00"),
                attempt("a", "at once", None, "10:00:00"),
                attempt("backwards and earliest", "backwards", None, "10:00:00", "09:00:00"),
                attempt("not earliest", "backwards", None, "11:00:00"),
                attempt("backwards and not earliest", "backwards", None, "12:00:00", "09:00:00"),
                attempt("of nothing", None, 1, "10:00:00"),
                attempt("of nothing again", None, 2, "10:00:00"),
            ]
        }
    },
    {
        ("attempts", "resource_id", "start_time"): [
            ("counted", "2026-01-05T10:00:00+00:00"),
            ("uncounted", "2026-01-05T10:30:00+00:00"),
            ("mixed", "2026-01-05T12:00:00+00:00"),
            ("mixed", "2026-01-05T13:00:00+00:00"),
            ("undated", "2026-01-05T10:00:00+00:00"),
            ("at once", "2026-01-05T10:00:00+00:00"),
        ]
    },
    left_out={
        ("attempts", "an attempt without a student or a resource"): 1,
        ("attempts", "an attempt that ends before it starts"): 1,
    },
)


def scored(attempt_id: str, *scores: tuple[str, int | None, int | None]) -> list[Any]:
    return [
        {"id": name, "attempt_id": attempt_id, "score_given": given, "max_score": most} for name, given, most in scores
    ]


ANSWERS = Example(
    {
        "org": {
            "caliper_assessment_item": [{"id": name} for name in ("right", "wrong", "unscored", "abroad")],
            "caliper_attempt": [
                attempt("1", "right", 1, "10:00:00", "10:00:30") | {"duration_sec": 12.5},
                attempt("2", "wrong", 1, "10:01:00", "10:01:10.4"),
                attempt("3", "unscored", 1, "10:02:00"),
                attempt("4", "a test", 1, "08:00:00", "09:00:00"),
                attempt("5", "abroad", 1, None) | {"started_at_time": "2026-01-06 01:00:00+03"},
            ],
            "caliper_score": [
                *scored("1", ("s1", 0, 2), ("s2", 2, 2)),
                *scored("2", ("s3", 2, 2), ("s4", 1, 2)),
                *scored("3", ("s5", 1, None)),
                *scored("5", ("s6", 1, 1)),
            ],
            "caliper_event": [
                {"id": "undated", "attempt_id": "1", "session_id": "not this"},
                {"id": "early", "attempt_id": "1", "event_time": at("09:00:00")},
                {"id": "late", "attempt_id": "1", "session_id": "nor this", "event_time": at("11:00:00")},
                {"id": "earliest b", "attempt_id": "1", "session_id": "not so", "event_time": at("10:00:00")},
                {"id": "earliest a", "attempt_id": "1", "session_id": "monday", "event_time": at("10:00:00")},
                {"id": "of 2", "attempt_id": "2", "session_id": "monday"},
                {"id": "of 3", "attempt_id": "3", "session_id": "monday"},
                {"id": "of 4", "attempt_id": "4", "session_id": "monday"},
            ],
        }
    },
    {
        ("attempts", "resource_id", "session_id", "date", "duration_sec", "is_correct"): [
            ("right", "monday", "2026-01-05", 13, True),
            ("wrong", "monday", "2026-01-05", 10, False),
            ("unscored", "monday", "2026-01-05", None, None),
            ("a test", "monday", "2026-01-05", 3600, None),
            ("abroad", None, "2026-01-05", None, True),
        ],
        (
            "aggregated_session_attempts",
            "session_id",
            "student_id",
            "date",
            "total_questions_answered",
            "total_questions_correct",
            "avg_duration_sec",
        ): [("monday", "ann", "2026-01-05", 2, 1, 12)],
    },
)


def session(name: str, start: str | None, end: str | None, person: str | None = "ann") -> Any:
    return {
        "id": name,
        "user_id": person,
        "client_id": "app",
        "started_at_time": start and at(start),
        "ended_at_time": end and at(end),
    }


def watched(name: str, session_id: str | None, person: str | None = "ann", **more: Any) -> Any:
    return {"id": name, "caliper_session_id": session_id, "user_id": person, "application_id": "app"} | more


SESSIONS = Example(
    {
        "org": {
            "caliper_session": [
                session("whole", "10:00:00", "10:00:01.5"),
                session("open", "10:00:00", None),
                session("nobody's", "10:00:00", "10:00:00", None),
                session("without a start", None, "10:00:00"),
                session("backwards", "10:00:00", "09:00:00"),
            ],
            "insights_session": [
                watched("camera", "whole", webcam_enabled=True, is_proctored=False),
                watched("proctor", "whole", is_proctored=True),
                watched("unknown", "open"),
            ],
        }
    },
    {
        ("sessions", "id", "student_id", "duration_sec", "webcam_enabled", "is_proctored"): [
            ("whole", "ann", 2, True, True),
            ("open", "ann", None, False, False),
            ("nobody's", None, 0, False, False),
        ]
    },
    left_out={
        ("sessions", "a session without a start"): 1,
        ("sessions", "a session that ends before it starts"): 1,
    },
)


def kind(name: str, category: str, *, waste: bool | None = None, visibility: str = "external") -> Any:
    return {"id": name, "slug": name, "category": category, "visibility": visibility, "is_waste": waste}


def insight(name: str, kind_id: str, start: str | None = "10:00:00", end: str | None = "10:00:10", **more: Any) -> Any:
    return {
        "id": name,
        "insights_session_id": "proctored",
        "insight_type_id": kind_id,
        "started_at_time": start and at(start),
        "ended_at_time": end and at(end),
        "reason": name,
        "is_visible": True,
    } | more


KINDS = [
    kind("idling", "Engagement", waste=True),
    kind("praise", "Engagement", waste=False),
    kind("cheat", "Cheating"),
    kind("waste of a cheat", "Cheating", waste=True),
    kind("device", "Proctoring"),
    kind("internal", "Cheating", waste=True, visibility="internal"),
    kind("other", "Weather", waste=True),
    kind("reviewed", "Cheating"),
    kind("never reviewed", "Cheating"),
    kind("Journal", "Journal"),
    kind("inner journal", "Journal", visibility="internal") | {"slug": "Journal"},
]
WHAT_COUNTS = Example(
    {
        "org": {
            "insights_type": KINDS,
            "insights_config": [
                {"insight_type_id": "reviewed", "requires_review": True},
                {"insight_type_id": "never reviewed", "requires_review": False},
            ],
            "insights_session": [
                watched("proctored", "monday", is_proctored=True),
                watched("unwatched", "tuesday"),
                watched("nowhere", None),
            ],
            "insights_insight": [
                insight("idle", "idling"),
                insight("good", "praise"),
                insight("cheats", "cheat"),
                insight("cheats and wastes", "waste of a cheat"),
                insight("has a device", "device"),
                insight("has a device unwatched", "device", insights_session_id="unwatched"),
                insight("seen inside only", "internal"),
                insight("rain", "other"),
                insight("hidden", "idling", is_visible=False),
                insight("hidden or not", "idling", is_visible=None),
                insight("confirmed", "reviewed"),
                insight("denied at last", "reviewed"),
                insight("denied without a time", "reviewed"),
                insight("not looked at", "reviewed"),
                insight("denied for nothing", "never reviewed"),
                insight("wordless", "idling", reason=None),
                insight("endless", "waste of a cheat", end=None),
                insight("backwards", "cheat", end="09:00:00"),
                insight("of no session", "idling", insights_session_id="nowhere"),
                insight("of an unknown session", "idling", insights_session_id="never heard of"),
            ],
            "insights_review": [
                {"id": name, "insight_id": of, "result": result, "reviewed_at": time and at(time)}
                for name, of, result, time in (
                    ("1", "confirmed", "FalsePositive", "11:00:00"),
                    ("2", "confirmed", "TruePositive", "12:00:00"),
                    ("3", "denied at last", "TruePositive", "11:00:00"),
                    ("4", "denied at last", "Inconclusive", "12:00:00"),
                    ("5", "denied without a time", "FalsePositive", None),
                    ("6", "denied without a time", "TruePositive", "11:00:00"),
                    ("7", "denied for nothing", "FalsePositive", "11:00:00"),
                )
            ],
        }
    },
    {
        ("waste_insights", "description", "waste_type", "session_id", "waste_duration_sec"): [
            ("idle", "idling", "monday", 10),
            ("cheats and wastes", "waste of a cheat", "monday", 10),
        ],
        ("cheating_insights", "description", "insight_type", "session_id", "duration_sec"): [
            ("cheats", "cheat", "monday", 10),
            ("cheats and wastes", "waste of a cheat", "monday", 10),
            ("confirmed", "reviewed", "monday", 10),
            ("denied without a time", "reviewed", "monday", 10),
            ("denied for nothing", "never reviewed", "monday", 10),
        ],
        ("proctoring_insights", "description", "insight_type", "session_id", "duration_sec"): [
            ("has a device", "device", "monday", 10),
        ],
        ("sessions_waste", "session_id", "waste_duration_sec"): [("monday", 20)],
        ("sessions_cheating", "session_id", "cheating_duration_sec"): [("monday", 10)],
        ("sessions_proctoring", "session_id", "proctoring_duration_sec"): [("monday", 10)],
    },
    left_out={
        ("waste_insights", "an insight without a session, kind, start, end or words"): 3,
        ("waste_insights", "an insight of a session that is not known"): 1,
        ("cheating_insights", "an insight without a session, kind, start, end or words"): 1,
        ("cheating_insights", "an insight that ends before it starts"): 1,
    },
)
TIMES = Example(
    {
        "org": {
            "insights_type": KINDS,
            "insights_session": [
                watched("proctored", "merged", is_proctored=True),
                watched("short", "too short", is_proctored=True),
                watched("unwatched", "merged"),
            ],
            "insights_insight": [
                insight("1", "waste of a cheat", "10:00:00", "10:00:10"),
                insight("2", "waste of a cheat", "10:00:05", "10:00:15"),
                insight("3", "waste of a cheat", "10:00:15", "10:00:20"),
                insight("4", "waste of a cheat", "10:00:30", "10:00:31.4"),
                insight("5", "waste of a cheat", "10:00:40", "10:00:40"),
                insight("6", "device", "10:00:00", "10:00:03.5"),
                insight("7", "device", "10:00:00", "10:01:00", insights_session_id="unwatched"),
                insight("8", "waste of a cheat", "10:00:00", "10:00:00.4", insights_session_id="short"),
            ],
        }
    },
    {
        ("sessions_waste", "session_id", "waste_duration_sec"): [("merged", 26)],
        ("sessions_cheating", "session_id", "cheating_duration_sec"): [("merged", 21)],
        ("sessions_proctoring", "session_id", "proctoring_duration_sec"): [("merged", 4)],
    },
)
JOURNALS = Example(
    {
        "org": {
            "insights_type": KINDS,
            "insights_config": [{"insight_type_id": "Journal", "requires_review": True}],
            "insights_session": [
                watched("proctored", "monday"),
                watched("of nobody", "monday", None),
            ],
            "insights_insight": [
                insight("shown", "Journal"),
                insight("hidden and backwards", "Journal", end="09:00:00", is_visible=False),
                insight("without an end", "Journal", end=None),
                insight("empty", "Journal", reason=None),
                insight("inside", "inner journal"),
                insight("nobody's", "Journal", insights_session_id="of nobody"),
                insight("timeless", "Journal", start=None),
            ],
        }
    },
    {
        ("student_journals", "id", "student_id", "session_id", "learning_app_id", "journal_text", "date"): [
            ("shown", "ann", "monday", "app", "shown", "2026-01-05"),
            ("hidden and backwards", "ann", "monday", "app", "hidden and backwards", "2026-01-05"),
            ("without an end", "ann", "monday", "app", "without an end", "2026-01-05"),
        ]
    },
    left_out={("student_journals", "a journal entry without a student, session, application or time"): 2},
)


def points(name: str, value: float | None, event: str | None, day: str | None = "2026-01-05", **more: Any) -> Any:
    return {
        "id": name,
        "user_id": "ann",
        "application_id": "app",
        "caliper_event_id": event,
        "value": value,
        "date_created": day and f"{day} 12:00+00",
    } | more


POINTS = Example(
    {
        "org": {
            "caliper_event": [{"id": "in monday", "session_id": "monday"}, {"id": "in no session"}],
            "tb_xp_ledger": [
                points("1", 10, "in monday"),
                points("2", -2.5, "in monday"),
                points("3", 1, "in monday", "2026-01-06"),
                points("4", 3, "in no session"),
                points("5", 4, "never heard of"),
                points("6", 5, None),
                points("7", 6, None, None),
                points("8", None, None),
                points("9", 1, None, user_id=None),
                points("10", 1, None, application_id=None),
            ],
        }
    },
    {
        ("students_xp", "student_id", "learning_app_id", "session_id", "date", "total_value"): [
            ("ann", "app", "monday", "2026-01-05", 7.5),
            ("ann", "app", "monday", "2026-01-06", 1),
            ("ann", "app", None, "2026-01-05", 12),
            ("ann", "app", None, None, 6),
        ]
    },
    left_out={("students_xp", "an entry without a student, application or value"): 3},
)
MASTERY = Example(
    {
        "org": {
            "clr_achievement": [
                {"id": "standard", "achievement_type": "standard-mastery", "cf_item_id": "item"},
                {"id": "curriculum", "achievement_type": "curriculum-mastery"},
                {"id": "badge", "achievement_type": "badge", "cf_item_id": "item"},
            ],
            "cf_item": [{"identifier": "item", "cf_document_id": "document"}],
            "lti_application_curriculum_scope": [
                {"lti_application_id": "app", "cf_document_id": "document"},
                {"lti_application_id": "app", "cf_document_id": "another"},
            ],
            "clr_achievement_credential": [
                {"id": name, "achievement_id": of, "credential_subject_id": person, "result_value": value}
                for name, of, person, value in (
                    ("1", "standard", "ann", 0.12345),
                    ("2", "curriculum", "ann", None),
                    ("3", "badge", "ann", 1),
                    ("4", "never heard of", "ann", 1),
                    ("5", "standard", None, 1),
                )
            ],
        }
    },
    {
        ("students_mastery", "student_id", "mastery_percentage", "curriculum_item_id", "learning_app_id"): [
            ("ann", 12.35, "item", "app"),
            ("ann", None, None, None),
        ]
    },
    left_out={("students_mastery", "a credential without a student"): 1},
)
PLACEMENTS_AND_ADVICE = Example(
    {
        "org": {
            "placement_student_subject_placement": [
                {"student_id": "ann", "subject_id": "math"},
                {"student_id": "ann", "subject_id": "art", "placement_status": "Completed", "grade_id": "ninth"},
            ],
            "insights_recommendation": [
                {"id": name, "user_id": "ann", "type": "t", "source": "s", "content": content}
                | {"visibility": visibility, "generated_at": "2026-01-06 01:00:00+03"}
                for name, content, visibility in (
                    ("shown", "Rest.", "student"),
                    ("internal", "Watch.", "internal"),
                    ("unsaid", "Hm.", None),
                    ("empty", None, "student"),
                )
            ],
        }
    },
    {
        ("placement_results", "student_id", "subject_id", "grade_id", "placement_status"): [
            ("ann", "math", None, "NotStarted"),
            ("ann", "art", "ninth", "Completed"),
        ],
        ("recommendations", "id", "student_id", "content", "visibility", "date"): [
            ("shown", "ann", "Rest.", "student", "2026-01-05")
        ],
    },
    left_out={("recommendations", "a recommendation without a student, type, source, text or time"): 1},
)


def related(part: str, whole: str, order: int | None = None, how: str = "isPartOf") -> Any:
    return {"source_id": part, "destination_id": whole, "relationship_type": how, "item_order": order}


def resource(name: str, what: str) -> Any:
    return {"id": name, "media_type": f"curriculum/{what}", "name": name}


CURRICULUM = Example(
    {
        "org": {
            "caliper_assignable_digital_resource": [
                resource("subject a", "subject"),
                resource("subject b", "subject"),
                resource("subject c", "subject"),
                resource("ordered", "course"),
                resource("by id", "course"),
                resource("alone", "course"),
                resource("unit", "unit") | {"name": None, "description": "About units"},
                resource("lesson", "lesson") | {"name": None},
                resource("topic", "topic"),
            ],
            "caliper_assessment": [{"id": "test", "name": " "}],
            "caliper_assessment_item": [{"id": "question", "name": "Why?", "media_type": "guiding"}],
            "caliper_resource_relation": [
                related("ordered", "subject a"),
                related("ordered", "subject b", 2),
                related("ordered", "subject c", 1),
                related("ordered", "topic", 0),
                related("by id", "subject b"),
                related("by id", "subject a"),
                related("alone", "subject a", how="ispartof"),
                related("alone", "never heard of"),
                related("unit", "ordered"),
                related("unit", "topic"),
                related("unit", "unit"),
                related("question", "test"),
                related("question", "lesson"),
                related("question", "never heard of"),
                related("test", "topic", 3),
                related("test", "lesson"),
                related("test", "question"),
                related("test", "unit", how="isRelatedTo"),
            ],
        }
    },
    {
        ("courses", "id", "subject_id", "title"): [
            ("ordered", "subject c", "ordered"),
            ("by id", "subject a", "by id"),
            ("alone", None, "alone"),
        ],
        ("units", "id", "title"): [("unit", "About units")],
        ("lessons", "id", "title"): [("lesson", "N/A")],
        ("subjects", "id", "title"): [(f"subject {letter}", f"subject {letter}") for letter in "abc"],
        ("tests", "id", "title"): [("test", " ")],
        ("questions", "id", "title", "type"): [("question", "Why?", "guiding")],
        ("unit_courses", "unit_id", "course_id"): [("unit", "ordered")],
        ("question_tests", "question_id", "test_id"): [("question", "test")],
        ("test_parents", "test_id", "parent_id", "parent_type"): [
            ("test", "topic", "curriculum/topic"),
            ("test", "lesson", "curriculum/lesson"),
        ],
        ("resource_relations", "source_resource_id", "destination_resource_id", "relationship_type", "item_order"): [
            ("ordered", "subject a", "isPartOf", None),
            ("ordered", "subject b", "isPartOf", 2),
            ("ordered", "subject c", "isPartOf", 1),
            ("ordered", "topic", "isPartOf", 0),
            ("by id", "subject b", "isPartOf", None),
            ("by id", "subject a", "isPartOf", None),
            ("alone", "subject a", "ispartof", None),
            ("alone", "never heard of", "isPartOf", None),
            ("unit", "ordered", "isPartOf", None),
            ("unit", "topic", "isPartOf", None),
            ("unit", "unit", "isPartOf", None),
            ("question", "test", "isPartOf", None),
            ("question", "lesson", "isPartOf", None),
            ("question", "never heard of", "isPartOf", None),
            ("test", "topic", "isPartOf", 3),
            ("test", "lesson", "isPartOf", None),
            ("test", "question", "isPartOf", None),
            ("test", "unit", "isRelatedTo", None),
        ],
    },
)
FRAMEWORKS = Example(
    {
        "org": {
            "cf_item": [
                {"identifier": "two subjects", "full_statement": "Algebra", "cf_item_type": "COURSE"},
                {"identifier": "no subject", "cf_item_type": "course", "human_coding_scheme": "C.2"},
                {"identifier": "standard", "full_statement": "Count.", "cf_item_type": "Standard"},
            ],
            "cf_item_subject": [
                {"cf_item_id": "two subjects", "subject_id": "math"},
                {"cf_item_id": "two subjects", "subject_id": "never heard of"},
                {"cf_item_id": "standard", "subject_id": "math"},
            ],
            "cf_subject": [
                {"identifier": "math", "title": "Mathematics", "hierarchy_code": "M"},
                {"identifier": "untitled", "hierarchy_code": "U"},
                {"identifier": "uncoded", "title": "Art"},
            ],
            "placement_grade": [
                {"id": "ninth", "grade_primary_identifier": "09", "label": "Ninth", "order_number": 9},
                {"id": "nameless", "grade_primary_identifier": "10", "order_number": 10},
            ],
            "lti_application": [{"id": "app", "name": "Reading", "type": "internal"}, {"id": "nameless"}],
            "lti_application_subject": [{"lti_application_id": "never heard of", "subject_title": "Art"}],
        }
    },
    {
        ("case_courses", "id", "title", "case_subject_id"): [
            ("two subjects", "Algebra", "math"),
            ("two subjects", "Algebra", "never heard of"),
            ("no subject", None, None),
        ],
        ("curriculum_items", "curriculum_item_id", "curriculum_item_code", "curriculum_item_type"): [
            ("two subjects", None, "COURSE"),
            ("no subject", "C.2", "course"),
            ("standard", None, "Standard"),
        ],
        ("case_subjects", "id", "title", "hierarchy_code", "description"): [("math", "Mathematics", "M", None)],
        ("grades", "id", "grade_identifier", "label", "order_number"): [("ninth", "09", "Ninth", 9)],
        ("learning_apps", "id", "name"): [("app", "Reading")],
        ("learning_app_subjects", "learning_app_id", "subject_title"): [("never heard of", "Art")],
    },
    left_out={
        ("case_subjects", "a subject without a title or code"): 2,
        ("grades", "a grade level without a code, label or place"): 1,
        ("learning_apps", "an application without a name"): 1,
    },
)


def student(person: str, *schools: str) -> list[Any]:
    return [
        {"id": f"{person} at {school}", "user_id": person, "organization_id": school, "role": "student"}
        | {"role_type": "primary"}
        for school in schools
    ]


SCHOOLS = [{"id": name, "name": name, "type": "school"} for name in ("one", "other", "empty")]
USAGE = Example(
    {
        "org": {
            "caliper_session": [
                session("1", "10:00:00", "10:00:10.5"),
                session("2", "11:00:00", "11:00:20.5"),
                session("3", "12:00:00", None),
                session("4", "12:00:00", "12:01:00", "ben"),
                session("5", "12:00:00", "13:00:00", None),
            ],
            "insights_type": KINDS,
            "insights_session": [watched("proctored", "1"), watched("of ben", "4", "ben")],
            "insights_insight": [
                insight("a", "idling", "10:00:00", "10:00:01.5"),
                insight("b", "idling", "10:00:00", "10:00:02.5"),
                insight("c", "praise"),
                insight("d", "idling", insights_session_id="of ben"),
            ],
        }
    },
    {
        ("school_usage_stats", "school_id", "student_count", "total_app_time_sec", "total_waste_time_sec"): [
            ("one", 2, 92, 15),
            ("other", 1, 32, 5),
            ("empty", 0, 0, 0),
        ]
    },
    {"org": {"organization": SCHOOLS, "role": [*student("ann", "one", "other"), *student("ben", "one")]}},
)
FIRST_MAP = Example(
    {
        "org": {
            "one_roster_assessment_result": [
                {"id": name, "student_id": "ann", "status": status, "score_status": score, "score_date": day}
                | {"report_url": url}
                for name, status, score, day, url in (
                    ("1", "active", "fully graded", "2026-02-02", "https://example.org"),
                    ("2", "active", "fully graded", "2026-02-01", "https://example.org"),
                    ("3", "active", "fully graded", "2026-01-04", None),
                    ("4", "active", "partially graded", "2026-01-03", "https://example.org"),
                    ("5", "tobedeleted", "fully graded", "2026-01-02", "https://example.org"),
                    ("6", "active", "fully graded", None, "https://example.org"),
                )
            ]
        }
    },
    {("student_start_dates", "student_id", "earliest_map_date"): [("ann", "2026-02-01"), ("ben", None)]},
    {
        "org": {
            "organization": SCHOOLS,
            "user": [{"id": "ann"}, {"id": "ben"}],
            "role": [*student("ann", "one"), *student("ben", "one")],
        }
    },
)
SEVERAL_ORGS = Example(
    {
        "a": {
            "lti_application": [
                {"id": "newest day", "name": "of a", "_day": "2026-01-02"},
                {"id": "same day", "name": "of a"},
            ],
            "caliper_session": [session("moved", "10:00:00", "10:00:10", "ann") | {"_day": "2026-01-02"}],
        },
        "b": {
            "lti_application": [
                {"id": "newest day", "name": "of b"},
                {"id": "same day", "name": "of b"},
            ],
            "caliper_session": [session("moved", "10:00:00", "10:00:20", "ben")],
        },
    },
    {
        ("learning_apps", "id", "name"): [("newest day", "of a"), ("same day", "of b")],
        ("sessions", "id", "student_id", "duration_sec"): [("moved", "ann", 10)],
    },
)
EXAMPLES = {name.lower(): value for name, value in list(globals().items()) if isinstance(value, Example)}
