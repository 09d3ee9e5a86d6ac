"""Random TimeBack feeds over random rosters of many orgs, loaded and built together, end in exactly what the model says.

A history is one org's TimeBack feed beside its rosters, three orgs are a tenant. A failure names the seed; to replay it
with its tenant alone: ``EDREFLECT_TIMEBACK_SEED=17 uv run pytest tests/properties/test_timeback_properties.py``.
``EDREFLECT_TIMEBACKS`` sets how many there are, ``EDREFLECT_FIRST_TIMEBACK`` the first seed.
"""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any, TypeVar

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.model.database import fresh_database
from tests.model.roster import log as roster_log
from tests.model.roster import platform as roster_platform
from tests.model.roster.roster import Roster, rosters
from tests.model.roster.roster import state as roster_state
from tests.model.roster.tenants import Tenant
from tests.model.roster.views import EVERYTHING, Scope
from tests.model.timeback import platform
from tests.model.timeback.log import Delivery, Log, Row, state
from tests.model.timeback.tables import TABLES
from tests.model.timeback.tenants import tenant_of
from tests.model.timeback.views import VIEWS, view
from tests.properties import roster_history
from tests.properties.roster_history import DAYS
from tests.properties.timeback_history import random_history

T = TypeVar("T")
LOADERS = 2
DEFAULT_HISTORIES = 30
ORGS_OF_A_TENANT = 3
# What is today when each part of the deliveries is built.
BUILDS = (date(2026, 3, 5), date(2026, 3, 8), date(2026, 3, 6))
TODAY, TOMORROW = BUILDS[-1], date(2026, 3, 7)


def seeds() -> list[int]:
    """Return the seeds of this run: those of one tenant to replay, or as many as asked for."""
    if "EDREFLECT_TIMEBACK_SEED" in os.environ:
        return _neighbours(int(os.environ["EDREFLECT_TIMEBACK_SEED"]))
    first = int(os.environ.get("EDREFLECT_FIRST_TIMEBACK", "1"))
    return list(range(first, first + int(os.environ.get("EDREFLECT_TIMEBACKS", DEFAULT_HISTORIES))))


def _neighbours(seed: int) -> list[int]:
    """Return the seeds of a seed's tenant."""
    first = seed - seed % ORGS_OF_A_TENANT
    return list(range(first, first + ORGS_OF_A_TENANT))


def _tenant(seed: int) -> str:
    return f"tenant-{seed // ORGS_OF_A_TENANT}"


@dataclass
class Run:
    """Everything loaded and built, and what was found on the way."""

    settings: Settings
    tenant_of: Mapping[str, str]
    log: Log = field(default_factory=Log)
    roster_log: roster_log.Log = field(default_factory=roster_log.Log)
    login: str = ""
    known: dict[str, Roster] = field(default_factory=dict)
    tenants: list[Tenant] = field(default_factory=list)
    after_builds: list[list[str]] = field(default_factory=list)
    before_last_build: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def learn(self) -> None:
        """Bring what the orgs and tenants know up to the logs."""
        self.known = rosters(self.roster_log)
        by_tenant: dict[str, list[str]] = {}
        for org, name in self.tenant_of.items():
            by_tenant.setdefault(name, []).append(org)
        self.tenants = [
            tenant_of(name, self.log, orgs, [self.known[org] for org in orgs if org in self.known])
            for name, orgs in by_tenant.items()
        ]


Part = tuple[list[roster_log.Delivery], list[Delivery]]


def _parts() -> tuple[dict[str, str], list[Part]]:
    """Return the tenant of each org, and every history cut at random places into as many parts as there are builds."""
    tenants: dict[str, str] = {}
    parts: list[Part] = [([], []) for _ in BUILDS]
    for seed in seeds():
        org, tenant = f"org-{seed}", _tenant(seed)
        tenants[org] = tenant
        random = Random(seed)
        neighbours = tuple(f"org-{each}" for each in _neighbours(seed))
        of_rosters = roster_history.random_history(random, org, tenant).deliveries
        of_timeback = random_history(random, org, tenant, neighbours).deliveries
        for (roster_part, _), some in zip(parts, _cut(random, of_rosters), strict=True):
            roster_part.extend(some)
        for (_, part), more in zip(parts, _cut(random, of_timeback), strict=True):
            part.extend(more)
    return tenants, parts


def _cut(random: Random, deliveries: Sequence[T]) -> list[Sequence[T]]:
    cuts = sorted(random.choices(range(len(deliveries) + 1), k=len(BUILDS) - 1))
    return [deliveries[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]


@pytest.fixture(scope="module")
def run(postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Everything loaded in parts and built after each of them, and compared; some held rosters are approved."""
    tenants, parts = _parts()
    home = tmp_path_factory.mktemp("timeback")
    with (
        fresh_database(postgres_server, template_database, home) as settings,
        roster_platform.reader(settings) as login,
    ):
        made = Run(settings, tenants, login=login)
        with closing(connect(settings)) as connection:
            roster_platform.register(connection, tenants)
        for today, part in zip(BUILDS, parts, strict=True):
            _load(made, part)
            _approve_some(made)
            if made.after_builds and len(made.after_builds) == len(BUILDS) - 1:
                made.before_last_build = _table_differences(made, DAYS[-1])
            platform.build_views(settings, today)
            made.learn()
            with closing(_reader(made)) as reader:
                some = _some_ids(made.tenants, 12)
                made.after_builds.append(
                    [
                        *_table_differences(made),
                        *(each for name in VIEWS for each in _view_differences(made, reader, name, today, EVERYTHING)),
                        *(each for name in VIEWS for each in _view_differences(made, reader, name, today, some)),
                    ]
                )
        yield made


@pytest.fixture(scope="module")
def reader(run: Run) -> Iterator[Connection]:
    """A connection of a login role that may set any scope."""
    with closing(_reader(run)) as connection:
        yield connection


def _reader(run: Run) -> Connection:
    connection = psycopg2.connect(run.login)
    connection.autocommit = True
    return connection


@pytest.mark.parametrize("number", range(len(BUILDS)))
def test_tables_and_views_equal_the_model_after_every_build(run: Run, number: int) -> None:
    assert run.refusals == []
    _same(run.after_builds[number])


def test_as_of_counts_loads_that_no_build_has_applied(run: Run) -> None:
    _same(run.before_last_build)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_as_of_every_day_equals_the_model_of_that_day(run: Run, day: date) -> None:
    _same(_table_differences(run, day))


def test_the_history_valid_on_a_day_equals_as_of_that_day(run: Run) -> None:
    differences: list[str] = []
    with closing(connect(run.settings)) as connection:
        for table in TABLES:
            history = platform.history_rows(connection, table)
            assert all(end is None or start < end for _, start, end in history), table
            for day in DAYS:
                differences += _compare(run, table, platform.valid_on(history, day), day)
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
    every = _some_ids(run.tenants, None)
    scopes: list[Scope] = [frozenset(), frozenset(sorted(every)[:1]), every, _some_ids(run.tenants, 5)]
    _same([each for scope in scopes for each in _view_differences(run, reader, name, TODAY, scope)])


def test_a_registry_name_lets_its_readers_see_what_that_org_delivered(run: Run) -> None:
    """An ordinary role, granted one org of each of two tenants by name."""
    names = list(run.known)[:: ORGS_OF_A_TENANT + 1][:2]
    delivered = frozenset(
        str(row[1]) for org in names for row in roster_state(run.known[org], "one_roster_organization")
    )
    with roster_platform.reader(run.settings, names) as url, closing(psycopg2.connect(url)) as reader:
        asked = delivered | _some_ids(run.tenants, 5)
        _same([each for name in VIEWS for each in _view_differences(run, reader, name, TODAY, delivered, asked)])


def test_repeating_what_is_current_changes_nothing_but_another_day_may_be_today(run: Run, reader: Connection) -> None:
    again = [Delivery(org, day, run.log.files(org, day)) for org in run.log.orgs for day in run.log.days(org)]
    _load(run, ([], again))
    assert run.refusals == []
    platform.build_views(run.settings, TOMORROW)
    _same(_table_differences(run))
    _same([each for name in VIEWS for each in _view_differences(run, reader, name, TOMORROW, EVERYTHING)])


def _some_ids(tenants: list[Tenant], most: int | None) -> frozenset[str]:
    ids = sorted({str(row["id"]) for each in tenants for row in each.rows("one_roster_organization")})
    return frozenset(ids if most is None else Random(most).sample(ids, min(len(ids), most)))


def _view_differences(
    run: Run, reader: Connection, name: str, today: date, scope: Scope, asked: Scope = None
) -> list[str]:
    """Return a sentence if a view does not show a scope what it should; ``asked`` is what the caller asks for, if more."""
    wanted = scope if asked is None else asked
    with reader.cursor() as cursor:
        cursor.execute("set app.allowed_org_ids = %s", ("*" if wanted is None else ",".join(sorted(wanted)),))
    found, expected = roster_platform.view_rows(reader, name), view(name, run.tenants, today, scope)
    if found == expected:
        return []
    seen = "everything" if scope is None else f"{len(scope)} organizations"
    tenants = [each.name for each in run.tenants if view(name, [each], today, scope).keys() & (expected - found).keys()]
    return [
        f"{name} on {today}, {seen}: missing {_some(expected - found)} of {tenants[:3]},"
        f" unexpected {_some(found - expected)}"
    ]


def _load(run: Run, part: Part) -> None:
    """Load in parallel; only what one org delivers keeps to one loader and so to its order."""
    of_rosters: list[list[roster_log.Delivery]] = [[] for _ in range(LOADERS)]
    of_timeback: list[list[Delivery]] = [[] for _ in range(LOADERS)]
    for package in part[0]:
        of_rosters[_queue(package.org)].append(package)
    for delivery in part[1]:
        of_timeback[_queue(delivery.org)].append(delivery)

    def load_queue(number: int) -> list[str]:
        refusals = []
        with closing(connect(run.settings)) as connection:
            for package in of_rosters[number]:
                loaded = roster_platform.load(connection, run.settings, package)
                if loaded != roster_log.Log().load(package):
                    refusals.append(f"rosters of {package.org} on {package.day}: loaded {loaded}")
            for delivery in of_timeback[number]:
                loaded = platform.load(connection, run.settings, delivery)
                if loaded != Log().load(delivery):
                    refusals.append(f"{delivery.org} on {delivery.day}: loaded {loaded}")
        return refusals

    with ThreadPoolExecutor(LOADERS) as pool:
        for refusals in pool.map(load_queue, range(LOADERS)):
            run.refusals += refusals
    for package in part[0]:
        run.roster_log.load(package)
    for delivery in part[1]:
        run.log.load(delivery)


def _queue(org: str) -> int:
    return zlib.crc32(org.encode()) % LOADERS


def _approve_some(run: Run) -> None:
    with closing(connect(run.settings)) as connection:
        for org, known in rosters(run.roster_log).items():
            for outcome in known.outcomes:
                if outcome.status == "held" and Random(f"{org} {outcome.package.day}").random() < 0.6:
                    run.roster_log.approve(org, outcome.package.day)
                    roster_platform.approve(connection, org, outcome.package.day)


def _table_differences(run: Run, as_of: date | None = None) -> list[str]:
    """Return a sentence for each org and table whose rows are not the model's."""
    with closing(connect(run.settings)) as connection:
        return [
            sentence
            for table in TABLES
            for sentence in _compare(run, table, platform.rows(connection, table, as_of), as_of)
        ]


def _compare(run: Run, table: str, found: Mapping[str, set[Row]], as_of: date | None) -> list[str]:
    sentences = [f"{table} has rows of {org}, which delivered nothing" for org in found.keys() - run.tenant_of.keys()]
    for org in run.tenant_of:
        expected, actual = state(run.log, org, table, as_of), found.get(org, set())
        if expected != actual:
            sentences.append(
                f"{org}, {table}, as of {as_of or 'now'}: missing {sorted(expected - actual, key=repr)[:3]},"
                f" unexpected {sorted(actual - expected, key=repr)[:3]}"
            )
    return sentences


def _same(differences: list[str]) -> None:
    """Fail with what differs, if anything does; in words, which is quicker than pytest's comparison of long lists."""
    assert not differences, "\n".join(differences[:12])


def _some(rows: Counter[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)[:3]
