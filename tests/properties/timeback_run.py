"""Many orgs' TimeBack feeds and rosters, loaded and built in parts, and compared with the model on the way."""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any, TypeVar

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.model.roster import log as roster_log
from tests.model.roster import platform as roster_platform
from tests.model.roster.roster import Roster, rosters
from tests.model.roster.roster import state as roster_state
from tests.model.roster.tenants import Tenant
from tests.model.roster.views import Scope
from tests.model.timeback import platform
from tests.model.timeback.log import Delivery, Log, Row, state
from tests.model.timeback.tables import TABLES
from tests.model.timeback.tenants import tenant_of
from tests.model.timeback.views import view
from tests.properties import roster_history
from tests.properties.loaders import load_in_parallel
from tests.properties.timeback_history import random_history

T = TypeVar("T")
DEFAULT_HISTORIES = 24
ORGS_OF_A_TENANT = 3
# What is today when each part of the deliveries is built.
BUILDS = (date(2026, 3, 5), date(2026, 3, 8), date(2026, 3, 6))


def seeds() -> list[int]:
    """Return the seeds of this run: those of one tenant to replay, or as many as asked for."""
    if "EDREFLECT_TIMEBACK_SEED" in os.environ:
        return _neighbours(int(os.environ["EDREFLECT_TIMEBACK_SEED"]))
    first = int(os.environ.get("EDREFLECT_FIRST_TIMEBACK", "0"))
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
    tenant_of: dict[str, str]
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

    def scope_within(self, tenant: Tenant, asked: Scope) -> Scope:
        """Return what of a scope opens anything in a tenant: organizations that its orgs deliver, and no other tenant's."""
        if asked is None:
            return None
        others = [each for each in self.tenants if each is not tenant]
        return asked & some_ids([tenant], None) - some_ids(others, None)

    def scope_of_names(self, tenant: Tenant, names: Collection[str]) -> Scope:
        """Return what orgs granted by name open in a tenant: the organizations that its own ones among them deliver."""
        own = [org for org in names if self.tenant_of[org] == tenant.name]
        return frozenset(str(row[1]) for org in own for row in roster_state(self.known[org], "one_roster_organization"))


Part = tuple[list[roster_log.Delivery], list[Delivery]]


def parts_of() -> tuple[dict[str, str], list[Part]]:
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


def open_reader(run: Run) -> Connection:
    """Return a connection of a login role that may set any scope."""
    connection = psycopg2.connect(run.login)
    connection.autocommit = True
    return connection


def some_ids(tenants: list[Tenant], most: int | None) -> frozenset[str]:
    """Return ids of organizations that the tenants deliver, at ``most`` so many."""
    ids = sorted({str(row["id"]) for each in tenants for row in each.rows("one_roster_organization")})
    return frozenset(ids if most is None else Random(most).sample(ids, min(len(ids), most)))


def view_differences(
    run: Run, reader: Connection, name: str, today: date, asked: Scope, names: Collection[str] = ()
) -> list[str]:
    """Return a sentence if a view does not show what it should to one who asks for a scope, having been granted ``names``."""
    with reader.cursor() as cursor:
        cursor.execute("set app.allowed_org_ids = %s", ("*" if asked is None else ",".join(sorted(asked)),))
    seen = "everything" if asked is None else f"{len(asked)} organizations"
    try:
        found = roster_platform.view_rows(reader, name)
    except psycopg2.errors.QueryCanceled:
        return [f"{name} on {today}, {seen}: did not answer"]
    expected: Counter[tuple[Any, ...]] = Counter()
    lacking = []
    for tenant in run.tenants:
        scope = run.scope_of_names(tenant, names) if names else run.scope_within(tenant, asked)
        shown = view(name, [tenant], today, scope)
        expected += shown
        lacking += [tenant.name] if shown - found else []
    if found == expected:
        return []
    return [
        f"{name} on {today}, {seen}: missing {_some(expected - found)} of {lacking[:3]},"
        f" unexpected {_some(found - expected)}"
    ]


def load(run: Run, part: Part) -> None:
    """Load in parallel; only what one org delivers keeps to its order."""
    run.refusals += load_in_parallel(
        run.settings,
        [*part[0], *part[1]],
        in_order=lambda delivery: delivery.org,
        load=lambda connection, settings, delivery: (
            roster_platform.load(connection, settings, delivery)
            if isinstance(delivery, roster_log.Delivery)
            else platform.load(connection, settings, delivery)
        ),
        expected=lambda delivery: (
            roster_log.Log().load(delivery) if isinstance(delivery, roster_log.Delivery) else Log().load(delivery)
        ),
    )
    for package in part[0]:
        run.roster_log.load(package)
    for delivery in part[1]:
        run.log.load(delivery)


def approve_some(run: Run) -> None:
    with closing(connect(run.settings)) as connection:
        for org, known in rosters(run.roster_log).items():
            for outcome in known.outcomes:
                if outcome.status == "held" and Random(f"{org} {outcome.package.day}").random() < 0.6:
                    run.roster_log.approve(org, outcome.package.day)
                    roster_platform.approve(connection, org, outcome.package.day)


def move_some(run: Run) -> None:
    """Let some orgs join the tenant of others, as the registry may say one day."""
    moved = [org for org in run.tenant_of if zlib.crc32(org.encode()) % 8 == 0]
    with closing(connect(run.settings)) as connection, connection, connection.cursor() as cursor:
        for org in moved:
            run.tenant_of[org] = tenant = Random(org).choice(sorted(run.tenant_of.values()))
            cursor.execute("update ops.orgs set tenant = %s where org_id = %s", (tenant, org))


def table_differences(run: Run, as_of: date | None = None) -> list[str]:
    """Return a sentence for each org and table whose rows are not the model's."""
    with closing(connect(run.settings)) as connection:
        return [
            sentence
            for table in TABLES
            for sentence in compare(run, table, platform.rows(connection, table, as_of), as_of)
        ]


def compare(run: Run, table: str, found: Mapping[str, set[Row]], as_of: date | None) -> list[str]:
    sentences = [f"{table} has rows of {org}, which delivered nothing" for org in found.keys() - run.tenant_of.keys()]
    for org in run.tenant_of:
        expected, actual = state(run.log, org, table, as_of), found.get(org, set())
        if expected != actual:
            sentences.append(
                f"{org}, {table}, as of {as_of or 'now'}: missing {sorted(expected - actual, key=repr)[:3]},"
                f" unexpected {sorted(actual - expected, key=repr)[:3]}"
            )
    return sentences


def _some(rows: Counter[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)[:3]
