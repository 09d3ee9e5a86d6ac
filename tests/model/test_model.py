"""The model agrees with the source it models, and keeps the properties that the log promises."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.model.log import Delivery, Log
from tests.model.records import DoesNotCast, cast, columns_of
from tests.model.rules import RULES, TABLES
from tests.model.state import Row, state
from tests.properties.history import DAYS, SourceSystem, clean_history, random_history
from tests.properties.sheets import CASTABLE, UNCASTABLE, Fields

ORG = "springfield"
# A history draws more choices than hypothesis can shrink; a failure names the seed instead.
seeds = st.integers(min_value=0, max_value=2**32)


def everything(log: Log, as_of: date | None = None) -> dict[str, Counter[Row]]:
    return {table: state(log, ORG, table, as_of) for table in TABLES}


def truth(source: SourceSystem, table: str) -> Counter[Row]:
    """What the source holds now, in the shape of the model's rows."""
    file = next(rule.file for rule in RULES.values() if rule.table == table)
    rows: list[Fields] = [*source.rows.get(file, {}).values()]
    rows += [row for kept in source.lists.get(file, {}).values() for row in kept]
    rows += source.pairs.values() if table == "user_affiliations" else []
    types = columns_of(RULES[file])
    return Counter((ORG, *(cast(row[column], data_type) for column, data_type in types.items())) for row in rows)


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_a_faultless_history_ends_in_what_the_source_holds(seed: int):
    random = Random(seed)
    history, source = clean_history(random, ORG)
    log = Log(random.sample(history.deliveries, len(history.deliveries)))
    for table in set(TABLES) - {"id_map"}:
        assert state(log, ORG, table) == truth(source, table), table


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_the_order_of_days_does_not_matter_while_versions_of_a_day_keep_theirs(seed: int):
    deliveries = random_history(Random(seed), ORG).deliveries
    by_day = sorted(deliveries, key=lambda delivery: str(delivery.day))
    assert everything(Log(by_day)) == everything(Log(deliveries))


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_repeating_what_is_current_changes_nothing(seed: int):
    deliveries = random_history(Random(seed), ORG).deliveries
    last = {delivery.day: delivery for delivery in deliveries}
    log = Log(deliveries)
    before = everything(log)
    for delivery in last.values():
        log.load(delivery)
    assert everything(log) == before


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_as_of_a_day_is_the_state_of_a_log_that_ends_with_it(seed: int):
    deliveries = random_history(Random(seed), ORG).deliveries
    log = Log(deliveries)
    for day in DAYS:
        until = Log(delivery for delivery in deliveries if delivery.day is None or delivery.day <= day)
        assert everything(log, day) == everything(until)
    assert everything(log, DAYS[-1]) == everything(log)


@given(seeds)
@example(seed=223670)  # a day with no file at all that is to be spoiled
@settings(max_examples=30, deadline=None)
def test_orgs_do_not_see_each_other(seed: int):
    ours, theirs = random_history(Random(seed), ORG), random_history(Random(seed + 1), "shelbyville")
    together = Log([*theirs.deliveries, *ours.deliveries])
    assert everything(together) == everything(Log(ours.deliveries))


def test_a_refused_file_refuses_its_whole_delivery_and_keeps_what_was_current():
    first = Delivery(ORG, DAYS[0], {"Rubrics.csv": b"rubric_id\nr1\n", "Slos.csv": b"slo_id\ns1\n"})
    log = Log([first])
    before = everything(log)
    for bad in (b"", b"rubric_name\nx\n", b"rubric_id,Rubric_ID \nr2,r2\n"):
        assert not log.load(replace(first, files={"Slos.csv": b"slo_id\ns2\n", "Rubrics.csv": bad}))
        assert everything(log) == before


@pytest.mark.parametrize(
    ("text", "data_type", "value"),
    [
        ("2026-03-01T23:30:00-05:00", "timestamp", datetime(2026, 3, 2, 4, 30)),
        ("2026-03-01T05:00:00+05:30", "timestamp", datetime(2026, 2, 28, 23, 30)),
        ("2026-03-01T05:00:00Z", "timestamp", datetime(2026, 3, 1, 5)),
        ("2026-03-01T05:00:00.25", "timestamp", datetime(2026, 3, 1, 5, 0, 0, 250000)),
        ("2024-02-29", "date", date(2024, 2, 29)),
        ("-3", "integer", -3),
        ("2.50", "numeric", Decimal("2.5")),
        ("TRUE", "boolean", True),
        (" kept ", "text", " kept "),
        (None, "numeric", None),
    ],
)
def test_values_cast_softly(text: str | None, data_type: str, value: object):
    assert cast(text, data_type) == value


@pytest.mark.parametrize("data_type", UNCASTABLE)
def test_the_values_called_uncastable_do_not_cast_and_the_others_do(data_type: str):
    for text in CASTABLE[data_type]:
        cast(text, data_type)
    for text in UNCASTABLE[data_type]:
        with pytest.raises(DoesNotCast):
            cast(text, data_type)
