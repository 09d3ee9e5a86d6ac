"""The sample's programs: snapshots that hang together, about the people of the rosters."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from edreflect_assets.contracts import load_feeds
from edreflect_assets.sample import Sample, SampleDelivery
from edreflect_assets.sample.campus.programs import LONGEST_NAME, NO_COHORT
from edreflect_assets.sample.campus.system import TOO_LONG, UNKNOWN
from edreflect_assets.sample.tables import Export, Row

FEED = load_feeds()["infinite_campus"]
SAMPLE = Sample(orgs=3, days=6, students=300, programs=9)
PROGRAMS, STUDENTS, STAFF = "programs.csv", "program_participation.csv", "program_staff.csv"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample")
    SAMPLE.generate(out)
    return out


@pytest.fixture(scope="module")
def snapshots() -> dict[str, list[Export]]:
    """The right snapshots of each org without faults, in the order of their days."""
    return right(Sample(orgs=3, days=6, students=300, programs=9, dirty=False))


def right(sample: Sample) -> dict[str, list[Export]]:
    found: dict[str, list[Export]] = {org: [] for org in sample.org_names}
    for delivery in sample.campus():
        if delivery.kind != "faulty":
            found[delivery.org].append(delivery.export)
    return found


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.glob("*/infinite_campus/*/*.csv"))}


def by_id(snapshot: Export, file: str) -> dict[str, Row]:
    [key] = FEED.files[file].key
    return {row[key]: row for row in snapshot[file]}


def test_every_day_has_the_five_files_with_the_contracts_columns(written: Path) -> None:
    for org in SAMPLE.org_names:
        for day in SAMPLE.calendar:
            folder = written / FEED.path.format(org=org, day=day)
            assert {path.name for path in folder.iterdir()} == set(FEED.files)
            for path in folder.iterdir():
                with path.open(encoding="utf-8-sig", newline="") as text:
                    header, *rows = csv.reader(text, strict=True)
                assert header == list(FEED.files[path.name].column_names)
                assert rows


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(written: Path, tmp_path: Path) -> None:
    SAMPLE.generate(tmp_path / "again")
    Sample(orgs=3, days=6, students=300, programs=9, seed=2).generate(tmp_path / "other")
    assert files(tmp_path / "again") == files(written)
    assert files(tmp_path / "other") != files(written)


def test_an_org_does_not_depend_on_others_nor_another_feed_on_programs(written: Path, tmp_path: Path) -> None:
    alone = right(Sample(orgs=1, days=6, students=300, programs=9, activity=0.5))
    assert alone[SAMPLE.org_names[0]] == right(SAMPLE)[SAMPLE.org_names[0]]
    Sample(orgs=3, days=6, students=300).generate(tmp_path)
    others = {path: content for path, content in every(written).items() if "infinite_campus" not in path}
    assert every(tmp_path) == others


def every(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.*")}


def test_without_students_or_programs_there_are_none() -> None:
    assert list(Sample(students=10).campus()) == list(Sample(programs=9).campus()) == []


def test_each_org_has_programs_of_both_categories_and_one_that_is_no_cohort(
    snapshots: dict[str, list[Export]],
) -> None:
    for number, org in enumerate(SAMPLE.org_names):
        for snapshot in snapshots[org]:
            programs = snapshot[PROGRAMS]
            assert 5 <= len(programs) <= 12
            kinds = Counter(row["program_category"] for row in programs)
            assert kinds.keys() == {"Cohort", "Cohort: Cohort", NO_COHORT}
            assert kinds[NO_COHORT] == 1
            assert {row["district_number"] for row in programs} == {str(255901 + number)}
            assert {row["school_year"] for row in programs} == {"2027"}
            assert len({row["program_name"] for row in programs}) == len(programs)
            assert max(len(row["program_name"]) for row in programs) == LONGEST_NAME
            assert all(row["enabled"] == "true" for row in snapshot["resource_toggles.csv"])
            mapped = {r["program_category"]: r["mapped"] for r in snapshot["resource_preferences.csv"]}
            assert mapped == {"Cohort": "true", "Cohort: Cohort": "true", NO_COHORT: "false"}


def test_a_program_is_renamed_one_day_and_one_is_gone_on_another(snapshots: dict[str, list[Export]]) -> None:
    for days in snapshots.values():
        programs = [by_id(snapshot, PROGRAMS) for snapshot in days]
        renamed = [
            [key for key in now if key in before and now[key]["program_name"] != before[key]["program_name"]]
            for before, now in pairwise(programs)
        ]
        assert [len(keys) for keys in renamed] == [1, 0, 0, 0, 0]
        gone = [set(before) - set(now) for before, now in pairwise(programs)]
        assert [len(keys) for keys in gone] == [0, 1, 0, 0, 0]
        [key] = gone[1]
        assert not any(row["program_id"] == key for file in (STUDENTS, STAFF) for row in days[2][file])
        told = [{key: row["description"] for key, row in each.items()} for each in programs]
        assert any(now[key] != before[key] for before, now in pairwise(told) for key in now)


def test_somebody_joins_and_somebody_leaves_on_weekdays(snapshots: dict[str, list[Export]]) -> None:
    for days in snapshots.values():
        for day, before, now in zip(SAMPLE.calendar[1:], days, days[1:], strict=False):
            stays = by_id(before, STUDENTS), by_id(now, STUDENTS)
            joined = [stays[1][key] for key in stays[1].keys() - stays[0].keys()]
            left = [key for key in stays[0].keys() & stays[1].keys() if stays[0][key] != stays[1][key]]
            assert {row["begin_date"] for row in joined} <= {str(day)}
            assert {stays[1][key]["end_date"] for key in left} <= {str(day)}
            assert (len(joined) > 0 and len(left) > 0) or day.weekday() >= 5
            assert len(joined) + len(left) < len(stays[0]) / 5


def test_faults_are_a_name_too_long_and_a_program_that_is_not_there(snapshots: dict[str, list[Export]]) -> None:
    for org, days in right(SAMPLE).items():
        for clean, dirty in zip(snapshots[org], days, strict=True):
            added = {file: [row for row in dirty[file] if row not in clean[file]] for file in dirty}
            assert all(row in dirty[file] for file in clean for row in clean[file])
            [program] = added.pop(PROGRAMS)
            assert (program["program_id"], program["program_name"]) == (TOO_LONG.id, TOO_LONG.name)
            assert len(program["program_name"]) > LONGEST_NAME
            assert [row["program_id"] for row in added.pop(STUDENTS)] == [TOO_LONG.id, UNKNOWN.id]
            assert not any(added.values())
            assert UNKNOWN.id not in by_id(dirty, PROGRAMS)


def test_a_corrected_day_was_cut_off_at_first_and_a_late_one_is_held_back(written: Path, tmp_path: Path) -> None:
    summary = SAMPLE.generate(tmp_path, hold_back=True)
    ((late_org, late_day),), ((corrected_org, corrected_day),) = summary.late_days, summary.corrected_days
    assert not (tmp_path / late_org / "infinite_campus" / str(late_day)).exists()
    before, final = files(tmp_path), files(written)
    different = {Path(name) for name in before if before[name] != final[name]}
    folder = Path(corrected_org, "infinite_campus", str(corrected_day))
    assert different == {folder / file for file in (PROGRAMS, STUDENTS, STAFF)}
    assert all(before[str(path)].count(b"\n") > 1 for path in different)
    SAMPLE.corrections(tmp_path)
    assert files(tmp_path) == final


def test_few_programs_and_students_are_enough_and_many_have_names_of_their_own() -> None:
    for programs, students in ((1, 1), (2, 3), (3, 2), (120, 40)):
        sample = Sample(orgs=2, days=5, students=students, programs=programs, educators=3, dirty=False)
        deliveries: list[SampleDelivery] = list(sample.campus())
        for delivery in deliveries:
            names = [row["program_name"] for row in delivery.export[PROGRAMS]]
            assert names
            assert sum(len(name) > LONGEST_NAME for name in names) == 0
            assert programs < 100 or delivery.kind == "faulty" or len(set(names)) > 70


def test_a_summer_sample_ends_no_stay_before_it_begins() -> None:
    sample = Sample(orgs=1, days=9, students=60, programs=6, end_day=date(2026, 8, 20), dirty=False)
    for delivery in sample.campus():
        for row in delivery.export[STUDENTS]:
            assert not row["end_date"] or row["begin_date"] <= row["end_date"]
