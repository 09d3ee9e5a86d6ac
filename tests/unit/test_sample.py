"""The sample data: complete, as the contract says, reproducible, and with the trouble that real exports bring."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from edreflect_assets.contracts import load_feeds
from edreflect_assets.errors import UsageError
from edreflect_assets.sample import Sample, SampleDelivery, SourceSystem, generate
from edreflect_assets.sample.dirt import DAMAGES
from edreflect_assets.sample.slos import STATUSES
from edreflect_assets.sample.tables import Export
from edreflect_assets.sample.writing import write_export

FEED = load_feeds()["edreflect"]
DAY_FILES = {file for file, contract in FEED.files.items() if not contract.dayless}
MAPS = set(FEED.files) - DAY_FILES
SAMPLE = Sample()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample")
    SAMPLE.generate(out)
    return out


@pytest.fixture(scope="module")
def deliveries() -> list[SampleDelivery]:
    return list(SAMPLE.deliveries())


@pytest.fixture(scope="module")
def exports(deliveries: list[SampleDelivery]) -> list[Export]:
    """The right exports of the first org, in the order of their days."""
    of_org = [d for d in deliveries if d.org == SAMPLE.org_names[0] and d.day and d.kind != "faulty"]
    return [delivery.export for delivery in sorted(of_org, key=lambda d: d.day or date.min)]


def _files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.csv"))}


def _changes(exports: list[Export], file: str, key: str) -> Iterator[tuple[dict[str, list], Export]]:
    """Yield, for each day after the first, the lists of a file by key as they were before it, and the day's export."""
    lists: dict[str, list] = {}
    for export in exports:
        if lists:
            yield dict(lists), export
        for row in export[FEED.files[file].touched_by or ""]:
            lists[row[key]] = [item for item in export[file] if item[key] == row[key]]


def test_every_file_of_the_contract_is_delivered_and_holds_records_on_the_first_day(written: Path) -> None:
    for org in SAMPLE.org_names:
        export = written / org / "export"
        first = export / SAMPLE.calendar[0].isoformat()
        assert {path.name for path in first.iterdir()} == DAY_FILES
        assert all(path.read_bytes().count(b"\n") > 1 for path in first.iterdir())
        assert {path.name for path in (export / "all").iterdir()} == MAPS
        assert {path.name for path in export.iterdir()} == {"all", *map(str, SAMPLE.calendar)}


def test_headers_are_the_contracts_columns_and_line_ends_vary_between_orgs(written: Path) -> None:
    marks = set()
    for path in written.rglob("*.csv"):
        with path.open("rb") as file:
            header = file.readline()
        marks.add((header.startswith(b"\xef\xbb\xbf"), header.endswith(b"\r\n")))
        assert header.decode("utf-8-sig").rstrip().split(",") == list(FEED.files[path.name].column_names)
    assert marks == {(False, False), (True, True)}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(written: Path, tmp_path: Path) -> None:
    summary = generate(tmp_path / "again")
    generate(tmp_path / "other", seed=2)
    assert _files(tmp_path / "again") == _files(written)
    assert _files(tmp_path / "other").keys() == _files(written).keys()
    assert _files(tmp_path / "other") != _files(written)
    assert summary.files == len(_files(written)) == 2 * (5 * 43 + 16)


def test_an_org_does_not_depend_on_how_many_others_there_are() -> None:
    first = SAMPLE.org_names[0]
    alone = Sample(orgs=1).expected_state()[first]
    assert alone == Sample(orgs=3).expected_state()[first]


def test_what_is_held_back_comes_with_the_corrections(written: Path, tmp_path: Path) -> None:
    summary = SAMPLE.generate(tmp_path, hold_back=True)
    ((late_org, late_day),), ((corrected_org, corrected_day),) = summary.late_days, summary.corrected_days
    corrected = f"{corrected_org}/export/{corrected_day}"
    before, final = _files(tmp_path), _files(written)
    assert not (tmp_path / late_org / "export" / str(late_day)).exists()
    different = {path for path in before if before[path] != final[path]}
    assert {f"{corrected}/Observations.csv", f"{corrected}/Observation_Comments.csv"} <= different
    assert all(path.startswith(corrected) for path in different)
    SAMPLE.corrections(tmp_path)
    assert _files(tmp_path) == final


def test_a_corrected_day_takes_back_one_observation_and_brings_one_that_was_missing(
    deliveries: list[SampleDelivery],
) -> None:
    faulty, corrected = (next(d.export for d in deliveries if d.kind == kind) for kind in ("faulty", "corrected"))
    keys = [{row["observation_group_id"] for row in e["Observation_Modified.csv"]} for e in (faulty, corrected)]
    assert len(keys[0] - keys[1]) == len(keys[1] - keys[0]) == 1


def test_days_of_another_sample_are_not_mixed_in(written: Path) -> None:
    before = _files(written)
    with pytest.raises(UsageError, match="not in this sample"):
        generate(written, days=2)
    assert _files(written) == before


def test_each_damage_breaks_one_record_of_each_org_and_few_of_its_file(
    deliveries: list[SampleDelivery], written: Path
) -> None:
    for org in SAMPLE.org_names:
        broken = [(d, file, line) for d in deliveries if d.org == org for file, line in d.broken_lines.items()]
        assert sorted(file for _, file, _ in broken) == sorted(damage.file for damage in DAMAGES)
        for delivery, file, line in broken:
            lines = (written / delivery.directory / file).read_bytes().splitlines()
            assert lines.count(line) == 1
            assert len(delivery.export[file]) >= 40
            assert not _is_good(file, line)


def _is_good(file: str, line: bytes) -> bool:
    try:
        fields = next(csv.reader([line.decode("utf-8")]))
    except UnicodeDecodeError:
        return False
    contract = FEED.files[file]
    quoted = line.count(b'"') % 2
    dates = [value for column, value in zip(contract.columns, fields, strict=False) if column.data_type == "timestamp"]
    return len(fields) == len(contract.columns) and not quoted and all(value[4:5] == "-" for value in dates)


def test_a_clean_sample_has_no_broken_records() -> None:
    assert not any(delivery.broken_lines for delivery in Sample(dirty=False).deliveries())


def test_a_removed_comment_shows_only_by_its_absence(exports: list[Export]) -> None:
    shortened = [
        group
        for before, export in _changes(exports, "Observation_Comments.csv", "observation_group_id")
        for group in (row["observation_group_id"] for row in export["Observation_Modified.csv"])
        if sum(row["observation_group_id"] == group for row in export["Observation_Comments.csv"])
        < len(before.get(group, []))
    ]
    assert shortened


def test_later_days_are_deltas_with_edits_of_known_keys(exports: list[Export]) -> None:
    first = {row["observation_group_id"] for row in exports[0]["Observations.csv"]}
    for export in exports[1:]:
        delivered = {row["observation_group_id"] for row in export["Observations.csv"]}
        assert 0 < len(delivered) < len(first)
        assert delivered & first
        assert {row["observation_group_id"] for row in export["Ratings.csv"]} <= delivered


def test_observations_are_deleted_by_flag_and_goals_by_name(exports: list[Export]) -> None:
    for export in exports[1:]:
        assert any(row["observation_is_deleted"] == "true" for row in export["Observations.csv"])
        deleted = {row["goal_id"] for row in export["Goals_Deleted.csv"]}
        assert deleted
        assert not deleted & {row["goal_id"] for row in export["Goals.csv"]}


def test_some_affiliations_end_in_silence_and_some_in_words() -> None:
    system = SourceSystem(1, "maple_valley")
    ended_in_words, delivered = set(), set()
    for day in Sample(days=12).calendar:
        for row in system.step(day)["User_Affiliations.csv"]:
            pair = (row["learner_employee_id"], row["observer_employee_id"])
            delivered.add(pair)
            if row.get("date_deleted"):
                ended_in_words.add(pair)
    present = system.current_state()["user_affiliations"]
    ended = {(row["learner_employee_id"], row["observer_employee_id"]) for row in present if row["date_deleted"]}
    assert len(present) == len(delivered)
    assert ended_in_words
    assert ended - ended_in_words


def test_slos_are_in_the_six_stated_statuses(exports: list[Export]) -> None:
    assert {row["slo_status"] for row in exports[0]["Slos.csv"]} == set(STATUSES)


def test_texts_have_commas_quotes_line_breaks_and_letters_beyond_ascii(exports: list[Export]) -> None:
    comments = "".join(row["comment"] for row in exports[0]["Observation_Comments.csv"])
    assert all(mark in comments for mark in (",", '"', "\n"))
    names = [row["first_name"] + row["last_name"] for row in exports[0]["User_Accounts.csv"]]
    assert any(not name.isascii() for name in names)
    assert all(row["email"].isascii() for row in exports[0]["User_Accounts.csv"])


def test_some_employee_ids_begin_with_zeros(exports: list[Export]) -> None:
    assert any(row["employee_id"].startswith("0") for row in exports[0]["User_Accounts.csv"])


def test_old_artifacts_and_their_contents_share_new_ids_and_groups_have_none() -> None:
    system = SourceSystem(1, "maple_valley")
    system.step(SAMPLE.end_day)
    maps = system.id_maps()
    new_ids = [[row["new_id"] for row in maps[file]] for file in ("artifact_ids.csv", "artifact_content_ids.csv")]
    assert new_ids[0] == new_ids[1]
    assert {file for file, rows in maps.items() if not rows} == {"user_group_ids.csv"}
    old_ids = [row["old_id"] for row in system.current_state()["id_map"] if row["kind"] == "step"]
    assert len(old_ids) == len(set(old_ids)) > 40


def test_tiny_days_leave_out_empty_files(tmp_path: Path) -> None:
    summary = generate(tmp_path, orgs=1, days=20, educators=3, scale=0.05, empty_files=False)
    assert summary.files < 20 * 43 / 2
    (corrected,) = summary.corrected_days
    assert len(list((tmp_path / corrected[0] / "export" / str(corrected[1])).iterdir())) == 43


def test_days_must_rise() -> None:
    system = SourceSystem(1, "maple_valley", educators=3)
    system.step(SAMPLE.end_day)
    with pytest.raises(ValueError, match="not later"):
        system.step(SAMPLE.end_day)


def test_a_column_beyond_the_contract_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fields not in fieldnames"):
        write_export(FEED, {"User_Grades.csv": [{"employee_id": "1", "shoe_size": "9"}]}, tmp_path)


@pytest.mark.parametrize("fields", [{"orgs": 0}, {"days": 0}, {"educators": 2}])
def test_a_sample_of_nothing_is_refused(fields: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least"):
        Sample(**fields)
