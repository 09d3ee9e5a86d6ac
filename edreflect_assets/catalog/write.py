"""From the manifest and the warehouse to the site."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.catalog.lineage import Graph
from edreflect_assets.catalog.pages import Catalog, catalog_of
from edreflect_assets.catalog.site import check_replaceable, write_site
from edreflect_assets.catalog.views import published_views
from edreflect_assets.catalog.warehouse import count_rows, read_warehouse
from edreflect_assets.contracts import load_feeds
from edreflect_assets.orchestration.manifest import prepare_manifest
from edreflect_assets.settings import Settings


def write_catalog(
    settings: Settings,
    connection: Connection,
    directory: Path,
    progress: Callable[[str, int, int], None] | None = None,
) -> Catalog:
    """Write the catalogue's site to ``directory``, in place of an older one, and return what it shows.

    ``progress`` is called with what is done next, its number and the number of steps. Raises ConfigurationError when
    nothing is published or the dbt project does not parse, UsageError when the folder holds something else.
    """
    check_replaceable(directory)
    warehouse = read_warehouse(connection)
    say = progress or (lambda line, number, total: None)
    say("Reading the dbt project", 0, 0)
    manifest = json.loads(prepare_manifest(settings).read_text(encoding="utf-8"))
    feeds = load_feeds()
    views = published_views(manifest, warehouse.types)
    graph = Graph(manifest, feeds)
    lineages = {view.name: graph.lineage(view) for view in views}
    marts = sorted({lineage.mart for lineage in lineages.values() if lineage.mart})
    numbers = {mart: number for number, mart in enumerate(marts, start=1)}
    counts = count_rows(connection, marts, lambda mart: say(f"Counting {mart}", numbers[mart] - 1, len(marts) + 1))
    say("Writing the pages", len(marts), len(marts) + 1)
    catalog = catalog_of(views, lineages, replace(warehouse, counts=counts), feeds, datetime.now(UTC))
    write_site(catalog, directory)
    return catalog
