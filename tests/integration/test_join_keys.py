"""Every join key that the catalogue documents is run, as an ordinary reader would write it, and finds rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import yaml
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.access import expand_grants
from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.integration.roster_tables import insert_org, insert_rosters, uid
from tests.integration.scope_world import SHARED, STUDENTS, ask_for, curriculum, facts, logins, package, programs, run
from tests.integration.timeback_tables import CATALOGUE, insert_records, timeback_database


def documented(view: str) -> dict[str, Any]:
    """Return what a view's YAML says of it for programs."""
    [path] = (DBT_PROJECT_DIR / "models/analytics").rglob(f"analytics__{view}.yml")
    [model] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    meta: dict[str, Any] = model["config"]["meta"]
    return meta


def listed(key: str | list[str]) -> list[str]:
    """Return the parts of a documented key, which may be one."""
    return [key] if isinstance(key, str) else key


# view, key, the view it leads to, and the columns there
JOINS = [
    (view, listed(join["key"]), join["to"], listed(join["column"]))
    for view in CATALOGUE
    for join in documented(view).get("join_keys", [])
]


def fill(connection: Connection) -> None:
    """Insert one org of which every view shows something; one of its schools is part of another."""
    insert_org(connection, "north")
    insert_rosters(connection, "north", package("north"))
    annex = {"id": "annex", "name": "Annex", "type": "school", "parent_id": "shared school"}
    insert_rosters(connection, "north", {"organization": [annex]})
    insert_records(connection, "north", curriculum("north"))
    for person in STUDENTS:
        insert_records(connection, "north", facts("north", person))
    insert_records(connection, "north", programs("north"), "infinite_campus")


@pytest.fixture(scope="module")
def settings(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with timeback_database(postgres_server, template_database, tmp_path_factory.mktemp("joins"), fill) as made:
        yield made


@pytest.fixture(scope="module")
def analyst(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings)) as owner:
        expand_grants(owner)
        with logins(owner, settings) as login:
            session = login("north")
            ask_for(session, ",".join(map(uid, (*SHARED, "org north"))))
            yield session


@pytest.mark.parametrize("view", CATALOGUE)
def test_a_view_has_rows_to_join(analyst: Connection, view: str) -> None:
    assert run(analyst, f"select 1 from analytics.{view}")


@pytest.mark.parametrize(("view", "key", "to", "column"), JOINS, ids=[f"{j[0]}-{'-'.join(j[1])}-{j[2]}" for j in JOINS])
def test_a_documented_join_finds_rows(
    analyst: Connection, view: str, key: list[str], to: str, column: list[str]
) -> None:
    """The elements of an array are taken apart in FROM, where a condition can name them."""
    element = re.fullmatch(r"unnest\((\w+)\)", key[0])
    source = f"analytics.{view} as here" + (f" cross join unnest(here.{element[1]}) as each (id)" if element else "")
    values = ["each.id"] if element else [f"here.{name}" for name in key]
    theirs = [f"there.{name}" for name in column]
    equal = " and ".join(f"{left} = {right}" for left, right in zip(theirs, values, strict=True))
    joined = run(
        analyst,
        f"select array[{', '.join(values)}]::text[], array[{', '.join(theirs)}]::text[]"
        f" from {source} join analytics.{to} as there on {equal}",
    )
    assert joined
    assert all(left == right for left, right in joined)


@pytest.mark.parametrize("view", [view for view in CATALOGUE if "grain" in documented(view)])
def test_a_documented_grain_tells_rows_apart(analyst: Connection, view: str) -> None:
    columns = ", ".join(documented(view)["grain"])
    assert run(analyst, f"select {columns} from analytics.{view} group by {columns} having count(*) > 1") == []


def test_most_keys_lead_somewhere() -> None:
    """Views that nothing leads out of are those that others lead to."""
    without = set(CATALOGUE) - {view for view, *_ in JOINS}
    assert without <= {to for *_, to, _ in JOINS}
