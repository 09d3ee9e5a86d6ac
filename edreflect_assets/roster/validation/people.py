"""Users beside their roles: in version 1.2 only roles.csv says who is a student."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from edreflect_assets.roster.findings import FindingLog
from edreflect_assets.roster.validation.contents import ID, FileContents


def check_grades(package: Mapping[str, FileContents], log: FindingLog) -> None:
    """Warn about students without grades and others with some, among the users whose roles the package holds."""
    users, roles = package.get("users"), package.get("roles")
    if users is None or roles is None:
        return
    held = roles.rows.filter(~roles.rows["ended"]).drop_nulls(["user_sourced_id", "role"])
    students = held.filter(held["role"].cast(pl.String) == "student")["user_sourced_id"]
    known = users.rows.filter(~users.rows["ended"] & users.rows[ID].is_in(held["user_sourced_id"].implode()))
    is_student = known[ID].is_in(students.implode())
    graded = known["grades"] if "grades" in known.columns else pl.repeat(value=False, n=known.height, eager=True)
    file = users.header.contract.file
    log.about_records("OR440", file, known.filter(is_student & ~graded), column="grades")
    log.about_records("OR441", file, known.filter(~is_student & graded), column="grades")
