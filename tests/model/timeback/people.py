"""Points, mastery, placements and recommendations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.model.roster.views import Caller
from tests.model.timeback.attempts import ViewRow
from tests.model.timeback.numbers import rounded


def students_xp(caller: Caller) -> Iterator[ViewRow]:
    """Points by person, application, session of the event that earned them, and day."""
    sums: dict[tuple[str, str, str | None, date | None], list[Decimal]] = defaultdict(list)
    for row in caller.tenant.recorded("tb_xp_ledger"):
        event = caller.tenant.record("caliper_event", row["caliper_event_id"])
        created = row["date_created"]
        if None not in (row["user_id"], row["application_id"], row["value"]) and caller.sees(row["user_id"]):
            session = event["session_id"] if event else None
            day = created.date() if created else None
            sums[row["user_id"], row["application_id"], session, day].append(row["value"])
    for (student, application, session, day), values in sums.items():
        yield student, application, session, day, _exact_sum(values), caller.org_ids(student)


def _exact_sum(values: list[Decimal]) -> Decimal:
    total = sum(map(Fraction, values), Fraction(0))
    return rounded(total, max(-int(value.as_tuple().exponent) for value in [*values, Decimal(0)]))


def students_mastery(caller: Caller) -> Iterator[ViewRow]:
    """Credentials for the mastery of standards and curricula."""
    for row in caller.tenant.recorded("clr_achievement_credential"):
        student = row["credential_subject_id"]
        achieved = caller.tenant.record("clr_achievement", row["achievement_id"])
        if not student or not achieved or not caller.sees(student):
            continue
        if achieved["achievement_type"] not in {"standard-mastery", "curriculum-mastery"}:
            continue
        result = row["result_value"]
        percentage = None if result is None else rounded(Fraction(result) * 100, 2)
        item = achieved["cf_item_id"]
        yield student, percentage, item, row["awarded_date"], _application(caller, item), caller.org_ids(student)


def _application(caller: Caller, item_id: str | None) -> str | None:
    """Return the lowest of the applications whose curriculum holds the document of an item."""
    item: Any = caller.tenant.record("cf_item", item_id)
    scopes = caller.tenant.recorded("lti_application_curriculum_scope")
    found = (row["lti_application_id"] for row in scopes if item and row["cf_document_id"] == item["cf_document_id"])
    return min(found, default=None)


def placement_results(caller: Caller) -> Iterator[ViewRow]:
    """Where each person is placed in each subject."""
    for row in caller.tenant.recorded("placement_student_subject_placement"):
        if caller.sees(row["student_id"]):
            status = row["placement_status"] or "NotStarted"
            own = (row["student_id"], row["subject_id"], row["grade_id"], status, row["date_last_modified"])
            yield *own, caller.org_ids(row["student_id"])


def recommendations(caller: Caller) -> Iterator[ViewRow]:
    """What is recommended to students for them to see."""
    for row in caller.tenant.recorded("insights_recommendation"):
        needed = (row["user_id"], row["type"], row["source"], row["content"], row["generated_at"])
        if row["visibility"] != "student" or None in needed or not caller.sees(row["user_id"]):
            continue
        yield (
            row["id"],
            row["user_id"],
            row["type"],
            row["source"],
            row["source_reference_id"],
            row["title"],
            row["visibility"],
            row["content"],
            row["generated_at"].date(),
            row["generated_at"],
            row["delivered_at"],
            row["feedback_sentiment"],
            row["feedback_text"],
            row["feedback_at"],
            caller.org_ids(row["user_id"]),
        )
