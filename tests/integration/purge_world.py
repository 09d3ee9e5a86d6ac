"""Three orgs, two of one tenant that deliver the same people and activity; one of them, whose texts are all marked, is to go.

The gone org delivered other words and a newer day under the shared keys, so its rows are the ones that count as long as it
is there. It has records set aside, a refused file, a file nobody knows, tables that no contract lists, and pending loads.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
from marks import MARK, csv_of, dirty_lines, mark, mark_export
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.access import grant_scope
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.orgs import add_org
from edreflect_assets.sample import Sample
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import build

FEED = load_feeds()["edreflect"]
SAMPLE = Sample(orgs=3, days=3, educators=4, students=6, activity=0.5, seed=4, end_day=date(2026, 1, 7))
GONE, SISTER, STRANGER = SAMPLE.org_names
TENANTS = {GONE: "valley", SISTER: "valley", STRANGER: STRANGER}
DAYS = [day.isoformat() for day in SAMPLE.calendar]
TODAY = date(2026, 1, 8)
# What TimeBack and rosters say in words; ids, codes and kinds stay, or nothing would be joined to anything.
_WORDS = {"name", "title", "reason", "content", "full_statement", "description"}
_WORDS |= {"givenName", "familyName", "middleName", "email", "username", "phone"}
# What differs between two databases with the same rows.
VOLATILE = {"load_id", "_load_id", "load_ids", "rows_load_id", "approval_id", "change_id"}
EXTRA = f"""
create schema raw_elsewhere; create schema elsewhere; create schema elsewhere_log;
create table raw_elsewhere.unlisted__things (org_id text not null, _load_id bigint not null, note text);
create table elsewhere.things (org_id text, note text);
create table elsewhere_log.things (org_id text, note text);
insert into raw_elsewhere.unlisted__things values ('{GONE}', 0, '{MARK}'), ('{STRANGER}', 0, 'kept');
insert into elsewhere.things values ('{GONE}', '{MARK}'), ('{STRANGER}', 'kept');
insert into elsewhere_log.things values ('{GONE}', '{MARK}');
"""


def write_deliveries(root: Path) -> None:
    """Write what the three orgs deliver."""
    SAMPLE.generate(root)
    # the sister has the people and the activity of the first two days, too
    for feed in ("timeback", "oneroster"):
        shutil.rmtree(root / SISTER / feed)
        for day in DAYS[:2]:
            shutil.copytree(root / GONE / feed / day, root / SISTER / feed / day)
    mark_export(FEED, root / GONE / "export")
    for feed in ("timeback", "oneroster"):
        for path in (root / GONE / feed).rglob("*.csv"):
            _mark_words(path)
    with (root / GONE / "export" / DAYS[1] / "Goals.csv").open("ab") as stream:
        stream.write(dirty_lines(FEED, "Goals.csv"))
    (root / GONE / "export" / DAYS[1] / "Private_Notes.csv").write_bytes(csv_of([["note"], [mark()]]))
    for org in (GONE, STRANGER):
        _write_snapshot(root / org / "offboarding" / DAYS[1], mark if org == GONE else "kept".upper)
        _write_legacy(root / org / "legacy" / "2020-08-09", mark if org == GONE else "kept".upper)
    for org in (GONE, SISTER, STRANGER):
        for day in DAYS:
            _write_programs(root / org / "infinite_campus" / day, mark if org == GONE else "kept".upper)


def _write_snapshot(directory: Path, word: Callable[[], str]) -> None:
    """Write a file of every group of the offboarding product, and one that its contract does not list."""
    feed = load_feeds()["offboarding"]
    assert feed.convention
    directory.mkdir(parents=True)
    for group in feed.convention.groups:
        rows = [["_id", "name", "userId"], ["d1", word(), "d1"], ["d2", word(), "d1"]]
        (directory / f"{group}.csv").write_bytes(csv_of(rows))
    users = [
        ["_id", "fname", "employeeID", "createdDate"],
        ["d1", word(), "e1", "2020-01-01"],
        ["d2", word(), "e2", word()],
    ]
    (directory / "users.csv").write_bytes(csv_of(users))
    (directory / "users.wishes.csv").write_bytes(csv_of([["_id", "wish"], ["d1", word()]]))
    definitions = [["Field", "Description"], ["fname", word()], ["_id", word()]]
    (directory / "users.definitions.csv").write_bytes(csv_of(definitions))


def _write_legacy(directory: Path, word: Callable[[], str]) -> None:
    """Write an export from before the refresh, with a column and a file that the source has given up since."""
    directory.mkdir(parents=True)
    feedback = [["observation_group_id", "feedback", "feedback_date"], ["1", word(), word()]]
    (directory / "Observation_Feedback.csv").write_bytes(csv_of(feedback))
    (directory / "Observation_Survey.csv").write_bytes(csv_of([["answer"], [word()]]))


def _write_programs(directory: Path, word: Callable[[], str]) -> None:
    """Write programs and who is in them, one of whom cannot be taken; the orgs deliver the same ids."""
    feed = load_feeds()["infinite_campus"]
    directory.mkdir(parents=True)
    programs = [["p1", word(), "Cohort", word(), "100", "2026"], ["p2", word(), "Sport", word(), "100", "2026"]]
    stays = [["s1", "p1", word(), "2026-01-05", ""], ["s2", "p1", word(), word(), ""]]
    for table, rows in {"programs": programs, "program_participation": stays}.items():
        contract = feed.tables[table]
        (directory / contract.file).write_bytes(csv_of([list(contract.column_names), *rows]))


def _mark_words(path: Path) -> None:
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    header = rows[0]
    marked = [
        [mark() if value and column in _WORDS else value for column, value in zip(header, row, strict=True)]
        for row in rows[1:]
    ]
    path.write_bytes(csv_of([header, *marked]))


def make(settings: Settings, exports: Path, *orgs: str, pending: bool = True) -> None:
    """Register orgs, load and build what they deliver; the last day of EdReflect's exports is pending afterwards."""
    for org in orgs:
        add_org(settings, org, tenant=TENANTS[org], max_rejected_share=1.0)
    if GONE in orgs:
        settings.registry.write_text(settings.registry.read_text() + f"# {GONE} has been with us for years\n")
    # the one that is to go comes first, so that the others' rows follow from what it did
    for org in orgs:
        command(settings, "load", "--source", str(exports), "--org", org, "--to", DAYS[1])
        command(settings, "load", "--source", str(exports), "--org", org, "--feed", "timeback")
        command(settings, "load", "--source", str(exports), "--org", org, "--feed", "oneroster")
    _build(settings)
    command(settings, "load", "--source", str(exports), "--from", DAYS[2])
    if not pending:
        _build(settings)


def _build(settings: Settings) -> None:
    report = build(settings, as_of=TODAY)
    assert not report.not_built, report.not_built


def command(settings: Settings, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("EDREFLECT", "DAGSTER"))}
    given |= {"EDREFLECT_HOME": str(settings.home), "EDREFLECT_DATABASE_URL": settings.database_url or ""}
    return subprocess.run(
        [sys.executable, "-c", "from edreflect_assets.cli import main; main()", *arguments],
        env=given | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def plant(settings: Settings, readers: tuple[str, str, str]) -> str:
    """Add what no load brings: unknown tables, grants, files that name the org; return an organization of its own."""
    by_name, by_id, everything = readers
    with closing(connect(settings)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(EXTRA)
            cursor.execute(
                "select organization_id::text from access.delivered_organizations where org_id = %s"
                " except select organization_id::text from access.delivered_organizations where org_id <> %s limit 1",
                (GONE, GONE),
            )
            row = cursor.fetchone()
            if row is None:
                cursor.execute("select org_uuid::text from ops.orgs where org_id = %s", (GONE,))
                row = cursor.fetchone()
            assert row is not None
            cursor.execute(
                "insert into ops.approvals (feed, org_id, day, load_ids, approved_by)"
                " values ('oneroster', %s, '2026-01-05', '{1}', %s)",
                (GONE, mark()),
            )
        grant_scope(connection, by_name, [GONE, STRANGER])
        grant_scope(connection, by_id, [row[0]])
        grant_scope(connection, everything, ["*"])
        with connection, connection.cursor() as cursor:
            cursor.execute("analyze")
    home = settings.home
    for path, text in {
        home / "logs" / "server.log": f"a line\n{GONE}: a line of its own\nmore of {GONE}-east\n",
        home / "dbt" / "compiled.sql": f"select '{GONE}'",
        home / "catalog" / "index.html": f"<p>{GONE}</p>",
        home / "demo" / "sftp" / GONE / "x.csv": MARK,
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(text)
    return str(row[0])


def copy(server: Settings, original: Settings, home: Path, name: str) -> Settings:
    """Return settings of a copy of a world, database and home."""
    assert server.database_url is not None
    assert original.database_url is not None
    source = original.database_url.rpartition("/")[2]
    with closing(psycopg2.connect(server.database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    sql.Identifier(name), sql.Identifier(source)
                )
            )
    shutil.copytree(original.home, home, dirs_exist_ok=True)
    return Settings(home=home, database_url=f"{original.database_url.rpartition('/')[0]}/{name}")


def dump(connection: Connection, columns: str = "t::text", where: str = "true") -> dict[str, Counter[str]]:
    """Return the rows of every table, view and statistic as text, by relation."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            f" where c.relkind in ('r', 'p', 'm') and {where} order by 1, 2"
        )
        found = {}
        for schema, table in cursor.fetchall():
            cursor.execute(sql.SQL(f"select {columns} from {{}} as t").format(sql.Identifier(schema, table)))
            found[f"{schema}.{table}"] = Counter(row for (row,) in cursor.fetchall())
    connection.rollback()
    return found


def rows_of_others(connection: Connection) -> dict[str, Counter[str]]:
    """Return what is written once and never made anew: raw rows, the ledger and what belongs to it, of the other orgs."""
    found: dict[str, Counter[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "select table_schema, table_name from information_schema.columns"
            " where column_name = 'org_id' and (table_schema like 'raw\\_%%' or table_schema in ('ops', 'elsewhere'))"
            " and table_name <> 'loads'"
        )
        for schema, table in cursor.fetchall():
            cursor.execute(
                sql.SQL("select t::text from {} as t where org_id <> %s").format(sql.Identifier(schema, table)), (GONE,)
            )
            found[f"{schema}.{table}"] = Counter(row for (row,) in cursor.fetchall())
    connection.rollback()
    return found


def published(connection: Connection) -> dict[str, Counter[str]]:
    """Return what follows from the log, stored and shown, without ids of loads: equal in two worlds of the same log."""
    found: dict[str, Counter[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute("insert into access.unrestricted_roles (role_name) values (session_user) on conflict do nothing")
        cursor.execute("set local app.allowed_org_ids = '*'")
        cursor.execute(
            "select n.nspname, c.relname, array_agg(attname::text order by attnum) from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid"
            " where attnum > 0 and not attisdropped and (c.relkind in ('r', 'p') and nspname in"
            " ('edreflect', 'timeback', 'infinite_campus', 'marts', 'edreflect_log', 'timeback_log',"
            " 'infinite_campus_log', 'oneroster_log')"
            " or c.relkind = 'v' and nspname in ('analytics', 'oneroster')) and relname not like '%_changes'"
            " group by 1, 2 order by 1, 2"
        )
        for schema, table, columns in cursor.fetchall():
            names = sql.SQL(", ").join(sql.Identifier(name) for name in columns if name not in VOLATILE)
            cursor.execute(sql.SQL("select row({})::text from {}").format(names, sql.Identifier(schema, table)))
            found[f"{schema}.{table}"] = Counter(row for (row,) in cursor.fetchall())
    connection.rollback()
    return found


def fetch(connection: Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query, in a transaction of its own."""
    with connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()
