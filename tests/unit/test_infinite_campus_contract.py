"""The contract of Infinite Campus says what the agreement says, and whole states keep their own rules."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from edreflect_assets.contracts import DATA_TYPES, Feed, load_feeds
from edreflect_assets.errors import ConfigurationError
from edreflect_assets.warehouse.pending import tables_read

# file, columns with the key first, and the types of those that are no text
FILES = {
    "programs.csv": "program_id program_name program_category description district_number school_year",
    "program_participation.csv": "participation_id program_id student_unique_id begin_date end_date",
    "program_staff.csv": "program_staff_id program_id staff_unique_id begin_date end_date",
    "resource_preferences.csv": "program_category cohort_scope_code cohort_type_code mapped",
    "resource_toggles.csv": "resource enabled",
}
TYPES = {
    "school_year": "integer",
    "begin_date": "date",
    "end_date": "date",
    "mapped": "boolean",
    "enabled": "boolean",
}


@pytest.fixture(scope="module")
def campus() -> Feed:
    return load_feeds()["infinite_campus"]


def test_the_feed_knows_its_folder_and_files(campus: Feed) -> None:
    assert (campus.raw_schema, campus.path, campus.dayless_path) == (
        "raw_infinite_campus",
        "{org}/infinite_campus/{day}/",
        None,
    )
    assert {file: " ".join(contract.column_names) for file, contract in campus.files.items()} == FILES
    assert (campus.expected, campus.recurring, campus.holds_snapshots) == (False, True, True)


def test_every_file_is_a_whole_state_whose_first_column_is_its_key(campus: Feed) -> None:
    for contract in campus.files.values():
        assert (contract.load, contract.key) == ("bulk", contract.column_names[:1])
        assert contract.key_columns == {contract.column_names[0]}
        assert contract.table == contract.file.removesuffix(".csv")


def test_only_programs_without_rows_are_refused(campus: Feed) -> None:
    assert [file for file, contract in campus.files.items() if contract.refuses_empty] == ["programs.csv"]


def test_types_are_those_agreed_and_everything_is_described(campus: Feed) -> None:
    assert campus.description
    for contract in campus.files.values():
        assert len(contract.description) > 20
        for column in contract.columns:
            assert column.data_type == TYPES.get(column.name, "text"), column
            assert column.data_type in DATA_TYPES
            assert len(column.description) > 10, column


def test_each_file_has_a_model_of_its_own(campus: Feed) -> None:
    assert tables_read(campus) == {
        f"infinite_campus__{contract.table}": (contract.table,) for contract in campus.files.values()
    }


def test_other_feeds_hold_changes() -> None:
    assert [feed.name for feed in load_feeds().values() if feed.holds_snapshots] == ["infinite_campus"]


SMALL_FEED = """
sources:
  - name: raw_small
    config: {meta: {feed: small, path: "{org}/{day}/", dayless_path: "{org}/"}}
    tables:
      - name: things
        config: {meta: {file: Things.csv, load: bulk, key: [thing_id], empty: refuse}}
        columns:
          - {name: thing_id, data_type: text, description: The thing.}
          - {name: gone, data_type: boolean, description: Whether it is gone.}
"""


@pytest.mark.parametrize(
    ("found", "put", "message"),
    [
        (", key: [thing_id]", "", "small.yml, table things: load rule bulk needs key"),
        ("empty: refuse", "empty: keep", "small.yml, table things: empty may only say refuse"),
        ("load: bulk", "load: upsert", "small.yml, table things: empty is for bulk files"),
        ("load: bulk", "dayless: true, load: bulk", "small.yml, table things: a bulk file is the state of a day"),
        (
            "description: Whether it is gone.",
            "description: Whether it is gone., config: {meta: {deletes: true}}",
            "small.yml, table things: one boolean column of an upsert may say what it deletes",
        ),
    ],
)
def test_a_contract_that_contradicts_itself_names_file_and_table(
    tmp_path: Path, found: str, put: str, message: str
) -> None:
    sources = tmp_path / "models" / "sources"
    sources.mkdir(parents=True)
    assert found in SMALL_FEED
    (sources / "small.yml").write_text(textwrap.dedent(SMALL_FEED.replace(found, put)), encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_feeds(tmp_path)
    assert message in str(raised.value)
