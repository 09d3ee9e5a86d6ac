"""Random rows of the TimeBack feed: few ids, moments and words, so that rows of different days, orgs and tenants meet."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random

from tests.model.roster.entities import identity
from tests.model.timeback.tables import DELETED, TABLES, Table

Fields = dict[str, str]
Make = Callable[["Source"], str]

# table -> how many ids every org has, and how many only one org has
SIZES = {
    "caliper_session": (3, 2), "caliper_event": (8, 30), "caliper_attempt": (6, 20), "caliper_score": (6, 24),
    "caliper_assessment": (2, 1), "caliper_assessment_item": (2, 2), "caliper_assignable_digital_resource": (5, 5),
    "insights_session": (3, 2), "insights_type": (3, 3), "insights_insight": (12, 40), "insights_review": (10, 60),
    "insights_recommendation": (3, 5), "lti_application": (2, 1), "cf_document": (1, 1), "cf_item": (2, 3),
    "cf_subject": (3, 1), "clr_achievement": (2, 2), "clr_achievement_credential": (3, 7), "placement_grade": (2, 2),
    "tb_xp_ledger": (4, 16), "one_roster_assessment_result": (4, 12),
}  # fmt: skip
RESOURCES = ("caliper_assignable_digital_resource", "caliper_assessment_item", "caliper_assessment")
KINDS = ("course", "unit", "subject", "lesson", "topic")
# The order of bytes is not that of any language.
PREFIXES = ("a-", "B-", "_", "é ", "urn:uuid:")
TEXTS = ("", "", "plain", "with, comma", 'say "hi"', "two\nlines", "NULL", "\\N", " ", " padded ", "ünï ☃", "'; --")
MOMENTS = tuple(datetime(2026, 3, 2, 23, 58) + timedelta(seconds=s) for s in (0, 0, 10, 30, 30.5, 60, 90, 119.75, 3600))
LENGTHS = (0, 0.25, 0.5, 1.5, 10, 20, 29.5, 30, 30.5, 60, 95.499999, 7200)
ZONES = (("Z", 0), ("Z", 0), ("+00:00", 0), ("+02:00", 2), ("-05:00", -5), ("+0530", 5.5), ("", 0))


class Source:
    """What an org may say: ids, people and moments to choose from. ``neighbours`` are the orgs of its tenant."""

    def __init__(self, random: Random, org: str, neighbours: tuple[str, ...]) -> None:
        self.random = random
        self.org = org
        self.ids = {table: self._ids(table) for table in SIZES}
        # As the rosters' source names them: some have the same id everywhere, the others one that the org makes.
        self.people = [str(uuid.uuid5(uuid.NAMESPACE_URL, f"anybody users.csv {number}")) for number in (0, 3, 6)]
        self.people += [identity(owner, "user", f"u{number}") for owner in neighbours for number in (1, 2)]
        self.people.append(str(uuid.uuid5(uuid.NAMESPACE_URL, "in no roster")))
        random.shuffle(self.people)

    def rows(self, name: str) -> list[Fields]:
        """Return what a file of a table holds one day; sometimes a row for every id that there is."""
        rows = [self.row(name) for _ in range(self.random.randint(0, MOST_ROWS.get(name, 3)))]
        if name in SIZES and name not in MOST_ROWS and self.random.random() < 0.5:
            key = TABLES[name].key[0]
            rows += [self.row(name, {key: each}) for each in self.ids[name]]
        return rows

    def row(self, name: str, given: Fields | None = None) -> Fields:
        """Return a row of a table with the ``given`` values, now and then with an empty key, a value that does not fit, or one that removes."""
        table, random = TABLES[name], self.random
        made = {column: make(self) for column, make in MAKERS[name].items()} | (given or {})
        if "ended_at_time" in made:
            made |= self._from_to()
        if name in SHAPES:
            made |= SHAPES[name](self, made)
        assert made.keys() == table.columns.keys(), name
        if random.random() < 0.012:
            made[random.choice(table.key)] = ""
        if random.random() < 0.05:
            made |= self._misfit(table)
        made[DELETED] = random.choice(("", "", "false", "F", "no", "0", "OFF")) if random.random() < 0.3 else ""
        if random.random() < 0.09:
            made[DELETED] = random.choice(("true", "TRUE", "t", "Yes", "y", "on", "1"))
            if random.random() < 0.5:
                made = {column: text if column in (*table.key, DELETED) else "" for column, text in made.items()}
            if random.random() < 0.3:
                made |= self._misfit(table)
        elif random.random() < 0.01:
            made[DELETED] = "perhaps"
        return made

    def _from_to(self) -> Fields:
        """Return when something began and ended: mostly in this order, one of them unknown, or still going on."""
        chance, start = self.random.random(), self.random.choice(MOMENTS)
        end = start + timedelta(seconds=self.random.choice(LENGTHS) * (-1 if chance > 0.94 else 1))
        return {
            "started_at_time": "" if chance < 0.05 else self.written(start),
            "ended_at_time": "" if 0.03 < chance < 0.14 else self.written(end),
        }

    def _misfit(self, table: Table) -> Fields:
        typed = [(column, data_type) for column, data_type in table.columns.items() if data_type in MISFITS]
        if not typed:
            return {}
        column, data_type = self.random.choice(typed)
        return {column: self.random.choice(MISFITS[data_type])}

    def id_of(self, table: str) -> str:
        """Return an id of a table's rows; a UUID in one of the ways in which systems write it."""
        found = self.random.choice(self.ids[table])
        return self.spelt(found) if _is_uuid(table) else found

    def known_id(self, table: str) -> str:
        """Return an id that another row may have, a few of them more often, so that several rows are about one thing."""
        few = self.ids[table][: 1 + len(self.ids[table]) // 4]
        found = self.random.choice(few) if self.random.random() < 0.5 else self.random.choice(self.ids[table])
        return self.spelt(found) if _is_uuid(table) else found

    def person(self) -> str:
        """Return a person's id, three of them more often than the others."""
        people = self.people[:3] if self.random.random() < 0.6 else self.people
        return self.spelt(self.random.choice(people))

    def spelt(self, key: str) -> str:
        """Return a UUID in one of the ways in which systems write it."""
        chance = self.random.random()
        if chance > 0.12:
            return key
        return key.upper() if chance > 0.04 else f"{{{key}}}" if chance > 0.02 else key.replace("-", "")

    def written(self, moment: datetime) -> str:
        """Return a moment in one of the ways in which systems write it."""
        zone, hours = self.random.choice(ZONES)
        text = (moment + timedelta(hours=hours)).isoformat(self.random.choice(("T", "T", " ")))
        return text + zone

    def _ids(self, table: str) -> list[str]:
        shared, own = SIZES[table]
        names = [f"{table} {number}" for number in range(shared)]
        names += [f"{table} {number} of {self.org}" for number in range(own)]
        made = [str(uuid.uuid5(uuid.NAMESPACE_URL, name)) for name in names]
        if _is_uuid(table):
            return made
        return [PREFIXES[number % len(PREFIXES)] + key[:8] for number, key in enumerate(made)]


def _is_uuid(table: str) -> bool:
    return TABLES[table].columns[TABLES[table].key[0]] == "uuid"


MISFITS: Mapping[str, tuple[str, ...]] = {
    "uuid": ("not-a-uuid", "6f9619ff-8b86-d011-b42d-00cf4fc964f", "g" * 32, " 6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
    "timestamptz": ("yesterday", "now", "infinity", "2026-02-30T10:00:00Z", "3 March 2026", "2026-13-01T00:00:00Z"),
    "boolean": ("maybe", "2", "nope"),
    "numeric": ("abc", "NaN", "Infinity", "1,5", "0x1F"),
    "integer": ("x", "12.5", "99999999999", "NaN"),
    "date": ("today", "2026-02-30", "03/02/2026"),
}


def _one(*values: str) -> Make:
    return lambda source: source.random.choice(values)


def _maybe(make: Make, empty: float = 0.08) -> Make:
    return lambda source: "" if source.random.random() < empty else make(source)


def _own(table: str) -> Make:
    return lambda source: source.id_of(table)


def _ref(*tables: str, empty: float = 0.04) -> Make:
    """Return a maker of ids that rows of other tables have; now and then of none, and of one that there is not."""

    def make(source: Source) -> str:
        chance, table = source.random.random(), source.random.choice(tables)
        if chance < empty:
            return ""
        if chance > 0.96:
            return str(uuid.uuid5(uuid.NAMESPACE_URL, "nothing")) if _is_uuid(table) else source.id_of(table).swapcase()
        return source.known_id(table)

    return make


def _key_ref(*tables: str) -> Make:
    return _ref(*tables, empty=0)


PERSON: Make = lambda source: source.person()  # noqa: E731
SOMEONE = _maybe(PERSON)
MOMENT = _maybe(lambda source: source.written(source.random.choice(MOMENTS)), 0.12)
TEXT = _one(*TEXTS)
YES_OR_NO = _one("true", "true", "t", "YES", "1", "on", "false", "F", "no", "0", "")
MOSTLY_YES = _one(*["true"] * 12, "TRUE", "y", "false", "")


def _resource(source: Source, row: Fields) -> Fields:
    """Let a resource mostly be of the kind that its place among the ids says, so that relations join what they should."""
    table = "caliper_assignable_digital_resource"
    kind = KINDS[source.ids[table].index(row["id"]) % len(KINDS)]
    return {"media_type": f"curriculum/{kind}" if source.random.random() < 0.8 else row["media_type"]}


def _relation(source: Source, row: Fields) -> Fields:
    """Let a relation mostly join kinds of resources that belong together."""
    random, ids = source.random, source.ids["caliper_assignable_digital_resource"]
    courses, units, subjects = (ids[number :: len(KINDS)] for number in range(3))
    items, tests = source.ids["caliper_assessment_item"], source.ids["caliper_assessment"]
    pairs = ((courses[:1], subjects), (courses, subjects), (units, courses), (items, tests), (tests, ids))
    if random.random() < 0.35:
        return {}
    source_ids, destination_ids = random.choice(pairs)
    return {"source_id": random.choice(source_ids), "destination_id": random.choice(destination_ids)}


SHAPES: Mapping[str, Callable[[Source, Fields], Fields]] = {
    "caliper_assignable_digital_resource": _resource,
    "caliper_resource_relation": _relation,
}
EMPTY = _one("")


MAKERS: Mapping[str, Mapping[str, Make]] = {
    "caliper_session": {
        "id": _own("caliper_session"), "user_id": SOMEONE, "client_id": _ref("lti_application"),
        "started_at_time": EMPTY, "ended_at_time": EMPTY,
    },
    "caliper_event": {
        "id": _own("caliper_event"), "type": TEXT, "action": TEXT, "actor_id": SOMEONE, "object_id": TEXT,
        "attempt_id": _ref("caliper_attempt"), "session_id": _ref("caliper_session", empty=0.2), "event_time": MOMENT,
    },
    "caliper_attempt": {
        "id": _own("caliper_attempt"), "assignee_id": SOMEONE,
        "assignable_id": _ref("caliper_assessment_item", "caliper_assessment_item", "caliper_assessment", *RESOURCES),
        "count": _one("", "", "1", "1", "+1", "2", "0"), "started_at_time": EMPTY, "ended_at_time": EMPTY,
        "duration_sec": _one("", "", "", "30", "2.5", "-2.5", "0.5", "61.499", ".5", "+7.", "33.5"),
    },
    "caliper_score": {
        "id": _own("caliper_score"), "attempt_id": _ref("caliper_attempt"),
        "score_given": _one("1", "1", "1.00", "0", "0.5", ""), "max_score": _one("1", "1", "1.0", "2", ""),
    },
    "caliper_assessment": {"id": _own("caliper_assessment"), "name": TEXT, "description": TEXT},
    "caliper_assessment_item": {
        "id": _own("caliper_assessment_item"), "name": TEXT, "description": TEXT, "media_type": _one("quiz", "guiding", ""),
    },
    "caliper_assignable_digital_resource": {
        "id": _own("caliper_assignable_digital_resource"), "name": TEXT, "description": TEXT,
        "media_type": _one(*(f"curriculum/{kind}" for kind in KINDS), "Curriculum/Course", ""),
    },
    "caliper_resource_relation": {
        "source_id": _key_ref(*RESOURCES, RESOURCES[0]),
        "destination_id": _key_ref(*RESOURCES, RESOURCES[0], RESOURCES[0]),
        "relationship_type": _one("isPartOf", "isPartOf", "isPartOf", "isPartOf", "ispartof", "requires"),
        "item_order": _one("", "0", "1", "1", "2", "-1"),
    },
    "insights_session": {
        "id": _own("insights_session"), "caliper_session_id": _ref("caliper_session"), "user_id": SOMEONE,
        "application_id": _ref("lti_application"), "webcam_enabled": YES_OR_NO, "is_proctored": MOSTLY_YES,
    },
    "insights_type": {
        "id": _own("insights_type"), "slug": _one(*["Journal", "Idling", "EyesOffScreen", "UnauthorizedAppUse"] * 3, "journal", ""),
        "category": _one(*["Engagement", "Proctoring", "Proctoring", "Cheating", "Cheating"] * 3, "Journal", "cheating", ""),
        "visibility": _one(*["external"] * 8, "internal", "External", ""), "is_waste": YES_OR_NO,
    },
    "insights_config": {"insight_type_id": _key_ref("insights_type"), "requires_review": _one("true", "T", "false", "0", "off", "")},
    "insights_insight": {
        "id": _own("insights_insight"), "insights_session_id": _ref("insights_session"),
        "insight_type_id": _ref("insights_type"), "started_at_time": EMPTY, "ended_at_time": EMPTY,
        "reason": _one("", "seen", "seen", "seen again", "seen again", " ", "with, comma", "two\nlines"), "is_visible": MOSTLY_YES,
    },
    "insights_review": {
        "id": _own("insights_review"), "insight_id": _ref("insights_insight"),
        "result": _one(*["TruePositive"] * 5, "FalsePositive", "Inconclusive", "truepositive", ""), "reviewed_at": _one("", "", *(f"2026-03-04T10:0{minute}:00Z" for minute in range(5))),
    },
    "insights_recommendation": {
        "id": _own("insights_recommendation"), "user_id": SOMEONE, "type": _maybe(_one("daily-coaching", "new")),
        "source": _maybe(_one("manual", "vault-agent")), "source_reference_id": TEXT, "title": TEXT,
        "visibility": _one("student", "student", "student", "internal", "Student", ""), "content": _maybe(_one("Rest.", " ")),
        "generated_at": MOMENT, "delivered_at": MOMENT, "feedback_sentiment": _one("", "POSITIVE", "NEGATIVE"),
        "feedback_text": TEXT, "feedback_at": MOMENT,
    },
    "lti_application": {"id": _own("lti_application"), "name": TEXT, "type": TEXT},
    "lti_application_subject": {
        "lti_application_id": _key_ref("lti_application"), "subject_title": _one("Algebra", "algebra", " ", "Art, Music"),
    },
    "lti_application_curriculum_scope": {
        "lti_application_id": _key_ref("lti_application"), "cf_document_id": _key_ref("cf_document"),
    },
    "cf_document": {"identifier": _own("cf_document"), "title": TEXT},
    "cf_item": {
        "identifier": _own("cf_item"), "cf_document_id": _ref("cf_document"), "full_statement": TEXT,
        "human_coding_scheme": TEXT, "cf_item_type": _one("Course", "course", "COURSE", "Courses", "Standard", ""),
    },
    "cf_subject": {
        "identifier": _own("cf_subject"), "title": _one("Algebra I", "algebra, i", "Physics", "X", "y", " x ", "1", ""),
        "hierarchy_code": _one("1", "1", "X", "Y", "Algebra, I", "M", ""), "description": TEXT,
    },
    "cf_item_subject": {"cf_item_id": _key_ref("cf_item"), "subject_id": _key_ref("cf_subject")},
    "clr_achievement": {
        "id": _own("clr_achievement"), "cf_item_id": _ref("cf_item"),
        "achievement_type": _one(*["standard-mastery", "curriculum-mastery"] * 2, "badge", "Standard-Mastery", ""),
    },
    "clr_achievement_credential": {
        "id": _own("clr_achievement_credential"), "achievement_id": _ref("clr_achievement"), "credential_subject_id": SOMEONE,
        "result_value": _one("0.875", "1", "0.00005", "-0.00005", "0.12345", "0.123449", ".5", "1.5", ""),
        "awarded_date": MOMENT,
    },
    "placement_grade": {
        "id": _own("placement_grade"), "grade_primary_identifier": _one("09", "09", "KG", "01", "9", ""), "label": TEXT,
        "order_number": _one("", "1", "2", "3", "+4"),
    },
    "placement_student_subject_placement": {
        "student_id": PERSON, "subject_id": _key_ref("cf_subject"), "grade_id": _ref("placement_grade"),
        "placement_status": _one("", "NotStarted", "InProgress", "Completed"), "date_last_modified": MOMENT,
    },
    "tb_xp_ledger": {
        "id": _own("tb_xp_ledger"), "user_id": SOMEONE, "application_id": _ref("lti_application"),
        "caliper_event_id": _ref("caliper_event", empty=0.15),
        "value": _one("10", "2.5", "-3", "-2.50", "0", "1000000000000000000000.125", ""), "date_created": MOMENT,
    },
    "one_roster_assessment_result": {
        "id": _own("one_roster_assessment_result"), "student_id": SOMEONE,
        "status": _one(*["active"] * 6, "Active", "tobedeleted", ""),
        "score_status": _one(*["fully graded"] * 6, "partially graded", ""),
        "score_date": _one("2026-03-01", "2026-02-01", "2024-02-29", ""), "report_url": _one("https://r/1", " ", "r", ""),
    },
}  # fmt: skip
# How many rows a file has at most, where that is more than a few: what much is worked out of comes often.
MOST_ROWS = {
    "caliper_event": 50, "caliper_attempt": 30, "caliper_score": 40, "caliper_resource_relation": 24,
    "insights_insight": 50, "insights_review": 70, "insights_recommendation": 8, "tb_xp_ledger": 20,
    "clr_achievement_credential": 12, "one_roster_assessment_result": 20,
}  # fmt: skip
