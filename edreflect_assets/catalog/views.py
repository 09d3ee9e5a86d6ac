"""The published views as dbt's manifest describes them: texts, columns, join keys, readers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from edreflect_assets.contracts import DBT_PROJECT_DIR

SCHEMA = "analytics"
_PREFIX = f"{SCHEMA}__"
_SECTIONS = ("Purpose", "Grain", "Freshness", "Join keys")
# Of the views outside of the catalogue, all scoped to orgs: the org found by org_id, and its id in an array.
_MADE_BY_SCOPE = {"org_id", "org_ids"}
_KEY = re.compile(r"^(?:unnest\()?(\w+)\)?(?:::[\w\[\]]+)?$")
# Order and titles of the groups; a view's is decided by its folder of models and by whether it has a scope.
GROUPS = {
    "learning": "Learning records",
    "roster": "Rosters",
    "infinite_campus": "Programs and cohorts",
    "reference": "Curriculum and reference",
    "edreflect": "Educator evaluation",
}


@dataclass(frozen=True)
class Column:
    """A column of a published view; ``never_null`` is what the catalogue promises or a data test checks."""

    name: str
    data_type: str
    never_null: bool
    description: str


@dataclass(frozen=True)
class JoinKey:
    """Columns of one view that find rows of another: ``columns`` of ``view`` equal ``to_columns`` of ``to``, pairwise."""

    view: str
    columns: tuple[str, ...]
    to: str
    to_columns: tuple[str, ...]

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The columns that are compared, each with its counterpart."""
        return tuple(zip(self.columns, self.to_columns, strict=True))


@dataclass(frozen=True)
class View:
    """A published view. ``unique_id`` is its node of the manifest, ``reader`` the role that may select from it.

    ``scoped`` views show rows of the organizations in a session's scope only. ``key`` are the columns that
    identify a row, none where nothing does. ``joins_text`` is the documentation's own text about join keys, ``join_keys``
    those that can be followed.
    """

    name: str
    unique_id: str
    group: str
    reader: str
    scoped: bool
    purpose: str
    grain: str
    key: tuple[str, ...]
    freshness: str
    joins_text: str
    columns: tuple[Column, ...]
    join_keys: tuple[JoinKey, ...]

    @property
    def relation(self) -> str:
        """The name by which the view is queried."""
        return f"{SCHEMA}.{self.name}"

    @property
    def deprecated(self) -> bool:
        """Whether the documentation advises against its use."""
        return self.purpose.upper().startswith("DEPRECATED")

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}


def published_views(manifest: Mapping[str, Any], types: Mapping[str, Mapping[str, str]] | None = None) -> list[View]:
    """Return every published view, by group and name.

    ``types`` are the types of columns by view as the warehouse has them, for columns whose type no document names. Join
    keys to views or columns that do not exist are left out.
    """
    interface = _interface()
    tested = _tested_columns(manifest)
    nodes = [node for node in manifest["nodes"].values() if _is_published(node)]
    views = [
        _view(node, interface.get(node["alias"], {}), tested, (types or {}).get(node["alias"], {})) for node in nodes
    ]
    by_name = {view.name: view for view in views}
    linked = [
        replace(view, join_keys=tuple(_resolvable(_declared_keys(view.name, node), by_name)))
        for view, node in zip(views, nodes, strict=True)
    ]
    return sorted(linked, key=lambda view: (list(GROUPS).index(view.group), view.name))


def referring_keys(views: Iterable[View]) -> dict[str, list[JoinKey]]:
    """Return by view the join keys of others that lead to it."""
    referring: dict[str, list[JoinKey]] = {}
    for view in views:
        for key in view.join_keys:
            referring.setdefault(key.to, []).append(key)
    return referring


def _is_published(node: Mapping[str, Any]) -> bool:
    return (node["resource_type"], node["schema"]) == ("model", SCHEMA)


def _interface() -> dict[str, dict[str, Any]]:
    path: Path = DBT_PROJECT_DIR / "catalogue.yml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8"))["views"])


def _tested_columns(manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return (model, column) of every not_null test; those of a mart hold for the view of its name."""
    return {
        (node["attached_node"].rpartition(".")[2].partition("__")[2], node["column_name"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and (node.get("test_metadata") or {}).get("name") == "not_null"
        and node.get("attached_node", "").rpartition(".")[2].startswith((_PREFIX, "marts__"))
    }


def _view(
    node: Mapping[str, Any], interface: Mapping[str, Any], tested: set[tuple[str, str]], types: Mapping[str, str]
) -> View:
    name, meta = node["alias"], node["config"].get("meta") or {}
    promised = {column: data_type.split(" ")[0] for column, data_type in interface.get("columns", {}).items()}
    never_null = {column for column, text in interface.get("columns", {}).items() if text.endswith(" not null")}
    if not interface:
        never_null = {column for view, column in tested if view == name} | _MADE_BY_SCOPE
    columns = tuple(
        Column(
            name=column["name"],
            data_type=column.get("data_type") or promised.get(column["name"]) or types.get(column["name"], ""),
            never_null=column["name"] in never_null,
            description=_folded(column.get("description", "")),
        )
        for column in node["columns"].values()
    )
    texts = _sections(node.get("description", ""))
    # not all that is scoped shows org_ids
    scoped = "org_ids" in node["columns"] or "scoped_" in node.get("raw_code", "")
    return View(
        name=name,
        unique_id=node["unique_id"],
        group=_group(node["fqn"], scoped),
        reader=node["config"].get("reader", ""),
        scoped=scoped,
        purpose=_sentence(texts["Purpose"]),
        grain=_sentence(texts["Grain"]),
        key=tuple(meta.get("grain") or ()),
        freshness=_sentence(texts["Freshness"]),
        joins_text=texts["Join keys"],
        columns=columns,
        join_keys=(),
    )


def _group(fqn: list[str], scoped: bool) -> str:
    folder = fqn[2] if len(fqn) > 3 else ""
    if folder in GROUPS:
        return folder
    return "learning" if scoped else "reference"


def _sections(description: str) -> dict[str, str]:
    """Return the paragraphs of a description by their first words; what stands before the first is its purpose."""
    texts = dict.fromkeys(_SECTIONS, "")
    section = "Purpose"
    for line in description.strip().splitlines():
        head, colon, rest = line.partition(":")
        if colon and head.strip() in texts:
            section, line = head.strip(), rest  # noqa: PLW2901 - the rest of the line is what belongs to the section
        texts[section] = f"{texts[section]} {line.strip()}".strip()
    return {name: _folded(text) for name, text in texts.items()}


def _declared_keys(view: str, node: Mapping[str, Any]) -> Iterator[JoinKey]:
    for entry in (node["config"].get("meta") or {}).get("join_keys") or []:
        columns, to_columns = _names(entry["key"]), _names(entry["column"])
        if len(columns) == len(to_columns):
            yield JoinKey(view, columns, str(entry["to"]).rpartition(".")[2].removeprefix(_PREFIX), to_columns)


def _resolvable(keys: Iterable[JoinKey], views: Mapping[str, View]) -> Iterator[JoinKey]:
    seen = set()
    for key in keys:
        target = views.get(key.to)
        known = target is not None and set(key.to_columns) <= set(target.by_name)
        if known and set(key.columns) <= set(views[key.view].by_name) and key not in seen:
            seen.add(key)
            yield key


def _names(value: object) -> tuple[str, ...]:
    """Return the columns of a documented key: ``a``, ``[a, b]``, ``a::text`` or ``unnest(a)``. Casts follow from types."""
    written = value if isinstance(value, list) else [value]
    return tuple(_KEY.sub(r"\1", str(name)) for name in written)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _folded(text: str) -> str:
    return " ".join(text.split())
