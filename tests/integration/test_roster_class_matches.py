"""What a class says of its subjects and grades is matched to those the platform knows, within the tenant."""

from __future__ import annotations

import uuid
from contextlib import closing
from datetime import date

import pytest

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.model.roster import platform
from tests.model.roster.sheets import delivery, row, sheet

DAY = date(2026, 3, 2)
MATH, ALGEBRA, ART, FOREIGN = (uuid.UUID(int=number) for number in (1, 2, 3, 4))
NINTH, TENTH = (uuid.UUID(int=number) for number in (9, 10))

# org, title, code of the subjects that another feed delivers
SUBJECTS = [
    ("north", MATH, "Mathematics", "02"),
    ("sister", ALGEBRA, "mathematics", "02.1"),
    ("north", ART, "Art, Music and Dance", "05"),
    ("south", FOREIGN, "Drama", "06"),
]
GRADES = [("north", NINTH, "09"), ("north", TENTH, "10"), ("south", uuid.UUID(int=11), "11")]


def _values(rows: list[tuple[object, ...]]) -> str:
    return ", ".join("(" + ", ".join(f"'{value}'" for value in row) + ")" for row in rows)


@pytest.fixture
def matched(database: Settings) -> tuple[dict[str, set[uuid.UUID]], dict[str, set[uuid.UUID]]]:
    """The subjects and the grades found for each class, by its sourcedId."""
    classes = sheet(
        "classes",
        row("by-code", subjectCodes="02.1", subjects="Mathematics"),
        row("by-title", subjects="MATHEMATICS"),
        row("commas-do-not-matter", subjects="art music and dance"),
        row("several", subjectCodes="05,02", grades="10,09"),
        row("unknown", subjects="Astronomy", grades="9"),
        row("of-another-tenant", subjects="Drama", grades="11"),
    )
    with closing(connect(database)) as connection:
        platform.register(connection, {"north": "state", "sister": "state", "south": "south"})
        assert platform.load(connection, database, delivery("north", DAY, (classes,), "1.1"))
        platform.build_rosters(database, DAY, select="+path:models/reconciled/oneroster")
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into timeback.cf_subject (org_id, identifier, title, hierarchy_code, _day)"
                " select org_id, identifier::uuid, title, hierarchy_code, '2026-03-01'"
                f" from (values {_values(SUBJECTS)}) as subject (org_id, identifier, title, hierarchy_code)"
            )
            cursor.execute(
                "insert into timeback.placement_grade (org_id, id, grade_primary_identifier, _day)"
                " select org_id, id::uuid, grade_primary_identifier, '2026-03-01'"
                f" from (values {_values(GRADES)}) as grade (org_id, id, grade_primary_identifier)"
            )
        platform.build_rosters(
            database, DAY, select="oneroster__one_roster_class_subject oneroster__one_roster_class_grade"
        )
        found = []
        with connection, connection.cursor() as cursor:
            for table, column in (("class_subject", "subject_id"), ("class_grade", "placement_grade_id")):
                cursor.execute(
                    f"select class.sourced_id, match.{column} from oneroster.one_roster_{table} as match"
                    " join oneroster.one_roster_class as class on class.id = match.class_id"
                )
                by_class: dict[str, set[uuid.UUID]] = {}
                for sourced_id, value in cursor:
                    by_class.setdefault(sourced_id, set()).add(uuid.UUID(str(value)))
                found.append(by_class)
    return found[0], found[1]


def test_subjects_are_found_by_code_else_by_title(
    matched: tuple[dict[str, set[uuid.UUID]], dict[str, set[uuid.UUID]]],
) -> None:
    subjects, _ = matched
    assert subjects == {
        "by-code": {ALGEBRA},
        # two subjects of the tenant have this title: the lowest identifier
        "by-title": {MATH},
        "commas-do-not-matter": {ART},
        "several": {ART, MATH},
    }


def test_grades_are_found_by_their_exact_code(
    matched: tuple[dict[str, set[uuid.UUID]], dict[str, set[uuid.UUID]]],
) -> None:
    _, grades = matched
    assert grades == {"several": {NINTH, TENTH}}
