"""The files of the TimeBack feed: their keys, columns and types, written by hand from the contract."""

from __future__ import annotations

from dataclasses import dataclass

# Type by first letters: t text, u uuid, i integer, n numeric, b boolean, d date, z timestamptz. The key stands before the bar.
_FILES = """
caliper_session: t.id | u.user_id u.client_id z.started_at_time z.ended_at_time
caliper_event: t.id | t.type t.action u.actor_id t.object_id t.attempt_id t.session_id z.event_time
caliper_attempt: t.id | u.assignee_id t.assignable_id i.count z.started_at_time z.ended_at_time n.duration_sec
caliper_score: t.id | t.attempt_id n.score_given n.max_score
caliper_assessment: t.id | t.name t.description
caliper_assessment_item: t.id | t.name t.description t.media_type
caliper_assignable_digital_resource: t.id | t.name t.description t.media_type
caliper_resource_relation: t.source_id t.destination_id t.relationship_type | i.item_order
insights_session: u.id | t.caliper_session_id u.user_id u.application_id b.webcam_enabled b.is_proctored
insights_type: u.id | t.slug t.category t.visibility b.is_waste
insights_config: u.insight_type_id | b.requires_review
insights_insight: u.id | u.insights_session_id u.insight_type_id z.started_at_time z.ended_at_time t.reason b.is_visible
insights_review: u.id | u.insight_id t.result z.reviewed_at
insights_recommendation: u.id | u.user_id t.type t.source t.source_reference_id t.title t.visibility t.content \
z.generated_at z.delivered_at t.feedback_sentiment t.feedback_text z.feedback_at
lti_application: u.id | t.name t.type
lti_application_subject: u.lti_application_id t.subject_title |
lti_application_curriculum_scope: u.lti_application_id u.cf_document_id |
cf_document: u.identifier | t.title
cf_item: u.identifier | u.cf_document_id t.full_statement t.human_coding_scheme t.cf_item_type
cf_subject: u.identifier | t.title t.hierarchy_code t.description
cf_item_subject: u.cf_item_id u.subject_id |
clr_achievement: u.id | t.achievement_type u.cf_item_id
clr_achievement_credential: u.id | u.achievement_id u.credential_subject_id n.result_value z.awarded_date
placement_grade: u.id | t.grade_primary_identifier t.label i.order_number
placement_student_subject_placement: u.student_id u.subject_id | u.grade_id t.placement_status z.date_last_modified
tb_xp_ledger: u.id | u.user_id u.application_id t.caliper_event_id n.value z.date_created
one_roster_assessment_result: u.id | u.student_id t.status t.score_status d.score_date t.report_url
"""
_TYPES = {
    "t": "text", "u": "uuid", "i": "integer", "n": "numeric", "b": "boolean", "d": "date", "z": "timestamptz",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A file of the feed and the table it becomes: ``columns`` by name with their types, in order, ``key`` among them."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, str]

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"{self.name}.csv"

    def __hash__(self) -> int:
        return hash(self.name)


def _read(line: str) -> Table:
    name, _, described = line.partition(":")
    key, _, others = described.partition("|")
    columns = {column[2:]: _TYPES[column[0]] for column in (*key.split(), *others.split())}
    return Table(name, tuple(column[2:] for column in key.split()), columns)


TABLES = {table.name: table for table in map(_read, _FILES.strip().splitlines())}
# A column that every file may have; true removes the row with the key.
DELETED = "_deleted"


def table_of(file: str) -> Table | None:
    """Return the table of a delivered file, whatever the case of its name, None for a file that is not of the feed."""
    return TABLES.get(file.lower().removesuffix(".csv"))
