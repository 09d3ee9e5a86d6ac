"""Ids beside each other: repeated ones, references that lead nowhere or to the wrong kind, records that are their own ancestors."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from edreflect_assets.roster.findings import FindingLog
from edreflect_assets.roster.validation.contents import ID, FileContents

# Column -> code, and the type its target must have.
_KINDS = {
    "school_sourced_id": ("OR411", "school"),
    "school_year_sourced_id": ("OR412", "schoolYear"),
}


def check_duplicates(contents: FileContents, log: FindingLog) -> None:
    """Find all records but the last of each sourcedId: set aside in a full export, a warning among changes."""
    rows = contents.rows.select("record", "line", ID).drop_nulls(ID)
    if rows[ID].n_unique() == rows.height:
        return
    code = "OR401" if contents.mode == "delta" else "OR400"
    earlier = rows.filter(~rows[ID].is_last_distinct())
    log.about_records(code, contents.header.contract.file, earlier, column=contents.spelling(ID))


def check_references(package: Mapping[str, FileContents], log: FindingLog) -> None:
    """Warn about references of full exports that lead to no record of a full export in the same package.

    ``package`` is by table. References beyond the package, and those of changes, are for the build to judge.
    """
    known = {table: contents.ids() for table, contents in package.items() if contents.mode == "bulk"}
    for contents in package.values():
        if contents.mode != "bulk":
            continue
        for column in contents.header.contract.columns:
            references = references_of(contents, column.name)
            if not column.references or column.references not in known or references is None:
                continue
            lost = ~references["item"].is_in(known[column.references].implode())
            if lost.any():
                file = contents.header.contract.file
                target = package[column.references].header.contract.file
                text = f"{contents.spelling(column.name)} leads to no record of {target}."
                places = references.filter(lost).unique("record")
                log.about_records("OR410", file, places, column=contents.spelling(column.name), text=text)


def check_kinds(package: Mapping[str, FileContents], log: FindingLog) -> None:
    """Warn about schools that are no schools and school years that are none, where the package holds what is meant."""
    for contents in package.values():
        for column in contents.header.contract.columns:
            if not column.references or column.name not in _KINDS or column.references not in package:
                continue
            code, kind = _KINDS[column.name]
            target = package[column.references].last()
            references = references_of(contents, column.name)
            if references is None or "type" not in target.columns:
                continue
            others = target.filter(target["type"].cast(pl.String) != kind)[ID]
            wrong = references["item"].is_in(others.implode()) if len(others) else None
            if wrong is not None and wrong.any():
                file = contents.header.contract.file
                log.about_records(code, file, references.filter(wrong), column=contents.spelling(column.name))


def check_ancestors(contents: FileContents, log: FindingLog) -> None:
    """Warn about records whose parents, followed upwards, lead back to them."""
    column = "parent_sourced_id"
    if column not in contents.rows.columns:
        return
    rows = contents.last().select("record", "line", ID, column).drop_nulls()
    # What is nobody's parent is on no circle; most records are not.
    rows = rows.filter(rows[ID].is_in(rows[column].implode()))
    circular = _circular(dict(zip(rows[ID].to_list(), rows[column].to_list(), strict=True)))
    places = rows.filter(rows[ID].is_in(list(circular)))
    log.about_records("OR413", contents.header.contract.file, places, column=contents.spelling(column))


def references_of(contents: FileContents, column: str) -> pl.DataFrame | None:
    """Return record, line and item (the hash) of each reference in a column; None for columns that hold none."""
    if column in contents.lists:
        return contents.lists[column]
    known = next((known for known in contents.header.contract.columns if known.name == column), None)
    if known is None or not known.references or column not in contents.rows.columns:
        return None
    return contents.rows.select("record", "line", item=column).drop_nulls("item")


def _circular(parents: Mapping[int, int]) -> set[int]:
    """Return the nodes that are on a circle."""
    done: set[int] = set()
    circular: set[int] = set()
    for start in parents:
        path: dict[int, int] = {}
        node: int | None = start
        while node is not None and node not in done and node not in path:
            path[node] = len(path)
            node = parents.get(node)
        if node is not None and node in path:
            circular.update(list(path)[path[node] :])
        done.update(path)
    return circular
