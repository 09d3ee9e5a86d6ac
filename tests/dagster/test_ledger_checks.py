"""Each check over a real ledger, failing and passing, and the status grid that shows the same at a glance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from dagster_world import FEED
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.checks import CHECKS, CheckResult, checks_of, run_checks
from edreflect_assets.gaps import late_orgs, missing_days
from edreflect_assets.orgs import add_org, load_registry, pause_org
from edreflect_assets.settings import Settings
from edreflect_assets.status import StatusRow, build_trouble, status_grid

NOW = datetime.now(UTC)
DAY = NOW.date() - timedelta(days=3)
BY_NAME = {check.name: check for check in CHECKS}
Record = Callable[..., int]


@pytest.fixture
def check(connection: Connection, database: Settings) -> Callable[[str], CheckResult]:
    def run(name: str) -> CheckResult:
        result = BY_NAME[name].run(connection, FEED, load_registry(database), NOW)
        connection.rollback()
        assert result.name == name
        return result

    return run


def execute(connection: Connection, statement: str, *values: object) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


def server(**expect: object) -> dict[str, object]:
    return {"host": "h", "user": "u", "password_env": "P", "expect": expect}


def grid(connection: Connection, database: Settings, day: date | None = None) -> dict[str, StatusRow]:
    rows = {row.org: row for row in status_grid(connection, database, day)}
    connection.rollback()
    return rows


def test_on_an_empty_ledger_every_check_passes(connection: Connection, database: Settings) -> None:
    results = run_checks(connection, FEED, load_registry(database), NOW)
    assert [result.name for result in results] == [check.name for check in checks_of(FEED)]
    assert all(result.passed for result in results)


def test_rows_balanced(check: Callable[[str], CheckResult], connection: Connection, record: Record) -> None:
    load_id = record("springfield", DAY, rows=2, quarantined=1)
    failed = check("rows_balanced")
    assert not failed.passed
    assert (
        f"springfield, {DAY}, Goals.csv (load {load_id}): 2 rows and 1 set aside were recorded, 0 and 0" in failed.text
    )
    assert "load --again" in failed.text
    execute(
        connection,
        "insert into raw_edreflect.goals (org_id, _load_id, _row, _line) select 'springfield', %s, n, n + 1"
        " from generate_series(1, 2) n",
        load_id,
    )
    execute(connection, "insert into ops.quarantine (load_id, line, reason) values (%s, 4, 'ragged')", load_id)
    # Set aside by a model: the row is in raw as well.
    execute(
        connection, "insert into ops.quarantine (load_id, line, reason, model) values (%s, 2, 'date', 'm')", load_id
    )
    assert check("rows_balanced").passed


def test_chain_of_days(check: Callable[[str], CheckResult], database: Settings, record: Record) -> None:
    add_org(database, "springfield", expect={"days": "weekdays", "holidays": ["2026-01-07"]})
    add_org(database, "shelbyville")
    for day in (2, 6, 9):
        record("springfield", date(2026, 1, day))
    for day in (2, 3, 4):
        record("shelbyville", date(2026, 1, day))
    failed = check("chain_of_days")
    # The 3rd and 4th are a week end, the 7th is a holiday.
    assert "springfield: 2 days missing (2026-01-05, 2026-01-08)" in failed.text
    assert "shelbyville" not in failed.text
    assert failed.metadata["missing"] == {"springfield": ["2026-01-05", "2026-01-08"]}
    record("springfield", date(2026, 1, 8))
    record("springfield", date(2026, 1, 5), status="refused")
    assert "1 day missing" in check("chain_of_days").text
    record("springfield", date(2026, 1, 5))
    assert check("chain_of_days").passed
    record("springfield", date(2026, 2, 20))
    pause_org(database, "springfield")
    assert check("chain_of_days").passed


def test_freshness_follows_the_org_s_own_clock(connection: Connection, database: Settings, record: Record) -> None:
    add_org(database, "springfield", timezone="America/Chicago", **server(days="weekdays", expected_by="08:00"))
    add_org(database, "local")
    record("springfield", date(2026, 1, 2))
    registry = load_registry(database)

    def late(hour: int, minute: int = 0, day: int = 5) -> list[str]:
        found = late_orgs(connection, FEED, registry, datetime(2026, 1, day, hour, minute, tzinfo=UTC))
        return [f"{org.org_id} {org.expected} {org.delivered}" for org in found]

    # Friday the 2nd came, then a week end; Monday the 5th is due at 8:00 in Chicago, 14:00 UTC.
    assert late(12, day=4) == []
    assert late(13, 59) == []
    assert late(14, 1) == ["springfield 2026-01-05 2026-01-02"]
    record("springfield", date(2026, 1, 5))
    assert late(14, 1) == []


def test_freshness_text(check: Callable[[str], CheckResult], database: Settings) -> None:
    add_org(database, "springfield", **server())
    failed = check("freshness")
    assert failed.severity == "error"
    assert "springfield" in failed.text
    assert "no day was ever delivered" in failed.text
    assert "edreflect orgs check" in failed.text
    pause_org(database, "springfield")
    assert check("freshness").passed


def test_reference_file_present(check: Callable[[str], CheckResult], record: Record) -> None:
    record("springfield", DAY, "Ratings.csv", rows=3)
    record("springfield", DAY, "Observation_Answers.csv", rows=3)
    record("springfield", DAY, "User_Grades.csv", rows=0)
    failed = check("reference_file_present")
    assert (
        f"springfield, {DAY}: Observation_Modified.csv is missing beside Observation_Answers.csv, Ratings.csv"
        in failed.text
    )
    assert "User_Modified" not in failed.text
    record("springfield", DAY, "Observation_Modified.csv")
    assert check("reference_file_present").passed


def test_dependent_file_present(check: Callable[[str], CheckResult], record: Record) -> None:
    record("springfield", DAY, "User_Rubrics_Modified.csv", rows=12)
    failed = check("dependent_file_present")
    assert failed.severity == "warn"
    assert (
        f"springfield, {DAY}: User_Rubrics_Modified.csv names 12 keys, but User_Rubrics.csv did not come" in failed.text
    )
    record("springfield", DAY, "User_Rubrics.csv", rows=0)
    assert check("dependent_file_present").passed


def test_shrink_of_a_file_delivered_again(check: Callable[[str], CheckResult], record: Record) -> None:
    record("springfield", DAY, rows=100, status="superseded")
    record("springfield", DAY, rows=60)
    assert check("shrink").passed
    record("shelbyville", None, "goal_ids.csv", rows=100, status="superseded")
    record("shelbyville", None, "goal_ids.csv", rows=0)
    failed = check("shrink")
    assert "shelbyville, files without a day: goal_ids.csv had 100 rows, delivered again 0" in failed.text


def test_shrink_of_a_day_compares_with_the_week_before(check: Callable[[str], CheckResult], record: Record) -> None:
    for back in range(8, 0, -1):
        day = NOW.date() - timedelta(days=back)
        # Small at week ends, as every week.
        record("springfield", day, rows=50 if day.weekday() > 4 else 1000)
    assert check("shrink").passed
    record("springfield", NOW.date(), rows=10)
    assert f"springfield, {NOW.date()}: 10 rows, the seven days before at least 50 each" in check("shrink").text


def test_refused_deliveries_until_a_later_load(
    check: Callable[[str], CheckResult], connection: Connection, database: Settings, record: Record
) -> None:
    add_org(database, "springfield")
    record("springfield", DAY)
    record("springfield", DAY, status="refused", reason="the header names a column twice")
    record("springfield", None, "goal_ids.csv", status="refused", reason="it is empty")
    failed = check("refused_deliveries")
    assert f"springfield, {DAY}: Goals.csv: the header names a column twice" in failed.text
    assert "springfield, files without a day: goal_ids.csv: it is empty" in failed.text
    row = grid(connection, database)["springfield"]
    assert (row.refused, row.needs_person) == (2, True)
    execute(connection, "update ops.load_log set status = 'superseded' where status = 'current'")
    record("springfield", DAY)
    record("springfield", None, "goal_ids.csv")
    assert check("refused_deliveries").passed
    assert grid(connection, database)["springfield"].refused == 0


def test_quarantine_names_loads_and_never_lines(
    check: Callable[[str], CheckResult], connection: Connection, record: Record
) -> None:
    load_id = record("springfield", DAY, rows=2, quarantined=1)
    old = record("springfield", DAY, "Ratings.csv", status="superseded")
    for load, model in ((load_id, None), (load_id, "edreflect__goals"), (old, None)):
        execute(
            connection,
            "insert into ops.quarantine (load_id, line, reason, raw_line, model) values (%s, 2, 'r', 'Marge Simpson', %s)",
            load,
            model,
        )
    failed = check("quarantine")
    assert (
        f"springfield, {DAY}, Goals.csv (load {load_id}): 1 not readable, 1 with a value that does not fit"
        in failed.text
    )
    assert failed.metadata["set_aside"] == 2
    assert "Marge" not in f"{failed.text}{failed.metadata}"


def test_columns_as_documented(check: Callable[[str], CheckResult], record: Record) -> None:
    record("springfield", DAY, header=["goal_id", "goal_title"], missing_columns=[], unknown_columns=[])
    assert check("columns_as_documented").passed
    legacy = {"header": ["goal_id", " Catalog_Item_ID "], "unknown_columns": ["catalog_item_id"]}
    record("springfield", DAY, "Goal_Posts.csv", missing_columns=["post_text"], **legacy)
    record("springfield", DAY, "Slos.csv", header=["slo_id", "mood"], unknown_columns=["mood"])
    text = check("columns_as_documented").text
    assert "Goal_Posts.csv lacks post_text; is a legacy export, it still has catalog_item_id" in text
    assert "Slos.csv has unknown mood" in text


def test_files_as_documented(check: Callable[[str], CheckResult], record: Record) -> None:
    record("springfield", DAY, "Observation_Survey.csv", status="deprecated", table_name=None)
    assert f"springfield, {DAY}: Observation_Survey.csv is deprecated" in check("files_as_documented").text


def test_lists_delivered_again_counts_the_pairs_of_modified_goals_that_did_not_come(
    check: Callable[[str], CheckResult], connection: Connection, record: Record
) -> None:
    first = record("springfield", DAY, "Goals_Indicators.csv", rows=3)
    pair = "insert into raw_edreflect.goals_indicators (org_id, _load_id, _row, _line, goal_id, indicator_id) values "
    execute(
        connection,
        pair
        + "('springfield', %s, 1, 2, '1', 'a'), ('springfield', %s, 2, 3, '1', 'b'), ('springfield', %s, 3, 4, '2', 'c')",
        first,
        first,
        first,
    )
    assert check("lists_delivered_again").passed
    later = DAY + timedelta(days=1)
    named = record("springfield", later, "Goals_Modified.csv")
    execute(
        connection,
        "insert into raw_edreflect.goals_modified (org_id, _load_id, _row, _line, goal_id) values ('springfield', %s, 1, 2, '1')",
        named,
    )
    again = record("springfield", later, "Goals_Indicators.csv")
    execute(connection, pair + "('springfield', %s, 1, 2, '1', 'a')", again)
    failed = check("lists_delivered_again")
    assert failed.metadata["not_delivered_again"] == 1
    assert f"springfield, {later}: 1 row of Goals_Indicators.csv not delivered again" in failed.text
    # Where the pair has left the current state with its goal, nothing is missing.
    execute(connection, "create schema if not exists edreflect")
    execute(connection, "create table edreflect.goals_indicators (org_id text, goal_id text, indicator_id text)")
    assert check("lists_delivered_again").passed


def test_the_grid_shows_every_org_seen_or_not(connection: Connection, database: Settings, record: Record) -> None:
    today = NOW.date()
    add_org(database, "springfield", **server(expected_by="00:00"))
    add_org(database, "shelbyville", **server())
    add_org(database, "local")
    for back in (6, 5, 3):
        record("springfield", today - timedelta(days=back))
    load_id = record("gone", DAY, quarantined=1)
    execute(connection, "insert into ops.quarantine (load_id, line, reason) values (%s, 4, 'ragged')", load_id)
    rows = grid(connection, database)
    seen = rows["springfield"]
    assert (seen.feed, seen.last_day, seen.held, seen.pending) == ("edreflect", today - timedelta(days=3), 0, 3)
    assert seen.missing_days[0] == today - timedelta(days=4)
    assert seen.gaps == len(seen.missing_days) >= 3
    assert (rows["shelbyville"].last_day, rows["shelbyville"].note) == (None, "never delivered")
    assert rows["shelbyville"].needs_person
    assert not rows["local"].needs_person
    assert (rows["gone"].note, rows["gone"].quarantined) == ("not in the registry", 1)
    # The evening of an earlier day knows nothing of later ones.
    then = grid(connection, database, today - timedelta(days=5))["springfield"]
    assert (then.last_day, then.gaps) == (today - timedelta(days=5), 0)


def test_the_last_failed_build_is_told(connection: Connection) -> None:
    assert build_trouble(connection) is None
    execute(connection, "insert into ops.builds (status, finished_at, error) values ('failed', now(), 'x')")
    assert "The last build (1, " in str(build_trouble(connection))
    execute(connection, "insert into ops.builds (status, finished_at) values ('succeeded', now())")
    assert build_trouble(connection) is None


def test_a_gap_is_never_in_the_future(connection: Connection, database: Settings, record: Record) -> None:
    add_org(database, "springfield")
    record("springfield", date(2026, 1, 1))
    record("springfield", date(2026, 1, 9))
    gaps = missing_days(connection, FEED, load_registry(database), datetime(2026, 1, 4, tzinfo=UTC))
    assert gaps["springfield"] == [date(2026, 1, 2), date(2026, 1, 3), date(2026, 1, 4)]
