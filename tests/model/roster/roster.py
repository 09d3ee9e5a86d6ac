"""The packages of one org in day order -> what is known after each of them; held packages change nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from tests.model.roster.entities import AGENT_COLUMNS, ENTITIES, ROLES, TABLES, USERS, Entity
from tests.model.roster.fold import Counts, Known, Rows, apply
from tests.model.roster.log import Log, Package
from tests.model.roster.people import Agent, Agents, Role, Roles, agents, roles_of_file, roles_of_users
from tests.model.roster.records import Value

Row = tuple[Value, ...]


@dataclass(frozen=True)
class Stored:
    """A row of a table, with the last day on which a package touched it."""

    row: Row
    touched: date

    @property
    def id(self) -> str:
        """Return the row's id."""
        return str(self.row[1])


@dataclass(frozen=True)
class Outcome:
    """What came of a package: applied, held or no_updates; and what each file did or would have done."""

    package: Package
    status: str
    counts: Mapping[str, Counts]


@dataclass
class Roster:
    """What is known of one org after some of its packages."""

    org: str
    rows: dict[str, Rows] = field(default_factory=lambda: {file: {} for file in ENTITIES})
    named_roles: Roles = field(default_factory=dict)
    filed_roles: Roles = field(default_factory=dict)
    agents: Agents = field(default_factory=dict)
    delivered: dict[str, date] = field(default_factory=dict)
    last_bulk: dict[str, date] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    stages: list[tuple[date, dict[str, list[Stored]]]] = field(default_factory=list)

    def take(self, package: Package) -> None:
        """Apply a package, or hold it."""
        applied = {
            file: apply(ENTITIES[file], self.rows[file], contents, package.day, file not in self.delivered)
            for file, contents in package.files.items()
        }
        counts = {file: counted for file, (_, counted) in applied.items()}
        held = any(counted.needs_approval for counted in counts.values()) and not package.approved
        status = "held" if held else "applied" if applied else "no_updates"
        self.outcomes.append(Outcome(package, status, counts))
        if status != "applied":
            return
        firsts = applied.keys() - self.delivered.keys()
        for file, (rows, counted) in applied.items():
            self.rows[file] = rows
            self.delivered.setdefault(file, package.day)
            if counted.mode == "bulk":
                self.last_bulk[file] = package.day
        self._follow(package.day, USERS.file in firsts)
        self.stages.append((package.day, {table: self._table(table) for table in TABLES}))

    def _follow(self, day: date, first_users: bool) -> None:
        """Bring roles and agents up to what users.csv and roles.csv say now."""
        users, filed = self.rows[USERS.file], ROLES.file in self.delivered
        self.named_roles = roles_of_users(self.org, users, self.named_roles, day, first_users, filed)
        self.filed_roles = roles_of_file(self.rows[ROLES.file], users, self.filed_roles, day)
        kinds = self.filed_roles if filed else None
        self.agents = agents(self.org, users, kinds, self.agents, day, first_users)

    def _table(self, table: str) -> list[Stored]:
        if table == ROLES.table:
            stored = [_role_row(self.org, role) for role in self.named_roles.values()]
            return stored + [self._since_bulk(ROLES, _role_row(self.org, role)) for role in self.filed_roles.values()]
        if table == "one_roster_user_agent":
            return [_agent_row(self.org, agent) for agent in self.agents.values()]
        entity = next(entity for entity in ENTITIES.values() if entity.table == table)
        rows = self.rows[entity.file].values()
        return [self._since_bulk(entity, _entity_row(self.org, entity, row)) for row in rows]

    def _since_bulk(self, entity: Entity, stored: Stored) -> Stored:
        """A full file touches every row that has not ended."""
        bulk = self.last_bulk.get(entity.file)
        if bulk is None or stored.row[3] == "tobedeleted":
            return stored
        return Stored(stored.row, max(stored.touched, bulk))


def _entity_row(org: str, entity: Entity, known: Known) -> Stored:
    row = (org, known.id, known.sourced_id, known.status, known.modified)
    return Stored((*row, *(known.values[column.name] for column in entity.columns)), known.touched)


def _role_row(org: str, role: Role) -> Stored:
    row = (org, role.id, role.sourced_id, role.status, role.modified)
    own = (role.user_id, role.organization_id, role.role, role.role_type, role.begin, role.end)
    return Stored((*row, *own), role.touched)


def _agent_row(org: str, agent: Agent) -> Stored:
    row = (org, agent.id, agent.sourced_id, agent.status, agent.modified)
    own = (agent.source_id, agent.agent_id, agent.type, agent.begin, agent.end, agent.created)
    assert len(own) == len(AGENT_COLUMNS)
    return Stored((*row, *own), agent.touched)


def roster(packages: Iterable[Package], org: str) -> Roster:
    """Return what is known of an org after these packages, which are in day order."""
    known = Roster(org)
    for package in packages:
        known.take(package)
    return known


def rosters(log: Log) -> dict[str, Roster]:
    """Return the roster of every org of the log."""
    return {org: roster(log.packages(org), org) for org in log.orgs}


def stored(known: Roster, table: str, as_of: date | None = None) -> list[Stored]:
    """Return a table's rows, now or after the last package of ``as_of`` or before."""
    stages = [tables for day, tables in known.stages if as_of is None or day <= as_of]
    return stages[-1][table] if stages else []


def state(known: Roster, table: str, as_of: date | None = None) -> set[Row]:
    """Return a table's rows as the contract's columns in order, now or as of a day."""
    return {each.row for each in stored(known, table, as_of)}
