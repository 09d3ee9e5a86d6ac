"""The model's other views agree with examples worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from tests.model.roster.log import Log as RosterLog
from tests.model.roster.roster import rosters
from tests.model.roster.sheets import delivery, row, sheet
from tests.model.timeback.examples import D1, ORG, at, delivered, insight, observed, shown, u
from tests.model.timeback.log import Log
from tests.model.timeback.tenants import tenant_of
from tests.model.timeback.views import view


def test_points_are_summed_by_person_application_session_and_day() -> None:
    def entry(key: int, value: str, event: str, created: str = "2026-03-02T23:30:00-01:00") -> dict[str, str]:
        base = {"id": u(key), "user_id": u(7), "application_id": u(8)}
        return {**base, "caliper_event_id": event, "value": value, "date_created": created}

    rows = [
        entry(1, "2.5", "e"),
        entry(2, "-4", "e"),
        entry(3, "1", "missing"),
        entry(4, "1", "", ""),
        entry(5, "", "e"),
    ]
    found = shown("students_xp", tb_xp_ledger=rows, caliper_event=[{"id": "e", "session_id": "s"}])
    day = date(2026, 3, 3)
    assert found == sorted(
        [
            (u(7), u(8), "s", day, Decimal("-1.5"), ()),
            (u(7), u(8), None, day, Decimal(1), ()),
            (u(7), u(8), None, None, Decimal(1), ()),
        ],
        key=repr,
    )


def test_mastery_finds_the_lowest_application_of_the_items_document() -> None:
    def credential(key: int, achievement: int, result: str) -> dict[str, str]:
        return {"id": u(key), "achievement_id": u(achievement), "credential_subject_id": u(7), "result_value": result}

    found = shown(
        "students_mastery",
        clr_achievement=[
            {"id": u(1), "achievement_type": "standard-mastery", "cf_item_id": u(5)},
            {"id": u(2), "achievement_type": "badge", "cf_item_id": u(5)},
            {"id": u(3), "achievement_type": "curriculum-mastery"},
        ],
        clr_achievement_credential=[
            credential(1, 1, "0.123450"),
            credential(2, 2, "1"),
            credential(3, 3, ""),
            credential(4, 9, "1"),
        ],
        cf_item=[{"identifier": u(5), "cf_document_id": u(6)}],
        lti_application_curriculum_scope=[{"lti_application_id": u(n), "cf_document_id": u(6)} for n in (3, 2)],
    )
    assert found == sorted(
        [(u(7), Decimal("12.35"), u(5), None, u(2), ()), (u(7), None, None, None, None, ())], key=repr
    )


def test_a_placement_without_a_status_has_not_started() -> None:
    rows = [{"student_id": u(7), "subject_id": u(1)}]
    found = shown("placement_results", placement_student_subject_placement=rows)
    assert found == [(u(7), u(1), None, "NotStarted", None, ())]


def test_titles_fall_back_and_a_course_has_its_first_subject() -> None:
    resources = [
        {"id": "c", "media_type": "curriculum/course", "description": "described"},
        {"id": "d", "media_type": "curriculum/course", "name": " "},
        *({"id": key, "media_type": "curriculum/subject"} for key in ("s1", "s2", "s3")),
    ]
    relations = [
        {"source_id": "c", "destination_id": to, "relationship_type": kind, "item_order": order}
        for to, kind, order in (
            ("s1", "isPartOf", ""), ("s2", "isPartOf", "2"), ("s3", "isPartOf", "2"), ("d", "isPartOf", "0"), ("s1", "x", "1"),
        )
    ]  # fmt: skip
    files: dict[str, list[Mapping[str, str]]] = {
        "caliper_assignable_digital_resource": list(resources),
        "caliper_resource_relation": list(relations),
    }
    assert shown("courses", **files) == [("c", "s2", "described"), ("d", None, " ")]
    assert shown("subjects", **files)[0] == ("s1", "N/A")


def test_a_framework_course_has_a_row_for_each_subject_or_one_without() -> None:
    items = [{"identifier": u(1), "cf_item_type": "COURSE"}, {"identifier": u(2), "cf_item_type": "course"}]
    mapped = [{"cf_item_id": u(1), "subject_id": u(n)} for n in (3, 4)]
    assert shown("case_courses", cf_item=items, cf_item_subject=mapped) == [
        (u(1), None, u(3)),
        (u(1), None, u(4)),
        (u(2), None, None),
    ]


def test_a_school_counts_the_time_of_its_students_of_today() -> None:
    school = u(0x51)
    org = row(school, name="School", type="school")
    people = [row(u(7), role="student", orgSourcedIds=school), row(u(9), role="teacher", orgSourcedIds=school)]
    known = rosters(RosterLog([delivery(ORG, D1, [sheet("orgs", org), sheet("users", *people)])]))
    half = "2026-03-02T10:00:00.5Z"
    log = Log(
        [
            delivered(
                ORG,
                D1,
                caliper_session=[
                    {"id": "a", "user_id": u(7), "started_at_time": at(0), "ended_at_time": half},
                    {"id": "b", "user_id": u(7), "started_at_time": at(0), "ended_at_time": half},
                    {"id": "open", "user_id": u(7), "started_at_time": at(0)},
                    {"id": "of a teacher", "user_id": u(9), "started_at_time": at(0), "ended_at_time": at(1)},
                ],
                insights_insight=[
                    insight(1, at(0), half),
                    insight(2, at(0), half),
                    insight(3, at(1), at(2), reason=""),
                ],
                **observed(),
            )
        ]
    )
    tenant = tenant_of("one", log, [ORG], known.values())
    # halves of a second, each rounded before they are added
    assert list(view("school_usage_stats", [tenant], D1)) == [(school, "School", 1, 2, 2)]


def test_classes_find_subjects_by_code_else_title_and_grades_exactly() -> None:
    held = [
        row("k1", subjectCodes="m,zz", subjects="Art", grades="09,9"),
        row("k2", subjects="ART and MUSIC,unknown", grades=""),
    ]
    known = rosters(RosterLog([delivery(ORG, D1, [sheet("classes", *held)])]))
    log = Log(
        [
            delivered(
                ORG,
                D1,
                cf_subject=[
                    {"identifier": u(1), "title": "m", "hierarchy_code": "1"},
                    {"identifier": u(3), "title": "Maths", "hierarchy_code": "M"},
                    {"identifier": u(2), "title": "Maths", "hierarchy_code": "M"},
                    {"identifier": u(4), "title": "Art and music"},
                ],
                placement_grade=[{"id": u(n), "grade_primary_identifier": name} for n, name in ((2, "09"), (1, "09"))],
            )
        ]
    )
    tenant = tenant_of("one", log, [ORG], known.values())
    found = [row[-2:] for row in view("classes", [tenant], D1)]
    assert sorted(found) == [((u(2),), (u(1), u(2))), ((u(4),), ())]


def test_the_first_finished_assessment_with_a_report() -> None:
    def result(key: int, day: str, **others: str) -> dict[str, str]:
        said = {"status": "active", "score_status": "fully graded", "report_url": "x", **others}
        return {"id": u(key), "student_id": u(7), "score_date": day, **said}

    known = rosters(RosterLog([delivery(ORG, D1, [sheet("users", row(u(7), role="student"))])]))
    rows = [
        result(1, "2026-02-03"),
        result(2, "2026-02-02"),
        result(3, "2026-01-01", status="tobedeleted"),
        result(4, "2026-01-01", score_status="submitted"),
        result(5, "2026-01-01", report_url=""),
        result(6, ""),
    ]
    tenant = tenant_of("one", Log([delivered(ORG, D1, one_roster_assessment_result=rows)]), [ORG], known.values())
    assert [found[3] for found in view("student_start_dates", [tenant], D1)] == [date(2026, 2, 2)]
