"""The contract's rules for TimeBack's tables in plain Python, and where the ids in them lead."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import md5

from edreflect_assets.contracts import load_feeds
from edreflect_assets.sample import Sample

FEED = load_feeds()["timeback"]
Row = dict[str, str]
State = dict[str, dict[tuple[str, ...], Row]]

# Where the ids of other tables stand, and those tables with their key.
REFERENCES = {
    ("caliper_session", "client_id"): ("lti_application",),
    ("caliper_event", "attempt_id"): ("caliper_attempt",),
    ("caliper_event", "session_id"): ("caliper_session",),
    ("caliper_attempt", "assignable_id"): (
        "caliper_assignable_digital_resource",
        "caliper_assessment",
        "caliper_assessment_item",
    ),
    ("caliper_score", "attempt_id"): ("caliper_attempt",),
    ("insights_session", "caliper_session_id"): ("caliper_session",),
    ("insights_session", "application_id"): ("lti_application",),
    ("insights_config", "insight_type_id"): ("insights_type",),
    ("insights_insight", "insights_session_id"): ("insights_session",),
    ("insights_insight", "insight_type_id"): ("insights_type",),
    ("insights_review", "insight_id"): ("insights_insight",),
    ("lti_application_subject", "lti_application_id"): ("lti_application",),
    ("lti_application_curriculum_scope", "lti_application_id"): ("lti_application",),
    ("lti_application_curriculum_scope", "cf_document_id"): ("cf_document",),
    ("cf_item", "cf_document_id"): ("cf_document",),
    ("cf_item_subject", "cf_item_id"): ("cf_item",),
    ("cf_item_subject", "subject_id"): ("cf_subject",),
    ("clr_achievement", "cf_item_id"): ("cf_item",),
    ("clr_achievement_credential", "achievement_id"): ("clr_achievement",),
    ("placement_student_subject_placement", "subject_id"): ("cf_subject",),
    ("placement_student_subject_placement", "grade_id"): ("placement_grade",),
    ("tb_xp_ledger", "application_id"): ("lti_application",),
    ("tb_xp_ledger", "caliper_event_id"): ("caliper_event",),
}
RESOURCES = REFERENCES["caliper_attempt", "assignable_id"]
REFERENCES |= {("caliper_resource_relation", end): RESOURCES for end in ("source_id", "destination_id")}
PEOPLE = (
    ("caliper_session", "user_id"),
    ("caliper_event", "actor_id"),
    ("caliper_attempt", "assignee_id"),
    ("insights_session", "user_id"),
    ("insights_recommendation", "user_id"),
    ("clr_achievement_credential", "credential_subject_id"),
    ("placement_student_subject_placement", "student_id"),
    ("tb_xp_ledger", "user_id"),
    ("one_roster_assessment_result", "student_id"),
)


def roster_id(org: str, kind: str, sourced_id: str) -> str:
    """The id by the words of the contract of the views, apart from what the sample makes of them."""
    if re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", sourced_id.lower()):
        return sourced_id.lower()
    digits = md5(f"{org}|{kind}|{sourced_id}".encode()).hexdigest()
    return re.sub(r"^(.{8})(.{4})(.{4})(.{4})(.{12})$", r"\1-\2-\3-\4-\5", digits)


def apply(state: State, tables: Mapping[str, Iterable[Row]]) -> None:
    """Apply a day's rows, by table, to a state. Whatever is removed must be there."""
    for table, rows in tables.items():
        held = state.setdefault(table, {})
        for row in rows:
            key = tuple(row[column] for column in FEED.tables[table].key)
            assert all(key)
            if row["_deleted"] == "true":
                del held[key]
            else:
                held[key] = row


def dangling(state: State) -> dict[tuple[str, str], set[str]]:
    """Return the ids that lead nowhere, by table and column."""
    known = {table: {key[0] for key in rows} for table, rows in state.items()}
    found = {}
    for (table, column), targets in REFERENCES.items():
        ids = set().union(*(known.get(target, set()) for target in targets))
        missing = {row[column] for row in state.get(table, {}).values()} - {""} - ids
        if missing:
            found[table, column] = missing
    return found


def people_of(state: State) -> dict[tuple[str, str], set[str]]:
    """Return the people who are named, by table and column."""
    return {(table, column): {row[column] for row in state.get(table, {}).values()} - {""} for table, column in PEOPLE}


def students_ever(sample: Sample) -> dict[str, set[str]]:
    """Return the ids of all students of a sample's rosters by org, also of those who have left since."""
    found: dict[str, set[str]] = defaultdict(set)
    for delivery in sample.rosters():
        rows = {file.name: list(file.rows()) for file in delivery.package.files}
        students = {row["userSourcedId"] for row in rows.get("roles.csv", ()) if row["role"] == "student"}
        students |= {row["sourcedId"] for row in rows.get("users.csv", ()) if row.get("role") == "student"}
        found[delivery.org] |= {roster_id(delivery.org, "user", sourced_id) for sourced_id in students}
    return found
