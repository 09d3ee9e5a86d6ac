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
# The interface of the views that are not EdReflect's own, kept as data.
INTERFACE: dict[str, dict[str, Any]] = yaml.safe_load((DBT_PROJECT_DIR / "catalogue.yml").read_text(encoding="utf-8"))[
    "views"
]
ROSTER_VIEWS = {
    "students",
    "guides",
    "student_guides",
    "schools",
    "student_schools",
    "students_enrollments",
    "student_start_dates",
    "classes",
    "class_enrollments",
    "course_enrollments",
}
OPEN_VIEWS = {"schools", "classes"}


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
    assert {f"analytics__{view}" for view in EVALUATION_VIEWS | ROSTER_VIEWS} == set(CATALOGUE)


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


@pytest.mark.parametrize("view", sorted(EVALUATION_VIEWS))
def test_an_edreflect_view_begins_with_org_id_and_ends_with_org_ids(view: str) -> None:
    names = [column["name"] for column in CATALOGUE[f"analytics__{view}"]["columns"]]
    assert (names[0], names[-1]) == ("org_id", "org_ids")


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_view_is_published_to_a_reader_through_the_scope(name: str) -> None:
    view = name.removeprefix("analytics__")
    config = CATALOGUE[name]["config"]
    macro = "scoped_to_orgs" if view in EVALUATION_VIEWS else "scoped_by_person"
    assert config["materialized"] == "published_view"
    assert config["reader"] == ("evaluation_read" if view in EVALUATION_VIEWS else "analyst_read")
    text = sql_files("analytics")[name].read_text(encoding="utf-8")
    assert text.startswith("{{ " + ("open_to_readers" if view in OPEN_VIEWS else macro) + "(")


@pytest.mark.parametrize("view", sorted(ROSTER_VIEWS))
def test_a_roster_view_has_the_columns_of_the_catalogue_and_enforces_them(view: str) -> None:
    model = CATALOGUE[f"analytics__{view}"]
    assert model["config"]["contract"] == {"enforced": True}
    assert {column["name"]: column["data_type"] for column in model["columns"]} == {
        name: data_type.removesuffix(" not null") for name, data_type in INTERFACE[view]["columns"].items()
    }
    assert [column["name"] for column in model["columns"]] == list(INTERFACE[view]["columns"])


@pytest.mark.parametrize("view", sorted(ROSTER_VIEWS))
def test_what_is_never_null_in_the_catalogue_is_tested(view: str) -> None:
    """org_ids is made by the view itself. An array of the mart is, too, but may as well be tested."""
    mart = described("marts")[f"marts__{view}"]
    tested = {column["name"] for column in mart["columns"] if "not_null" in str(column.get("data_tests"))}
    promised = {name for name, data_type in INTERFACE[view]["columns"].items() if data_type.endswith(" not null")}
    assert promised - {"org_ids"} <= tested
    assert "unique_together" in str(mart["data_tests"])


def test_the_catalogue_is_whole_and_knows_which_views_show_org_ids() -> None:
    assert len(INTERFACE) == 41
    assert sum(len(view["columns"]) for view in INTERFACE.values()) == 222
    for view, entry in INTERFACE.items():
        assert entry["scoped"] == ("org_ids" in entry["columns"]), view


def test_the_deprecated_view_says_so_and_what_to_use_instead() -> None:
    purpose = CATALOGUE["analytics__students_enrollments"]["description"].splitlines()[0]
    assert purpose.startswith("Purpose: DEPRECATED, use student_schools.")


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
