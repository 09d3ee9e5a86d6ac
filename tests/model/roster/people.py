"""Roles and agents: what follows from users.csv and roles.csv after a package was applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from tests.model.roster.entities import derived, identity
from tests.model.roster.fold import ENDED, Known, Rows, midnight
from tests.model.roster.records import Value


@dataclass(frozen=True)
class Role:
    """A row of one_roster_role."""

    id: str
    sourced_id: str
    status: str
    modified: datetime
    user_id: str
    organization_id: str
    role: str
    role_type: str
    begin: date | None
    end: date | None
    touched: date

    def is_current(self, day: date) -> bool:
        """Tell whether the role is held on a day; ends are exclusive."""
        begun = self.begin is None or self.begin <= day
        return self.status != ENDED and begun and (self.end is None or self.end > day)


@dataclass(frozen=True)
class Agent:
    """A row of one_roster_user_agent."""

    id: str
    sourced_id: str
    status: str
    modified: datetime
    source_id: str
    agent_id: str
    type: str
    begin: date | None
    end: date | None
    created: datetime
    touched: date


Roles = Mapping[str, Role]
Agents = Mapping[str, Agent]


def roles_of_users(org: str, users: Rows, before: Roles, day: date, first: bool, replaced: bool) -> dict[str, Role]:
    """Return the roles of version 1.1, by id: one per user, organization and role named in users.csv.

    ``first``: the org never delivered users.csv before. ``replaced``: roles.csv says now who has which role.
    """
    after = dict(before)
    wanted = {} if replaced else {role.id: role for role in _named(org, users, day, first)}
    for key, role in wanted.items():
        known = before.get(key)
        if known is None:
            after[key] = role
        elif known.status == ENDED or known.role_type != role.role_type:
            after[key] = replace(role, begin=known.begin)
    for key, known in before.items():
        if known.status != ENDED and key not in wanted:
            changed = _changed(users[known.user_id], day)
            after[key] = replace(known, status=ENDED, modified=changed, end=day, touched=day)
    return after


def _named(org: str, users: Rows, day: date, first: bool) -> Iterator[Role]:
    for user in users.values():
        orgs, role = user.beside["orgs"], user.beside["role"]
        if not user.is_active or role is None or not isinstance(orgs, tuple):
            continue
        for position, organization in enumerate(dict.fromkeys(orgs)):
            sourced_id = f"{user.sourced_id}|{organization}|{role}"
            yield Role(
                id=derived(f"{org}|role|{sourced_id}"),
                sourced_id=sourced_id,
                status="active",
                modified=_changed(user, day),
                user_id=user.id,
                organization_id=identity(org, "org", organization),
                role=str(role),
                role_type="secondary" if position else "primary",
                begin=None if first else day,
                end=None,
                touched=day,
            )


def roles_of_file(rows: Rows, users: Rows, before: Roles, day: date) -> dict[str, Role]:
    """Return the roles of roles.csv, by id, as they are in effect: nobody who has ended holds one."""
    after: dict[str, Role] = {}
    for row in rows.values():
        user, known = users.get(str(row.values["user_id"])), before.get(row.id)
        ended = not row.is_active or (user is not None and not user.is_active)
        end = _date(row.values["end_date"])
        if ended and end is None:
            # a row without an end of its own ends when it is first seen ended, and once
            end = known.end if known and known.status == ENDED else day
        status = ENDED if ended else row.status
        if known is not None and row.touched != day and (status, end) == (known.status, known.end):
            after[row.id] = known
            continue
        modified = row.modified if row.touched == day else _changed(user, day) if user else midnight(day)
        after[row.id] = Role(
            id=row.id,
            sourced_id=row.sourced_id,
            status=status,
            modified=modified,
            user_id=str(row.values["user_id"]),
            organization_id=str(row.values["organization_id"]),
            role=str(row.values["role"]),
            role_type=str(row.values["role_type"]),
            begin=_date(row.values["begin_date"]),
            end=end,
            touched=day,
        )
    return after


def agents(org: str, users: Rows, roles: Roles | None, before: Agents, day: date, first: bool) -> dict[str, Agent]:
    """Return the relations between people, by id. ``roles`` are those of roles.csv, None while there never was one."""
    after = dict(before)
    wanted = {agent.id: agent for agent in _related(org, users, roles, day, first)}
    for key, agent in wanted.items():
        known = before.get(key)
        if known is None:
            after[key] = agent
        elif known.status != "active":
            after[key] = replace(agent, begin=known.begin, created=known.created)
    for key, known in before.items():
        if known.status == "active" and key not in wanted:
            after[key] = replace(known, status="inactive", modified=midnight(day), end=day, touched=day)
    return after


def _related(org: str, users: Rows, roles: Roles | None, day: date, first: bool) -> Iterator[Agent]:
    for source in users.values():
        named = source.beside["agents"]
        if not source.is_active or not isinstance(named, tuple):
            continue
        for sourced_id in dict.fromkeys(named):
            agent = users.get(identity(org, "user", sourced_id))
            kind = _role_on(agent, roles, day) if agent and agent.is_active else None
            if agent is None or kind is None:
                continue
            text = f"{source.sourced_id}|{sourced_id}|{kind}"
            yield Agent(
                id=derived(f"{org}|agent|{text}"),
                sourced_id=text,
                status="active",
                modified=midnight(day),
                source_id=source.id,
                agent_id=agent.id,
                type=kind,
                begin=None if first else day,
                end=None,
                created=midnight(day),
                touched=day,
            )


def _role_on(user: Known, roles: Roles | None, day: date) -> str | None:
    """Return a user's role on a day, the primary one where there are several."""
    if roles is None:
        role = user.beside["role"]
        return None if role is None else str(role)
    held = [role for role in roles.values() if role.user_id == user.id and role.is_current(day)]
    held = [role for role in held if role.role_type == "primary"] or held
    if not held:
        return None
    latest = max(role.begin or date.min for role in held)
    return min((role for role in held if (role.begin or date.min) == latest), key=lambda role: role.id).role


def _date(value: Value) -> date | None:
    return value if isinstance(value, date) else None


def _changed(user: Known, day: date) -> datetime:
    """Return when something that follows from a user's row changed, if it did on this day."""
    return user.modified if user.touched == day else midnight(day)
