"""What the ledger holds that the reconciled models have not recorded yet.

Level-triggered by construction: a load is pending from the commit that made it current until the commit of the rows it
led to, whoever looks, and however often (design, decision 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import execute_values

from edreflect_assets.contracts import Feed, load_feeds

_PENDING = """
select reads.model, load_log.load_id
from reads
join ops.load_log on load_log.feed = reads.feed and load_log.table_name = reads.table_name
where load_log.status = 'current'
  and not exists (
    select from ops.applied where applied.model = reads.model and applied.load_id = load_log.load_id
  )
union all
select applied.model, applied.load_id
from ops.load_log
join ops.applied on applied.load_id = load_log.load_id
where load_log.status = 'superseded' and applied.model in (select model from reads)
order by 1, 2
"""


@dataclass(frozen=True)
class PendingModel:
    """A reconciled model and the loads, new or retired, that it has yet to record."""

    model: str
    load_ids: tuple[int, ...]


def tables_read(feed: Feed) -> dict[str, tuple[str, ...]]:
    """Return the raw tables behind each reconciled model of a feed, by model name.

    A model reads its own file and those that name its keys; the id maps are one model, and so are the files of packages.
    """
    models: dict[str, tuple[str, ...]] = {}
    for contract in feed.files.values():
        if contract.load in {"reference", "kept", "snapshot"}:
            continue
        if contract.load in {"roster", "manifest"}:
            name = f"{feed.name}__packages"
            models[name] = (*models.get(name, ()), contract.table)
            continue
        if contract.load == "id_map":
            name = f"{feed.name}__id_map"
            models[name] = (*models.get(name, ()), contract.table)
            continue
        side_files = [contract.touched_by]
        side_files += [reference.file for reference in (contract.deleted_by, contract.modified_by) if reference]
        models[f"{feed.extends or feed.name}__{contract.table}"] = (
            contract.table,
            *(feed.files[file].table for file in side_files if file),
        )
    return models


def pending(connection: Connection, feeds: Mapping[str, Feed] | None = None) -> list[PendingModel]:
    """Return the models with loads to apply or to retire; a load that no model reads is never pending.

    A held package that was approved since counts with all its loads.
    """
    feeds = load_feeds() if feeds is None else feeds
    reads = [
        (model, feed.name, table)
        for feed in feeds.values()
        for model, tables in tables_read(feed).items()
        for table in tables
    ]
    with connection.cursor() as cursor:
        rows = execute_values(
            cursor,
            f"with reads (model, feed, table_name) as (values %s) {_PENDING}",
            reads,
            page_size=len(reads),
            fetch=True,
        )
        for feed in feeds.values():
            if feed.package is not None:
                rows += _approved(cursor, feed)
    load_ids: dict[str, list[int]] = {}
    for model, load_id in rows:
        load_ids.setdefault(model, []).append(load_id)
    return [PendingModel(model, tuple(ids)) for model, ids in load_ids.items()]


def _approved(cursor: Cursor, feed: Feed) -> list[tuple[str, int]]:
    """Return the loads of held packages that are approved and not folded yet; before the first build there are none."""
    packages = f"{feed.name}_log.packages"
    cursor.execute("select to_regclass(%s) is not null", (packages,))
    if cursor.fetchone() != (True,):
        return []
    cursor.execute(
        f"""
        select %(model)s, unnest(held.load_ids)
        from {packages} as held
        where held.status = 'held' and exists (
            select from ops.approvals
            where approvals.feed = %(feed)s and approvals.org_id = held.org_id and approvals.day = held.day
              and approvals.load_ids = held.load_ids
        )
        order by 2
        """,
        {"model": f"{feed.name}__packages", "feed": feed.name},
    )
    return [(model, load_id) for model, load_id in cursor]
