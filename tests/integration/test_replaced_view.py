"""A view that is built again: what stays, what follows, and what is refused with a sentence instead of being dropped.

A small dbt project of two views, one on top of the other, that uses the platform's own macros.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import dbt_environment


class Project:
    """Two models, marts.people and analytics.people on top of it, and a connection to look at what became of them."""

    def __init__(self, root: Path, settings: Settings, connection: Connection) -> None:
        self.root = root
        self.settings = settings
        self.connection = connection
        configuration = {
            "name": "small",
            "version": "1.0",
            "profile": "edreflect",
            "macro-paths": [str(DBT_PROJECT_DIR / "macros" / folder) for folder in ("published", "project")],
            "models": {
                "small": {
                    "marts": {"+schema": "marts", "+materialized": "replaced_view"},
                    "analytics": {
                        "+schema": "analytics",
                        "+materialized": "published_view",
                        "+reader": "evaluation_read",
                    },
                }
            },
        }
        (root / "dbt_project.yml").write_text(yaml.safe_dump(configuration))
        (root / "profiles.yml").write_text((DBT_PROJECT_DIR / "profiles.yml").read_text())
        description = {
            "name": "analytics__people",
            "description": "Who's who.",
            "columns": [{"name": "name", "description": "What a person is called: $1 'quoted'."}],
        }
        self.write("analytics/people.yml", yaml.safe_dump({"models": [description]}))

    def write(self, path: str, text: str) -> None:
        (self.root / "models" / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / "models" / path).write_text(text)

    def build(self, mart: str, published: str, *arguments: str) -> list[str]:
        """Write the two selects, run dbt, and return the sentences of what failed."""
        self.write("marts/marts__people.sql", mart)
        self.write("analytics/analytics__people.sql", published + " from {{ ref('marts__people') }} -- the end")
        flags = ["--quiet", "--no-use-colors", "--no-send-anonymous-usage-stats", "run"]
        places = ["--project-dir", str(self.root), "--profiles-dir", str(self.root)]
        written = ["--target-path", str(self.root / "target"), "--log-path", str(self.root / "logs")]
        outcome = dbtRunner().invoke([*flags, *places, *written, *arguments])
        ran: Any = outcome.result
        assert ran is not None, outcome.exception
        return [result.message for result in ran.results if result.status == "error"]

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def views(self) -> dict[str, tuple[Any, ...]]:
        return {
            name: (oid, options)
            for name, oid, options in self.query(
                "select oid::regclass::text, oid::bigint, reloptions from pg_class"
                " where relnamespace in ('marts'::regnamespace, 'analytics'::regnamespace)"
            )
        }


@pytest.fixture
def project(database: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    for name, value in dbt_environment(database).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "small").mkdir()
    with closing(connect(database)) as connection:
        connection.autocommit = True
        yield Project(tmp_path / "small", database, connection)


MART = "select 1 as id, 'Ada'::text as name, 36 as age"
PUBLISHED = "select id, name, array[id] as org_ids"
BARRIER = ["security_barrier=true"]


def test_the_same_definition_is_left_alone(project: Project) -> None:
    """Nothing to do takes no lock: a reader in the middle of a long query does not even delay the build."""
    assert project.build(MART, PUBLISHED) == []
    before = project.query(
        "select oid::bigint, xmin::text, reloptions, relacl::text from pg_class where relname = 'people'"
    )
    with (
        closing(connect(project.settings)) as reader,
        reader.cursor() as cursor,
    ):
        cursor.execute("select * from analytics.people")
        assert project.build(MART, PUBLISHED, "--full-refresh") == []
    assert (
        project.query("select oid::bigint, xmin::text, reloptions, relacl::text from pg_class where relname = 'people'")
        == before
    )


def test_changed_columns_carry_everything_on_top_along(project: Project) -> None:
    """A column goes, one comes in the middle; barrier, grant, comments and an analyst's views are as before."""
    assert project.build(MART, PUBLISHED) == []
    project.query(
        "create schema own; create view own.mine with (security_barrier) as select name, id + 1 as next from analytics.people;"
        " comment on view own.mine is 'mine'; grant select on own.mine to analyst_read;"
        " create view own.second as select next from own.mine"
    )
    mine = project.query("select oid::bigint, reloptions, relacl::text from pg_class where relname = 'mine'")

    assert (
        project.build("select 'Ada'::text as name, 1 as id", "select id, 'x' as extra, name, array[id] as org_ids")
        == []
    )

    assert project.query("select * from analytics.people") == [(1, "x", "Ada", [1])]
    assert project.query("select * from own.second") == [(2,)]
    assert project.query("select oid::bigint, reloptions, relacl::text from pg_class where relname = 'mine'") == mine
    assert project.query("select obj_description('own.mine'::regclass)") == [("mine",)]
    views = project.views()
    assert set(views) == {"marts.people", "analytics.people"}
    assert views["analytics.people"][1] == BARRIER
    assert project.query(
        "select has_table_privilege('evaluation_read', 'analytics.people', 'select'),"
        " has_table_privilege('analyst_read', 'analytics.people', 'select'),"
        " obj_description('analytics.people'::regclass), col_description('analytics.people'::regclass, 3)"
    ) == [(True, False, "Who's who.", "What a person is called: $1 'quoted'.")]


def test_a_foreign_view_that_cannot_follow_stops_the_change_and_is_named(project: Project) -> None:
    assert project.build(MART, PUBLISHED) == []
    project.query("create schema own; create view own.mine as select name from analytics.people")
    before = project.views()

    (failure,) = project.build(MART, "select id, array[id] as org_ids")

    assert "view own.mine cannot follow: nothing was changed" in failure
    assert project.views() == before
    assert project.query("select * from own.mine") == [("Ada",)]


def test_a_view_of_the_project_keeps_the_old_one_until_its_own_turn(project: Project) -> None:
    """The mart loses a column that the published view still shows: readers go on until the published view is built."""
    assert project.build(MART, PUBLISHED) == []
    project.query("create schema own; create view own.mine as select name from analytics.people")

    assert (
        project.build("select 7 as id", "select id, 'Bea'::text as name, array[id] as org_ids", "-s", "marts__people")
        == []
    )
    assert project.query("select * from own.mine") == [("Ada",)]
    assert project.build("select 7 as id", "select id, 'Bea'::text as name, array[id] as org_ids") == []

    assert project.query("select * from own.mine") == [("Bea",)]
    assert set(project.views()) == {"marts.people", "analytics.people"}


def test_a_table_in_the_way_is_not_dropped(project: Project) -> None:
    project.query("create table analytics.people as select 1 as precious")
    (failure,) = project.build(MART, PUBLISHED)
    assert "analytics.people exists and is not a view: nothing was changed." in failure
    assert project.query("select * from analytics.people") == [(1,)]


def test_a_published_view_without_a_reader_is_refused(project: Project) -> None:
    published = "{{ config(reader=none) }}" + PUBLISHED
    (failure,) = project.build(MART, published)
    assert "published_view needs config reader" in failure


def test_a_change_waits_for_a_long_query_without_queueing_others_behind_it(project: Project) -> None:
    """While one reader keeps the view, others still get in; the change is made as soon as the reader is done."""
    assert project.build(MART, PUBLISHED) == []
    failures: list[list[str]] = []
    change = threading.Thread(target=lambda: failures.append(project.build(MART, "select name, array[id] as org_ids")))
    with closing(connect(project.settings)) as long, long.cursor() as cursor:
        cursor.execute("select * from analytics.people")
        change.start()
        wait_for(
            project, "select count(*) > 0 from pg_locks where relation = 'analytics.people'::regclass and not granted"
        )
        project.query("set statement_timeout = '10s'")
        assert project.query("select name from analytics.people") == [("Ada",)]
        assert failures == []
    change.join()
    assert failures == [[]]
    assert project.query("select * from analytics.people") == [("Ada", [1])]


def wait_for(project: Project, condition: str) -> None:
    for _ in range(600):
        if project.query(condition) == [(True,)]:
            return
        time.sleep(0.05)
    raise AssertionError(f"never came true: {condition}")
