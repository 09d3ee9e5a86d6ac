"""Random histories of many orgs, loaded and built together, end in exactly what the plain Python model says.

A history is one org, so hundreds share the seconds that dbt takes to start. A failure names the seed; to replay it alone:
``EDREFLECT_HISTORY_SEED=17 uv run pytest tests/properties/test_reconcile_properties.py``. ``EDREFLECT_HISTORIES`` sets
how many there are, ``EDREFLECT_FIRST_HISTORY`` the first seed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from random import Random

import pytest

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.model import database
from tests.model.log import Delivery, Log
from tests.model.rules import TABLES
from tests.model.state import Row, state
from tests.properties.history import DAYS, History, random_history
from tests.properties.loaders import cut_into_parts, load_in_parallel

BUILDS = 3
DEFAULT_HISTORIES = 100


def seeds() -> list[int]:
    """Return the seeds of this run: one to replay, or as many as asked for."""
    if "EDREFLECT_HISTORY_SEED" in os.environ:
        return [int(os.environ["EDREFLECT_HISTORY_SEED"])]
    first = int(os.environ.get("EDREFLECT_FIRST_HISTORY", "1"))
    return list(range(first, first + int(os.environ.get("EDREFLECT_HISTORIES", DEFAULT_HISTORIES))))


@dataclass
class Run:
    """Everything loaded and built, and what was found on the way."""

    settings: Settings
    log: Log
    orgs: Mapping[str, History]
    after_builds: list[list[str]] = field(default_factory=list)
    before_last_build: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def run(postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Every history, cut at random places into as many parts as there are builds."""
    home = tmp_path_factory.mktemp("histories")
    histories = [random_history(Random(seed), f"org-{seed}") for seed in seeds()]
    parts = cut_into_parts(((history.org, history.deliveries) for history in histories), BUILDS)
    with database.fresh_database(postgres_server, template_database, home) as settings:
        made = Run(settings, Log(), {history.org: history for history in histories})
        for number, part in enumerate(parts, start=1):
            _load(made, part)
            if number == BUILDS:
                made.before_last_build = _differences(made, DAYS[-1])
            database.build_reconciled(settings, first=number == 1)
            made.after_builds.append(_differences(made))
        yield made


def test_the_tables_equal_the_model_after_every_build(run: Run):
    assert run.refusals == []
    assert run.after_builds == [[]] * BUILDS


def test_as_of_counts_loads_that_no_build_has_applied(run: Run):
    assert run.before_last_build == []


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_as_of_every_day_equals_the_model_of_that_day(run: Run, day: date):
    assert _differences(run, day) == []


def test_the_history_valid_on_a_day_equals_as_of_that_day(run: Run):
    differences: list[str] = []
    with closing(connect(run.settings)) as connection:
        for table in TABLES:
            history = database.history_rows(connection, table)
            assert all(end is None or start < end for _, start, end in history), table
            for day in DAYS:
                differences += _compare(run, table, database.valid_on(history, day), day)
            now = Counter(row for row, _, end in history if end is None)
            assert now == sum(database.rows(connection, table).values(), Counter()), table
    assert differences == []


def test_repeating_what_is_current_leaves_nothing_to_do_and_changes_nothing(run: Run):
    loaded = {(d.org, d.day): d for history in run.orgs.values() for d in history.deliveries if Log().load(d)}
    _load(run, list(loaded.values()))
    with closing(connect(run.settings)) as connection:
        assert database.pending_loads(connection) == 0
    database.build_reconciled(run.settings)
    assert _differences(run) == []


def _load(run: Run, deliveries: list[Delivery]) -> None:
    """Load in parallel; only the versions of one org's day keep to their order."""
    run.refusals += load_in_parallel(
        run.settings,
        deliveries,
        in_order=lambda delivery: f"{delivery.org} {delivery.day}",
        load=database.load,
        expected=lambda delivery: Log().load(delivery),
    )
    for delivery in deliveries:
        run.log.load(delivery)


def _differences(run: Run, as_of: date | None = None) -> list[str]:
    """Return a sentence for each org and table whose rows are not the model's."""
    with closing(connect(run.settings)) as connection:
        return [
            sentence
            for table in TABLES
            for sentence in _compare(run, table, database.rows(connection, table, as_of), as_of)
        ]


def _compare(run: Run, table: str, found: Mapping[str, Counter[Row]], as_of: date | None) -> list[str]:
    sentences = [f"{table} has rows of {org}, which delivered nothing" for org in found.keys() - run.orgs.keys()]
    for org in run.orgs:
        expected, actual = state(run.log, org, table, as_of), found.get(org, Counter())
        if expected != actual:
            sentences.append(
                f"{org}, {table}, as of {as_of or 'now'}: missing {dict(expected - actual)}, unexpected {dict(actual - expected)}"
            )
    return sentences
