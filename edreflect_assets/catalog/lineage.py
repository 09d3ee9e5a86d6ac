"""Which delivered files a published view rests on, and through which relations, read from dbt's manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edreflect_assets.catalog.views import View
from edreflect_assets.contracts import Feed, FileContract

# Rosters are folded package by package, in one model for all files. Which file a table's rows come from is said by the
# contract (becomes), and here for what is made of people: of users.csv, or of users.csv and roles.csv together.
_FOLD = "roster_fold"
_MADE_OF_PEOPLE = {"one_roster_role": ("users", "roles"), "one_roster_user_agent": ("users",)}


@dataclass(frozen=True)
class SourceFile:
    """A delivered file and the relations between it and a view: as staged, as reconciled."""

    feed: str
    contract: FileContract
    staged: tuple[str, ...]
    reconciled: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Feed and table, as the ledger names them."""
        return self.feed, self.contract.table


@dataclass(frozen=True)
class Lineage:
    """What a view's rows come from.

    ``mart`` is the relation whose rows it shows, ``marts`` all it is made of, nearest first; ``files`` hold the rows,
    ``scope_files`` merely decide who sees them.
    """

    mart: str | None
    marts: tuple[str, ...]
    files: tuple[SourceFile, ...]
    scope_files: tuple[SourceFile, ...]


class Graph:
    """The manifest's models as a graph from views to files."""

    def __init__(self, manifest: Mapping[str, Any], feeds: Mapping[str, Feed]) -> None:
        self._nodes: Mapping[str, Any] = manifest["nodes"]
        self._parents: Mapping[str, list[str]] = manifest["parent_map"]
        self._contracts = {
            unique_id: contract
            for unique_id, source in manifest["sources"].items()
            for feed in feeds.values()
            if feed.raw_schema == source["schema"] and (contract := feed.tables.get(source["name"]))
        }

    def lineage(self, view: View) -> Lineage:
        """Return where the rows of a view come from."""
        direct = self.parents(view.unique_id)
        behind = next((parent for parent in direct if self._is_mart(parent, view.name)), None)
        rows = self._ancestors([behind] if behind else direct)
        scope = [node for node in self._ancestors(direct) if node not in set(rows)]
        return Lineage(
            mart=self.relation(behind) if behind else None,
            marts=tuple(self.relation(node) for node in rows if self._schema(node) == "marts"),
            files=self._files(rows),
            scope_files=self._files([*rows, *scope], only=set(scope)),
        )

    def relation(self, unique_id: str) -> str:
        """Return ``schema.name`` of a model."""
        node = self._nodes[unique_id]
        return f"{node['schema']}.{node['alias']}"

    def parents(self, unique_id: str) -> list[str]:
        """Return the models and sources that a node reads, the fold of rosters replaced by what it takes its rows from."""
        found: list[str] = []
        for parent in self._parents.get(unique_id, []):
            if self._nodes.get(parent, {}).get("config", {}).get("materialized") == _FOLD:
                found += self._folded(unique_id, parent)
            elif parent in self._nodes or parent in self._contracts:
                found.append(parent)
        return found

    def _folded(self, unique_id: str, fold: str) -> list[str]:
        table = self._nodes[unique_id]["alias"]
        staged = self._parents.get(fold, [])
        wanted = {
            source
            for source, contract in self._contracts.items()
            if contract.becomes == table or contract.table in _MADE_OF_PEOPLE.get(table, ())
        }
        return [node for node in staged if wanted & set(self._parents.get(node, []))] or staged

    def _ancestors(self, start: Iterable[str]) -> list[str]:
        """Return the nodes of ``start`` and all they rest on, nearest first."""
        found = dict.fromkeys(start)
        waiting = list(found)
        for node in waiting:
            for parent in self.parents(node):
                if parent not in found:
                    found[parent] = None
                    waiting.append(parent)
        return list(found)

    def _files(self, nodes: list[str], only: set[str] | None = None) -> tuple[SourceFile, ...]:
        children: dict[str, list[str]] = {}
        for node in nodes:
            for parent in self.parents(node):
                children.setdefault(parent, []).append(node)
        files = [
            SourceFile(
                feed=contract.feed,
                contract=contract,
                staged=tuple(map(self.relation, staged := children.get(source, []))),
                reconciled=tuple(
                    dict.fromkeys(
                        self.relation(child)
                        for model in staged
                        for child in children.get(model, [])
                        if self._schema(child) == contract.feed
                    )
                ),
            )
            for source, contract in self._contracts.items()
            if source in nodes and (only is None or source in only)
        ]
        return tuple(sorted(files, key=lambda file: (file.feed, file.contract.file)))

    def _is_mart(self, unique_id: str, name: str) -> bool:
        return self._schema(unique_id) == "marts" and self._nodes[unique_id]["alias"] == name

    def _schema(self, unique_id: str) -> str:
        node = self._nodes.get(unique_id)
        return str(node["schema"]) if node else ""
