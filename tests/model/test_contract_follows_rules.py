"""The contract read from dbt says the same as the rules written by hand."""

from __future__ import annotations

import pytest

from edreflect_assets.contracts import load_feeds
from tests.model.rules import ALIASES, DEPRECATED, ENDED_BY_GOALS_DELETED, RULES, Rule

FEED = load_feeds()["edreflect"]


def test_the_contract_lists_the_43_files_and_16_id_maps_and_no_other():
    assert set(FEED.files) == set(RULES)
    assert sum(not contract.dayless for contract in FEED.files.values()) == 43
    assert sum(contract.dayless for contract in FEED.files.values()) == 16


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.file)
def test_each_file_follows_its_rule(rule: Rule):
    contract = FEED.files[rule.file]
    assert contract.load == rule.load
    assert contract.table == rule.table
    assert (contract.drop_key if rule.load == "drop_insert" else contract.key) == rule.key
    assert contract.touched_by == rule.touched_by
    assert contract.dayless == (rule.load == "id_map")
    assert contract.key_columns == set(rule.key)


def test_every_key_is_text_so_that_it_always_casts():
    for rule in RULES.values():
        types = {column.name: column.data_type for column in FEED.files[rule.file].columns}
        assert {types[column] for column in rule.key} == {"text"}, rule.file


def test_goals_deleted_ends_goals_their_indicators_posts_and_questions():
    ended = {file: contract.deleted_by for file, contract in FEED.files.items() if contract.deleted_by}
    assert set(ended) == ENDED_BY_GOALS_DELETED
    assert {(by.file, by.key) for by in ended.values()} == {("Goals_Deleted.csv", ("goal_id",))}


def test_affiliations_alone_end_with_a_modified_user():
    ending = {file: contract.modified_by for file, contract in FEED.files.items() if contract.modified_by}
    assert list(ending) == ["User_Affiliations.csv"]
    by = ending["User_Affiliations.csv"]
    assert by is not None
    assert (by.file, by.key, by.date) == ("User_Modified.csv", ("employee_id",), "user_modified_date")


def test_deprecated_files_and_aliases_are_the_stated_ones():
    assert set(FEED.deprecated) == DEPRECATED
    for contract in FEED.files.values():
        expected = {alias: column for alias, column in ALIASES.items() if column in contract.column_names}
        assert dict(contract.aliases) == expected, contract.file
