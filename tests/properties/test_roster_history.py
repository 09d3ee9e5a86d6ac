"""The random rosters hold what they are meant to test; else the properties would be proven about nothing."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import date
from random import Random

import pytest

from tests.model.roster.entities import ENTITIES
from tests.model.roster.log import Log
from tests.model.roster.roster import Outcome, Roster, rosters, state
from tests.model.roster.tenants import Tenant, tenant
from tests.model.roster.views import EVERYTHING, VIEWS, view
from tests.properties.roster_history import DAYS, History, random_history

SEEDS = range(1, 61)
TODAY = date(2026, 3, 6)


@pytest.fixture(scope="module")
def histories() -> list[History]:
    return [random_history(Random(seed), f"org-{seed}", f"tenant-{seed // 3}") for seed in SEEDS]


@pytest.fixture(scope="module")
def known(histories: list[History]) -> dict[str, Roster]:
    return rosters(Log(each for history in histories for each in history.deliveries))


@pytest.fixture(scope="module")
def outcomes(known: dict[str, Roster]) -> list[Outcome]:
    return [outcome for roster in known.values() for outcome in roster.outcomes]


@pytest.fixture(scope="module")
def tenants(histories: list[History], known: dict[str, Roster]) -> list[Tenant]:
    names = {history.tenant for history in histories}
    return [tenant(name, [known[h.org] for h in histories if h.tenant == name and h.org in known]) for name in names]


def test_a_seed_gives_the_same_history_again():
    assert random_history(Random(7), "org", "tenant") == random_history(Random(7), "org", "tenant")


def test_packages_are_applied_held_and_without_updates(outcomes: list[Outcome]):
    assert {outcome.status for outcome in outcomes} == {"applied", "held", "no_updates"}


def test_every_file_comes_in_both_modes_and_does_everything_that_a_file_can_do(outcomes: list[Outcome]):
    done: dict[str, Counter[str]] = {file: Counter() for file in ENTITIES}
    modes = set()
    for outcome in outcomes:
        for file, counts in outcome.counts.items():
            modes.add((file, counts.mode))
            done[file].update({name: value for name, value in vars(counts).items() if name != "mode"})
    assert modes == {(file, mode) for file in ENTITIES for mode in ("bulk", "delta")}
    for file, counted in done.items():
        assert all(counted[name] for name in ("added", "changed", "ended", "returned", "stayed", "rejected")), file
    assert all(done[file]["stale"] for file in ("users.csv", "enrollments.csv", "roles.csv"))


def test_orgs_go_over_from_version_1_1_to_1_2(known: dict[str, Roster]):
    gone_over = [roster for roster in known.values() if roster.named_roles and roster.filed_roles]
    assert len(gone_over) > 3
    assert all(role.status == "tobedeleted" for roster in gone_over for role in roster.named_roles.values())


def test_relations_end_and_change_their_type(known: dict[str, Roster]):
    agents = [agent for roster in known.values() for agent in roster.agents.values()]
    assert {agent.status for agent in agents} == {"active", "inactive"}
    pairs = Counter((agent.source_id, agent.agent_id) for roster in known.values() for agent in roster.agents.values())
    assert max(pairs.values()) > 1


def test_days_are_corrected_repeated_refused_left_out_and_out_of_order(histories: list[History]):
    days = [[delivery.day for delivery in history.deliveries] for history in histories]
    assert any(set(DAYS) - set(found) for found in days)
    assert any(found != sorted(found) for found in days)
    versions = [[each.sheets for each in h.deliveries if each.day == day] for h in histories for day in DAYS]
    assert any(first != second for found in versions for first, second in itertools.pairwise(found))
    assert any(first == second for found in versions for first, second in itertools.pairwise(found))
    assert any(not Log().load(delivery) for history in histories for delivery in history.deliveries)
    # the same bytes on another day
    sheets = [
        (history.org, each.day, sheet)
        for history in histories
        for each in history.deliveries
        for sheet in each.sheets.values()
    ]
    days_of: dict[object, set[date]] = {}
    for org, day, sheet in sheets:
        if sheet.file != "manifest.csv":
            days_of.setdefault((org, sheet), set()).add(day)
    assert sum(len(found) > 1 for found in days_of.values()) > 20


def test_orgs_of_a_tenant_and_of_others_deliver_the_same_ids(histories: list[History], known: dict[str, Roster]):
    tenants_of = {history.org: history.tenant for history in histories}
    owners: dict[object, set[str]] = {}
    for org, roster in known.items():
        for found in state(roster, "one_roster_user"):
            owners.setdefault(found[1], set()).add(org)
    shared = [orgs for orgs in owners.values() if len(orgs) > 1]
    assert any(len({tenants_of[org] for org in orgs}) < len(orgs) for orgs in shared)
    assert any(len({tenants_of[org] for org in orgs}) > 1 for orgs in shared)


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_has_rows(tenants: list[Tenant], name: str):
    assert sum(view(name, tenants, TODAY, EVERYTHING).values()) > 15
