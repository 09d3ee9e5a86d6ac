"""The catalogue of published views is complete before anything is built: texts, keys, readers, and a mart behind each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.dbt_docs import docs_blocks, resolve_docs
from tests.integration.published import VIEWS

MODELS = DBT_PROJECT_DIR / "models"
SECTIONS = ("Purpose: ", "Grain: ", "Freshness: ", "Join keys: ")
EVALUATION_VIEWS = set(VIEWS)
# The interface of the views that are not EdReflect's own, kept as data.
INTERFACE: dict[str, dict[str, Any]] = yaml.safe_load((DBT_PROJECT_DIR / "catalogue.yml").read_text(encoding="utf-8"))[
    "views"
]
# Rows of an org of the registry, not of a person's organizations.
COHORT_VIEWS = {"cohorts", "student_cohorts"}
# Without org_ids, and yet about people: scoped through the student all the same.
SCOPED_WITHOUT_ORG_IDS = {"class_enrollments", "course_enrollments"}
OPEN_VIEWS = {view for view, entry in INTERFACE.items() if not entry["scoped"]} - SCOPED_WITHOUT_ORG_IDS
# What these say of a class is tested where the class is: classes.
KEYS_OF_CLASSES = {"course_id::text", "school_id", "unnest(school_ids)", "unnest(subject_ids)", "unnest(grade_ids)"}
# A parent that is no school is in no view, so that nothing is wrong when it is not found.
UNTESTED_KEYS = {("schools", "parent_id")} | {
    (view, key) for view in ("class_enrollments", "course_enrollments") for key in (*KEYS_OF_CLASSES, "class_id")
}
CLOSED = {
    ("placement_results", "placement_status"): {"NotStarted", "InProgress", "Completed"},
    ("recommendations", "visibility"): {"student"},
    ("recommendations", "feedback_sentiment"): {"POSITIVE", "NEGATIVE"},
    ("class_enrollments", "role"): {"student"},
    ("class_enrollments", "status"): {"active", "inactive", "tobedeleted"},
    ("classes", "status"): {"active", "inactive", "tobedeleted"},
    ("classes", "class_type"): {"homeroom", "scheduled"},
    ("schools", "status"): {"active", "inactive", "tobedeleted"},
    ("student_guides", "status"): {"active", "inactive", "tobedeleted"},
    ("student_guides", "relationship_type"): {"teacher", "principal"},
    ("student_schools", "link_kind"): {"primary_role", "secondary_role", "enrollment"},
}


# A column, perhaps cast, or the elements of an array.
KEY = re.compile(r"(?P<column>\w+)(::(?P<cast>\w+))?|unnest\((?P<element>\w+)\)")
# Views over marts__session_insights, whose key is not shown.
ROWS_OF_INSIGHTS = {"waste_insights", "cheating_insights", "proctoring_insights"}


def described(folder: str) -> dict[str, dict[str, Any]]:
    """Return the YAML of every model below a folder of models, by model name."""
    return {
        model["name"]: model
        for path in sorted((MODELS / folder).rglob("*.yml"))
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    }


def mart_of(view: str) -> dict[str, Any]:
    return MARTS[f"marts__{view}"]


def named_tests(tests: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return the arguments and the text of the tests of a kind."""
    return [
        test[name].get("arguments", {}) | {"description": test[name].get("description", "")}
        for test in tests
        if name in test
    ]


def mart_tests(view: str, name: str) -> list[dict[str, Any]]:
    return named_tests(mart_of(view).get("data_tests", []), name)


def column_tests(view: str, name: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (column["name"], test)
        for column in mart_of(view).get("columns", [])
        for test in named_tests(column.get("data_tests", []), name)
    ]


def meta_of(view: str) -> dict[str, Any]:
    meta: dict[str, Any] = CATALOGUE[f"analytics__{view}"]["config"].get("meta", {})
    return meta


def join_keys(view: str) -> list[dict[str, Any]]:
    joins: list[dict[str, Any]] = meta_of(view).get("join_keys", [])
    return joins


def listed(key: str | list[str]) -> list[str]:
    """Return the parts of a documented key, which may be one."""
    return [key] if isinstance(key, str) else key


def told_as(key: str | list[str]) -> str:
    """Return a documented key as it is written in words."""
    return key if isinstance(key, str) else f"({', '.join(key)})"


def sql_files(folder: str) -> dict[str, Path]:
    return {path.stem: path for path in (MODELS / folder).rglob("*.sql")}


CATALOGUE = described("analytics")
MARTS = described("marts")
BLOCKS = docs_blocks(MODELS)


def test_every_published_view_is_in_the_catalogue_and_the_other_way_round() -> None:
    assert set(CATALOGUE) == set(sql_files("analytics"))
    assert {f"analytics__{view}" for view in EVALUATION_VIEWS | set(INTERFACE)} == set(CATALOGUE)


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


@pytest.mark.parametrize("view", sorted(EVALUATION_VIEWS | COHORT_VIEWS))
def test_a_view_of_an_orgs_rows_begins_with_org_id_and_ends_with_org_ids(view: str) -> None:
    names = [column["name"] for column in CATALOGUE[f"analytics__{view}"]["columns"]]
    assert (names[0], names[-1]) == ("org_id", "org_ids")


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_view_is_published_to_a_reader_through_the_scope(name: str) -> None:
    view = name.removeprefix("analytics__")
    config = CATALOGUE[name]["config"]
    macro = "scoped_to_orgs" if view in EVALUATION_VIEWS | COHORT_VIEWS else "scoped_by_person"
    assert config["materialized"] == "published_view"
    assert config["reader"] == ("evaluation_read" if view in EVALUATION_VIEWS else "analyst_read")
    text = sql_files("analytics")[name].read_text(encoding="utf-8")
    assert text.startswith("{{ " + ("open_to_readers" if view in OPEN_VIEWS else macro) + "(")


@pytest.mark.parametrize("view", INTERFACE)
def test_a_view_has_the_columns_of_the_catalogue_and_enforces_them(view: str) -> None:
    model = CATALOGUE[f"analytics__{view}"]
    assert model["config"]["contract"] == {"enforced": True}
    assert {column["name"]: column["data_type"] for column in model["columns"]} == {
        name: data_type.removesuffix(" not null") for name, data_type in INTERFACE[view]["columns"].items()
    }
    assert [column["name"] for column in model["columns"]] == list(INTERFACE[view]["columns"])


@pytest.mark.parametrize("view", INTERFACE)
def test_what_is_never_null_in_the_catalogue_is_tested(view: str) -> None:
    """org_ids is made by the view itself. An array of the mart is, too, but may as well be tested."""
    tested = {column for column, _ in column_tests(view, "not_null")} | {
        column["name"] for column in mart_of(view)["columns"] if {"type": "not_null"} in column.get("constraints", [])
    }
    promised = {name for name, data_type in INTERFACE[view]["columns"].items() if data_type.endswith(" not null")}
    assert promised - {"org_ids"} <= tested


@pytest.mark.parametrize("view", INTERFACE)
def test_what_a_row_stands_for_is_tested(view: str) -> None:
    """Where no columns of the view tell its rows apart, a column of the mart does."""
    unique = [test["columns"] for test in mart_tests(view, "unique_together")]
    grain = meta_of(view).get("grain")
    if grain:
        assert ["tenant", *grain] in unique
        assert set(grain) <= set(INTERFACE[view]["columns"])
    else:
        assert unique or view in ROWS_OF_INSIGHTS


@pytest.mark.parametrize(("view", "column"), CLOSED)
def test_closed_enumerations_are_tested(view: str, column: str) -> None:
    [values] = [test["values"] for name, test in column_tests(view, "accepted_values") if name == column]
    assert set(values) == CLOSED[view, column]


def test_no_open_enumeration_is_closed_by_a_test() -> None:
    tested = {(view, column) for view in INTERFACE for column, _ in column_tests(view, "accepted_values")}
    assert tested == set(CLOSED)


@pytest.mark.parametrize("view", INTERFACE)
def test_a_join_key_leads_from_a_column_to_a_column_of_the_same_type(view: str) -> None:
    columns = {name: data_type.removesuffix(" not null") for name, data_type in INTERFACE[view]["columns"].items()}
    for join in join_keys(view):
        assert set(join) == {"key", "to", "column"}
        there = INTERFACE[join["to"]]["columns"]
        for key, to_column in zip(listed(join["key"]), listed(join["column"]), strict=True):
            column, cast, element = KEY.fullmatch(key).group("column", "cast", "element")  # type: ignore[union-attr]
            data_type = columns[element].removesuffix("[]") if element else cast or columns[column]
            assert data_type == there[to_column].removesuffix(" not null"), join


@pytest.mark.parametrize("view", INTERFACE)
def test_the_join_keys_are_told_in_words_as_they_are_in_data(view: str) -> None:
    """Those that lead out of the view, then those that lead to it from other views."""
    told: dict[str, list[str]] = {}
    for join in join_keys(view):
        told.setdefault(f"{told_as(join['key'])} to ", []).append(f"{join['to']}.{told_as(join['column'])}")
    for other in sorted(INTERFACE):
        for join in join_keys(other):
            if join["to"] == view:
                written = told_as(join["key"])
                element = found["element"] if (found := KEY.fullmatch(written)) else None
                key = f"unnest({other}.{element})" if element else f"{other}.{written}"
                told.setdefault(f"{told_as(join['column'])} from ", []).append(key)
    words = "; ".join(how + " or ".join(filter(None, (", ".join(ends[:-1]), ends[-1]))) for how, ends in told.items())
    line = resolve_lines(CATALOGUE[f"analytics__{view}"]["description"])[3]
    assert line.removeprefix("Join keys: ").startswith(f"{words}.")


@pytest.mark.parametrize("view", INTERFACE)
def test_a_join_key_is_a_relationship_test_that_says_what_a_miss_means(view: str) -> None:
    tests = {test["columns"][-1]: test for test in mart_tests(view, "refers_to")}
    tests |= {test["key"]: test for test in mart_tests(view, "refers_to_one_of")}
    expected = {listed(join["key"])[-1] for join in join_keys(view)} - {key for of, key in UNTESTED_KEYS if of == view}
    assert expected <= set(tests)
    for key in expected:
        assert len(tests[key]["description"]) > 40, key


def test_what_a_view_leaves_out_is_counted() -> None:
    counted = {test["view"] for view in INTERFACE for test in mart_tests(view, "left_out")}
    assert {
        "attempts",
        "sessions",
        "waste_insights",
        "cheating_insights",
        "proctoring_insights",
        "student_journals",
        "students_xp",
        "students_mastery",
        "recommendations",
        "case_subjects",
        "grades",
        "learning_apps",
    } <= counted


def test_the_catalogue_is_whole_and_knows_which_views_show_org_ids() -> None:
    assert len(INTERFACE) == 43
    assert sum(len(view["columns"]) for view in INTERFACE.values()) == 243
    for view, entry in INTERFACE.items():
        assert entry["scoped"] == ("org_ids" in entry["columns"]), view


def test_the_deprecated_view_says_so_and_what_to_use_instead() -> None:
    purpose = CATALOGUE["analytics__students_enrollments"]["description"].splitlines()[0]
    assert purpose.startswith("Purpose: DEPRECATED, use student_schools.")


@pytest.mark.parametrize("view", sorted(EVALUATION_VIEWS))
def test_edreflect_views_are_for_evaluation_readers_only(view: str) -> None:
    assert CATALOGUE[f"analytics__{view}"]["config"]["reader"] == "evaluation_read"


# The sources of a table and the newest of them: tested where they are published, as are the ids of people.
BELOW_MARTS = re.compile(r"marts__(snapshot_|merged_|person_ids$|legacy_feedback_dates$)")


@pytest.mark.parametrize("name", sorted(name for name in MARTS if not BELOW_MARTS.match(name)))
def test_data_tests_of_marts_only_warn(name: str) -> None:
    """One org's rows never keep another org from being published (a failing test would skip the view)."""
    mart = MARTS[name]
    tests = [*mart.get("data_tests", [])]
    for column in mart.get("columns", []):
        tests += column.get("data_tests", [])
    assert tests, f"{name} has no data test."
    stricter = [test for test in tests if next(iter(test.values()))["config"].get("severity") != "warn"]
    assert not stricter


def resolve_lines(description: str) -> list[str]:
    return [resolve_docs(line, BLOCKS) for line in description.strip().splitlines()]
