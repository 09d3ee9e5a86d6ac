"""What people did, in any number, written by SQL: the rows of the TimeBack feed as functions of their numbers.

Everything follows from the number of a session: a day has so many of them, each five attempts with an event each and a score
for four of them, an entry of points, and a share of all else (``PER_SESSION``). The rows of a day are the same whichever
base they are added to. Ids are UUIDs without order, as the platform's are, so that keys lie all over their indexes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from roster_files import RosterSize

TENANT = "district"
# The last day of a base; the days that are measured follow.
LAST_DAY = date(2026, 3, 31)
SCHOOLS = 500
QUESTIONS, LESSONS, ITEMS, KINDS, SUBJECTS, APPLICATIONS = 20_000, 4_000, 10_000, 12, 8, 10


@dataclass(frozen=True)
class District(RosterSize):
    """The people of 500 schools, 85 % of whom are students."""

    @property
    def schools(self) -> int:
        """The organizations that a reader may be scoped to."""
        return SCHOOLS


@dataclass(frozen=True)
class FactSize:
    """How much there is of what: ``people`` in all, and ``sessions`` on each of ``days``; the rest is in proportion."""

    people: int
    sessions: int
    days: int

    @property
    def district(self) -> District:
        """The rosters."""
        return District(self.people)

    def day(self, number: int) -> date:
        """The date of a day of the base (from 0), or of one after it."""
        return LAST_DAY + timedelta(days=number - self.days + 1)

    def rows(self, table: str) -> int:
        """How many rows of a table the base has."""
        return self.range_of(table, 0, self.days)[1]

    def range_of(self, table: str, first: int, end: int) -> tuple[int, int]:
        """The numbers of a table's rows on the days from ``first`` up to, but without, ``end``."""
        share = PER_SESSION[table]
        return int(first * self.sessions * share), int(end * self.sessions * share)


PER_SESSION = {
    "caliper_session": Fraction(1),
    "caliper_attempt": Fraction(5),
    "caliper_event": Fraction(5),
    "caliper_score": Fraction(4),
    "insights_session": Fraction(1, 2),
    "insights_insight": Fraction(3, 2),
    "insights_review": Fraction(3, 8),
    "tb_xp_ledger": Fraction(1),
    "insights_recommendation": Fraction(1, 5),
    "clr_achievement_credential": Fraction(1, 2),
    "placement_student_subject_placement": Fraction(2, 5),
    "one_roster_assessment_result": Fraction(1, 5),
}


def uid(kind: str, number: str) -> str:
    """Return SQL for the id of the numbered thing of a kind."""
    return f"md5('{kind}' || ({number}))::uuid"


# The ids of people are those that the roster's fold derives from their sourcedIds (see roster_files.py).
def _student(number: str) -> str:
    return f"md5('{TENANT}|user|user-' || lpad(({{first_student}} + ({number}) % {{students}})::text, 7, '0'))::uuid"


def _student_of(session: str) -> str:
    return _student(f"({session})::bigint * 7919")


def _begin(session: str) -> str:
    return (
        f"(timestamptz '{{first_day}} 08:00Z' + ({session}) / {{sessions}} * interval '1 day'"
        f" + ({session}) % {{sessions}} * interval '36000 s' / {{sessions}})"
    )


def _attempt_begin(number: str) -> str:
    return f"{_begin(f'{number} / 5')} + {number} % 5 * interval '2 min'"


# A repeated attempt is at the resource of the one before it; one of five is at a lesson, the others are at questions.
_TRIED = "n - (n % 10 = 9)::integer"
_RESOURCE = (
    f"case when ({_TRIED}) % 5 = 2 then {uid('lesson', f'({_TRIED})::bigint * 6151 % {LESSONS}')}"
    f" else {uid('question', f'({_TRIED})::bigint * 7907 % {QUESTIONS}')} end"
)
_SCORED = "(n / 4 * 5 + n % 4)"
_NOTICED = f"({_begin('n / 3 * 2')} + n % 3 * interval '90 s')"

ROWS: dict[str, dict[str, str]] = {
    "caliper_session": {
        "id": uid("session", "n"),
        "user_id": _student_of("n"),
        "client_id": uid("application", f"n % {APPLICATIONS}"),
        "started_at_time": _begin("n"),
        "ended_at_time": f"case when n % 20 > 0 then {_begin('n')} + (600 + n % 900) * interval '1 s' end",
    },
    "caliper_attempt": {
        "id": uid("attempt", "n"),
        "assignee_id": _student_of("n / 5"),
        "assignable_id": _RESOURCE,
        "count": "case when n % 10 = 9 then 2 when n % 10 > 1 then 1 end",
        "started_at_time": _attempt_begin("n"),
        "ended_at_time": f"{_attempt_begin('n')} + (20 + n % 90) * interval '1 s'",
        "duration_sec": "case when n % 4 > 0 then 20 + n % 90 + 0.4 end",
    },
    "caliper_event": {
        "id": uid("event", "n"),
        "type": "'AssessmentItemEvent'",
        "action": "'Completed'",
        "actor_id": _student_of("n / 5"),
        "object_id": _RESOURCE,
        "attempt_id": uid("attempt", "n"),
        "session_id": uid("session", "n / 5"),
        "event_time": _attempt_begin("n"),
    },
    "caliper_score": {
        "id": uid("score", "n"),
        "attempt_id": uid("attempt", _SCORED),
        "score_given": "(n % 3 > 0)::integer",
        "max_score": "1",
    },
    "insights_session": {
        "id": uid("watched", "n"),
        "caliper_session_id": uid("session", "2 * n"),
        "user_id": _student_of("2 * n"),
        "application_id": uid("application", f"n % {APPLICATIONS}"),
        "webcam_enabled": "n % 2 = 0",
        "is_proctored": "n % 3 = 0",
    },
    "insights_insight": {
        "id": uid("insight", "n"),
        "insights_session_id": uid("watched", "n / 3"),
        "insight_type_id": uid("kind", f"n % {KINDS}"),
        "started_at_time": _NOTICED,
        "ended_at_time": f"{_NOTICED} + (30 + n % 90) * interval '1 s'",
        "reason": "'What was noticed in part ' || n % 100 || ' of the session'",
        "is_visible": "n % 10 > 0",
    },
    "insights_review": {
        "id": uid("review", "n"),
        "insight_id": uid("insight", "4 * n"),
        "result": "(array['TruePositive', 'FalsePositive', 'Inconclusive'])[1 + n % 3]",
        "reviewed_at": f"{_begin('n * 8 / 3')} + interval '3 h'",
    },
    "tb_xp_ledger": {
        "id": uid("points", "n"),
        "user_id": _student_of("n"),
        "application_id": uid("application", f"n % {APPLICATIONS}"),
        "caliper_event_id": uid("event", "n::bigint * 5 + 4"),
        "value": "5 + n % 20 + 0.5",
        "date_created": f"{_begin('n')} + interval '20 min'",
    },
    "insights_recommendation": {
        "id": uid("recommendation", "n"),
        "user_id": _student_of("5 * n"),
        "type": "'practice'",
        "source": "'insight'",
        "source_reference_id": uid("insight", "n"),
        "title": "'Try part ' || n % 100",
        "visibility": "case when n % 4 > 0 then 'student' else 'guide' end",
        "content": "'In about as many words as are written to a student, how to go on with part ' || n % 1000",
        "generated_at": _begin("5 * n"),
    },
    "clr_achievement_credential": {
        "id": uid("credential", "n"),
        "achievement_id": uid("achievement", f"n::bigint * 7907 % {ITEMS}"),
        "credential_subject_id": _student_of("2 * n"),
        "result_value": "(n % 101) / 100.0",
        "awarded_date": f"{_begin('2 * n')} + interval '30 min'",
    },
    "placement_student_subject_placement": {
        "student_id": _student(f"n / {SUBJECTS // 2}"),
        "subject_id": uid("subject", f"n % {SUBJECTS // 2}"),
        "grade_id": uid("grade", "n % 13"),
        "placement_status": "case when n % 5 > 0 then 'Placed' end",
        "date_last_modified": _begin("n * 5 / 2"),
    },
    "one_roster_assessment_result": {
        "id": uid("result", "n"),
        "student_id": _student("n::bigint * 7907"),
        "status": "'active'",
        "score_status": "'fully graded'",
        "score_date": f"({_begin('5 * n')})::date",
        "report_url": "'https://example.org/' || n",
    },
}

_LINKS = {"question": "test", "test": "lesson", "lesson": "unit", "unit": "course", "course": "subject"}
_COUNTS = {"question": QUESTIONS, "test": 1000, "lesson": LESSONS, "unit": 1000, "course": 100, "subject": SUBJECTS}
_RESOURCES = [kind for kind in _COUNTS if kind not in {"question", "test"}]


def _chosen(values: str, kinds: list[str], number: str = "n % 10") -> str:
    cases = " ".join(f"when {place} then {values.format(kind)}" for place, kind in enumerate(kinds))
    return f"case {number} {cases} end"


def _of_kinds(kinds: list[str], name: str) -> str:
    return (
        "select n, kind, parent, parents from (values "
        + ", ".join(
            f"('{kind}', {_COUNTS[kind]}, '{_LINKS.get(kind, '')}', {_COUNTS.get(_LINKS.get(kind, ''), 1)})"
            for kind in kinds
        )
        + f") as {name} (kind, many, parent, parents) cross join generate_series(0, many - 1) as n"
    )


# Delivered once, on the base's first day: where the rows come from, and their columns.
REFERENCE: dict[str, tuple[str, dict[str, str]]] = {
    "caliper_assessment_item": (
        f"select n from generate_series(0, {QUESTIONS - 1}) as n",
        {"id": uid("question", "n"), "name": "'Question ' || n", "media_type": "'text/html'"},
    ),
    "caliper_assessment": (
        "select n from generate_series(0, 999) as n",
        {"id": uid("test", "n"), "name": "'Test ' || n"},
    ),
    "caliper_assignable_digital_resource": (
        _of_kinds(_RESOURCES, "resources"),
        {
            "id": "md5(kind || n)::uuid",
            "name": "initcap(kind) || ' ' || n",
            "media_type": "'curriculum/' || kind",
        },
    ),
    "caliper_resource_relation": (
        _of_kinds(list(_LINKS), "parts"),
        {
            "source_id": "md5(kind || n)::uuid",
            "destination_id": "md5(parent || n % parents)::uuid",
            "relationship_type": "'isPartOf'",
            "item_order": "n / parents",
        },
    ),
    "insights_type": (
        f"select n from generate_series(0, {KINDS - 1}) as n",
        {
            "id": uid("kind", "n"),
            "slug": "case when n = 11 then 'Journal' else 'Kind ' || n end",
            "category": "case when n = 11 then 'Journal' when n < 5 then 'Engagement' when n < 8 then 'Cheating'"
            " else 'Proctoring' end",
            "visibility": "case when n = 4 then 'internal' else 'external' end",
            "is_waste": "n < 5",
        },
    ),
    "insights_config": (
        f"select n from generate_series(0, {KINDS - 1}) as n",
        {"insight_type_id": uid("kind", "n"), "requires_review": "n % 4 = 0"},
    ),
    "lti_application": (
        f"select n from generate_series(0, {APPLICATIONS - 1}) as n",
        {"id": uid("application", "n"), "name": "'Application ' || n", "type": "'learning'"},
    ),
    "lti_application_subject": (
        f"select n from generate_series(0, {2 * APPLICATIONS - 1}) as n",
        {"lti_application_id": uid("application", "n / 2"), "subject_title": f"'Subject ' || n % {SUBJECTS}"},
    ),
    "lti_application_curriculum_scope": (
        f"select n from generate_series(0, {APPLICATIONS - 1}) as n",
        {"lti_application_id": uid("application", "n"), "cf_document_id": uid("document", "n")},
    ),
    "cf_document": (
        f"select n from generate_series(0, {APPLICATIONS - 1}) as n",
        {"identifier": uid("document", "n"), "title": "'Framework ' || n"},
    ),
    "cf_item": (
        f"select n from generate_series(0, {ITEMS - 1}) as n",
        {
            "identifier": uid("item", "n"),
            "cf_document_id": uid("document", f"n % {APPLICATIONS}"),
            "full_statement": "'What a student can do after part ' || n",
            "human_coding_scheme": "'K.' || n",
            "cf_item_type": "case when n % 100 = 0 then 'Course' else 'Standard' end",
        },
    ),
    "cf_subject": (
        f"select n from generate_series(0, {SUBJECTS - 1}) as n",
        {"identifier": uid("subject", "n"), "title": "'Subject ' || n", "hierarchy_code": "'R' || n"},
    ),
    "cf_item_subject": (
        f"select n * 100 as n from generate_series(0, {ITEMS // 100 - 1}) as n",
        {"cf_item_id": uid("item", "n"), "subject_id": uid("subject", f"n / 100 % {SUBJECTS}")},
    ),
    "clr_achievement": (
        f"select n from generate_series(0, {ITEMS - 1}) as n",
        {"id": uid("achievement", "n"), "achievement_type": "'standard-mastery'", "cf_item_id": uid("item", "n")},
    ),
    "placement_grade": (
        "select n from generate_series(0, 12) as n",
        {
            "id": uid("grade", "n"),
            "grade_primary_identifier": "lpad(n::text, 2, '0')",
            "label": "'Grade ' || n",
            "order_number": "n",
        },
    ),
}


def rows_of(size: FactSize, table: str, first: int, end: int) -> str:
    """Return the select of a table's rows from number ``first`` up to ``end``: columns n, then those of the file, as text."""
    return selected(size, ROWS[table], f"select n from generate_series({first}, {end - 1}) as n")


def selected(size: FactSize, columns: dict[str, str], source: str) -> str:
    """Return a select of columns over numbered rows, as text."""
    district = size.district
    places = {
        "{first_student}": str(district.teachers + district.guardians),
        "{students}": str(district.students),
        "{first_day}": str(size.day(0)),
        "{sessions}": str(size.sessions),
    }
    text = ", ".join(f"({expression})::text as {name}" for name, expression in columns.items())
    for place, value in places.items():
        text = text.replace(place, value)
    return f"select {text} from ({source}) as numbered"
