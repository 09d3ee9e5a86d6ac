"""Random TimeBack feeds over random rosters of many orgs, loaded and built together, end in exactly what the model says.

A history is one org's TimeBack feed beside its rosters, three orgs are a tenant. A failure names the seed; to replay it
with its tenant alone: ``EDREFLECT_TIMEBACK_SEED=17 uv run pytest tests/properties/test_timeback_properties.py``.
``EDREFLECT_TIMEBACKS`` sets how many there are, ``EDREFLECT_FIRST_TIMEBACK`` the first seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.model.database import fresh_database
from tests.model.roster import platform as roster_platform
from tests.model.roster.roster import state as roster_state
from tests.model.roster.views import EVERYTHING, Scope
from tests.model.timeback import platform
from tests.model.timeback.log import Delivery
from tests.model.timeback.tables import TABLES
from tests.model.timeback.views import VIEWS
from tests.properties.roster_history import DAYS
from tests.properties.timeback_run import (
    BUILDS,
    ORGS_OF_A_TENANT,
    Run,
    approve_some,
    compare,
    load,
    move_some,
    open_reader,
    parts_of,
    some_ids,
    table_differences,
    view_differences,
)

TODAY, TOMORROW = BUILDS[-1], date(2026, 3, 7)


@pytest.fixture(scope="module")
def run(postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Everything loaded in parts and built after each of them, and compared.

    On the way some held rosters are approved, and before the last build some orgs move to another tenant.
    """
    tenants, parts = parts_of()
    home = tmp_path_factory.mktemp("timeback")
    with (
        fresh_database(postgres_server, template_database, home) as settings,
        roster_platform.reader(settings) as login,
    ):
        made = Run(settings, tenants, login=login)
        with closing(connect(settings)) as connection:
            roster_platform.register(connection, tenants)
        for today, part in zip(BUILDS, parts, strict=True):
            load(made, part)
            approve_some(made)
            if today == TODAY:
                move_some(made)
                made.before_last_build = table_differences(made, DAYS[-1])
            platform.build_views(settings, today)
            made.learn()
            with closing(open_reader(made)) as reader:
                some = some_ids(made.tenants, 12)
                made.after_builds.append(
                    [
                        *table_differences(made),
                        *(each for name in VIEWS for each in view_differences(made, reader, name, today, EVERYTHING)),
                        *(each for name in VIEWS for each in view_differences(made, reader, name, today, some)),
                    ]
                )
        yield made


@pytest.fixture(scope="module")
def reader(run: Run) -> Iterator[Connection]:
    """A connection of a login role that may set any scope."""
    with closing(open_reader(run)) as connection:
        yield connection


@pytest.mark.parametrize("number", range(len(BUILDS)))
def test_tables_and_views_equal_the_model_after_every_build(run: Run, number: int) -> None:
    assert run.refusals == []
    _same(run.after_builds[number])


def test_as_of_counts_loads_that_no_build_has_applied(run: Run) -> None:
    _same(run.before_last_build)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_as_of_every_day_equals_the_model_of_that_day(run: Run, day: date) -> None:
    _same(table_differences(run, day))


def test_the_history_valid_on_a_day_equals_as_of_that_day(run: Run) -> None:
    differences: list[str] = []
    with closing(connect(run.settings)) as connection:
        for table in TABLES:
            history = platform.history_rows(connection, table)
            assert all(end is None or start < end for _, start, end in history), table
            for day in DAYS:
                differences += compare(run, table, platform.valid_on(history, day), day)
            now = platform.by_org([row for row, _, end in history if end is None])
            stored = platform.rows(connection, table)
            assert now == {org: {row[:-1] for row in rows} for org, rows in stored.items()}, table
    _same(differences)


def test_each_file_has_as_many_rows_set_aside_as_the_model_says(run: Run) -> None:
    expected = {
        place: (len(said.records) + said.uncast, said.unreadable, said.uncast)
        for place, said in run.log.contents().items()
    }
    with closing(connect(run.settings)) as connection:
        found = platform.set_aside(connection)
    differing = [place for place in expected.keys() | found.keys() if expected.get(place) != found.get(place)]
    _same([f"{place}: expected {expected.get(place)}, found {found.get(place)}" for place in sorted(differing)])


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_shows_each_scope_what_the_model_shows_it(run: Run, reader: Connection, name: str) -> None:
    every = some_ids(run.tenants, None)
    scopes: list[Scope] = [frozenset(), frozenset(sorted(every)[:1]), every, some_ids(run.tenants, 5)]
    _same([each for scope in scopes for each in view_differences(run, reader, name, TODAY, scope)])


def test_a_registry_name_lets_its_readers_see_what_that_org_delivered(run: Run) -> None:
    """An ordinary role, granted one org of each of two tenants by name."""
    names = list(run.known)[:: ORGS_OF_A_TENANT + 1][:2]
    delivered = {row[1] for org in names for row in roster_state(run.known[org], "one_roster_organization")}
    with roster_platform.reader(run.settings, names) as url, closing(psycopg2.connect(url)) as reader:
        asked = some_ids(run.tenants, 5).union(map(str, delivered))
        _same([each for name in VIEWS for each in view_differences(run, reader, name, TODAY, asked, names)])


def test_repeating_what_is_current_changes_nothing_but_another_day_may_be_today(run: Run, reader: Connection) -> None:
    again = [Delivery(org, day, run.log.files(org, day)) for org in run.log.orgs for day in run.log.days(org)]
    load(run, ([], again))
    assert run.refusals == []
    with closing(connect(run.settings)) as connection:
        before = platform.row_versions(connection)
        platform.build_views(run.settings, TOMORROW)
        after = platform.row_versions(connection)
    _same([f"{name} was written" for name in before if before[name] != after[name]])
    _same(table_differences(run))
    _same([each for name in VIEWS for each in view_differences(run, reader, name, TOMORROW, EVERYTHING)])


def _same(differences: list[str]) -> None:
    """Fail with what differs, if anything does; in words, which is quicker than pytest's comparison of long lists."""
    assert not differences, "\n".join(differences[:12])
