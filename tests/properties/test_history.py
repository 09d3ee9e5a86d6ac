"""The random histories hold what they are meant to try: no rule of the contract goes untried by luck."""

from __future__ import annotations

import itertools
from random import Random

import pytest

from tests.model.log import Delivery, Log
from tests.model.records import Record, read
from tests.model.rules import RULES, TABLES, rule_of
from tests.model.state import state
from tests.properties.history import DAYS, History, random_history

SEEDS = range(1, 101)


@pytest.fixture(scope="module")
def histories() -> list[History]:
    return [random_history(Random(seed), f"org-{seed}") for seed in SEEDS]


@pytest.fixture(scope="module")
def loads(histories: list[History]) -> list[tuple[Delivery, str, tuple[Record, ...]]]:
    """Every file of every delivery that is not refused, with its records."""
    return [
        (delivery, rule.file, read(rule, data))
        for history in histories
        for delivery in history.deliveries
        if Log().load(delivery)
        for name, data in delivery.files.items()
        if (rule := rule_of(name)) and data is not None
    ]


def test_a_seed_gives_the_same_history_again():
    assert random_history(Random(7), "org") == random_history(Random(7), "org")


def test_every_table_gets_rows(histories: list[History]):
    logs = [(history.org, Log(history.deliveries)) for history in histories]
    for table in TABLES:
        assert any(state(log, org, table) for org, log in logs), table


def test_every_file_is_delivered_with_rows_and_with_none(loads: list[tuple[Delivery, str, tuple[Record, ...]]]):
    maps = {rule.file for rule in RULES.values() if rule.load == "id_map"}
    assert {file for _, file, records in loads if records} >= set(RULES) - maps
    assert {file for _, file, records in loads if not records} >= {
        f"{name}.csv" for name in ("Rubrics", "Goals_Deleted")
    }


def test_keys_are_null_and_values_do_not_cast_in_each_kind_of_file(
    loads: list[tuple[Delivery, str, tuple[Record, ...]]],
):
    kinds = {rule.load for rule in RULES.values()}
    with_null = {RULES[f].load for _, f, records in loads if any(None in r.key(RULES[f].key) for r in records)}
    uncast = {RULES[f].load for _, f, records in loads if not all(r.casts for r in records)}
    assert with_null == kinds
    # the id maps hold nothing but text
    assert uncast == kinds - {"id_map"}


def test_days_are_corrected_repeated_refused_left_out_and_out_of_order(histories: list[History]):
    days = [[delivery.day for delivery in history.deliveries] for history in histories]
    assert any(set(DAYS) - set(found) for found in days)
    assert any(found != sorted(found, key=str) for found in days)
    versions = [
        [delivery.files for delivery in history.deliveries if delivery.day == day]
        for history in histories
        for day in DAYS
    ]
    assert any(first != second for found in versions for first, second in itertools.pairwise(found))
    assert any(first == second for found in versions for first, second in itertools.pairwise(found))
    assert any(a == c != b for found in versions for a, b, c in zip(found, found[1:], found[2:], strict=False))
    assert any(not Log().load(delivery) for history in histories for delivery in history.deliveries)


def test_goals_are_deleted_and_pairs_end_with_a_modified_user(histories: list[History]):
    deleted = ended = 0
    for history in histories:
        log = Log(history.deliveries)
        for day in DAYS:
            goals = {row[1] for row in state(log, history.org, "goals", day)}
            deleted += any(row[1] not in goals for row in state(log, history.org, "goals_deleted", day))
            delivered = {
                record.values["date_deleted"]
                for each in DAYS
                for record in log.records(history.org, each, "User_Affiliations.csv")
            }
            ended += any(row[-1] not in delivered for row in state(log, history.org, "user_affiliations", day))
    assert deleted > 0
    assert ended > 0
