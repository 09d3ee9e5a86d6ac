"""What a record says that cannot all be true, as far as the record alone tells. Warnings, all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from edreflect_assets.roster.findings import FindingLog
from edreflect_assets.roster.validation.values import is_true

Rule = Callable[[pl.DataFrame, str, str, FindingLog], None]


def ends_after_it_begins(begin: str, end: str, header: str) -> Rule:
    """Return the rule that ``end`` (exclusive, called ``header`` in the file) is later than ``begin``."""

    def rule(rows: pl.DataFrame, file: str, _version: str, log: FindingLog) -> None:
        if _have_values(rows, begin, end):
            wrong = is_true(rows[end] <= rows[begin])
            if wrong.any():
                log.about_records("OR420", file, rows.filter(wrong), column=header)

    return rule


def primary_is_for_teachers(rows: pl.DataFrame, file: str, _version: str, log: FindingLog) -> None:
    """Warn about primary on somebody who is not a teacher."""
    if _have_values(rows, "primary", "role"):
        wrong = is_true(rows["primary"] & (rows["role"] != "teacher"))
        if wrong.any():
            log.about_records("OR431", file, rows.filter(wrong), column="primary")


def grades_are_for_students(rows: pl.DataFrame, file: str, version: str, log: FindingLog) -> None:
    """Warn about students without grades and others with some; in version 1.2 roles.csv says who is what."""
    if version != "1.1" or "role" not in rows.columns:
        return
    student = rows["role"] == "student"
    graded = rows["grades"].is_not_null() if "grades" in rows.columns else pl.repeat(False, rows.height, eager=True)
    for code, wrong in (("OR440", student & ~graded), ("OR441", ~student & graded)):
        wrong = is_true(wrong)  # noqa: PLW2901 - the mask without nulls
        if wrong.any():
            log.about_records(code, file, rows.filter(wrong), column="grades")


def as_many_codes_as_subjects(rows: pl.DataFrame, file: str, _version: str, log: FindingLog) -> None:
    """Warn about subjects and subjectCodes that do not pair up; either of them alone is fine."""
    if _have_values(rows, "subjects", "subject_codes"):
        numbers = rows.select(
            pl.col(name).str.split(",").list.eval(pl.element().str.strip_chars(" ") != "").list.sum()
            for name in ("subjects", "subject_codes")
        )
        wrong = is_true(numbers["subjects"] != numbers["subject_codes"])
        if wrong.any():
            log.about_records("OR421", file, rows.filter(wrong), column="subjectCodes")


def _have_values(rows: pl.DataFrame, *columns: str) -> bool:
    return all(column in rows.columns and rows[column].null_count() < rows.height for column in columns)


RULES: Mapping[str, Sequence[Rule]] = {
    "academic_sessions": [ends_after_it_begins("start_date", "end_date", "endDate")],
    "courses": [as_many_codes_as_subjects],
    "classes": [as_many_codes_as_subjects],
    "enrollments": [ends_after_it_begins("begin_date", "end_date", "endDate"), primary_is_for_teachers],
    "users": [grades_are_for_students],
    "roles": [ends_after_it_begins("begin_date", "end_date", "endDate")],
}
