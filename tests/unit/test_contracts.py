"""The EdReflect contract says what the source says, and a contract that contradicts itself is refused."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import yaml

from edreflect_assets.contracts import DATA_TYPES, DBT_PROJECT_DIR, Feed, FileContract, load_feeds
from edreflect_assets.errors import ConfigurationError

# file, load rule, key (drop_insert: drop key and the file that touches it)
RULES = """
    Observation_Modified.csv reference observation_group_id
    Goals_Modified.csv reference goal_id
    User_Modified.csv reference employee_id
    User_Rubrics_Modified.csv reference employee_id
    Observations.csv upsert observation_group_id
    Observation_Answers.csv drop_insert observation_group_id Observation_Modified.csv
    Observation_Comments.csv drop_insert observation_group_id Observation_Modified.csv
    Observation_Feedback.csv drop_insert observation_group_id Observation_Modified.csv
    Observation_Forms.csv drop_insert observation_group_id Observation_Modified.csv
    Observation_Participants.csv drop_insert observation_group_id Observation_Modified.csv
    Observation_Snapshots.csv drop_insert observation_group_id Observation_Modified.csv
    Ratings.csv drop_insert observation_group_id Observation_Modified.csv
    Aggregated_Observation_Ratings.csv drop_insert observation_group_id Observation_Modified.csv
    Aggregated_Snapshot_Ratings.csv drop_insert observation_group_id Observation_Modified.csv
    Observation_History.csv upsert history_id
    Observation_Steps.csv upsert step_id
    Observation_Step_Scripting_Notes.csv upsert scripting_note_id
    Observation_Step_Sharing.csv upsert step_id,shared_with_employee_id
    Snapshots.csv upsert snapshot_id
    Snapshots_Ratings.csv upsert snapshot_id,indicator_id
    Aggregated_Eoy_Snapshots.csv upsert snapshot_id,learner_employee_id
    Goals.csv upsert goal_id
    Goals_Deleted.csv upsert goal_id
    Goals_Indicators.csv upsert goal_id,indicator_id
    Goal_Posts.csv drop_insert goal_id Goals_Modified.csv
    Goals_Questions.csv drop_insert goal_id Goals_Modified.csv
    Rubrics.csv upsert rubric_id
    Indicators.csv drop_insert rubric_id Rubrics.csv
    Indicator_Proficiency_Levels.csv drop_insert rubric_id Rubrics.csv
    Slos.csv upsert slo_id
    Slo_Assessments.csv drop_insert slo_id Slos.csv
    Slo_Assessment_Answers.csv drop_insert slo_id Slos.csv
    Aggregated_Slo_Assessments.csv upsert slo_id,slo_assessment_id
    Trendings.csv upsert trending_id
    Trending_Ratings.csv drop_insert trending_id Trendings.csv
    User_Accounts.csv drop_insert employee_id User_Modified.csv
    User_Grades.csv drop_insert employee_id User_Modified.csv
    User_Groups.csv drop_insert employee_id User_Modified.csv
    User_Roles.csv drop_insert employee_id User_Modified.csv
    User_Subjects.csv drop_insert employee_id User_Modified.csv
    User_Rubrics.csv drop_insert employee_id User_Rubrics_Modified.csv
    User_Affiliations.csv affiliation learner_employee_id,observer_employee_id
    User_Artifacts.csv upsert artifact_id
"""

ID_MAPS = """
    artifact_ids artifact_content_ids goal_ids indicator_ids observation_group_ids observation_template_ids
    organization_ids rubric_ids slo_assessment_ids slo_ids slo_template_ids step_ids snapshot_ids trending_ids user_ids
    user_group_ids
"""

STATED = {
    "Aggregated_Eoy_Snapshots.csv": {"school_year"},
    "Aggregated_Observation_Ratings.csv": {"school_year", "observation_group_id"},
    "Aggregated_Snapshot_Ratings.csv": {"observation_school_year", "observation_group_id"},
    "Observations.csv": {"observation_is_deleted"},
    "Slos.csv": {"slo_id", "slo_status"},
    "User_Affiliations.csv": {"learner_employee_id", "observer_employee_id", "date_deleted"},
    "User_Modified.csv": {"employee_id", "user_modified_date"},
    "Goals.csv": set(),
    "Observation_History.csv": set(),
}


@pytest.fixture(scope="module")
def edreflect() -> Feed:
    return load_feeds()["edreflect"]


def rule_of(contract: FileContract) -> str:
    if contract.load == "drop_insert":
        return f"{contract.file} drop_insert {','.join(contract.drop_key)} {contract.touched_by}"
    return f"{contract.file} {contract.load} {','.join(contract.key)}"


def test_every_daily_file_has_the_rule_the_source_states(edreflect: Feed) -> None:
    daily = [contract for contract in edreflect.files.values() if not contract.dayless]
    assert [rule_of(contract) for contract in daily] == [line.strip() for line in RULES.strip().splitlines()]
    assert len(daily) == 43


def test_the_sixteen_id_maps_come_without_a_day(edreflect: Feed) -> None:
    maps = [contract for contract in edreflect.files.values() if contract.dayless]
    assert [contract.table for contract in maps] == ID_MAPS.split()
    assert len(maps) == 16
    for contract in maps:
        assert (contract.load, contract.key, contract.column_names) == ("id_map", ("old_id",), ("old_id", "new_id"))


def test_the_feed_knows_its_folders_and_encoding(edreflect: Feed) -> None:
    assert edreflect.raw_schema == "raw_edreflect"
    assert edreflect.path == "{org}/export/{day}/"
    assert edreflect.dayless_path == "{org}/export/all/"
    assert edreflect.encoding == "utf-8"


def test_a_table_is_the_snake_case_of_its_file(edreflect: Feed) -> None:
    for contract in edreflect.files.values():
        assert contract.table == contract.file.removesuffix(".csv").lower()
        assert edreflect.tables[contract.table] is contract


def test_key_columns_are_columns_and_exist_for_every_file(edreflect: Feed) -> None:
    for contract in edreflect.files.values():
        assert contract.key_columns
        assert contract.key_columns <= set(contract.column_names)


def test_what_ends_rows_is_a_file_of_the_feed_that_holds_the_key(edreflect: Feed) -> None:
    touching = {c.touched_by for c in edreflect.files.values() if c.touched_by}
    assert touching == {
        "Observation_Modified.csv",
        "Goals_Modified.csv",
        "User_Modified.csv",
        "User_Rubrics_Modified.csv",
        "Rubrics.csv",
        "Slos.csv",
        "Trendings.csv",
    }
    for contract in edreflect.files.values():
        if contract.touched_by:
            assert set(contract.drop_key) <= set(edreflect.files[contract.touched_by].column_names)


def test_goals_deleted_ends_goals_and_what_hangs_below_them(edreflect: Feed) -> None:
    ended = {c.table: (c.deleted_by.file, c.deleted_by.key) for c in edreflect.files.values() if c.deleted_by}
    deletion = ("Goals_Deleted.csv", ("goal_id",))
    assert ended == dict.fromkeys(("goals", "goals_indicators", "goal_posts", "goals_questions"), deletion)


def test_user_modified_ends_affiliations_only(edreflect: Feed) -> None:
    ended = {c.table: c.modified_by for c in edreflect.files.values() if c.modified_by}
    assert set(ended) == {"user_affiliations"}
    reference = ended["user_affiliations"]
    assert (reference.file, reference.key, reference.date) == (
        "User_Modified.csv",
        ("employee_id",),
        "user_modified_date",
    )


def test_every_table_and_column_is_described(edreflect: Feed) -> None:
    assert edreflect.description
    for contract in edreflect.files.values():
        assert len(contract.description) > 20, contract.file
        for column in contract.columns:
            place = f"{contract.file} {column.name}"
            assert len(column.description) > 10, place
            assert "{{" not in column.description, place
            assert column.description.lower().strip(".") != column.name.replace("_", " "), place
            assert column.data_type in DATA_TYPES, place


def test_every_point_in_time_is_said_to_be_utc(edreflect: Feed) -> None:
    for contract in edreflect.files.values():
        for column in contract.columns:
            if column.data_type == "timestamp":
                assert "UTC" in column.description, f"{contract.file} {column.name}"


def test_only_columns_the_source_documents_are_not_assumed(edreflect: Feed) -> None:
    for file, stated in STATED.items():
        assert {column.name for column in edreflect.files[file].columns if not column.assumed} == stated, file
    for contract in edreflect.files.values():
        if contract.load == "drop_insert":
            stated_here = {column.name for column in contract.columns if not column.assumed}
            assert set(contract.drop_key) <= stated_here, contract.file


def test_files_are_matched_ignoring_case(edreflect: Feed) -> None:
    contract = edreflect.match("OBSERVATION_answers.CSV")
    assert contract is not None
    assert contract.file == "Observation_Answers.csv"
    assert edreflect.match("Observation_Survey.csv") is None
    assert edreflect.match("readme.txt") is None


def test_files_no_longer_generated_are_deprecated_ignoring_case(edreflect: Feed) -> None:
    assert edreflect.deprecated == {
        "Aggregated_EOY_Reports_Summary.csv",
        "Observation_Survey.csv",
        "Observation_Template_Scheduling_Groups.csv",
    }
    assert edreflect.is_deprecated("aggregated_eoy_reports_summary.csv")
    assert not edreflect.is_deprecated("Aggregated_Eoy_Snapshots.csv")


def test_legacy_headers_are_aliases_of_the_files_that_have_the_column(edreflect: Feed) -> None:
    legacy = {"employee_id_learner": "learner_employee_id", "employee_id_observer": "observer_employee_id"}
    assert edreflect.files["User_Affiliations.csv"].aliases == legacy
    assert edreflect.files["Observations.csv"].aliases == {**legacy, "observation_group_status": "observation_status"}
    assert edreflect.files["Indicators.csv"].aliases == {"indicator_text": "indicator_name"}
    assert edreflect.files["Goals.csv"].aliases == {}


def test_columns_the_source_removed_are_known_per_file(edreflect: Feed) -> None:
    removed = {contract.file: len(contract.removed_columns) for contract in edreflect.files.values()}
    assert {file: count for file, count in removed.items() if count} == {
        "Aggregated_Slo_Assessments.csv": 1,
        "Goal_Posts.csv": 3,
        "Observation_Comments.csv": 5,
        "Observation_Feedback.csv": 3,
        "Observation_Step_Scripting_Notes.csv": 2,
        "Observations.csv": 2,
        "Slo_Assessment_Answers.csv": 1,
        "Slo_Assessments.csv": 4,
        "User_Artifacts.csv": 1,
    }


def test_the_contract_lies_beside_the_package() -> None:
    assert (DBT_PROJECT_DIR / "models" / "sources" / "edreflect.yml").is_file()


# A small feed of its own: each test below breaks one thing in it.
SMALL_FEED = """
sources:
  - name: raw_small
    config: {meta: {feed: small, path: "{org}/{day}/", aliases: {legacy_id: thing_id}}}
    tables:
      - name: touched
        config: {meta: {file: Touched.csv, load: reference, key: [thing_id]}}
        columns:
          - {name: thing_id, data_type: text, description: The thing touched.}
      - name: things
        config: {meta: {file: Things.csv, load: drop_insert, drop_key: [thing_id], touched_by: touched}}
        columns:
          - {name: thing_id, data_type: text, description: "{{ doc('small_thing') }} See above."}
          - {name: size, data_type: numeric, description: Size in metres., config: {meta: {assumed: true}}}
"""


def project(tmp_path: Path, contract: str) -> Path:
    sources = tmp_path / "models" / "sources"
    sources.mkdir(parents=True)
    (sources / "small.yml").write_text(textwrap.dedent(contract), encoding="utf-8")
    (sources / "small.md").write_text("{% docs small_thing %}\nA thing,\nby id.\n{% enddocs %}\n", encoding="utf-8")
    return tmp_path


def test_another_feed_needs_nothing_but_its_yaml(tmp_path: Path) -> None:
    feed = load_feeds(project(tmp_path, SMALL_FEED))["small"]
    thing, size = feed.files["Things.csv"].columns
    assert feed.files["Things.csv"].touched_by == "Touched.csv"
    assert feed.files["Things.csv"].aliases == {"legacy_id": "thing_id"}
    assert (thing.description, thing.assumed) == ("A thing, by id. See above.", False)
    assert (size.data_type, size.assumed) == ("numeric", True)


@pytest.mark.parametrize(
    ("found", "put", "message"),
    [
        ("load: reference", "load: refrence", "small.yml, table touched: load rule 'refrence' is unknown"),
        ("key: [thing_id]}", "key: [thing_key]}", "small.yml, table touched: key column thing_key is not one of"),
        (", key: [thing_id]}", "}", "small.yml, table touched: load rule reference needs key"),
        ("drop_key: [thing_id], ", "", "small.yml, table things: load rule drop_insert needs drop_key"),
        (", touched_by: touched", "", "small.yml, table things: load rule drop_insert needs touched_by"),
        ("by: touched}", "by: toched}", "small.yml, table things: touched_by names toched, which is not a table"),
        ("drop_key: [thing_id]", "drop_key: [size]", "things: touched_by names touched, which lacks size"),
        ("touched_by:", "touchedby:", "small.yml, table things: config.meta has unknown entries: touchedby"),
        ("data_type: numeric", "data_type: number", "small.yml, table things, column size: data_type number is not"),
        ("name: size", "name: thing_id", "small.yml, table things: a column is listed twice"),
        ("name: size", "name: org_id", "column org_id: the platform itself adds a column of this name"),
        ("name: size", "name: Size (m)", "column Size (m): a name is lower case"),
        ("name: size", "name: legacy_id", "table things: an alias or removed column is also one of its columns"),
        ("{legacy_id: thing_id}", "{legacy_id: thnig_id}", "source raw_small: an alias stands for a column that no"),
        ("file: Things.csv", "file: TOUCHED.csv", "small.yml, table things: the table or its file is listed twice"),
        ("file: Things.csv, ", "", "small.yml, table things: config.meta lacks file"),
        (
            "load: reference",
            "dayless: true, load: reference",
            "source raw_small: files without a day need a dayless_path",
        ),
        ("feed: small, ", "", "small.yml, source raw_small: config.meta lacks feed"),
        ("doc('small_thing')", "doc('thing')", "table things, column thing_id: the docs block thing does not exist"),
    ],
)
def test_a_contract_that_contradicts_itself_names_file_and_table(
    tmp_path: Path, found: str, put: str, message: str
) -> None:
    assert found in SMALL_FEED
    with pytest.raises(ConfigurationError) as raised:
        load_feeds(project(tmp_path, SMALL_FEED.replace(found, put)))
    assert message in str(raised.value)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_yaml_that_does_not_parse_names_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"small\.yml is not valid YAML near line 2: "):
        load_feeds(project(tmp_path, "sources:\n  - name: raw: small\n"))


def test_a_feed_described_twice_is_refused(tmp_path: Path) -> None:
    twice = yaml.safe_load(SMALL_FEED)["sources"] * 2
    with pytest.raises(ConfigurationError, match=r"feed small is described twice"):
        load_feeds(project(tmp_path, yaml.safe_dump({"sources": twice})))


def test_a_project_without_feeds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No feed is described"):
        load_feeds(tmp_path)
