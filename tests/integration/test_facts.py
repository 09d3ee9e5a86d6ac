"""Marts that are made of changes: what a change touches is worked out anew, and nothing else is written.

Which rows are right at all is for the property test of the feed; here it is which were written. A row that was not
written keeps the transaction that wrote it (xmin).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt
from tests.model.database import fresh_database
from tests.model.timeback import platform
from tests.model.timeback.examples import at, delivered, u

FACTS = "path:models/marts/timeback/facts"
TENANTS = {"north": "one", "sister": "one", "south": "two"}
FIRST_DAY = date(2026, 3, 2)
ANNA, BEN = u(1), u(2)


class World:
    """A database whose facts are built after every delivery, each of a day of its own."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self.settings, self.connection = settings, connection
        self._days = (FIRST_DAY + timedelta(days=number) for number in count())

    def deliver(self, org: str, **files: Any) -> None:
        """Load a delivery of the next day, and build its tables and the facts made of them."""
        assert platform.load(self.connection, self.settings, delivered(org, next(self._days), **files))
        self.build(" ".join(f"timeback__{table} timeback__{table}+,{FACTS}" for table in files))

    def build(self, select: str = FACTS) -> None:
        """Build some models."""
        platform.build_views(self.settings, FIRST_DAY, select=select)

    def rows(self, mart: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Return rows of a mart, sorted."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(f"select {columns} from marts.{mart} where {where} order by 1, 2")
            return cursor.fetchall()

    def written(self, mart: str, key: str) -> Mapping[str, str]:
        """Return the transaction that wrote each row, by its key."""
        return dict(self.rows(mart, f"{key}::text, xmin::text"))

    def register(self, org: str, tenant: str) -> None:
        """Say in the registry's copy whose tenant an org is of."""
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(
                "insert into ops.orgs (org_id, org_uuid, tenant) values (%s, gen_random_uuid(), %s)"
                " on conflict (org_id) do update set tenant = excluded.tenant",
                (org, tenant),
            )


@pytest.fixture(scope="module")
def world(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    home = tmp_path_factory.mktemp("facts")
    with (
        fresh_database(postgres_server, template_database, home) as settings,
        closing(connect(settings)) as connection,
    ):
        made = World(settings, connection)
        for org, tenant in TENANTS.items():
            made.register(org, tenant)
        made.build(f"+{FACTS}")
        made.deliver("north", caliper_attempt=[attempt("elsewhere", u(99), "r")])
        yield made


@pytest.fixture
def touched_only(world: World) -> Callable[[str, str], Callable[[], set[str]]]:
    """A function that notes who wrote the rows of a mart, and gives one that says which were written or went since."""

    def note(mart: str, key: str) -> Callable[[], set[str]]:
        before = world.written(mart, key)

        def since() -> set[str]:
            after = world.written(mart, key)
            return {each for each in before.keys() | after.keys() if before.get(each) != after.get(each)}

        return since

    return note


def attempt(key: str, student: str, resource: str, minute: int = 10, **others: str) -> dict[str, str]:
    return {"id": key, "assignee_id": student, "assignable_id": resource, "started_at_time": at(minute), **others}


def kind(key: int, **others: str) -> dict[str, str]:
    return {"id": u(key), "slug": f"kind {key}", "category": "Cheating", "visibility": "external", **others}


def watched(key: int, session: str, person: str = ANNA) -> dict[str, str]:
    return {"id": u(key), "caliper_session_id": session, "user_id": person, "application_id": u(500)}


def insight(key: int, session: int, of_kind: int) -> dict[str, str]:
    times = {"started_at_time": at(1), "ended_at_time": at(2)}
    ids = {"id": u(key), "insights_session_id": u(session), "insight_type_id": u(of_kind)}
    return ids | times | {"reason": "seen", "is_visible": "true"}


def test_the_unit_tests_of_the_derivations_pass(world: World) -> None:
    report = run_dbt(world.settings, ["test", "--select", FACTS, "--resource-type", "unit_test"])
    assert report.failures == ()
    assert len(report.nodes) >= 4


def test_an_earlier_attempt_that_comes_late_makes_the_first_one_a_repeat(
    world: World, touched_only: Callable[[str, str], Callable[[], set[str]]]
) -> None:
    world.deliver("north", caliper_attempt=[attempt("late-2", ANNA, "late", 20), attempt("other", ANNA, "another")])
    written = touched_only("attempts", "attempt_id")
    world.deliver("north", caliper_attempt=[attempt("late-1", ANNA, "late", 10)])
    assert world.rows("attempts", "attempt_id, session_id", "resource_id = 'late'") == [("late-1", None)]
    assert written() == {"late-1", "late-2"}


def test_an_attempt_that_moves_to_another_student_changes_what_was_first_of_both(world: World) -> None:
    world.deliver(
        "north",
        caliper_attempt=[
            attempt("moving", ANNA, "moved", 1),
            attempt("anna's", ANNA, "moved", 5),
            attempt("ben's", BEN, "moved", 5),
        ],
    )
    assert world.rows("attempts", "attempt_id, student_id::text", "resource_id = 'moved'") == [
        ("ben's", BEN),
        ("moving", ANNA),
    ]
    world.deliver("north", caliper_attempt=[attempt("moving", BEN, "moved", 1)])
    assert world.rows("attempts", "attempt_id, student_id::text", "resource_id = 'moved'") == [
        ("anna's", ANNA),
        ("moving", BEN),
    ]


def test_an_event_takes_its_attempt_and_its_points_to_another_session(world: World) -> None:
    event = {"id": "e", "attempt_id": "in-session", "session_id": "first", "event_time": at(1)}
    points = {"id": u(300), "user_id": ANNA, "application_id": u(500), "caliper_event_id": "e", "value": "3"}
    world.deliver(
        "north",
        caliper_attempt=[attempt("in-session", ANNA, "question")],
        caliper_assessment_item=[{"id": "question"}],
        caliper_event=[event],
        tb_xp_ledger=[points],
    )
    world.deliver("north", caliper_event=[event | {"session_id": "second"}])
    assert world.rows("attempts", "attempt_id, session_id", "resource_id = 'question'") == [("in-session", "second")]
    assert world.rows("aggregated_session_attempts", "session_id, student_id::text") == [("second", ANNA)]
    assert world.rows("students_xp", "session_id, total_value", f"student_id = '{ANNA}'") == [("second", 3)]
    world.deliver("north", caliper_assessment_item=[{"id": "question", "_deleted": "true"}])
    assert world.rows("aggregated_session_attempts", "session_id, student_id::text") == []


def test_what_wants_a_review_from_now_on_is_hidden_and_other_sessions_are_left_alone(
    world: World, touched_only: Callable[[str, str], Callable[[], set[str]]]
) -> None:
    world.deliver(
        "north",
        insights_type=[kind(20), kind(21)],
        insights_session=[watched(30, "s1"), watched(31, "s2", BEN)],
        insights_insight=[insight(40, 30, 20), insight(41, 31, 21)],
    )
    written = touched_only("session_insights", "id")
    times = touched_only("session_insight_times", "session_id")
    world.deliver("north", insights_config=[{"insight_type_id": u(20), "requires_review": "true"}])
    assert written() == {u(40)}
    assert times() == {"s1"}
    assert world.rows("session_insights", "id::text, session_id") == [(u(41), "s2")]
    world.deliver(
        "north", insights_review=[{"id": u(50), "insight_id": u(40), "result": "TruePositive", "reviewed_at": at(1)}]
    )
    assert world.rows("session_insight_times", "session_id, cheating_duration_sec") == [("s1", 60), ("s2", 60)]
    world.deliver("north", insights_session=[watched(30, "s3")])
    assert world.rows("session_insight_times", "session_id, cheating_duration_sec") == [("s2", 60), ("s3", 60)]


def test_delivering_the_same_again_writes_nothing_in_whichever_org_and_later_rows_of_another_do(
    world: World, touched_only: Callable[[str, str], Callable[[], set[str]]]
) -> None:
    files = {
        "insights_type": [kind(60)],
        "insights_session": [watched(61, "shared")],
        "insights_insight": [insight(62, 61, 60)],
    }
    world.deliver("north", **files)
    written = touched_only("session_insights", "id")
    world.deliver("north", **files)
    world.deliver("sister", **files)
    world.deliver("south", **files)
    assert world.rows("session_insights", "tenant, insight_type", "session_id = 'shared'") == [
        ("one", "kind 60"),
        ("two", "kind 60"),
    ]
    assert written() == {u(62)}  # south's row of the same id
    written = touched_only("session_insights", "tenant || id")
    world.deliver("sister", insights_type=[kind(60, slug="other word")])
    assert written() == {f"one{u(62)}"}
    assert world.rows("session_insights", "tenant, insight_type", "session_id = 'shared'")[0] == ("one", "other word")
    world.deliver("sister", insights_type=[{"id": u(60), "_deleted": "true"}])
    assert world.rows("session_insights", "tenant, insight_type", "session_id = 'shared'")[0] == ("one", "kind 60")


def test_a_mart_takes_later_what_a_build_that_ended_early_left_to_it(world: World) -> None:
    files = delivered("north", date(2025, 1, 1), caliper_session=[{"id": "left", "started_at_time": at(1)}])
    assert platform.load(world.connection, world.settings, files)
    world.build("timeback__caliper_session")
    assert world.rows("sessions", "id, tenant", "id = 'left'") == []
    world.build("timeback__caliper_session")
    world.build()
    assert world.rows("sessions", "id, tenant", "id = 'left'") == [("left", "one")]


def test_a_new_org_rewrites_nothing_and_an_org_of_another_tenant_everything(
    world: World, touched_only: Callable[[str, str], Callable[[], set[str]]]
) -> None:
    world.deliver("sister", caliper_session=[{"id": "of sister", "started_at_time": at(1)}])
    written = touched_only("sessions", "tenant || id")
    world.register("newcomer", "one")
    world.deliver("newcomer", caliper_session=[{"id": "of newcomer", "started_at_time": at(1)}])
    assert written() == {"oneof newcomer"}
    world.register("sister", "two")
    world.build()
    assert ("of sister", "two") in world.rows("sessions", "id, tenant")
    assert ("of sister", "one") not in world.rows("sessions", "id, tenant")
    world.deliver("sister", caliper_session=[{"id": "of sister", "_deleted": "true"}])
    assert "of sister" not in {row[0] for row in world.rows("sessions", "id, tenant")}
