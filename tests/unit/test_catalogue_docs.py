"""The catalogue of published views is complete before anything is built: texts, keys, readers, and a mart behind each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.dbt_docs import docs_blocks, resolve_docs

MODELS = DBT_PROJECT_DIR / "models"
SECTIONS = ("Purpose: ", "Grain: ", "Freshness: ", "Join keys: ")
EVALUATION_VIEWS = {
    "educators",
    "educator_affiliations",
    "observations",
    "observation_ratings",
    "observation_feedback",
    "educator_goals",
    "educator_slos",
    "rubric_indicators",
}


def described(folder: str) -> dict[str, dict[str, Any]]:
    """Return the YAML of every model below a folder of models, by model name."""
    return {
        model["name"]: model
        for path in sorted((MODELS / folder).rglob("*.yml"))
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    }


def sql_files(folder: str) -> dict[str, Path]:
    return {path.stem: path for path in (MODELS / folder).rglob("*.sql")}


CATALOGUE = described("analytics")
BLOCKS = docs_blocks(MODELS)


def test_every_published_view_is_in_the_catalogue_and_the_other_way_round() -> None:
    assert set(CATALOGUE) == set(sql_files("analytics"))
    assert {f"analytics__{view}" for view in EVALUATION_VIEWS} <= set(CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_view_states_purpose_grain_freshness_and_join_keys(name: str) -> None:
    paragraphs = resolve_lines(CATALOGUE[name]["description"])
    assert [paragraph for paragraph in paragraphs if paragraph.startswith(SECTIONS)] == paragraphs
    assert [paragraph.split(": ")[0] + ": " for paragraph in paragraphs] == list(SECTIONS)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_column_is_described(name: str) -> None:
    columns = CATALOGUE[name]["columns"]
    texts = {column["name"]: resolve_docs(column.get("description", ""), BLOCKS) for column in columns}
    assert len(texts) == len(columns), f"{name} lists a column twice."
    undescribed = [column for column, text in texts.items() if len(text) < 15 or not text.endswith(".")]
    assert not undescribed, f"{name}: say in a sentence what these hold: {', '.join(undescribed)}"


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_view_begins_with_org_id_and_ends_with_org_ids(name: str) -> None:
    names = [column["name"] for column in CATALOGUE[name]["columns"]]
    assert (names[0], names[-1]) == ("org_id", "org_ids")


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_view_is_published_to_a_reader_through_the_scope(name: str) -> None:
    config = CATALOGUE[name]["config"]
    assert config["materialized"] == "published_view"
    assert config["reader"] in {"evaluation_read", "analyst_read"}
    assert "scoped_to_orgs(" in sql_files("analytics")[name].read_text(encoding="utf-8")


@pytest.mark.parametrize("view", sorted(EVALUATION_VIEWS))
def test_edreflect_views_are_for_evaluation_readers_only(view: str) -> None:
    assert CATALOGUE[f"analytics__{view}"]["config"]["reader"] == "evaluation_read"


@pytest.mark.parametrize("name", sorted(described("marts")))
def test_data_tests_of_marts_only_warn(name: str) -> None:
    """One org's rows never keep another org from being published (a failing test would skip the view)."""
    mart = described("marts")[name]
    tests = [*mart.get("data_tests", [])]
    for column in mart.get("columns", []):
        tests += column.get("data_tests", [])
    assert tests, f"{name} has no data test."
    stricter = [test for test in tests if next(iter(test.values()))["config"].get("severity") != "warn"]
    assert not stricter


def resolve_lines(description: str) -> list[str]:
    return [resolve_docs(line, BLOCKS) for line in description.strip().splitlines()]
