"""One builder at a time, and the record each build leaves in ``ops.builds``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date

from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.access import expand_grants
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect, ensure_server, migrate
from edreflect_assets.errors import EdreflectError
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.dbt import project_checksum
from edreflect_assets.warehouse.pending import pending

# The schemas of views that builds make, beside those of the feeds.
OWN_SCHEMAS = ("staging", "marts", "analytics")
# dbt's selection of the stored models whose rows depend on the date or on the registry.
DEPENDS_ON_SURROUNDINGS = "tag:surroundings"


class BuildInProgress(EdreflectError):
    """Another builder holds the lock; the build can simply be asked for again."""


@contextmanager
def builder_lock(settings: Settings) -> Iterator[Connection]:
    """Hold the builder's lock; yields the connection that holds it, in autocommit.

    The lock belongs to the connection, so a builder that dies releases it. Raises BuildInProgress when it is taken.
    """
    connection = connect(settings, application_name="edreflect build")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select pg_try_advisory_lock(hashtext('edreflect'), hashtext('builder'))")
            (taken,) = cursor.fetchone() or (False,)
        if not taken:
            raise BuildInProgress("Another build is running; it or the next one applies what is pending.")
        yield connection
    finally:
        connection.close()


@dataclass
class BuildRecord:
    """The open row of ``ops.builds``; ``error`` names what failed, and leaving it None means success.

    ``selection`` is what a dbt run has to build: the pending models and what reads them; None means everything (the
    project has changed, or the last build did not succeed), an empty tuple that there is nothing to do. A new date, or a
    change of tenants in the registry, adds the models that are stored and depend on it. ``partial`` says
    that somebody chose other models: when everything was due, it still is. ``views_stand``: the views are as the last
    build left them, so that only stored models have to be run.
    """

    build_id: int
    selection: tuple[str, ...] | None = None
    partial: bool = False
    error: str | None = None
    views_stand: bool = False


@contextmanager
def build_session(settings: Settings, *, as_of: date | None = None) -> Iterator[BuildRecord]:
    """Everything that surrounds a dbt run, whoever starts it: server, lock, clock, grants, summaries, the build's record.

    ``as_of`` pins "today" (``ops.clock``); without it the clock follows the UTC date. The caller sets ``error`` on the
    record when models failed, and ``partial`` when it builds less than is due. Raises BuildInProgress.
    """
    ensure_server(settings)
    with closing(connect(settings, application_name="edreflect build")) as migrating:
        migrate(migrating)
    with builder_lock(settings) as connection:
        _set_clock(connection, as_of)
        expand_grants(connection)
        _summarize_raw_indexes(connection)
        record = _start(connection)
        try:
            yield record
            expand_grants(connection)
        except BaseException as error:
            record.error = record.error or type(error).__name__
            raise
        finally:
            _finish(connection, record)


def _set_clock(connection: Connection, as_of: date | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into ops.clock (today, pinned) values (coalesce(%(day)s, (now() at time zone 'UTC')::date), %(pinned)s)"
            ' on conflict ("only") do update set today = excluded.today, pinned = excluded.pinned',
            {"day": as_of, "pinned": as_of is not None},
        )


def _summarize_raw_indexes(connection: Connection) -> None:
    """Let the block-range indexes on ``_load_id`` know what was appended since, so that builds skip the rest."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select brin_summarize_new_values(index.indexrelid::regclass)"
            " from pg_index as index join pg_class as class on class.oid = index.indexrelid"
            " join pg_am on pg_am.oid = class.relam join pg_namespace as schema on schema.oid = class.relnamespace"
            " where pg_am.amname = 'brin' and schema.nspname like 'raw\\_%'"
        )


def _start(connection: Connection) -> BuildRecord:
    todo = {model.model: len(model.load_ids) for model in pending(connection)}
    surroundings, views = _surroundings(connection), _views(connection)
    with connection.cursor() as cursor:
        # whoever holds the lock is the only builder: a row that still says running belongs to one that died
        cursor.execute(
            "update ops.builds set status = 'failed', finished_at = now(), error = 'the builder ended without a word'"
            " where status = 'running'"
        )
        cursor.execute(
            "select status = 'succeeded' and project_checksum = %s, surroundings is not distinct from %s, views = %s"
            " from ops.builds order by build_id desc limit 1",
            (project_checksum(), surroundings, views),
        )
        up_to_date, same_surroundings, views_stand = cursor.fetchone() or (False, False, False)
        cursor.execute(
            "insert into ops.builds (status, pending_before, project_checksum, surroundings)"
            " values ('running', %s, %s, %s) returning build_id",
            (json.dumps(todo), project_checksum(), surroundings),
        )
        (build_id,) = cursor.fetchone() or (0,)
    if not up_to_date or not views_stand:
        return BuildRecord(int(build_id))
    selection = [f"{model}+" for model in sorted(todo)]
    if not same_surroundings:
        selection.append(DEPENDS_ON_SURROUNDINGS)
    return BuildRecord(int(build_id), tuple(selection), views_stand=True)


def _surroundings(connection: Connection) -> str:
    """Return what models tagged ``surroundings`` are made for beside the loads: the date, and whose tenant is whose."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select concat_ws(' ', (select today from ops.clock),"
            " (select md5(string_agg(concat_ws(' ', org_id, org_uuid, tenant), chr(10) order by org_id)) from ops.orgs))"
        )
        (surroundings,) = cursor.fetchone() or ("",)
    return str(surroundings)


def _views(connection: Connection) -> str:
    """Return a checksum of the project's views as they are: which there are, what they select, and who may read them."""
    schemas = [*OWN_SCHEMAS, *load_feeds()]
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(md5(string_agg("
            " concat_ws(' ', class.oid, rule.xmin, class.relacl, class.reloptions), chr(10) order by class.oid)), '')"
            " from pg_class as class"
            " join pg_namespace as schema on schema.oid = class.relnamespace"
            " join pg_rewrite as rule on rule.ev_class = class.oid"
            " where class.relkind = 'v' and schema.nspname = any(%s)",
            (schemas,),
        )
        (checksum,) = cursor.fetchone() or ("",)
    return str(checksum)


def _finish(connection: Connection, record: BuildRecord) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "update ops.builds set status = %s, finished_at = now(), error = %s,"
            " project_checksum = case when not %s then project_checksum end,"
            " surroundings = case when not %s then surroundings end, views = %s where build_id = %s",
            (
                "failed" if record.error else "succeeded",
                record.error,
                record.partial and record.selection is None,
                record.partial,
                _views(connection),
                record.build_id,
            ),
        )
