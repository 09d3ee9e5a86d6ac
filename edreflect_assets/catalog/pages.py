"""What the pages show: each view with its lineage, freshness, counts, charts and queries; the files; the diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from edreflect_assets.catalog.chart import Chart, chart_of
from edreflect_assets.catalog.examples import Example, examples, join_condition
from edreflect_assets.catalog.lineage import Lineage, SourceFile
from edreflect_assets.catalog.views import GROUPS, JoinKey, View, referring_keys
from edreflect_assets.catalog.warehouse import Build, FileKey, Warehouse
from edreflect_assets.contracts import Feed, FileContract


@dataclass(frozen=True)
class Join:
    """A join key and the condition it is written as."""

    key: JoinKey
    condition: str


@dataclass(frozen=True)
class FeedFreshness:
    """The files of one feed behind a view: the newest day any of them was delivered, the rows they brought per day."""

    feed: str
    files: int
    newest_day: date | None
    chart: Chart | None


@dataclass(frozen=True)
class ViewPage:
    """All that the page of one view shows.

    ``rows`` is None where nothing was counted, ``built`` False where the warehouse lacks the view; ``days`` has the newest
    day delivered of each file behind it.
    """

    view: View
    lineage: Lineage
    built: bool
    rows: int | None
    joins: tuple[Join, ...]
    referring: tuple[Join, ...]
    feeds: tuple[FeedFreshness, ...]
    days: Mapping[FileKey, date | None]
    examples: tuple[Example, ...]

    @property
    def newest_day(self) -> date | None:
        """The newest day on which a file behind the view was delivered."""
        return max((feed.newest_day for feed in self.feeds if feed.newest_day), default=None)


@dataclass(frozen=True)
class FileEntry:
    """A file of a feed's contract: when it last came, and the views whose rows rest on it."""

    contract: FileContract
    newest_day: date | None
    rows: int
    views: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """The whole site's content."""

    pages: tuple[ViewPage, ...]
    feeds: tuple[tuple[Feed, tuple[FileEntry, ...]], ...]
    last_build: Build | None
    written_at: datetime

    @property
    def groups(self) -> list[tuple[str, str, list[ViewPage]]]:
        """The groups that have views: name, title, pages."""
        of = {name: [page for page in self.pages if page.view.group == name] for name in GROUPS}
        return [(name, GROUPS[name], pages) for name, pages in of.items() if pages]

    @property
    def joins(self) -> list[Join]:
        """Every join key once, in the order of views."""
        return [join for page in self.pages for join in page.joins]


def catalog_of(
    views: Sequence[View],
    lineages: Mapping[str, Lineage],
    warehouse: Warehouse,
    feeds: Mapping[str, Feed],
    written_at: datetime,
) -> Catalog:
    """Put together what the site shows; ``lineages`` are by view."""
    by_name = {view.name: view for view in views}
    referring = referring_keys(views)

    def joins(keys: Sequence[JoinKey]) -> tuple[Join, ...]:
        return tuple(Join(key, join_condition(key, by_name[key.view], by_name[key.to])) for key in keys)

    pages = tuple(
        ViewPage(
            view=view,
            lineage=lineages[view.name],
            built=view.name in warehouse.types,
            rows=warehouse.counts.get(lineages[view.name].mart or ""),
            joins=joins(view.join_keys),
            referring=joins(referring.get(view.name, [])),
            feeds=_freshness(lineages[view.name].files, warehouse),
            days={
                file.key: warehouse.newest_day([file.key])
                for file in (*lineages[view.name].files, *lineages[view.name].scope_files)
            },
            examples=tuple(examples(view, by_name)),
        )
        for view in views
    )
    return Catalog(
        pages=pages,
        feeds=tuple((feed, _entries(feed, pages, warehouse)) for feed in feeds.values()),
        last_build=warehouse.last_build,
        written_at=written_at,
    )


def search_documents(catalog: Catalog) -> list[dict[str, Any]]:
    """Return what can be found: views, their columns, files; ``href`` is relative to the site's root."""
    documents: list[dict[str, Any]] = []
    for page in catalog.pages:
        view, href = page.view, f"views/{page.view.name}.html"
        text = " ".join([view.purpose, view.grain])
        documents.append({"kind": "view", "name": view.name, "of": GROUPS[view.group], "text": text, "href": href})
        documents += [
            {
                "kind": "column",
                "name": column.name,
                "of": view.name,
                "text": column.description,
                "href": f"{href}#column-{column.name}",
            }
            for column in view.columns
        ]
    for feed, entries in catalog.feeds:
        documents += [
            {
                "kind": "file",
                "name": entry.contract.file,
                "of": feed.name,
                "text": entry.contract.description,
                "href": f"files.html#{file_anchor(entry.contract)}",
            }
            for entry in entries
        ]
    return [{"id": number, **document} for number, document in enumerate(documents)]


def diagram_data(catalog: Catalog) -> dict[str, Any]:
    """Return the entity diagram's nodes and edges; several keys between two views are one edge."""
    edges: dict[tuple[str, str], list[str]] = {}
    for join in catalog.joins:
        edges.setdefault((join.key.view, join.key.to), []).append(join.condition.replace("\n   ", ""))
    return {
        "groups": {name: title for name, title, _ in catalog.groups},
        "nodes": [
            {"name": page.view.name, "group": page.view.group, "href": f"views/{page.view.name}.html"}
            for page in catalog.pages
        ],
        "edges": [{"from": start, "to": end, "keys": keys} for (start, end), keys in edges.items()],
    }


def file_anchor(contract: FileContract) -> str:
    """Return the anchor of a file on the page of files."""
    return f"{contract.feed}-{contract.table}"


def _freshness(files: Sequence[SourceFile], warehouse: Warehouse) -> tuple[FeedFreshness, ...]:
    keys: dict[str, list[tuple[str, str]]] = {}
    for file in files:
        keys.setdefault(file.feed, []).append(file.key)
    return tuple(
        FeedFreshness(feed, len(of), warehouse.newest_day(of), chart_of(warehouse.rows_by_day(of)))
        for feed, of in keys.items()
    )


def _entries(feed: Feed, pages: Sequence[ViewPage], warehouse: Warehouse) -> tuple[FileEntry, ...]:
    feeding: dict[str, list[str]] = {}
    for page in pages:
        for file in page.lineage.files:
            if file.feed == feed.name:
                feeding.setdefault(file.contract.table, []).append(page.view.name)
    return tuple(
        FileEntry(
            contract=contract,
            newest_day=warehouse.newest_day([(feed.name, contract.table)]),
            rows=sum(warehouse.rows_by_day([(feed.name, contract.table)]).values()),
            views=tuple(feeding.get(contract.table, [])),
        )
        for contract in sorted(feed.files.values(), key=lambda contract: contract.file.casefold())
        # Of the files that become one table the first stands for all.
        if contract is feed.tables[contract.table]
    )
