"""Random histories of files that are whole states, in any order, end in exactly what the plain Python model says.

A history is one org, so that some dozens share the seconds that dbt takes; each example's orgs have names of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.database import connect
from edreflect_assets.errors import Refused
from edreflect_assets.settings import Settings
from tests.integration import campus_world as platform
from tests.model.bulk import TABLES, Delivery, Log, Row, contents
from tests.model.database import fresh_database

DAYS = [date(2026, 3, day) for day in range(2, 7)]
BUILDS = 3
# What a field of each type may hold; the last ones do not cast.
_DATES = ["", "2026-01-05", "2026-02-28", "2026-02-30", "5 May"]
_VALUES = {
    "program_id": ["", "p1", "p2", "p3"],
    "participation_id": ["", "s1", "s2", "s3", "s4"],
    "program_staff_id": ["", "t1", "t2"],
    "program_category": ["", "Cohort", "Cohort: Cohort", "Sport"],
    "resource": ["", "cohorts", "studentCohortAssociations"],
    "school_year": ["2026", "", "2027", "this one"],
    "begin_date": _DATES,
    "end_date": _DATES,
    "mapped": ["true", "FALSE", "", "perhaps"],
    "enabled": ["true", "false", "", "perhaps"],
}
_TEXTS = ["", "one", "two", "a, b", 'said "so"']
_example = count(1)


def _line(table: str) -> st.SearchStrategy[str]:
    """Return records of a table: mostly good, some with a value that does not cast, some with a field too few."""
    fields = [st.sampled_from(_VALUES.get(name, _TEXTS)).map(_quoted) for name in TABLES[table]]
    whole = st.tuples(*fields).map(",".join)
    return st.one_of(whole, whole, whole, st.just("only_one_field"))


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if set(value) & set(',"') else value


def _file(table: str) -> st.SearchStrategy[str]:
    header = ",".join(TABLES[table])
    return st.lists(_line(table), max_size=4).map(lambda lines: "".join(f"{line}\n" for line in [header, *lines]))


_deliveries = st.tuples(
    st.sampled_from(DAYS),
    st.fixed_dictionaries({}, optional={table: _file(table) for table in TABLES}),
)
# The deliveries of an org in the order in which they are loaded, and before which builds.
_histories = st.lists(st.tuples(st.integers(0, BUILDS - 1), _deliveries), min_size=1, max_size=7).map(
    lambda parts: sorted(parts, key=lambda part: part[0])
)


@pytest.fixture(scope="module")
def world(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with fresh_database(postgres_server, template_database, tmp_path_factory.mktemp("bulk")) as made:
        platform.build_reconciled(made)
        yield made


# Shrinking would take a build for each attempt; the histories that differ are named instead.
@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(histories=st.lists(_histories, min_size=25, max_size=40))
def test_tables_as_of_and_history_equal_the_model_after_every_build(
    world: Settings, histories: list[list[tuple[int, tuple[date, dict[str, str]]]]]
) -> None:
    log, example = Log(), next(_example)
    orgs = {f"org-{example}-{number}": history for number, history in enumerate(histories)}
    with closing(connect(world)) as connection:
        for build in range(BUILDS):
            for org, history in orgs.items():
                for _, (day, files) in [part for part in history if part[0] == build]:
                    _load(connection, world, log, Delivery(org, day, files))
            # what is pending counts in these, before the build as after it
            _compare(connection, log, list(orgs), DAYS[build])
            platform.build_reconciled(world)
            _compare_now(connection, log, list(orgs))
            _compare(connection, log, list(orgs), *DAYS)


def _load(connection: Connection, world: Settings, log: Log, delivery: Delivery) -> None:
    if log.load(delivery):
        platform.load(connection, world, delivery)
    else:
        with pytest.raises(Refused, match=r"programs\.csv"):
            platform.load(connection, world, delivery)


def _compare_now(connection: Connection, log: Log, orgs: list[str]) -> None:
    for table in TABLES:
        found = platform.rows(connection, table)
        _same({org: (log.state(org, table), found.get(org, set())) for org in orgs}, table)


def _compare(connection: Connection, log: Log, orgs: list[str], *days: date) -> None:
    for table in TABLES:
        states = platform.history(connection, table)
        _same({org: (log.history(org, table), states.get(org, set())) for org in orgs}, f"history of {table}")
        for day in days:
            found = platform.rows_as_of(connection, table, day)
            expected = {org: {row[:-1] for row in log.state(org, table, day)} for org in orgs}
            _same({org: (expected[org], found.get(org, set())) for org in orgs}, f"{table} as of {day}")


def _same(pairs: dict[str, tuple[set[Row], set[Row]]], what: str) -> None:
    differing = [
        f"{org}, {what}: missing {expected - found}, unexpected {found - expected}"
        for org, (expected, found) in pairs.items()
        if expected != found
    ]
    assert not differing, "\n".join(differing[:5])


def test_the_generated_files_are_of_every_kind() -> None:
    """Enough of the lines are good, or the model would be compared with empty tables."""
    kinds = set()

    @settings(max_examples=200, phases=[Phase.generate], database=None)
    @given(text=_file("programs"))
    def look(text: str) -> None:
        readable, said = contents("programs", text)
        kinds.add((text.count("\n") > 1, readable, bool(said)))

    look()
    assert kinds == {(False, False, False), (True, False, False), (True, True, False), (True, True, True)}
