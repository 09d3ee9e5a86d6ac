"""Random rosters of many orgs, loaded and built together, end in exactly what the plain Python model says.

A history is one org, three orgs are a tenant, and hundreds share the seconds that dbt takes to start. A failure names the
seed; to replay it with its tenant alone:
``EDREFLECT_ROSTER_SEED=17 uv run pytest tests/properties/test_roster_properties.py``. ``EDREFLECT_ROSTERS`` sets how
many there are, ``EDREFLECT_FIRST_ROSTER`` the first seed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import TypeVar

import psycopg2
import pytest

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.model.database import fresh_database
from tests.model.roster import platform
from tests.model.roster.entities import TABLES
from tests.model.roster.log import Delivery, Log
from tests.model.roster.roster import Roster, Row, rosters, state
from tests.model.roster.tenants import Tenant, tenant
from tests.model.roster.views import EVERYTHING, VIEWS, Scope, view
from tests.properties.loaders import cut_into_parts, load_in_parallel
from tests.properties.roster_history import DAYS, History, random_history

BUILDS = 3
DEFAULT_HISTORIES = 40
ORGS_OF_A_TENANT = 3
TODAY, TOMORROW = date(2026, 3, 6), date(2026, 3, 7)
K = TypeVar("K")
V = TypeVar("V")


def seeds() -> list[int]:
    """Return the seeds of this run: those of one tenant to replay, or as many as asked for."""
    if "EDREFLECT_ROSTER_SEED" in os.environ:
        seed = int(os.environ["EDREFLECT_ROSTER_SEED"])
        return [
            each for each in range(seed - ORGS_OF_A_TENANT, seed + ORGS_OF_A_TENANT) if _tenant(each) == _tenant(seed)
        ]
    first = int(os.environ.get("EDREFLECT_FIRST_ROSTER", "1"))
    return list(range(first, first + int(os.environ.get("EDREFLECT_ROSTERS", DEFAULT_HISTORIES))))


def _tenant(seed: int) -> str:
    return f"tenant-{seed // ORGS_OF_A_TENANT}"


@dataclass
class Run:
    """Everything loaded and built, and what was found on the way."""

    settings: Settings
    log: Log
    orgs: Mapping[str, History]
    login: str = ""
    known: dict[str, Roster] = field(default_factory=dict)
    after_builds: list[list[str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def tenants(self) -> list[Tenant]:
        """Return what the orgs of each tenant know together."""
        names = sorted({history.tenant for history in self.orgs.values()})
        return [
            tenant(name, [known for org, known in self.known.items() if self.orgs[org].tenant == name])
            for name in names
        ]


@pytest.fixture(scope="module")
def run(postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Every history, cut at random places into as many parts as there are builds; some held packages are approved."""
    home = tmp_path_factory.mktemp("rosters")
    histories = [random_history(Random(seed), f"org-{seed}", _tenant(seed)) for seed in seeds()]
    parts = cut_into_parts(((history.org, history.deliveries) for history in histories), BUILDS)
    with fresh_database(postgres_server, template_database, home) as settings, platform.reader(settings) as login:
        made = Run(settings, Log(), {history.org: history for history in histories}, login)
        with closing(connect(settings)) as connection:
            platform.register(connection, {history.org: history.tenant for history in histories})
        for part in parts:
            _load(made, part)
            _approve_some(made)
            platform.build_rosters(settings, TODAY)
            made.known = rosters(made.log)
            made.after_builds.append(_differences(made))
        yield made


@pytest.fixture(scope="module")
def reader(run: Run) -> Iterator[psycopg2.extensions.connection]:
    """A connection of a login role that may set any scope."""
    with closing(psycopg2.connect(run.login)) as connection:
        connection.autocommit = True
        yield connection


def test_the_tables_equal_the_model_after_every_build(run: Run) -> None:
    assert run.refusals == []
    assert len(run.after_builds) == BUILDS
    _same([each for differences in run.after_builds for each in differences])


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_as_of_every_day_equals_the_model_of_that_day(run: Run, day: date) -> None:
    _same(_differences(run, day))


def test_the_history_valid_on_a_day_equals_as_of_that_day(run: Run) -> None:
    differences: list[str] = []
    with closing(connect(run.settings)) as connection:
        for table in TABLES:
            history = platform.history_rows(connection, table)
            assert all(end is None or start < end for _, start, end in history), table
            for day in DAYS:
                differences += _compare(run, table, platform.valid_on(history, day), day)
            now = platform.by_org([row for row, _, end in history if end is None])
            assert now == platform.rows(connection, table), table
    _same(differences)


def test_packages_are_applied_or_held_as_the_model_says(run: Run) -> None:
    expected = {
        (org, outcome.package.day): outcome.status for org, known in run.known.items() for outcome in known.outcomes
    }
    with closing(connect(run.settings)) as connection:
        assert _differing(platform.packages(connection), expected) == {}
    assert set(expected.values()) >= {"applied"}


def test_the_sync_report_counts_what_the_model_counts(run: Run) -> None:
    expected = {
        (org, outcome.package.day, file): {name: getattr(counts, name) for name in ("mode", *platform.COUNTED)}
        for org, known in run.known.items()
        for outcome in known.outcomes
        for file, counts in outcome.counts.items()
    }
    with closing(connect(run.settings)) as connection:
        assert _differing(platform.sync_report(connection), expected) == {}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_shows_each_scope_what_the_model_shows_it(
    run: Run, reader: psycopg2.extensions.connection, name: str
) -> None:
    differences: list[str] = []
    for scope in _scopes(run.tenants()):
        with reader.cursor() as cursor:
            asked = "*" if scope is None else ",".join(sorted(scope))
            cursor.execute("set app.allowed_org_ids = %s", (asked,))
        differences += _view_differences(run, reader, name, TODAY, scope)
    _same(differences)


def test_a_registry_name_lets_its_readers_see_what_that_org_delivered(run: Run) -> None:
    """An ordinary role, granted one org of each of two tenants by name."""
    names = list(run.known)[:: ORGS_OF_A_TENANT + 1][:2]
    delivered = frozenset(str(row[1]) for org in names for row in state(run.known[org], "one_roster_organization"))
    with platform.reader(run.settings, names) as url, closing(psycopg2.connect(url)) as reader:
        with reader.cursor() as cursor:
            cursor.execute("set app.allowed_org_ids = %s", (",".join(sorted(delivered | _some_ids(run.tenants(), 5))),))
        _same([each for name in VIEWS for each in _view_differences(run, reader, name, TODAY, delivered)])


def test_repeating_what_is_current_changes_nothing_but_another_day_may_be_today(
    run: Run, reader: psycopg2.extensions.connection
) -> None:
    _load(run, [Delivery(org, day, run.log.sheets(org, day)) for org in run.log.orgs for day in run.log.days(org)])
    assert run.refusals == []
    platform.build_rosters(run.settings, TOMORROW)
    _same(_differences(run))
    with reader.cursor() as cursor:
        cursor.execute("set app.allowed_org_ids = '*'")
    _same([each for name in VIEWS for each in _view_differences(run, reader, name, TOMORROW, EVERYTHING)])


def _scopes(tenants: list[Tenant]) -> list[Scope]:
    """Return everything, nothing, one organization, and several across tenants."""
    every = _some_ids(tenants, None)
    return [EVERYTHING, frozenset(), frozenset(sorted(every)[:1]), every, *(_some_ids(tenants, n) for n in (7, 12, 30))]


def _some_ids(tenants: list[Tenant], most: int | None) -> frozenset[str]:
    ids = sorted({str(row["id"]) for each in tenants for row in each.rows("one_roster_organization")})
    return frozenset(ids if most is None else Random(most).sample(ids, min(len(ids), most)))


def _view_differences(
    run: Run, reader: psycopg2.extensions.connection, name: str, today: date, scope: Scope
) -> list[str]:
    found, expected = platform.view_rows(reader, name), view(name, run.tenants(), today, scope)
    if found == expected:
        return []
    seen = "everything" if scope is None else f"{len(scope)} organizations"
    return [f"{name}, {seen}: missing {_some(expected - found)}, unexpected {_some(found - expected)}"]


def _load(run: Run, deliveries: list[Delivery]) -> None:
    """Load in parallel; only the packages of one org keep to their order."""
    run.refusals += load_in_parallel(
        run.settings,
        deliveries,
        in_order=lambda delivery: delivery.org,
        load=platform.load,
        expected=lambda delivery: Log().load(delivery),
    )
    for delivery in deliveries:
        run.log.load(delivery)


def _approve_some(run: Run) -> None:
    with closing(connect(run.settings)) as connection:
        for org, known in rosters(run.log).items():
            for outcome in known.outcomes:
                if outcome.status == "held" and Random(f"{org} {outcome.package.day}").random() < 0.6:
                    run.log.approve(org, outcome.package.day)
                    platform.approve(connection, org, outcome.package.day)


def _differences(run: Run, as_of: date | None = None) -> list[str]:
    """Return a sentence for each org and table whose rows are not the model's."""
    with closing(connect(run.settings)) as connection:
        return [
            sentence
            for table in TABLES
            for sentence in _compare(run, table, platform.rows(connection, table, as_of), as_of)
        ]


def _compare(run: Run, table: str, found: Mapping[str, set[Row]], as_of: date | None) -> list[str]:
    sentences = [f"{table} has rows of {org}, which delivered nothing" for org in found.keys() - run.known.keys()]
    for org, known in run.known.items():
        expected, actual = state(known, table, as_of), found.get(org, set())
        if expected != actual:
            sentences.append(
                f"{org}, {table}, as of {as_of or 'now'}: missing {sorted(expected - actual, key=repr)[:3]},"
                f" unexpected {sorted(actual - expected, key=repr)[:3]}"
            )
    return sentences


def _same(differences: list[str]) -> None:
    """Fail with what differs, if anything does; in words, which is quicker than pytest's comparison of long lists."""
    assert not differences, "\n".join(differences[:10])


def _differing(found: Mapping[K, V], expected: Mapping[K, V]) -> dict[K, tuple[V | None, V | None]]:
    keys = found.keys() | expected.keys()
    return {key: (expected.get(key), found.get(key)) for key in keys if expected.get(key) != found.get(key)}


def _some(rows: Counter[Row]) -> list[Row]:
    return sorted(rows, key=repr)[:3]
