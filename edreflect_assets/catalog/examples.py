"""Queries to begin with, made for each view from its columns and join keys. They run as they stand, for any reader."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edreflect_assets.catalog.views import Column, JoinKey, View

_KINDS = re.compile(r"(^|_)(status|type|kind|role|category)$")
_LABELS = ("name", "title", "label", "school_name", "session_date", "date")
_MOST_COLUMNS = 12
_MOST_JOINS = 6


@dataclass(frozen=True)
class Example:
    """A query and what it answers."""

    title: str
    sql: str


def examples(view: View, views: Mapping[str, View]) -> list[Example]:
    """Return the example queries of a view; ``views`` are all of them by name."""
    found = [Example("A first look", _first_look(view))]
    found += _per_day(view)
    found += _per_kind(view)
    found += _joins(view, views)
    if "org_ids" in view.by_name:
        found.append(Example("Rows per organization", _per_organization(view)))
    return found


def _first_look(view: View) -> str:
    names = [column.name for column in view.columns]
    return _select(names[:_MOST_COLUMNS], view.relation, "limit 100")


def _per_day(view: View) -> Iterator[Example]:
    day = _first(view, ("date",)) or _first(view, ("timestamptz", "timestamp"))
    if day:
        value = f"{view.name}.{day.name}"
        value = value if day.data_type == "date" else f"{value}::date"
        columns = [f"{value} as day", "count(*) as row_count"]
        yield Example(
            f"Rows per day, by {day.name}",
            _select(columns, view.relation, "group by day", "order by day desc", "limit 30"),
        )


def _per_kind(view: View) -> Iterator[Example]:
    kind = next((column for column in view.columns if column.data_type == "text" and _KINDS.search(column.name)), None)
    if kind:
        name = f"{view.name}.{kind.name}"
        columns = [name, "count(*) as row_count"]
        yield Example(
            f"Rows per {kind.name}", _select(columns, view.relation, f"group by {name}", "order by row_count desc")
        )


def _joins(view: View, views: Mapping[str, View]) -> Iterator[Example]:
    for key in view.join_keys[:_MOST_JOINS]:
        target = views[key.to]
        # a view that refers to itself needs a second name
        alias = f"other_{key.to}" if key.to == view.name else key.to
        shown = list(dict.fromkeys([*key.columns, *(column.name for column in view.columns)]))[:4]
        columns = [f"{view.name}.{name}" for name in shown]
        columns += [f"{alias}.{name} as {key.to}_{name}" for name in _labels(target, key)]
        joined = f"left join {target.relation}{f' as {alias}' if alias != key.to else ''}\n    on {join_condition(key, view, target, alias)}"
        yield Example(
            f"With {key.to}, by {', '.join(key.columns)}", _select(columns, view.relation, joined, "limit 100")
        )


def join_condition(key: JoinKey, view: View, target: View, alias: str | None = None) -> str:
    """Return the condition that joins two views by a key, with the casts that their types need."""
    return "\n    and ".join(
        _equal(f"{view.name}.{column}", view.by_name[column], f"{alias or target.name}.{other}", target.by_name[other])
        for column, other in key.pairs
    )


def _equal(left: str, left_column: Column, right: str, right_column: Column) -> str:
    left_type, right_type = left_column.data_type, right_column.data_type
    left_item, right_item = left_type.removesuffix("[]"), right_type.removesuffix("[]")
    if left_item != right_item:
        left = _as_text(left, left_type)
        right = _as_text(right, right_type)
    if left_type.endswith("[]") and right_type.endswith("[]"):
        return f"{left} && {right}"
    if left_type.endswith("[]"):
        return f"{right} = any({left})"
    return f"{left} = any({right})" if right_type.endswith("[]") else f"{left} = {right}"


def _as_text(name: str, data_type: str) -> str:
    if data_type.removesuffix("[]") == "text":
        return name
    return f"{name}::text[]" if data_type.endswith("[]") else f"{name}::text"


def _labels(target: View, key: JoinKey) -> list[str]:
    label = next((name for name in _LABELS if name in target.by_name), None)
    others = [column.name for column in target.columns if column.name not in {*key.to_columns, "org_ids"}]
    return [label] if label else others[:1]


def _per_organization(view: View) -> str:
    return _select(
        ["organization_id", "count(*) as row_count"],
        view.relation,
        f"cross join unnest({view.name}.org_ids) as organization_id",
        "group by organization_id",
        "order by row_count desc",
    )


def _first(view: View, data_types: tuple[str, ...]) -> Column | None:
    return next((column for column in view.columns if column.data_type in data_types), None)


def _select(columns: list[str], relation: str, *clauses: str) -> str:
    return "\n".join(["select", *_indented(columns), f"from {relation}", *clauses])


def _indented(columns: list[str]) -> list[str]:
    return [f"    {column}{',' if number < len(columns) else ''}" for number, column in enumerate(columns, start=1)]
