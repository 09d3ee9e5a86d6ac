"""Exports of the sample, read by a plain interpreter of the contract's rules, give what the source says it holds."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edreflect_assets.contracts import FileContract, load_feeds
from edreflect_assets.sample import DEFAULT_END_DAY, Sample, SourceSystem
from edreflect_assets.sample.rosters import RosterPackage
from edreflect_assets.sample.rosters.dirt import BROKEN_SUFFIX
from edreflect_assets.sample.tables import Export, Row
from edreflect_assets.sample.timeback import TimeBackDay
from edreflect_assets.sample.timeback.writing import encoded
from edreflect_assets.sample.writing import PLAIN
from tests.unit.timeback_sample import FEED as TIMEBACK
from tests.unit.timeback_sample import State, apply, dangling, people_of, students_ever

FEED = load_feeds()["edreflect"]
AFFILIATIONS = FEED.files["User_Affiliations.csv"]


def _key(row: Row, columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(row.get(column, "") for column in columns)


def reconcile(days: Mapping[date, Export]) -> dict[str, list[Row]]:
    """Return the rows of each reconciled table that the contract's rules make of the exports of some days."""
    state = {
        contract.table: _folded(contract, days)
        for contract in FEED.files.values()
        if contract.load in {"upsert", "drop_insert"}
    }
    state[AFFILIATIONS.table] = _affiliations(days)
    return state


def _folded(contract: FileContract, days: Mapping[date, Export]) -> list[Row]:
    columns = contract.key or contract.drop_key
    rows: dict[tuple[str, ...], list[Row]] = {}
    for day in sorted(days):
        delivered = days[day].get(contract.file, [])
        touched = days[day].get(contract.touched_by or "", [])
        for row in (*touched, *delivered):
            rows[_key(row, columns)] = []
        for row in delivered:
            kept = rows[_key(row, columns)]
            rows[_key(row, columns)] = [*kept, row] if contract.load == "drop_insert" else [row]
        if contract.deleted_by:
            gone = {_key(row, contract.deleted_by.key) for row in days[day].get(contract.deleted_by.file, [])}
            rows = {key: kept for key, kept in rows.items() if key[:1] not in gone}
    return [row for kept in rows.values() for row in kept]


def _affiliations(days: Mapping[date, Export]) -> list[Row]:
    first: dict[tuple[str, ...], Row] = {}
    last: dict[tuple[str, ...], tuple[date, Row]] = {}
    for day in sorted(days):
        for row in days[day].get(AFFILIATIONS.file, []):
            pair = _key(row, AFFILIATIONS.key)
            first.setdefault(pair, row)
            last[pair] = (day, row)
    return [{**first[pair], "date_deleted": _ending(pair, last[pair], days)} for pair in first]


def _ending(pair: tuple[str, ...], latest: tuple[date, Row], days: Mapping[date, Export]) -> str:
    day_delivered, row = latest
    if row.get("date_deleted"):
        return row["date_deleted"]
    for day in sorted(day for day in days if day > day_delivered):
        dates = [
            modified["user_modified_date"]
            for modified in days[day].get("User_Modified.csv", [])
            if modified["employee_id"] in pair
        ]
        if dates:
            return min(dates)
    return ""


def _as_counted(state: Mapping[str, Iterable[Mapping[str, str | None]]]) -> dict[str, Counter[tuple[str, ...]]]:
    """Return rows in a form that ignores their order and how empty fields and timestamps are written."""
    counted = {}
    for table, rows in state.items():
        if table == "id_map":
            continue
        columns = FEED.tables[table].columns
        counted[table] = Counter(
            tuple(
                (row.get(column.name) or "").replace("T", " ").rstrip("Z")
                if column.data_type == "timestamp"
                else row.get(column.name) or ""
                for column in columns
            )
            for row in rows
        )
    return counted


@given(
    seed=st.integers(0, 10_000),
    educators=st.integers(3, 24),
    scale=st.sampled_from((0.2, 1.0, 3.0)),
    gaps=st.lists(st.integers(1, 4), max_size=9),
)
@settings(max_examples=25, deadline=None)
def test_replayed_deltas_give_the_current_state_of_every_day(
    seed: int, educators: int, scale: float, gaps: list[int]
) -> None:
    system = SourceSystem(seed, "maple_valley", educators=educators, scale=scale)
    day, days = DEFAULT_END_DAY, {}
    for gap in [0, *gaps]:
        day += timedelta(days=gap)
        days[day] = system.step(day)
        assert _as_counted(reconcile(days)) == _as_counted(system.current_state())


@given(
    orgs=st.integers(1, 2),
    days=st.integers(1, 7),
    seed=st.integers(0, 1000),
    held_back=st.booleans(),
    dirty=st.booleans(),
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_without_their_broken_records_give_the_expected_state(
    tmp_path_factory, orgs: int, days: int, seed: int, held_back: bool, dirty: bool
) -> None:
    out: Path = tmp_path_factory.mktemp("sample")
    sample = Sample(orgs=orgs, days=days, seed=seed, dirty=dirty, educators=30)
    sample.generate(out, hold_back=held_back)
    if held_back:
        sample.corrections(out)
    broken = {
        (delivery.directory, file): line
        for delivery in sample.deliveries()
        for file, line in delivery.broken_lines.items()
    }
    expected = sample.expected_state()
    for org in sample.org_names:
        exports = {day: _read(out, Path(org, "export", str(day)), broken) for day in sample.calendar}
        assert _as_counted(reconcile(exports)) == _as_counted(expected[org])


def _read(out: Path, directory: Path, broken: Mapping[tuple[Path, str], bytes]) -> Export:
    export: Export = {}
    for path in (out / directory).iterdir():
        content = path.read_bytes()
        if (directory, path.name) in broken:
            damaged = broken[directory, path.name]
            end = b"\r\n" if b"\r\n" in content[:2000] else b"\n"
            assert content.count(damaged + end) == 1
            content = content.replace(damaged + end, b"")
        with io.StringIO(content.decode("utf-8-sig"), newline="") as text:
            export[path.name] = list(csv.DictReader(text, strict=True))
    return export


def _fold(known: dict[str, dict[str, Row]], package: RosterPackage) -> None:
    """Apply a package's good records to those known, by file and sourcedId."""
    for file in package.files:
        rows = {row["sourcedId"]: row for row in file.rows() if not row["sourcedId"].endswith(BROKEN_SUFFIX)}
        if file.mode == "bulk":
            known[file.name] = rows
        else:
            known.setdefault(file.name, {}).update(rows)
        gone = [key for key, row in rows.items() if row.get("status") == "tobedeleted"]
        for key in gone:
            del known[file.name][key]


def _without_lifecycle(row: Row) -> Row:
    spelled = {**row, "enabledUser": row["enabledUser"].lower()} if "enabledUser" in row else row
    return {name: value for name, value in spelled.items() if value and name not in {"status", "dateLastModified"}}


@given(
    orgs=st.integers(1, 4),
    days=st.integers(1, 16),
    students=st.integers(1, 120),
    educators=st.integers(3, 30),
    scale=st.sampled_from((0.2, 1.0, 8.0)),
    seed=st.integers(0, 10_000),
    end_day=st.dates(date(2026, 1, 1), date(2028, 1, 1)),
)
@settings(max_examples=25, deadline=None)
def test_replayed_roster_packages_give_what_the_student_information_system_holds(
    orgs: int, days: int, students: int, educators: int, scale: float, seed: int, end_day: date
) -> None:
    sample = Sample(
        orgs=orgs, days=days, students=students, educators=educators, scale=scale, seed=seed, end_day=end_day
    )
    known: dict[str, dict[str, dict[str, Row]]] = {org: {} for org in sample.org_names}
    for delivery in sample.rosters():
        if delivery.kind != "faulty":
            _fold(known[delivery.org], delivery.package)
    for org, files in sample.expected_rosters().items():
        for name, rows in files.items():
            held = {key: _without_lifecycle(row) for key, row in known[org].get(name, {}).items()}
            assert held == {row["sourcedId"]: _without_lifecycle(row) for row in rows}
            assert len(held) == len(rows)


@given(
    orgs=st.integers(1, 4),
    days=st.integers(1, 9),
    students=st.integers(1, 60),
    activity=st.sampled_from((0.05, 0.5, 1.0)),
    scale=st.sampled_from((1.0, 8.0)),
    seed=st.integers(0, 10_000),
    end_day=st.dates(date(2026, 1, 1), date(2028, 1, 1)),
)
@settings(max_examples=10, deadline=None)
def test_timeback_knows_only_students_of_the_rosters_and_only_what_was_delivered(
    orgs: int, days: int, students: int, activity: float, scale: float, seed: int, end_day: date
) -> None:
    sample = Sample(
        orgs=orgs,
        days=days,
        students=students,
        activity=activity,
        educators=3,
        scale=scale,
        seed=seed,
        end_day=end_day,
        dirty=False,
    )
    known = students_ever(sample)
    states: dict[str, State] = {org: {} for org in sample.org_names}
    for delivery in sample.timeback():
        if delivery.kind != "faulty":
            apply(states[delivery.org], _rows(delivery.delivered))
    for org, state in states.items():
        assert dangling(state) == {}
        assert set().union(*people_of(state).values()) <= known[org]


@given(
    orgs=st.integers(1, 3),
    days=st.integers(1, 12),
    students=st.integers(1, 200),
    programs=st.integers(1, 20),
    educators=st.integers(3, 30),
    scale=st.sampled_from((0.2, 1.0, 8.0)),
    seed=st.integers(0, 10_000),
    end_day=st.dates(date(2026, 1, 1), date(2028, 1, 1)),
)
@settings(max_examples=25, deadline=None)
def test_programs_hang_together_and_are_about_the_people_of_the_rosters(
    orgs: int, days: int, students: int, programs: int, educators: int, scale: float, seed: int, end_day: date
) -> None:
    sample = Sample(
        orgs=orgs,
        days=days,
        students=students,
        programs=programs,
        educators=educators,
        scale=scale,
        seed=seed,
        end_day=end_day,
        dirty=False,
    )
    numbers: dict[str, set[str]] = {org: set() for org in sample.org_names}
    for roster in sample.rosters():
        users = next((file.rows() for file in roster.package.files if file.name == "users.csv"), ())
        numbers[roster.org] |= {row["identifier"] for row in users if row.get("identifier")}
    for delivery in sample.campus():
        if delivery.kind != "faulty":
            _check_snapshot(delivery.export, delivery.day or date.min, numbers[delivery.org])


def _check_snapshot(snapshot: Export, day: date, numbers: set[str]) -> None:
    known = {row["program_id"] for row in snapshot["programs.csv"]}
    assert known
    for file, key, person in (
        ("program_participation.csv", "participation_id", "student_unique_id"),
        ("program_staff.csv", "program_staff_id", "staff_unique_id"),
    ):
        rows = snapshot[file]
        assert {row["program_id"] for row in rows} <= known
        assert len({row[key] for row in rows}) == len(rows)
        assert len({(row["program_id"], row[person], row["begin_date"]) for row in rows}) == len(rows)
        assert all(not row["end_date"] or row["begin_date"] <= row["end_date"] for row in rows)
        assert all(row["begin_date"] <= str(day) or day.month in {7, 8} for row in rows)
        strangers = [row[person] for row in rows if row[person] not in numbers]
        if person == "student_unique_id":
            assert all(number[0] in "09" and number[1:] in numbers for number in strangers)
            assert len(strangers) <= len(rows) / 5 + 2
            assert len({(row["program_id"], row[person]) for row in rows}) == len(rows)


def _rows(delivered: TimeBackDay) -> dict[str, list[Row]]:
    """Return a day's rows by table, as its files hold them."""
    tables: dict[str, list[Row]] = {}
    for table, frame in delivered.frames():
        text = encoded(TIMEBACK.tables[table], frame, PLAIN).decode()
        columns = TIMEBACK.tables[table].column_names
        tables.setdefault(table, []).extend(csv.DictReader(io.StringIO(text, newline=""), columns, strict=True))
    return tables
