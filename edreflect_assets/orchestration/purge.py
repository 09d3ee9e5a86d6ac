"""What Dagster keeps of an org, and how that is deleted: partition, runs, events, ticks, their files.

Dagster's own functions delete partitions and runs, but no single partition of an asset and no line of a run that many orgs
share. What they leave is deleted from its tables: rows of ``event_logs`` and ``asset_check_executions`` that name the org
go; any other row that names it (a sensor's tick, a run of many orgs) stays, with the name taken out of it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage

from edreflect_assets.database import connect
from edreflect_assets.orchestration.instance import open_instance
from edreflect_assets.orchestration.partitions import ORGS
from edreflect_assets.orchestration.storage import SCHEMA
from edreflect_assets.purge import Subject
from edreflect_assets.purge.space import free_space
from edreflect_assets.settings import Settings

REDACTED = "(purged)"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# Rows that say one thing about one moment; without them nothing else is wrong.
_DELETED = {"event_logs", "asset_check_executions", "asset_event_tags", "dynamic_partitions", "backfill_tags"}
_KINDS = {
    "event_logs": "events",
    "asset_event_tags": "tags of events",
    "asset_check_executions": "results of checks",
    "dynamic_partitions": "partitions",
    "asset_keys": "last states of assets",
    "runs": "runs",
    "run_tags": "tags of runs",
    "job_ticks": "ticks",
    "kvs": "cursors",
    "bulk_actions": "backfills",
}

_Connect = Callable[[], Any]


class DagsterTraces:
    """Dagster's side of a purge, see ``edreflect_assets.purge``; opens the installation's instance when it is asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def running(self, subject: Subject) -> list[str]:
        """Return the ids of unfinished runs that name the org in their partition or tags."""
        with open_instance(self._settings) as instance:
            runs = instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
            return [run.run_id for run in runs if any(subject.named_in(value) for value in run.tags.values())]

    def count(self, subject: Subject) -> dict[str, int]:
        """Return the rows that name the org, by what they are."""
        found: Counter[str] = Counter()
        with open_instance(self._settings) as instance:
            for opened in _stores(instance, self._settings.dagster_home):
                with opened() as connection:
                    for table, _, _ in _naming(connection, subject):
                        found[_KINDS.get(table.name, table.name)] += 1
        return dict(found)

    def delete(self, subject: Subject, *, rewrite: bool) -> list[str]:
        """Delete everything that names the org and the bytes of it; return a clause for each place where they remain."""
        with open_instance(self._settings) as instance:
            instance.delete_dynamic_partition(str(ORGS.name), subject.org_id)
            for run_id in _runs_of_it_alone(instance, subject):
                instance.delete_run(run_id)
                self._delete_files(run_id)
            stores = _stores(instance, self._settings.dagster_home)
            for opened in stores:
                with opened() as connection:
                    _forget(connection, subject)
        if self._settings.database_url:
            return self._free_space(rewrite)
        return _rewrite_sqlite(self._settings.dagster_home)

    def _delete_files(self, run_id: str) -> None:
        for path in sorted(self._settings.dagster_home.rglob(f"{run_id}*"), reverse=True):
            _delete(path)

    def _free_space(self, rewrite: bool) -> list[str]:
        with closing(connect(self._settings, application_name="edreflect purge")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("select tablename from pg_tables where schemaname = %s", [SCHEMA])
                tables = [(SCHEMA, str(name)) for (name,) in cursor.fetchall()]
            return free_space(connection, tables, rewrite=rewrite)


def has_dagster(settings: Settings) -> bool:
    """Tell whether Dagster has ever kept anything for this installation."""
    if (settings.dagster_home / "dagster.yaml").exists():
        return True
    if settings.database_url is None:
        return False
    with closing(connect(settings)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s) is not null", [f"{SCHEMA}.runs"])
        return cursor.fetchone() == (True,)


def _runs_of_it_alone(instance: dg.DagsterInstance, subject: Subject) -> Iterator[str]:
    """Give the ids of ended runs that name the org in their tags and report on no partition of another one."""
    for run in instance.get_runs():
        if not any(subject.named_in(value) for value in run.tags.values()):
            continue
        kinds = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_OBSERVATION}
        events = [record.event_log_entry for record in instance.get_records_for_run(run.run_id, of_type=kinds).records]
        partitions = [str(event.dagster_event.partition) for event in events if event.dagster_event]
        if all(partition == "None" or subject.named_in(partition) for partition in partitions):
            yield run.run_id


def _stores(instance: dg.DagsterInstance, home: Path) -> list[_Connect]:
    """Return functions that open each database of Dagster's storage; with SQLite every run has one of its own."""
    runs, events, schedules = instance.run_storage, instance.event_log_storage, instance.schedule_storage
    stores: dict[str, _Connect] = {}

    def add(opened: _Connect) -> None:
        with opened() as connection:
            # One Postgres is all of them; in SQLite each is a file.
            stores.setdefault(str(connection.engine.url), opened)

    inner = [getattr(store, "_storage", store) for store in (runs, events, schedules)]
    if isinstance(inner[0], SqlRunStorage):
        add(inner[0].connect)
    if isinstance(inner[2], SqlScheduleStorage):
        add(inner[2].connect)
    if isinstance(inner[1], SqlEventLogStorage):
        events_of = inner[1]
        add(events_of.index_connection)
        for run_id in _runs_with_a_file(home) if isinstance(events_of, SqliteEventLogStorage) else []:
            add(partial(events_of.run_connection, run_id))
    return list(stores.values())


def _runs_with_a_file(home: Path) -> list[str]:
    """Return the runs that have a SQLite file of events; events without a run are those of a run without a name."""
    names = [path.name.removesuffix(".db") for path in (home / "history" / "runs").glob("*.db")]
    names += [""] if (home / "history" / "runs" / ".db").exists() else []
    return sorted(set(names) - {"index"})


def _naming(connection: db.Connection, subject: Subject) -> Iterator[tuple[db.Table, int, dict[str, str]]]:
    """Give each row that names the org: its table, its id and the texts that do. Names within words are not it."""
    metadata = db.MetaData()
    metadata.reflect(connection)
    sought = [str(subject.org_uuid), *([] if subject.name_is_a_word else [subject.org_id])]
    for table in metadata.sorted_tables:
        if "id" not in table.c:
            continue
        texts = [column for column in table.c if isinstance(column.type, db.String | db.Text)]
        holds = [column.contains(name, autoescape=True) for column in texts for name in sought]
        if not holds:
            continue
        for row in connection.execute(db.select(table.c.id, *texts).where(db.or_(*holds))).mappings().all():
            named = {column.name: row[column.name] for column in texts if subject.named_in(row[column.name] or "")}
            if named:
                yield table, row["id"], named


def _forget(connection: db.Connection, subject: Subject) -> None:
    for table, row, texts in list(_naming(connection, subject)):
        here = table.c.id == row
        if table.name in _DELETED:
            connection.execute(db.delete(table).where(here))
        elif table.name == "asset_keys":
            connection.execute(db.update(table).where(here).values(**_last_of_others(connection, table, row, subject)))
        else:
            redacted = {name: _redacted(text, subject) for name, text in texts.items()}
            connection.execute(db.update(table).where(here).values(**redacted))
    _delete_tags_of_nothing(connection)


def _last_of_others(connection: db.Connection, keys: db.Table, row: int, subject: Subject) -> dict[str, Any]:
    """Return what an asset's row says once its newest event is one that does not name the org; the cache is made anew."""
    logs = db.Table("event_logs", db.MetaData(), autoload_with=connection)
    key = connection.execute(db.select(keys.c.asset_key).where(keys.c.id == row)).scalar_one()
    newest = (
        db.select(logs.c.event, logs.c.run_id)
        .where(logs.c.asset_key == key, logs.c.dagster_event_type == "ASSET_MATERIALIZATION")
        .order_by(logs.c.id.desc())
    )
    for event, run_id in connection.execute(newest):
        if not subject.named_in(event):
            return {"last_materialization": event, "last_run_id": run_id, "cached_status_data": None}
    return {"last_materialization": None, "last_run_id": None, "cached_status_data": None}


def _delete_tags_of_nothing(connection: db.Connection) -> None:
    """Delete the other tags of events that were deleted (the day, beside the org)."""
    inspector = db.inspect(connection)
    if inspector.has_table("asset_event_tags") and inspector.has_table("event_logs"):
        connection.execute(
            db.text(
                "delete from asset_event_tags where event_id not in (select id from event_logs where id is not null)"
            )
        )


def _redacted(text: str, subject: Subject) -> str:
    """Return a text without the org's name; in JSON only values change, so that it stays what it was."""
    try:
        content = json.loads(text)
    except ValueError:
        return subject.pattern.sub(REDACTED, text)
    return json.dumps(_without_name(content, subject))


def _without_name(value: Any, subject: Subject) -> Any:
    if isinstance(value, dict):
        return {subject.pattern.sub(REDACTED, key): _without_name(item, subject) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_name(item, subject) for item in value]
    if isinstance(value, str):
        # Dagster keeps JSON within JSON.
        return _redacted(value, subject) if value[:1] in {"{", "["} else subject.pattern.sub(REDACTED, value)
    return value


def _rewrite_sqlite(home: Path) -> list[str]:
    """Rewrite Dagster's SQLite files and empty their logs, so that no deleted row is left in them."""
    left = []
    for path in sorted({*home.rglob("*.db"), *home.rglob(".db")}):
        try:
            with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
                connection.execute("vacuum")
                busy, *_ = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        except sqlite3.Error as error:
            left.append(f"{path.name} of Dagster ({type(error).__name__}; stop Dagster and purge again)")
        else:
            left += [f"{path.name}-wal of Dagster (another process has it open)"] if busy else []
    return left


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
