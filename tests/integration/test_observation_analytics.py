"""Observation analytics as a reader sees them, against the same figures worked out in plain Python from what was delivered.

Two orgs deliver the same ids with other values, over two days of which the second replaces some observations. Whatever
follows from both orgs, or from what the second day replaced, would be another number.
"""

from __future__ import annotations

import random
import statistics
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.access import grant_scope
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import build
from tests.integration.published import ORGS, create_assignments, uuids
from tests.model.database import fresh_database, load
from tests.model.log import Delivery

TODAY = date(2026, 3, 15)
DAYS = (date(2026, 3, 2), date(2026, 3, 3))
SEEDS = {"north": 1, "south": 2}
LEARNERS = [f"e{number}" for number in range(8)]
OBSERVERS = [f"o{number}" for number in range(4)]
INDICATORS = ("i1", "i2")
TEMPLATES = ("t1", "t2")
VIEWS = (
    "observer_ratings",
    "rater_agreement",
    "observation_completion",
    "feedback_turnaround",
    "feedback_turnaround_by_observer",
)


@dataclass
class Rating:
    rater: str
    indicator: str
    value: int | None
    dated: datetime | None


@dataclass
class Observation:
    id: str
    learner: str
    observer: str
    template: str
    school_year: int
    completed: datetime | None
    deleted: bool
    ratings: list[Rating]
    # (type, name, completed)
    steps: list[tuple[str, str, datetime | None]] = field(default_factory=list)


def moment(rng: random.Random, school_year: int) -> datetime:
    return datetime(school_year - 1, 7, 1) + timedelta(minutes=rng.randrange(364 * 24 * 60))


def observation(rng: random.Random, identity: str) -> Observation:
    """Return an observation rated by two or three observers and perhaps the learner; some of everything is missing."""
    learner, school_year = rng.choice(LEARNERS), rng.choice((2025, 2026))
    completed = moment(rng, school_year) if rng.random() < 0.8 else None
    raters = [*rng.sample(OBSERVERS, rng.randint(1, 3)), *([learner] if rng.random() < 0.5 else [])]
    ratings = [
        Rating(
            rater,
            indicator,
            rng.randint(1, 4) if rng.random() < 0.9 else None,
            moment(rng, school_year) if rng.random() < 0.8 else None,
        )
        for rater in raters
        for indicator in INDICATORS
    ]
    kinds = (("evidence", "Visit"), ("Feedback", "Talk"), ("conference", "Written feedback"))
    steps = [(*kind, moment(rng, school_year) if rng.random() < 0.7 else None) for kind in kinds if rng.random() < 0.8]
    return Observation(
        identity,
        learner,
        raters[0],
        rng.choice(TEMPLATES),
        school_year,
        completed,
        rng.random() < 0.1,
        ratings,
        steps,
    )


def deliveries(org: str) -> tuple[list[Delivery], list[Observation]]:
    """Return an org's two days and the observations as they are after them."""
    rng = random.Random(SEEDS[org])
    first = [observation(rng, f"g{number}") for number in range(150)]
    second = [observation(rng, f"g{number}") for number in range(0, 150, 5)]
    now = {each.id: each for each in (*first, *second)}
    return [delivery(org, *day) for day in zip(DAYS, (first, second), strict=True)], list(now.values())


def delivery(org: str, day: date, observations: Sequence[Observation]) -> Delivery:
    ids = [each.id for each in observations]
    files = {
        "Observation_Modified.csv": ("observation_group_id", [[identity] for identity in ids]),
        "Observations.csv": (
            "observation_group_id,learner_employee_id,observer_employee_id,observation_template_id,school_year,"
            "observation_completed_date,observation_is_deleted",
            [
                [each.id, each.learner, each.observer, each.template, each.school_year, each.completed, each.deleted]
                for each in observations
            ],
        ),
        "Ratings.csv": (
            "observation_group_id,rating_id,rubric_id,indicator_id,rating_value,rated_by_employee_id,rated_date",
            [
                [each.id, f"r{number}", "b1", rating.indicator, rating.value, rating.rater, rating.dated]
                for each in observations
                for number, rating in enumerate(each.ratings)
            ],
        ),
        # a step stays unless it is delivered anew, so each day's steps of an observation have the same ids
        "Observation_Steps.csv": (
            "step_id,observation_group_id,step_type,step_name,step_completed_date",
            [
                [f"{each.id} {number}", each.id, *(each.steps[number] if number < len(each.steps) else ("", "", ""))]
                for each in observations
                for number in range(3)
            ],
        ),
    }
    return Delivery(org, day, {name: table(header, rows) for name, (header, rows) in files.items()})


def table(header: str, rows: Sequence[Sequence[Any]]) -> bytes:
    lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
    return "\n".join([header, *lines, ""]).encode()


def assignments(org: str) -> list[dict[str, Any]]:
    rng = random.Random(SEEDS[org] + 10)
    return [
        {
            "org_id": org,
            "assignment_id": f"a{number}",
            "learner_employee_id": learner,
            "observation_template_id": rng.choice((*TEMPLATES, None)),
            "observer_employee_ids": rng.choice((None, rng.sample(OBSERVERS, 2))),
            "school_year": school_year,
            "due_date": rng.choice((None, datetime.combine(TODAY, datetime.min.time()), moment(rng, school_year))),
        }
        for number, school_year in enumerate((2025, 2026) * 4)
        for learner in (*LEARNERS, "nobody observed")
    ]


@pytest.fixture(scope="module")
def settings(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with (
        fresh_database(postgres_server, template_database, tmp_path_factory.mktemp("analytics")) as made,
        closing(connect(made)) as connection,
    ):
        with connection.cursor() as cursor:
            for org in SEEDS:
                cursor.execute("insert into ops.orgs (org_id, org_uuid, tenant) values (%s, %s, %s)", [org, *ORGS[org]])
        connection.commit()
        for org in SEEDS:
            for each in deliveries(org)[0]:
                assert load(connection, made, each)
        assert build(made, as_of=TODAY, select="+analytics.edreflect").failures == ()
        create_assignments(connection, [row for org in SEEDS for row in assignments(org)])
        yield made


@pytest.fixture(scope="module")
def reader(settings: Settings) -> Iterator[Connection]:
    """An ordinary login, granted north alone."""
    role = f"reader_{uuid.uuid4().hex[:12]}"
    with closing(connect(settings)) as owner:
        with owner, owner.cursor() as cursor:
            cursor.execute(sql.SQL("create role {} login password 'own'").format(sql.Identifier(role)))
        grant_scope(owner, role, ["north"], evaluation=True)
        with closing(psycopg2.connect(settings.database_url, user=role, password="own")) as session:
            session.autocommit = True
            yield session
        with owner, owner.cursor() as cursor:
            cursor.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(role)))


def seen(session: Connection, view: str, org: str = "north") -> list[dict[str, Any]]:
    with session.cursor() as cursor:
        cursor.execute("set app.allowed_org_ids = %s", [uuids(org)])
        cursor.execute(sql.SQL("select * from {}").format(sql.Identifier("analytics", view)))
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def close(value: float | None) -> Any:
    """What a figure rounded to 4 decimals is equal to."""
    return None if value is None else pytest.approx(value, abs=0.000051)


def floats(row: dict[str, Any], *names: str) -> tuple[float | None, ...]:
    return tuple(None if row[name] is None else float(row[name]) for name in names)


def kept() -> list[Observation]:
    return [each for each in deliveries("north")[1] if not each.deleted]


def term_of(dated: datetime | None) -> str:
    return "undated" if dated is None else "fall" if dated.month > 6 else "spring"


def by_others() -> Iterator[tuple[Observation, Rating, datetime | None]]:
    """Return the ratings that are no self-ratings, with the moment that decides their term."""
    for each in kept():
        for rating in each.ratings:
            if rating.rater != each.learner:
                yield each, rating, rating.dated or each.completed


def test_observer_ratings_are_those_of_plain_statistics(reader: Connection) -> None:
    given: dict[tuple[str, str, int, str], list[tuple[str, int | None]]] = defaultdict(list)
    everyone: dict[tuple[str, int, str], list[int]] = defaultdict(list)
    for each, rating, dated in by_others():
        place = (rating.indicator, each.school_year, term_of(dated))
        given[rating.rater, *place].append((each.learner, rating.value))
        if rating.value is not None:
            everyone[place].append(rating.value)
    rows = {
        (row["observer_employee_id"], row["indicator_id"], row["school_year"], row["term"]): row
        for row in seen(reader, "observer_ratings")
    }

    assert set(rows) == set(given)
    means = {}
    for key, pairs in given.items():
        values = [value for _, value in pairs if value is not None]
        means[key] = statistics.mean(values) if values else None
    drifts = 0
    for key, pairs in given.items():
        row, observer, indicator, year, term = rows[key], *key
        values = [value for _, value in pairs if value is not None]
        assert row["rating_count"] == len(values)
        assert row["ratings_without_value"] == len(pairs) - len(values)
        assert row["educator_count"] == len({learner for learner, value in pairs if value is not None})
        assert floats(row, "mean_rating", "org_mean_rating") == (
            close(means[key]),
            close(statistics.mean(everyone[key[1:]]) if everyone[key[1:]] else None),
        )
        assert floats(row, "standard_deviation")[0] == close(statistics.stdev(values) if len(values) > 1 else None)
        assert floats(row, "min_rating", "max_rating", "median_rating") == (
            (min(values), max(values), statistics.median(values)) if values else (None, None, None)
        )
        assert [(item["rating_value"], item["rating_count"]) for item in row["distribution"]] == sorted(
            Counter(values).items()
        )
        earlier = [
            (other[2], other[3])
            for other in given
            if other[:2] == (observer, indicator) and (other[2], other[3]) < (year, term)
            if other[3] != "undated" and means[other] is not None
        ]
        if term == "undated" or not earlier or not values:
            assert (row["previous_term"], row["previous_term_mean"], row["drift"]) == (None, None, None)
        else:
            drifts += 1
            before = means[observer, indicator, *max(earlier)]
            assert (row["previous_school_year"], row["previous_term"]) == max(earlier)
            assert floats(row, "previous_term_mean")[0] == close(before)
            assert float(row["drift"]) == pytest.approx(float(row["mean_rating"]) - before, abs=0.00011)
    assert drifts > 10


def weighted_kappa(pairs: Sequence[tuple[int, int]]) -> float | None:
    """Return Cohen's kappa with linear weights from the whole table of values, as the definition has it."""
    categories = sorted({value for pair in pairs for value in pair})
    table = Counter(pairs)
    observed = expected = 0.0
    for row in categories:
        for column in categories:
            weight = abs(row - column)
            in_row = sum(table[row, other] for other in categories) / len(pairs)
            in_column = sum(table[other, column] for other in categories) / len(pairs)
            observed += weight * table[row, column] / len(pairs)
            expected += weight * in_row * in_column
    return 1 - observed / expected if expected else None


def test_the_kappa_of_this_test_is_the_one_of_a_table_worked_out_by_hand() -> None:
    pairs = [(1, 1), (1, 1), (1, 2), (1, 3), (2, 2), (2, 2), (2, 3), (3, 2), (3, 3), (3, 3)]
    assert weighted_kappa(pairs) == pytest.approx(4 / 9)
    assert weighted_kappa([(3, 3), (3, 3)]) is None
    assert weighted_kappa([(1, 2), (2, 1)]) == pytest.approx(-1)


def test_rater_agreement_is_that_of_a_table_of_both_observers(reader: Connection) -> None:
    latest: dict[tuple[str, int, str, str, str], tuple[tuple[datetime, str], int]] = {}
    for each, rating, dated in by_others():
        if dated is not None and rating.value is not None:
            key = (rating.indicator, each.school_year, term_of(dated), each.learner, rating.rater)
            latest[key] = max(latest.get(key, ((datetime.min, ""), 0)), ((dated, each.id), rating.value))
    educators: dict[tuple[str, int, str, str], dict[str, int]] = defaultdict(dict)
    for (*place, rater), (_, value) in latest.items():
        educators[tuple(place)][rater] = value  # type: ignore[index]
    expected: dict[tuple[Any, ...], list[tuple[int, int]]] = defaultdict(list)
    for (indicator, year, term, _), values in educators.items():
        for one, other in combinations(sorted(values), 2):
            expected[indicator, year, term, one, other].append((values[one], values[other]))
    names = ("indicator_id", "school_year", "term", "observer_a_employee_id", "observer_b_employee_id")
    rows = {tuple(row[name] for name in names): row for row in seen(reader, "rater_agreement")}

    assert set(rows) == set(expected)
    assert max(len(pairs) for pairs in expected.values()) > 3
    for key, pairs in expected.items():
        row = rows[key]
        exact = sum(a == b for a, b in pairs)
        adjacent = sum(abs(a - b) <= 1 for a, b in pairs)
        assert (row["pair_count"], row["exact_agreement_count"], row["adjacent_agreement_count"]) == (
            len(pairs),
            exact,
            adjacent,
        )
        assert floats(row, "exact_agreement_percent", "adjacent_agreement_percent") == (
            pytest.approx(100 * exact / len(pairs), abs=0.0051),
            pytest.approx(100 * adjacent / len(pairs), abs=0.0051),
        )
        assert floats(row, "weighted_kappa")[0] == close(weighted_kappa(pairs))


def test_completion_is_found_by_looking_through_all_observations(reader: Connection) -> None:
    done = sorted((each.completed, each.id, each) for each in kept() if each.completed)
    rows = {(row["assignment_id"], row["learner_employee_id"]): row for row in seen(reader, "observation_completion")}
    expected = assignments("north")

    assert len(rows) == len(expected)
    for given in expected:
        row = rows[given["assignment_id"], given["learner_employee_id"]]
        fitting = [
            each
            for _, _, each in done
            if each.learner == given["learner_employee_id"]
            and each.school_year == given["school_year"]
            and given["observation_template_id"] in (None, each.template)
            and (given["observer_employee_ids"] is None or each.observer in given["observer_employee_ids"])
        ]
        first = fitting[0] if fitting else None
        late = None
        if given["due_date"]:
            until = first.completed.date() if first and first.completed else TODAY
            late = max((until - given["due_date"].date()).days, 0)
        status = ("completed late" if late else "completed") if first else ("overdue" if late else "open")
        assert row["completion_status"] == status
        assert row["observation_group_id"] == (first.id if first else None)
        assert row["observation_completed_date"] == (first.completed if first else None)
        assert row["days_late"] == late
        assert row["is_on_time"] == (False if late else True if first and given["due_date"] else None)
    assert {row["completion_status"] for row in rows.values()} == {"completed", "completed late", "open", "overdue"}


def test_turnaround_is_counted_from_the_earliest_feedback_step(reader: Connection) -> None:
    days: dict[str, float | None] = {}
    groups: dict[tuple[str, int], list[float | None]] = defaultdict(list)
    for each in kept():
        if each.completed:
            ends = [end for kind, name, end in each.steps if end and "feedback" in f"{kind} {name}".lower()]
            days[each.id] = round((min(ends) - each.completed).total_seconds() / 3600) / 24 if ends else None
            groups[each.observer, each.school_year].append(days[each.id])
    rows = {row["observation_group_id"]: row for row in seen(reader, "feedback_turnaround")}
    by_observer = {
        (row["observer_employee_id"], row["school_year"]): row
        for row in seen(reader, "feedback_turnaround_by_observer")
    }

    assert set(rows) == set(days)
    for identity, value in days.items():
        # half an hour may be rounded to either side
        assert floats(rows[identity], "days_to_feedback")[0] == (
            None if value is None else pytest.approx(value, abs=0.0418)
        )
        assert rows[identity]["feedback_date_source"] == ("none" if value is None else "step")
    assert set(by_observer) == set(groups)
    for key, values in groups.items():
        row, known = by_observer[key], [value for value in values if value is not None]
        counts = (row["completed_count"], row["with_feedback_count"], row["without_feedback_count"])
        assert counts == (len(values), len(known), len(values) - len(known))
        assert row["feedback_before_completion_count"] == sum(value < 0 for value in known)
        assert floats(row, "mean_days_to_feedback", "median_days_to_feedback") == (
            pytest.approx(statistics.mean(known), abs=0.0418) if known else None,
            pytest.approx(statistics.median(known), abs=0.0418) if known else None,
        )


@pytest.mark.parametrize("view", VIEWS)
def test_another_orgs_figures_are_not_seen(reader: Connection, view: str) -> None:
    assert seen(reader, view, "south") == []
    assert {row["org_id"] for row in seen(reader, view)} == {"north"}


def test_one_orgs_figures_are_made_of_its_rows_alone(settings: Settings, reader: Connection) -> None:
    """Beside 200 orgs as large: nothing below a view reads more rows than the reader's org has, whatever the plan."""
    tables = {"observations": 0, "ratings": 0, "observation_steps": 0}
    with closing(connect(settings)) as owner, owner, owner.cursor() as cursor:
        cursor.execute(
            "insert into ops.orgs (org_id, org_uuid, tenant)"
            " select 'x' || n, gen_random_uuid(), 'x' || n from generate_series(1, 200) as n"
        )
        for name in (*tables, "given_assignments"):
            schema = "public" if name == "given_assignments" else "edreflect"
            cursor.execute(
                "select string_agg(quote_ident(attname), ', ') from pg_attribute"
                " where attrelid = %s::regclass and attnum > 1 and not attisdropped",
                [f"{schema}.{name}"],
            )
            columns = cursor.fetchall()[0][0]
            cursor.execute(
                f"insert into {schema}.{name} (org_id, {columns}) select 'x' || n, {columns}"
                f" from {schema}.{name}, generate_series(1, 200) as n where org_id = 'north'"
            )
            if name in tables:
                cursor.execute(f"select count(*) from edreflect.{name} where org_id = 'north'")
                tables[name] = cursor.fetchall()[0][0]
    with closing(connect(settings)) as owner, owner.cursor() as cursor:
        cursor.execute("analyze")
        owner.commit()
    with reader.cursor() as cursor:
        cursor.execute("set app.allowed_org_ids = %s", [uuids("north")])
        for view in VIEWS:
            cursor.execute(f"explain (analyze, format json) select * from analytics.{view}")
            read: Counter[str] = Counter()
            for node in plan_nodes(cursor.fetchall()[0][0][0]["Plan"]):
                if node.get("Relation Name") in tables:
                    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                    read[node["Relation Name"]] = max(read[node["Relation Name"]], rows)
            assert read
            assert not {name for name, rows in read.items() if rows > tables[name]}, (view, read)


def plan_nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from plan_nodes(child)
