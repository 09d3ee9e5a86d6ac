"""The sample's TimeBack: as the contract says, about the rosters' students, reproducible, and of any size."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest

from edreflect_assets.errors import UsageError
from edreflect_assets.sample import Sample, generate
from edreflect_assets.sample.timeback.draws import Draws
from edreflect_assets.sample.timeback.reference import reference_data
from edreflect_assets.sample.timeback.trouble import DAMAGES
from edreflect_assets.sample.timeback.writing import write_tables
from edreflect_assets.sample.writing import PLAIN
from tests.unit.timeback_sample import (
    FEED,
    REFERENCES,
    Row,
    State,
    apply,
    dangling,
    people_of,
    roster_id,
    students_ever,
)

SAMPLE = Sample(orgs=2, days=5, students=300, activity=0.4, dirty=False)
ORGS = SAMPLE.org_names
FIRST = SAMPLE.calendar[0]
# What all orgs share, by table: how many rows.
REFERENCE = Counter[str]()
for _table, _frame in reference_data():
    REFERENCE[_table] += len(_frame)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample")
    SAMPLE.generate(out)
    return out


@pytest.fixture(scope="module")
def states(written: Path) -> dict[str, State]:
    """What is true at the end, by org and table, as the contract's rules make it of the files."""
    return {org: folded(written, org) for org in ORGS}


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def days(root: Path, org: str) -> Iterator[tuple[date, dict[str, list[Row]]]]:
    for day in SAMPLE.calendar:
        yield day, {path.stem: read(path) for path in sorted((root / org / "timeback" / str(day)).iterdir())}


def folded(root: Path, org: str) -> State:
    state: State = {}
    for _, tables in days(root, org):
        apply(state, tables)
    return state


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.glob("*/timeback/*/*.csv"))}


@cache
def truth_of_rosters() -> dict[str, dict[str, list[Row]]]:
    return SAMPLE.expected_rosters()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def test_every_file_of_the_contract_is_delivered_by_every_org_with_its_header(written: Path) -> None:
    for org in ORGS:
        folders = [written / org / "timeback" / str(day) for day in SAMPLE.calendar]
        delivered = [path for folder in folders for path in folder.iterdir()]
        assert {path.name for path in delivered} == set(FEED.files)
        for path in delivered:
            head, line = path.read_bytes().split(b"\n")[:2]
            assert head.decode("utf-8-sig").rstrip().split(",") == list(FEED.files[path.name].column_names)
            assert line


def test_the_first_day_brings_what_orgs_share_and_later_days_only_what_changed(written: Path) -> None:
    shared = defaultdict(list)
    for org in ORGS:
        for day, tables in days(written, org):
            if day == FIRST:
                for table, number in REFERENCE.items():
                    shared[table].append(tables[table][:number])
                    assert len(tables[table]) >= number
            elif (day - FIRST).days != 2:
                assert not tables.keys() & REFERENCE.keys()
    assert all(rows == by_org[0] for by_org in shared.values() for rows in by_org)


def test_what_orgs_share_changes_once(states: dict[str, State]) -> None:
    for state in states.values():
        named = [row["name"] for row in state["caliper_assignable_digital_resource"].values()]
        assert sum(name.endswith("revised") for name in named) == 1
        slugs = {row["slug"]: key for key, row in state["insights_type"].items()}
        assert state["insights_config"][slugs["EyesOffScreen"]]["requires_review"] == "true"


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(written: Path, tmp_path: Path) -> None:
    for name, seed in (("again", 1), ("other", 2)):
        generate(tmp_path / name, orgs=2, days=5, students=300, activity=0.4, dirty=False, seed=seed)
    assert files(tmp_path / "again") == files(written)
    other = files(tmp_path / "other")
    shared = {name for name, content in files(written).items() if other.get(name) == content}
    assert {Path(name).stem for name in shared} <= REFERENCE.keys()


def test_an_org_does_not_depend_on_how_many_others_there_are_nor_on_when_it_is_written(
    written: Path, tmp_path: Path
) -> None:
    fewer = Sample(orgs=1, days=5, students=300, activity=0.4, dirty=False)
    for delivery in [delivery for delivery in fewer.timeback() if delivery.kind != "faulty"][::-1]:
        if delivery.org == ORGS[0]:
            delivery.write(tmp_path, PLAIN, empty_files=False)
    assert files(tmp_path) == {
        name: content for name, content in files(written).items() if name.startswith(f"{ORGS[0]}/")
    }


def test_every_person_is_a_student_of_the_orgs_roster(states: dict[str, State]) -> None:
    students = students_ever(SAMPLE)
    for org, state in states.items():
        named = people_of(state)
        assert all(named.values())
        assert set().union(*named.values()) <= students[org]


def test_who_has_left_does_nothing_until_he_or_she_comes_back(tmp_path: Path) -> None:
    sample = Sample(orgs=1, days=12, students=150, activity=1, dirty=False)
    sample.generate(tmp_path)
    [org] = sample.org_names
    absent_days = 0
    for delivery in sample.rosters():
        if delivery.kind == "faulty":
            continue
        sessions = read(tmp_path / org / "timeback" / str(delivery.day) / "caliper_session.csv")
        today = {row["user_id"] for row in sessions if row["started_at_time"].startswith(str(delivery.day))}
        for file in delivery.package.files:
            for row in file.rows() if file.name == "users.csv" else ():
                left = row.get("status") == "tobedeleted" or row.get("enabledUser") == "false"
                if left and row.get("role") == "student":
                    assert roster_id(org, "user", row["sourcedId"]) not in today
                    absent_days += 1
    assert absent_days > 3


def test_every_reference_leads_somewhere(states: dict[str, State]) -> None:
    for state in states.values():
        assert dangling(state) == {}
        assert all(any(row[column] for row in state[table].values()) for table, column in REFERENCES)


def test_ids_are_unlike_those_of_other_orgs(states: dict[str, State]) -> None:
    for table in FEED.tables.keys() - REFERENCE.keys():
        keys = Counter(key for state in states.values() for key in state[table])
        assert set(keys.values()) == {1}


def test_subjects_and_grades_match_those_of_the_classes(states: dict[str, State]) -> None:
    for org, roster in truth_of_rosters().items():
        subjects = states[org]["cf_subject"].values()
        codes = {row["hierarchy_code"] for row in subjects}
        titles = {row["title"].replace(",", "").lower() for row in subjects}
        grades = {row["grade_primary_identifier"] for row in states[org]["placement_grade"].values()}
        for row in roster["classes.csv"]:
            given = [code for code in row["subjectCodes"].split(",") if code]
            named = [title for title in row["subjects"].split(",") if title]
            assert codes.issuperset(given) if given else titles.issuperset(title.lower() for title in named)
            assert grades.issuperset(row["grades"].split(","))


def test_courses_of_the_rosters_are_courses_of_the_curriculum(states: dict[str, State]) -> None:
    for org, roster in truth_of_rosters().items():
        resources = states[org]["caliper_assignable_digital_resource"]
        for course in roster["courses.csv"]:
            resource = resources[(roster_id(org, "course", course["sourcedId"]),)]
            assert (resource["media_type"], resource["name"]) == ("curriculum/course", course["title"])


def test_sessions_hold_several_attempts_with_events_and_scores(states: dict[str, State]) -> None:
    for state in states.values():
        of_session = Counter(
            row["session_id"] for row in state["caliper_event"].values() if row["action"] == "Completed"
        )
        sessions = len(state["caliper_session"])
        assert len(of_session.keys() - {""}) > sessions * 0.9
        assert 3 < len(state["caliper_attempt"]) / sessions < 8
        assert 1 < len(state["insights_insight"]) / sessions < 3
        scored = {row["attempt_id"] for row in state["caliper_score"].values()}
        assert len(state["caliper_attempt"]) * 0.5 < len(scored) < len(state["caliper_attempt"])
        assert any(row["score_given"] == row["max_score"] for row in state["caliper_score"].values())
        assert any(row["score_given"] == "0" for row in state["caliper_score"].values())


def test_attempts_are_counted_as_they_were_made_where_applications_count(states: dict[str, State]) -> None:
    for state in states.values():
        by_resource: Mapping[tuple[str, str], list[Row]] = defaultdict(list)
        for row in state["caliper_attempt"].values():
            by_resource[row["assignee_id"], row["assignable_id"]].append(row)
        repeated = [rows for rows in by_resource.values() if len(rows) > 1]
        counted = [rows for rows in by_resource.values() if rows[0]["count"]]
        assert any(not rows[0]["count"] for rows in repeated)
        assert any(rows[0]["count"] for rows in repeated)
        for rows in counted:
            timed = sorted(rows, key=lambda row: int(row["count"]))
            begins = [moment(row["started_at_time"]) for row in timed if row["started_at_time"]]
            assert begins == sorted(begins)
            numbers = [int(row["count"]) for row in timed]
            assert len(numbers) == len(set(numbers))
        firsts = sum(rows[0]["count"] == "1" or not rows[0]["count"] for rows in by_resource.values())
        assert firsts > len(by_resource) * 0.8


def test_counts_begin_with_one_unless_the_first_attempts_came_to_nothing(states: dict[str, State]) -> None:
    """A count without those before it is one whose earlier record was withdrawn or is still to come."""
    for state in states.values():
        numbers = defaultdict(set)
        for row in state["caliper_attempt"].values():
            if row["count"]:
                numbers[row["assignee_id"], row["assignable_id"]].add(int(row["count"]))
        whole = sum(found == set(range(1, len(found) + 1)) for found in numbers.values())
        assert whole > len(numbers) * 0.97


def test_insights_overlap_and_touch_within_a_session(states: dict[str, State]) -> None:
    for state in states.values():
        category = {key[0]: row["category"] for key, row in state["insights_type"].items()}
        of_session = defaultdict(list)
        for row in state["insights_insight"].values():
            kind = category[row["insight_type_id"]]
            if kind != "Journal":
                times = moment(row["started_at_time"]), moment(row["ended_at_time"])
                assert times[0] < times[1]
                of_session[row["insights_session_id"], kind].append(times)
        gaps = [
            (after[0] - before[1]).total_seconds()
            for times in of_session.values()
            for before, after in pairwise(sorted(times))
        ]
        assert any(gap < 0 for gap in gaps)
        assert any(gap == 0 for gap in gaps)
        assert any(gap > 0 for gap in gaps)
    assert {kind for _, kind in of_session} == {"Engagement", "Proctoring", "Cheating"}


def test_reviews_corrections_and_late_records_come_on_later_days(written: Path) -> None:
    seen = Counter[str]()
    for org in ORGS:
        before: State = defaultdict(dict)
        for day, tables in days(written, org):
            for table, rows in tables.items():
                for row in rows:
                    key = tuple(row[column] for column in FEED.tables[table].key)
                    if row["_deleted"]:
                        seen["removed"] += 1
                    elif table == "insights_review":
                        seen["review of an earlier day"] += (row["insight_id"],) in before["insights_insight"]
                    elif key in before[table]:
                        seen[f"changed {table}"] += before[table][key] != row
                    elif table in {"caliper_session", "caliper_attempt"} and row["started_at_time"]:
                        late = moment(row["started_at_time"]).date() < day
                        seen[f"late {table}"] += late
            for table, rows in tables.items():
                before[table] |= {tuple(row[column] for column in FEED.tables[table].key): row for row in rows}
    assert {
        "removed",
        "review of an earlier day",
        "changed caliper_attempt",
        "changed caliper_score",
        "changed insights_insight",
        "changed insights_recommendation",
        "changed insights_config",
        "late caliper_session",
        "late caliper_attempt",
    } <= {what for what, number in seen.items() if number}


def test_journals_recommendations_placements_and_results_vary(states: dict[str, State]) -> None:
    state = {table: [row for by_org in states.values() for row in by_org[table].values()] for table in FEED.tables}
    journal = next(row["id"] for row in state["insights_type"] if row["slug"] == "Journal")
    entries = [row["reason"] for row in state["insights_insight"] if row["insight_type_id"] == journal]
    assert any("\n" in entry for entry in entries)
    assert {row["visibility"] for row in state["insights_recommendation"]} == {"student", "internal"}
    assert {row["feedback_sentiment"] for row in state["insights_recommendation"]} == {"POSITIVE", "NEGATIVE", ""}
    placed = {(row["placement_status"], bool(row["grade_id"])) for row in state["placement_student_subject_placement"]}
    assert placed == {("Completed", True), ("InProgress", False), ("NotStarted", False), ("", False)}
    assert {row["score_status"] for row in state["one_roster_assessment_result"]} > {"fully graded"}
    assert {bool(row["report_url"]) for row in state["one_roster_assessment_result"]} == {True, False}
    assert any(float(row["value"]) < 0 for row in state["tb_xp_ledger"])
    assert any(not row["caliper_event_id"] for row in state["tb_xp_ledger"])
    assert all(0 <= float(row["result_value"]) <= 1 for row in state["clr_achievement_credential"])


def test_times_are_written_with_and_without_an_offset_and_lines_end_in_both_ways(written: Path) -> None:
    for number, org in enumerate(ORGS):
        path = written / org / "timeback" / str(FIRST) / "caliper_session.csv"
        windows = number % 2 == 1
        assert path.read_bytes().startswith(b"\xef\xbb\xbf") == windows
        assert path.read_bytes().endswith(b"\r\n") == windows
        assert {row["started_at_time"].endswith("Z") for row in read(path)} == {not windows}


def test_little_happens_at_weekends(tmp_path: Path) -> None:
    sample = Sample(orgs=1, days=7, students=600, activity=0.5, dirty=False)
    sample.generate(tmp_path)
    sizes = Counter[bool]()
    for day in sample.calendar:
        path = tmp_path / sample.org_names[0] / "timeback" / str(day) / "caliper_session.csv"
        sizes[day.weekday() < 5] += len(read(path)) if path.exists() else 0
    assert 0 < sizes[False] < sizes[True] / 20


def test_what_is_held_back_comes_with_the_corrections(written: Path, tmp_path: Path) -> None:
    summary = SAMPLE.generate(tmp_path, hold_back=True)
    ((late_org, late_day),), ((corrected_org, corrected_day),) = summary.late_days, summary.corrected_days
    assert not (tmp_path / late_org / "timeback" / str(late_day)).exists()
    before, final = files(tmp_path), files(written)
    different = {Path(name) for name in before if before[name] != final[name]}
    assert {path.parent for path in different} == {Path(corrected_org, "timeback", str(corrected_day))}
    assert {path.stem for path in different} == {
        "caliper_attempt",
        "caliper_score",
        "caliper_session",
        "insights_insight",
    }
    SAMPLE.corrections(tmp_path)
    assert files(tmp_path) == final


def test_each_damage_breaks_one_record_of_each_org_whose_good_copy_is_delivered_too(tmp_path: Path) -> None:
    sample = Sample(orgs=2, days=7, students=200, activity=0.5)
    summary = sample.generate(tmp_path)
    clean = Sample(orgs=2, days=7, students=200, activity=0.5, dirty=False)
    for org in sample.org_names:
        broken = [(d, *line) for d in sample.timeback() if d.org == org for line in d.broken_lines.items()]
        assert sorted(table for _, table, _ in broken) == sorted(damage.table for damage in DAMAGES)
        for delivery, table, line in broken:
            content = (tmp_path / delivery.directory / FEED.tables[table].file).read_bytes()
            _, first, *good = content.splitlines()
            assert first == line
            assert any(row.startswith(line.split(b",")[0] + b",") for row in good)
            assert len(good) >= 40
    assert not any(delivery.broken_lines for delivery in clean.timeback())
    of_timeback = sum(len(delivery.broken_lines) for delivery in sample.timeback())
    assert of_timeback == len(DAMAGES) * 2 < summary.dirty_rows


def test_without_activity_or_students_there_is_no_timeback(tmp_path: Path) -> None:
    assert list(Sample(students=10).timeback()) == list(Sample(activity=1).timeback()) == []
    with pytest.raises(UsageError, match="between 0 and 1"):
        Sample(activity=1.5)


def test_a_column_beyond_the_contract_is_an_error(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": ["1"], "shoe_size": [9]})
    with pytest.raises(ValueError, match="shoe_size"):
        write_tables(FEED, iter([("caliper_score", frame)]), tmp_path, PLAIN, {})


def test_draws_are_those_of_a_plain_interpreter_of_their_description() -> None:
    numbers = [0, 1, 17, 2**52, 2**64 - 1]
    frame = pl.DataFrame({"n": pl.Series(numbers, dtype=pl.UInt64)})
    draws, number = Draws(1, "maple_valley"), pl.col("n")
    drawn = draws.with_uuid(frame, "id", "session", number).with_columns(
        percent=draws.below("percent", number, 100),
        rare=draws.chance("rare", number, 0.3),
        always=draws.chance("always", number, 1),
        word=draws.choice("word", number, ("a", "b", None)),
    )

    def mixed(value: int) -> int:
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            value = (value ^ (value >> shift)) * factor % 2**64
        return value ^ (value >> 31)

    def key(kind: str) -> int:
        return int.from_bytes(blake2b(f"1/maple_valley/{kind}".encode(), digest_size=8).digest())

    def bits(kind: str, value: int) -> int:
        return mixed((value * 0x9E3779B97F4A7C15 + key(kind)) % 2**64)

    for value, identity, percent, rare, always, word in drawn.rows():
        high = bits("session", value)
        low = mixed((high + key("session, low")) % 2**64)
        assert identity == str(UUID(int=high << 64 | low, version=4))
        assert percent == bits("percent", value) % 100
        assert rare == (bits("rare", value) <= int(0.3 * 2**64))
        assert always
        assert word == ("a", "b", None)[bits("word", value) % 3]


def test_rows_come_in_groups_however_many_students_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edreflect_assets.sample.timeback.system.STUDENTS_AT_A_TIME", 200)
    reference = max(len(frame) for _, frame in reference_data())
    largest = []
    for students in (200, 1_000):
        frames = [
            len(frame)
            for delivery in Sample(orgs=1, days=3, students=students, activity=1, dirty=False).timeback()
            for _, frame in delivery.delivered.frames()
        ]
        largest.append(max(rows for rows in frames if rows != reference))
    assert largest[1] < largest[0] * 1.3


_MEASURED = """
import resource, sys
from pathlib import Path
from edreflect_assets.sample import Sample
from edreflect_assets.sample.writing import PLAIN

days, students = int(sys.argv[2]), int(sys.argv[3])
for delivery in Sample(orgs=1, days=days, students=students, educators=3, activity=0.5).timeback():
    delivery.write(Path(sys.argv[1]), PLAIN, empty_files=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_memory(out: Path, *, days: int, students: int) -> int:
    """Return the peak memory of writing TimeBack's days in a process of its own."""
    command = [sys.executable, "-c", _MEASURED, str(out), str(days), str(students)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_memory_follows_neither_days_nor_students(tmp_path: Path) -> None:
    base = peak_memory(tmp_path / "base", days=2, students=8_000)
    assert peak_memory(tmp_path / "longer", days=7, students=8_000) < base * 1.4
    assert peak_memory(tmp_path / "larger", days=2, students=24_000) < base * 1.4
