"""Enrollments beside each other and beside their class: its terms, and who its primary teacher is when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

import polars as pl

from edreflect_assets.roster.findings import FindingLog
from edreflect_assets.roster.validation.contents import ID, FileContents

ID_OF_CLASS = "class_sourced_id"
_PERIOD = ("begin_date", "end_date")


def check_terms(package: Mapping[str, FileContents], log: FindingLog) -> None:
    """Warn about enrollments outside the terms of their class, where the package holds class and terms."""
    enrollments, terms = package.get("enrollments"), _terms_of_classes(package)
    if enrollments is None or terms is None:
        return
    present = [column for column in _PERIOD if column in enrollments.rows.columns]
    dated = enrollments.rows.filter(
        ~pl.col("ended"), pl.any_horizontal(pl.col(column).is_not_null() for column in present)
    )
    dated = dated.select("record", "line", *present, ID_OF_CLASS).join(terms, on=ID_OF_CLASS)
    for column, beyond in (
        ("begin_date", (pl.col("begin_date") < pl.col("from")) | (pl.col("begin_date") >= pl.col("to"))),
        ("end_date", (pl.col("end_date") > pl.col("to")) | (pl.col("end_date") <= pl.col("from"))),
    ):
        if column in present:
            file = enrollments.header.contract.file
            log.about_records("OR432", file, dated.filter(beyond), column=enrollments.spelling(column))


def _terms_of_classes(package: Mapping[str, FileContents]) -> pl.DataFrame | None:
    """Return the first day and the first day after all terms (from, to) of each class whose terms are all known."""
    classes, sessions = package.get("classes"), package.get("academic_sessions")
    if classes is None or sessions is None or "term_sourced_ids" not in classes.lists:
        return None
    days = sessions.last().select(item=ID, start="start_date", end="end_date").drop_nulls()
    ids = classes.last().select("record", ID)
    terms = classes.lists["term_sourced_ids"].join(ids, on="record").join(days, on="item", how="left")
    spans = terms.group_by(ID).agg(
        pl.col("start").min().alias("from"), pl.col("end").max().alias("to"), pl.col("start").null_count().alias("lost")
    )
    return spans.filter(pl.col("lost") == 0).select(pl.col(ID).alias(ID_OF_CLASS), "from", "to")


def check_primary_teachers(package: Mapping[str, FileContents], log: FindingLog) -> None:
    """Warn about primary teachers of a class who begin before another one of it has ended."""
    enrollments = package.get("enrollments")
    if enrollments is None or not {"primary", "role"} <= set(enrollments.rows.columns):
        return
    rows = enrollments.rows.filter(~pl.col("ended") & pl.col("primary") & (pl.col("role").cast(pl.String) == "teacher"))
    rows = rows.drop_nulls([ID_OF_CLASS, "user_sourced_id"])
    rows = rows.with_columns(pl.lit(None, pl.Date).alias(column) for column in _PERIOD if column not in rows.columns)
    several = rows.filter(pl.col("user_sourced_id").n_unique().over(ID_OF_CLASS) > 1)
    ordered = several.sort(ID_OF_CLASS, "begin_date", "record", nulls_last=False)
    columns = ("record", ID_OF_CLASS, "user_sourced_id", *_PERIOD)
    overlapping = list(_overlapping(ordered.select(columns).iter_rows()))
    places = rows.filter(rows["record"].is_in(overlapping)) if overlapping else rows.clear()
    log.about_records("OR430", enrollments.header.contract.file, places, column="primary")


def _overlapping(rows: Iterable[tuple[int, int, int, date | None, date | None]]) -> Iterator[int]:
    """Yield the records that begin before an earlier one of another teacher of the class has ended.

    ``rows`` is ordered by class and begin. Of those before, the two that end last, of two teachers, decide.
    """
    this_class = None
    ends: dict[int, date] = {}
    for record, in_class, user, begin, end in rows:
        if in_class != this_class:
            this_class, ends = in_class, {}
        begins = begin or date.min
        if any(other != user and ended > begins for other, ended in ends.items()):
            yield record
        ends[user] = max(ends.get(user, date.min), end or date.max)
        if len(ends) > 2:
            del ends[min(ends, key=ends.__getitem__)]
