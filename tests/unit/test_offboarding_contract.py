"""The offboarding product's contract holds what the source states, and no name of a file is a surprise."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from edreflect_assets.contracts import DBT_PROJECT_DIR, Feed, load_feeds
from edreflect_assets.convention import MAX_TABLE_BYTES, snake_case, table_name
from edreflect_assets.errors import ConfigurationError

FEED: Feed = load_feeds()["offboarding"]

# How many tables each group has, as the product's own summary says.
TABLES = {
    "artifacts": 1,
    "assignments": 5,
    "eoyClassifications": 1,
    "evidences": 3,
    "goals": 8,
    "groups": 4,
    "observationTemplates": 9,
    "observations": 15,
    "ratings": 4,
    "rubrics": 7,
    "sloTemplates": 4,
    "slos": 10,
    "snapshots": 3,
    "users": 9,
}
OPTIONAL = {"eoyClassifications", "goals", "sloTemplates", "slos"}
STATED = ["_id", "email", "oldID", "fname", "lname", "orgID", "employeeID"]
STATED += ["isActive", "createdDate", "weaknesses", "strengths"]


def found(name: str) -> tuple[str, str, bool] | None:
    contract = FEED.match(name)
    return (contract.file, contract.table, contract.listed) if contract else None


def test_every_group_has_as_many_files_as_the_source_says() -> None:
    assert Counter(FEED.group_of(contract) for contract in FEED.files.values()) == TABLES
    assert len(FEED.files) == 83


def test_the_second_level_of_indicators_is_the_table_of_the_first() -> None:
    """So 83 files are 82 tables, and one more holds definitions."""
    assert FEED.files["rubrics.indicators.indicators.csv"].table == "rubrics__indicators"
    assert FEED.tables["rubrics__indicators"].file == "rubrics.indicators.csv"
    assert len(FEED.tables) == 82 + 1
    assert FEED.definitions is FEED.tables["field_definitions"]


def test_groups_that_belong_to_a_tool_of_their_own_are_optional() -> None:
    assert FEED.convention is not None
    assert {group for group, optional in FEED.convention.groups.items() if optional} == OPTIONAL
    assert set(FEED.convention.groups) == set(TABLES)


def test_nobody_waits_for_the_next_snapshot() -> None:
    assert not FEED.recurring
    assert not FEED.expected
    assert all(feed.recurring for feed in load_feeds().values() if feed.name not in {FEED.name, "legacy"})


def test_only_the_document_id_is_required_and_users_are_as_stated() -> None:
    for contract in FEED.files.values():
        assert contract.key_columns == {"_id"}, contract.file
        assert contract.load == "snapshot"
        stated = {column.header or column.name for column in contract.columns if not column.assumed}
        assert stated == (set(STATED) if contract.file == "users.csv" else {"_id"}), contract.file
    assert [column.header or column.name for column in FEED.files["users.csv"].columns] == STATED


def test_a_column_is_the_snake_case_of_its_header() -> None:
    """But the source's orgID, which is not the platform's org."""
    for contract in FEED.files.values():
        for column in contract.columns:
            own = "support_org_id" if column.header == "orgID" else snake_case(column.header or column.name)
            assert column.name == own


def test_every_table_and_column_is_described() -> None:
    for contract in FEED.tables.values():
        assert len(contract.description) > 20, contract.table
        for column in contract.columns:
            assert len(column.description) > 10, f"{contract.table} {column.name}"
            assert "{{" not in column.description
            assert column.data_type != "timestamp" or "UTC" in column.description, f"{contract.table} {column.name}"


def test_a_child_hangs_below_the_nearest_table_above_its_name() -> None:
    for contract in FEED.files.values():
        parts = contract.file.removesuffix(".csv").split(".")
        above = [FEED.files.get(".".join(parts[:length]) + ".csv") for length in range(len(parts) - 1, 0, -1)]
        nearest = next((other.table for other in above if other and other.table != contract.table), None)
        assert (contract.parent.table if contract.parent else None) == nearest, contract.file


def test_a_parent_is_joined_by_what_identifies_it() -> None:
    roots = {contract.table for contract in FEED.files.values() if contract.parent is None}
    assert len(roots) == len(TABLES)
    for contract in FEED.files.values():
        if contract.parent is not None:
            assert contract.parent.key == FEED.tables[contract.parent.table].identity, contract.file
            assert set(contract.parent.key) <= set(contract.column_names)


# What a name says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("USERS.CSV", ("users.csv", "users", True)),
        ("Users.SubOrgs.csv", ("users.subOrgs.csv", "users__sub_orgs", True)),
        ("eoy.classifications.csv", ("eoyClassifications.csv", "eoy_classifications", True)),
        ("EOY.Classifications.notes.csv", ("eoyClassifications.notes.csv", "eoy_classifications__notes", False)),
        ("goals.posts.Reactions.csv", ("goals.posts.Reactions.csv", "goals__posts__reactions", False)),
        ("goals.POSTS.comments.csv", ("goals.posts.comments.csv", "goals__posts__comments", False)),
        ("goals.aligned_indicators.csv", ("goals.alignedIndicators.csv", "goals__aligned_indicators", True)),
        ("eoy.csv", None),
        ("eoyClassificationsOld.csv", None),
        ("payments.csv", None),
        ("users.txt", None),
        ("users", None),
        (".csv", None),
    ],
)
def test_a_file_is_known_by_its_group_and_parts(name: str, expected: tuple[str, str, bool] | None) -> None:
    assert found(name) == expected


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_all_levels_of_indicators_are_one_table(levels: int) -> None:
    for part, table in (("", ""), (".proficiencyLevels", "__proficiency_levels")):
        name = f"rubrics{'.indicators' * levels}{part}.csv"
        assert found(name) == (name, f"rubrics__indicators{table}", True)
        assert found(name.upper()) == found(name)
        assert FEED.refusal(name) is None


def test_five_levels_are_refused() -> None:
    for name in (f"rubrics{'.indicators' * 5}.csv", f"RUBRICS.standards{'.Indicators' * 5}.proficiencyLevels.csv"):
        assert FEED.match(name) is not None
        assert "holds indicators 5 times, but rubrics are at most 4 levels deep" in (FEED.refusal(name) or "")
    assert FEED.refusal(f"goals{'.indicators' * 5}.csv") is None
    assert FEED.refusal("goals......csv") is None


def test_what_is_left_aside_says_why() -> None:
    assert FEED.left_aside("payments.csv").startswith("it belongs to no file group of this feed; known are artifacts, ")
    assert FEED.left_aside("users.txt") == "only *.csv files belong to this feed"


def test_definitions_describe_the_nearest_listed_table() -> None:
    assert FEED.described_by("users.csv") == "users"
    assert FEED.described_by("goals.posts.definitions.csv") == "goals__posts"
    assert FEED.described_by("rubrics.indicators.indicators.csv") == "rubrics__indicators"


PART = st.from_regex(r"[a-z]{1,9}([A-Z][a-z]{0,9}){0,3}", fullmatch=True)
ANY_PART = st.one_of(
    PART, st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="./\\"), max_size=12)
)
PARTS = st.lists(ANY_PART, max_size=8)


@given(group=st.sampled_from(sorted(TABLES)), parts=PARTS)
def test_a_file_of_a_known_group_always_has_a_table_that_fits(group: str, parts: list[str]) -> None:
    """Whatever its parts are: a plain identifier that leaves room for what other relations add to it."""
    contract = FEED.match(".".join([group, *parts]) + ".csv")
    assert contract is not None
    assert re.fullmatch(r"[a-z][a-z0-9_]*", contract.table)
    assert len(contract.table) <= MAX_TABLE_BYTES
    assert FEED.group_of(contract) == group
    assert contract.key == ("_id",)


@given(group=st.sampled_from(sorted(TABLES)), parts=PARTS)
def test_the_canonical_name_is_its_own(group: str, parts: list[str]) -> None:
    """So the ledger's names lead back to the same contract."""
    contract = FEED.match(".".join([group, *parts]) + ".csv")
    assert contract is not None
    assert FEED.match(contract.file) == contract


@given(parts=st.lists(PART, min_size=1, max_size=8))
def test_long_names_are_cut_and_stay_apart(parts: list[str]) -> None:
    full = "__".join(map(snake_case, parts))
    name = table_name(parts)
    ends = ("_history", "_as_of", "_document", "_employee_id", "_old_id", "_load_id")
    if len(full) <= MAX_TABLE_BYTES and not full.endswith(ends):
        assert name == full
    else:
        assert name == f"{full[:45]}_{hashlib.md5(full.encode(), usedforsecurity=False).hexdigest()[:8]}"


@given(one=st.lists(ANY_PART, min_size=1, max_size=4), other=st.lists(ANY_PART, min_size=1, max_size=4))
def test_two_names_share_a_table_only_if_they_differ_in_how_words_are_joined(one: list[str], other: list[str]) -> None:
    words = ["__".join(map(snake_case, parts)) for parts in (one, other)]
    assume(words[0] != words[1])
    assert table_name(one) != table_name(other)


@given(name=st.sampled_from(sorted(FEED.files)), case=st.data())
def test_listed_names_match_in_any_case(name: str, case: st.DataObject) -> None:
    flips = case.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    spelt = "".join(letter.upper() if flip else letter.lower() for letter, flip in zip(name, flips, strict=True))
    assert FEED.match(spelt) is FEED.files[name]


# A contract that contradicts itself -----------------------------------------------------------------------------------

SMALL_FEED = """
sources:
  - name: raw_small
    config:
      meta:
        feed: small
        path: "{org}/{day}/"
        groups: {things: {optional: false}, notes: {optional: true}}
        group_aliases: {old.things: things}
        recursive: {group: things, part: parts, max_depth: 2}
    tables:
      - name: things
        config: {meta: {file: things.csv, load: snapshot, key: [_id], identity: [_id]}}
        columns: [{name: _id, data_type: text, description: The thing.}]
      - name: things__parts
        config:
          meta:
            {file: things.parts.csv, further_files: [things.parts.parts.csv], load: snapshot, key: [_id],
             parent: {table: things, key: [_id]}}
        columns: [{name: _id, data_type: text, description: The thing.}]
      - name: field_definitions
        config: {meta: {load: definitions, key: [field]}}
        columns: [{name: field, data_type: text, description: The column.}]
"""


def small(tmp_path: Path, contract: str) -> Feed:
    sources = tmp_path / "models" / "sources"
    sources.mkdir(parents=True)
    (sources / "small.yml").write_text(textwrap.dedent(contract), encoding="utf-8")
    return load_feeds(tmp_path)["small"]


def test_another_feed_may_have_a_convention_of_its_own(tmp_path: Path) -> None:
    feed = small(tmp_path, SMALL_FEED)
    assert feed.match("old.things.parts.csv") is feed.files["things.parts.csv"]
    assert feed.refusal("things.parts.parts.parts.csv") is not None


@pytest.mark.parametrize(
    ("replaced", "put", "message"),
    [
        ("file: things.csv", "file: stuff.csv", "table things: stuff.csv is of no group"),
        ("name: things__parts", "name: parts", "table parts: it is not named as things.parts.csv"),
        ("[things.parts.parts.csv]", "[things.CSV]", "table things__parts: the table or its file is listed twice"),
        ("[things.parts.parts.csv]", "[things.bits.csv]", "table things__parts: it is not named as things.bits.csv"),
        ("table: things,", "table: thing,", "table things__parts: parent names thing, which is not a table"),
        ("{table: things, key: [_id]}", "{table: things}", "table things__parts: parent names a table and a key"),
        (", max_depth: 2}", "}", "source raw_small: recursive names a group, a part and a max_depth"),
        ("identity: [_id]", "identity: [id]", "table things: key column id is not one of its columns"),
        ("{old.things: things}", "{old.things: thing}", "an alias or recursion names a group that does not exist"),
        ("{old.things: things}", "{Old.things: things}", "group_aliases are written in lower case"),
        ("name: field_definitions", "name: fields", "table fields: definitions are called field_definitions"),
        ("groups: {things: {optional: false}, notes: {optional: true}}", "", "group_aliases and recursive need groups"),
    ],
)
def test_a_contract_that_contradicts_its_convention_is_refused(
    tmp_path: Path, replaced: str, put: str, message: str
) -> None:
    assert replaced in SMALL_FEED
    with pytest.raises(ConfigurationError) as raised:
        small(tmp_path, SMALL_FEED.replace(replaced, put))
    assert message in str(raised.value)


def test_the_contract_is_a_source_that_dbt_reads() -> None:
    parsed = yaml.safe_load((DBT_PROJECT_DIR / "models" / "sources" / "offboarding.yml").read_text(encoding="utf-8"))
    (source,) = parsed["sources"]
    assert source["name"] == FEED.raw_schema == "raw_offboarding"
    tables = dict.fromkeys(contract.table for contract in FEED.files.values())
    assert [table["name"] for table in source["tables"]] == [*tables, "field_definitions"]
