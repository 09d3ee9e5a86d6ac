"""Every code, produced by a package that has this one fault: code, severity, file, line and column."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edreflect_assets.roster.codes import CODES, codes_table_markdown
from tests.unit.roster.rosters import CHANGED, Roster

P, R, W = "package", "row", "warning"
Found = tuple[str, str, str, int | None, str | None]
Spoil = Callable[[Roster], object]

ENROLLMENTS, USERS, CLASSES, ORGS = "enrollments.csv", "users.csv", "classes.csv", "orgs.csv"
SESSIONS, COURSES, MANIFEST, ROLES = "academicSessions.csv", "courses.csv", "manifest.csv", "roles.csv"


def left_aside(roster: Roster) -> None:
    roster.left_aside = ("demographics.csv",)


CASES: dict[str, tuple[Spoil, list[Found]]] = {
    "nothing at all": (lambda r: r.only(), [("OR001", P, MANIFEST, None, None)]),
    "a file of another kind": (left_aside, [("OR020", W, "demographics.csv", None, None)]),
    "no manifest": (
        lambda r: r.only(SESSIONS, ORGS, COURSES, CLASSES, ENROLLMENTS, USERS),
        [("OR030", W, MANIFEST, None, None)],
    ),
    "a manifest that says nothing of a file": (lambda r: r.say(USERS, ""), [("OR031", W, MANIFEST, None, None)]),
    "a manifest without versions": (
        lambda r: r.declare("oneroster.version", "").declare("manifest.version", ""),
        [("OR031", W, MANIFEST, None, None)],
    ),
    "a manifest of another version": (
        lambda r: r.declare("manifest.version", "2.0"),
        [("OR032", W, MANIFEST, 2, "value")],
    ),
    "an unknown version": (lambda r: r.declare("oneroster.version", "2.0"), [("OR033", P, MANIFEST, 3, "value")]),
    "version 1.0": (lambda r: r.declare("oneroster.version", "1.0"), [("OR034", W, MANIFEST, 3, "value")]),
    "a manifest of 1.1 over files of 1.2": (
        lambda r: r.as_1_2().declare("oneroster.version", "1.1"),
        [("OR035", W, MANIFEST, 3, "value")],
    ),
    "a mode nobody knows": (lambda r: r.say(USERS, "full"), [("OR036", W, MANIFEST, 9, "value")]),
    "a property twice": (
        lambda r: r.insert(MANIFEST, 3, b"manifest.version,1.0\n"),
        [("OR037", W, MANIFEST, 3, "propertyName")],
    ),
    "a file announced and not there": (
        lambda r: r.drop(COURSES).say(COURSES, "bulk"),
        [("OR038", W, MANIFEST, 6, "value")],
    ),
    "a file said to be absent": (lambda r: r.say(ORGS, "absent"), [("OR039", W, ORGS, None, None)]),
    "bulk said of changes": (lambda r: r.as_delta(USERS).say(USERS, "bulk"), [("OR040", W, USERS, None, None)]),
    "delta said of a full list": (lambda r: r.say(USERS, "delta"), [("OR041", P, USERS, None, None)]),
    "a full list without rows": (lambda r: r.cut(COURSES, 1), [("OR042", P, COURSES, None, None)]),
    "no row that can be read": (
        lambda r: r.replace(ORGS, r.text(ORGS).splitlines()[0] + b"\nd1\ns1\n"),
        [("OR043", P, ORGS, None, None), ("OR200", R, ORGS, 2, None), ("OR200", R, ORGS, 3, None)],
    ),
    "changes and full rows mixed": (
        lambda r: r.set(USERS, 2, "status", "active").set(USERS, 2, "dateLastModified", CHANGED),
        [
            ("OR044", W, USERS, None, None),
            ("OR321", W, USERS, None, "dateLastModified"),
            ("OR321", W, USERS, None, "status"),
        ],
    ),
    "roles nowhere": (
        lambda r: (
            r.drop_column(USERS, "role", "orgSourcedIds").declare("oneroster.version", "1.2").say(ROLES, "absent")
        ),
        [("OR045", W, USERS, 1, None)],
    ),
    "UTF-16": (
        lambda r: r.replace(COURSES, r.text(COURSES).decode().encode("utf-16")),
        [("OR100", P, COURSES, None, None)],
    ),
    "a file of no bytes": (lambda r: r.replace(COURSES, b""), [("OR101", P, COURSES, None, None)]),
    "a blank header": (lambda r: r.replace(COURSES, b"\n"), [("OR102", P, COURSES, 1, None)]),
    "a file without quotes that pair up": (
        lambda r: r.replace(COURSES, b'sourcedId,"title\n'),
        [("OR102", P, COURSES, 1, None)],
    ),
    "a required column missing": (
        lambda r: r.drop_column(CLASSES, "classType"),
        [("OR103", P, CLASSES, 1, None)],
    ),
    "a column twice": (lambda r: r.add_column(USERS, "grades"), [("OR104", P, USERS, 1, "grades")]),
    "a value without a column": (
        lambda r: r.add_column(ORGS, "", ["", "x", ""]),
        [("OR105", P, ORGS, None, None)],
    ),
    "a column without a name between others": (
        lambda r: r.add_column(ORGS, "", ["", "x", ""], place=2),
        [("OR105", P, ORGS, 1, None)],
    ),
    "columns that no table takes": (
        lambda r: r.add_column(ORGS, "x" * 64),
        [("OR106", P, ORGS, 1, None)],
    ),
    "a byte order mark": (
        lambda r: r.replace(ORGS, b"\xef\xbb\xbf" + r.text(ORGS)),
        [("OR110", W, ORGS, 1, None)],
    ),
    "a header in another case": (
        lambda r: r.rename(ORGS, "parentSourcedId", "ParentSourcedID"),
        [("OR111", W, ORGS, 1, "parentSourcedId")],
    ),
    "an unknown header": (lambda r: r.add_column(ORGS, "telephone"), [("OR112", W, ORGS, 1, "telephone")]),
    "another order": (
        lambda r: r.drop_column(ORGS, "identifier").add_column(ORGS, "identifier"),
        [("OR113", W, ORGS, 1, None)],
    ),
    "commas at the end": (lambda r: r.add_column(ORGS, ""), [("OR114", W, ORGS, 1, None)]),
    "a short line": (lambda r: r.insert(ORGS, 3, b"s9,,\n"), [("OR200", R, ORGS, 3, None)]),
    "a stray quote": (lambda r: r.insert(ORGS, 3, b's9,,,A"B,school,,\n'), [("OR201", R, ORGS, 3, None)]),
    "an open quote": (lambda r: r.insert(ORGS, 5, b's9,,,"A,school,,\n'), [("OR201", R, ORGS, 5, None)]),
    "bytes of another encoding": (
        lambda r: r.insert(ORGS, 3, b"s9,,,\xc4cole,school,,\n"),
        [("OR202", R, ORGS, 3, None)],
    ),
    "a NUL": (lambda r: r.insert(ORGS, 3, b"s9,,,A\0,school,,\n"), [("OR203", R, ORGS, 3, None)]),
    "a blank line": (lambda r: r.insert(ORGS, 3, b"\n"), [("OR204", R, ORGS, 3, None)]),
    "an empty name": (lambda r: r.set(ORGS, 3, "name", ""), [("OR300", R, ORGS, 3, "name")]),
    "an empty list that is required": (
        lambda r: r.set(USERS, 4, "orgSourcedIds", ""),
        [("OR300", R, USERS, 4, "orgSourcedIds")],
    ),
    "a list of nothing that is required": (
        lambda r: r.set(USERS, 4, "orgSourcedIds", ", "),
        [("OR300", R, USERS, 4, "orgSourcedIds"), ("OR316", W, USERS, 4, "orgSourcedIds")],
    ),
    "a space in an id": (
        lambda r: r.set(ENROLLMENTS, 3, "sourcedId", "e 2"),
        [("OR301", R, ENROLLMENTS, 3, "sourcedId")],
    ),
    "a space in an id of a list": (
        lambda r: r.set(USERS, 3, "agentSourcedIds", "u1,u 3"),
        [("OR301", R, USERS, 3, "agentSourcedIds"), ("OR410", W, USERS, 3, "agentSourcedIds")],
    ),
    "a long id": (lambda r: r.set(ENROLLMENTS, 3, "sourcedId", "e" * 256), [("OR302", R, ENROLLMENTS, 3, "sourcedId")]),
    "a day with slashes": (
        lambda r: r.set(ENROLLMENTS, 3, "beginDate", "2025/9/1"),
        [("OR303", R, ENROLLMENTS, 3, "beginDate")],
    ),
    "a day that does not exist": (
        lambda r: r.set(ENROLLMENTS, 3, "endDate", "2026-02-30"),
        [("OR303", R, ENROLLMENTS, 3, "endDate")],
    ),
    "a time that is none": (
        lambda r: r.as_delta(USERS).set(USERS, 3, "dateLastModified", "yesterday"),
        [("OR304", R, USERS, 3, "dateLastModified")],
    ),
    "two years": (lambda r: r.set(SESSIONS, 3, "schoolYear", "2025-26"), [("OR305", R, SESSIONS, 3, "schoolYear")]),
    "neither true nor false": (
        lambda r: r.set(USERS, 3, "enabledUser", "maybe"),
        [("OR306", R, USERS, 3, "enabledUser")],
    ),
    "an unknown role": (
        lambda r: r.set(ENROLLMENTS, 3, "role", "pupil"),
        [("OR307", R, ENROLLMENTS, 3, "role")],
    ),
    "an unknown status among changes": (
        lambda r: r.as_delta(ORGS).set(ORGS, 3, "status", "gone"),
        [("OR307", R, ORGS, 3, "status")],
    ),
    "another case": (lambda r: r.set(CLASSES, 2, "classType", "Scheduled"), [("OR310", W, CLASSES, 2, "classType")]),
    "inactive": (lambda r: r.as_delta(ORGS).set(ORGS, 3, "status", "inactive"), [("OR311", W, ORGS, 3, "status")]),
    "TRUE": (lambda r: r.set(USERS, 2, "enabledUser", "TRUE"), [("OR312", W, USERS, 2, "enabledUser")]),
    "a line break": (lambda r: r.set(ORGS, 3, "name", "North\nHigh"), [("OR313", W, ORGS, 3, "name")]),
    "an id without a type": (lambda r: r.set(USERS, 2, "userIds", "alee"), [("OR314", W, USERS, 2, "userIds")]),
    "a grade in words": (lambda r: r.set(USERS, 3, "grades", "ninth"), [("OR315", W, USERS, 3, "grades")]),
    "a comma too many": (
        lambda r: r.set(CLASSES, 2, "termSourcedIds", "t1,, t2"),
        [("OR316", W, CLASSES, 2, "termSourcedIds")],
    ),
    "a change without a status": (
        lambda r: r.as_delta(USERS).set(USERS, 3, "status", ""),
        [("OR320", R, USERS, 3, "status")],
    ),
    "a status in a full list": (
        lambda r: r.set(USERS, 2, "status", "active"),
        [("OR321", W, USERS, None, "status")],
    ),
    "an ending in a full list": (
        lambda r: r.set(ENROLLMENTS, 3, "status", "toBeDeleted"),
        [("OR321", W, ENROLLMENTS, None, "status"), ("OR322", R, ENROLLMENTS, 3, "status")],
    ),
    "an id twice in a full list": (
        lambda r: r.repeat(ORGS, 3),
        [("OR400", R, ORGS, 3, "sourcedId")],
    ),
    "an id twice among changes": (
        lambda r: r.as_delta(ORGS).repeat(ORGS, 3),
        [("OR401", W, ORGS, 3, "sourcedId")],
    ),
    "a reference that leads nowhere": (
        lambda r: r.set(ENROLLMENTS, 3, "userSourcedId", "u9"),
        [("OR410", W, ENROLLMENTS, 3, "userSourcedId")],
    ),
    "a class at a district": (
        lambda r: r.set(CLASSES, 3, "schoolSourcedId", "d1"),
        [("OR411", W, CLASSES, 3, "schoolSourcedId")],
    ),
    "a course of a term": (
        lambda r: r.set(COURSES, 2, "schoolYearSourcedId", "t1"),
        [("OR412", W, COURSES, 2, "schoolYearSourcedId")],
    ),
    "organizations in a circle": (
        lambda r: r.set(ORGS, 2, "parentSourcedId", "s1"),
        [("OR413", W, ORGS, 2, "parentSourcedId"), ("OR413", W, ORGS, 3, "parentSourcedId")],
    ),
    "a session that is its own parent": (
        lambda r: r.set(SESSIONS, 4, "parentSourcedId", "t2"),
        [("OR413", W, SESSIONS, 4, "parentSourcedId")],
    ),
    "an end on the day of the beginning": (
        lambda r: r.set(ENROLLMENTS, 3, "endDate", "2025-09-01"),
        [("OR420", W, ENROLLMENTS, 3, "endDate")],
    ),
    "more subjects than codes": (
        lambda r: r.set(CLASSES, 2, "subjects", "Mathematics,Logic"),
        [("OR421", W, CLASSES, 2, "subjectCodes")],
    ),
    "two primary teachers": (
        lambda r: r.repeat(ENROLLMENTS, 2, sourcedId="e9", userSourcedId="u3", beginDate="2025-10-01"),
        [("OR430", W, ENROLLMENTS, 5, "primary")],
    ),
    "a student as primary teacher": (
        lambda r: r.set(ENROLLMENTS, 3, "primary", "true"),
        [("OR431", W, ENROLLMENTS, 3, "primary")],
    ),
    "an enrollment before the term": (
        lambda r: r.set(ENROLLMENTS, 3, "beginDate", "2025-07-31"),
        [("OR432", W, ENROLLMENTS, 3, "beginDate")],
    ),
    "an enrollment after the term": (
        lambda r: r.set(ENROLLMENTS, 4, "endDate", "2026-01-02"),
        [("OR432", W, ENROLLMENTS, 4, "endDate")],
    ),
    "a student without a grade": (lambda r: r.set(USERS, 3, "grades", ""), [("OR440", W, USERS, 3, "grades")]),
    "a student without a grade in 1.2": (
        lambda r: r.as_1_2().set(USERS, 3, "grades", ""),
        [("OR440", W, USERS, 3, "grades")],
    ),
    "a teacher with a grade": (lambda r: r.set(USERS, 2, "grades", "09"), [("OR441", W, USERS, 2, "grades")]),
    "a teacher with a grade in 1.2": (
        lambda r: r.as_1_2().set(USERS, 2, "grades", "09"),
        [("OR441", W, USERS, 2, "grades")],
    ),
}
# Found before validation: tests/unit/roster/test_reading_packages.py and its neighbours.
OF_THE_READER = {f"OR{number:03}" for number in range(10, 19)}


def found(roster: Roster, folder: Path) -> list[Found]:
    return sorted(
        ((f.code, f.severity, f.file, f.line, f.column) for f in roster.judged(folder).findings()),
        key=lambda finding: (finding[0], finding[2], finding[3] or 0, finding[4] or ""),
    )


def test_a_roster_without_a_fault_has_no_finding(tmp_path: Path) -> None:
    assert found(Roster(), tmp_path) == []


def test_a_roster_of_version_1_2_without_a_fault_has_no_finding(tmp_path: Path) -> None:
    roster = Roster().as_1_2()
    assert found(roster, tmp_path) == []
    assert roster.judged(tmp_path).version == "1.2"


@pytest.mark.parametrize("name", CASES)
def test_one_fault_gives_its_own_finding_and_no_other(name: str, tmp_path: Path) -> None:
    spoil, expected = CASES[name]
    roster = Roster()
    spoil(roster)
    assert found(roster, tmp_path) == expected


def test_every_code_is_produced_by_some_case() -> None:
    produced = {finding[0] for _, findings in CASES.values() for finding in findings}
    assert produced | OF_THE_READER == set(CODES)


def test_every_code_says_what_it_means_and_what_to_do_in_sentences() -> None:
    for code in CODES.values():
        assert code.meaning.endswith((".", "@")), code
        assert code.advice.endswith("."), code


def test_the_table_in_the_readme_is_the_table_of_the_code() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    _, table, _ = readme.split("<!-- validation codes -->")
    assert table.strip() == codes_table_markdown()
