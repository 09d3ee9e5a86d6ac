"""The rows of a tenant's orgs together: one row per key, the newest, beside what the rosters of the orgs say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from tests.model.roster.roster import Roster
from tests.model.roster.tenants import Tenant, tenant
from tests.model.timeback.log import Log
from tests.model.timeback.records import Columns, Key
from tests.model.timeback.tables import TABLES, Table

Tables = Mapping[str, Mapping[Key, Columns]]


def tables_of(log: Log, orgs: Iterable[str]) -> Tables:
    """Return the tables of these orgs together, by name: of several rows of one key the newest, then the highest org's."""
    owners = list(orgs)
    return {name: _newest(log, owners, table) for name, table in TABLES.items()}


def _newest(log: Log, orgs: list[str], table: Table) -> dict[Key, Columns]:
    newest: dict[Key, tuple[tuple[date, str], Columns]] = {}
    for org in orgs:
        for key, stored in log.rows(org, table).items():
            if key not in newest or newest[key][0] < (stored.day, org):
                newest[key] = ((stored.day, org), stored.values)
    return {key: values for key, (_, values) in newest.items()}


def tenant_of(name: str, log: Log, orgs: Iterable[str], rosters: Iterable[Roster] = ()) -> Tenant:
    """Return what these orgs know together, their rosters and what TimeBack recorded."""
    return replace(tenant(name, rosters), timeback=tables_of(log, orgs))
