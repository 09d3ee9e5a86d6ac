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
        # Of snapshots one model applies whatever came, listed or not: see whole_feed_model. What is kept stays raw.
        if contract.load in {"reference", "snapshot", "kept"}:
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


def whole_feed_model(feed: Feed) -> str | None:
    """Return the model that applies every load of a feed, whatever its table; None where tables have their own."""
    return f"{feed.name}__deliveries" if feed.convention else None


def pending(connection: Connection, feeds: Mapping[str, Feed] | None = None) -> list[PendingModel]:
    """Return the models with loads to apply or to retire; a load that no model reads is never pending.

    A held package that was approved since counts with all its loads.
    """
    feeds = load_feeds() if feeds is None else feeds
    reads: list[tuple[str, str, str | None]] = [
        (model, feed.name, table)
        for feed in feeds.values()
        for model, tables in tables_read(feed).items()
        for table in tables
    ]
    # A model without a table reads what its feed's ledger has; its name alone lets it retire what was superseded.
    reads += [(model, feed.name, None) for feed in feeds.values() if (model := whole_feed_model(feed))]
    with connection.cursor() as cursor:
        rows = execute_values(
            cursor,
            f"with reads (model, feed, table_name) as (values %s) {_PENDING}",
            reads,
            page_size=len(reads),
            fetch=True,
        )
        for feed in feeds.values():
            model = whole_feed_model(feed)
            if model is not None:
                rows += _of_whole_feed(cursor, feed, model)
        for feed in feeds.values():
            if feed.package is not None:
                rows += _approved(cursor, feed)
    load_ids: dict[str, list[int]] = {}
    for model, load_id in sorted(rows):
        load_ids.setdefault(model, []).append(load_id)
    return [PendingModel(model, tuple(ids)) for model, ids in load_ids.items()]


def _of_whole_feed(cursor: Cursor, feed: Feed, model: str) -> list[tuple[str, int]]:
    """Return the loads of a feed, of whatever table, that its one model has not recorded.

    The feed is a constant of the statement: the planner sees how rare it is and goes by the index, not through the ledger.
    """
    cursor.execute(
        """
        select %(model)s, load_id from ops.load_log
        where feed = %(feed)s and status = 'current' and table_name is not null
          and not exists (select from ops.applied where applied.model = %(model)s and applied.load_id = load_log.load_id)
        """,
        {"model": model, "feed": feed.name},
    )
    return [(name, load_id) for name, load_id in cursor]


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
