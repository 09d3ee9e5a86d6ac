"""The completeness report of a real warehouse: its JSON says what is wrong and nothing else, its page is fit to be signed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from playwright.sync_api import Browser, sync_playwright
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.checks import run_checks
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.offboarding.database import shown_id, shown_key
from edreflect_assets.settings import Settings
from tests.integration.catalog_world import CHROMIUM, FLAGS, Page, needs_chromium
from tests.integration.offboarding_world import (
    CLEAN,
    CLEAN_SNAPSHOT,
    LATER,
    MARK,
    NOTHING,
    OLDER,
    SNAPSHOT,
    TROUBLED,
    WAITING,
    World,
    offboarding_world,
    write,
)

Json = dict[str, Any]


@pytest.fixture(scope="module")
def world(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    root = tmp_path_factory.mktemp("offboarding")
    with offboarding_world(postgres_server, template_database, root) as made:
        yield made


def report(world: World, org: str, *options: object) -> Result:
    return world.run("offboarding", "report", "--org", org, *options)


def as_json(world: World, org: str, *options: object) -> Json:
    found: Json = json.loads(report(world, org, "--json", *options).stdout)
    return found


def codes(findings: list[Json]) -> dict[str, int]:
    return {finding["code"]: finding["count"] for finding in findings}


@pytest.fixture(scope="module")
def found(world: World) -> Json:
    return as_json(world, TROUBLED)


class TestTroubled:
    def test_every_trouble_is_a_reason_and_nothing_else_is(self, found: Json) -> None:
        assert found["signable"] is False
        assert codes(found["reasons"]) == {
            "newer_incomplete": 9,
            "left_aside": 1,
            "quarantined": 2,
            "orphans": 2,
            "unmapped_ids": 4,
            "school_years": 1,
            "person_conflicts": 1,
            "differences": 8,
        }
        assert set(codes(found["remarks"])) == {
            "missing_tables",
            "other_files",
            "not_compared",
            "accounts_without_number",
        }
        assert (found["org"], found["day"], found["pending_loads"]) == (TROUBLED, str(SNAPSHOT), 0)
        assert found["last_build"]["finished_at"] == "2026-03-21T04:05:06Z"
        assert found["reported_at"].endswith("Z")

    def test_snapshots_are_named_with_what_they_lack_and_what_came_beside(self, found: Json) -> None:
        older, current, later = found["deliveries"]
        assert [each["day"] for each in found["deliveries"]] == [str(OLDER), str(SNAPSHOT), str(LATER)]
        assert [each["is_current"] for each in found["deliveries"]] == [False, True, False]
        assert older["missing_groups"] == ["users"]
        assert later["missing_groups"][0] == "artifacts"
        assert (current["is_complete"], current["missing_groups"]) == (True, [])
        assert "users.roles.csv" in current["missing_tables"]
        assert "goals.posts.csv" in current["missing_tables"]
        assert not [file for file in current["missing_tables"] if file.startswith("slos.")]
        assert current["unlisted_files"] == ["goals.reactions.csv"]
        assert current["definition_files"] == ["users.definitions.csv"]
        assert [each["file"] for each in current["left_aside"]] == ["forms.csv", "readme.txt"]

    def test_records_are_accounted_for_file_by_file(self, found: Json) -> None:
        tables = {table["table"]: table for group in found["groups"] for table in group["tables"]}
        assert len({group["name"] for group in found["groups"]}) == 14
        assert tables["users"]["files"] == [
            {"file": "users.csv", "records": 45, "loaded": 44, "quarantined_at_load": 1, "quarantined_by_cast": 1}
        ]
        assert tables["users"]["shown"] == 43
        assert tables["goals__reactions"]["listed"] is False
        assert tables["goals__reactions"]["shown"] == 1
        assert tables["users__roles"] == {
            "table": "users__roles",
            "listed": True,
            "file": "users.roles.csv",
            "files": [],
            "shown": None,
            "orphans": [],
        }
        assert {name: table["orphans"] for name, table in tables.items() if table["orphans"]} == {
            "observations__work": [{"parent": "observations", "rows": 2, "sample_documents": ["lost1", "lost2"]}]
        }

    def test_ids_without_a_map_are_counted_and_named(self, found: Json) -> None:
        observation = {"table": "observations", "rows": 2, "ids": 2}
        assert found["legacy"] == {
            "days": ["2020-07-31"],
            "files": 1,
            "rows": 3,
            "unmapped": [
                {
                    **observation,
                    "column": "observation_group_id",
                    "kinds": ["observation_group"],
                    "has_map": True,
                    "sample_ids": ["old8", "old9"],
                },
                {
                    **observation,
                    "column": "observation_template_id",
                    "kinds": ["observation_template"],
                    "has_map": False,
                    "sample_ids": ["t1", "t2"],
                },
            ],
            "kinds_without_map": ["observation_template"],
            "never_mapped": [],
        }

    def test_school_years_that_contradict_themselves(self, found: Json) -> None:
        assert found["school_years"] == [
            {
                "table": "observations",
                "where": "reconciled",
                "rows": 1,
                "key": ["observation_group_id"],
                "sample_keys": [["old9"]],
            }
        ]

    def test_people(self, found: Json) -> None:
        assert found["persons"] == {
            "conflict_count": 1,
            "conflicts": [
                {
                    "conflict": "employee number of several accounts",
                    "employee_ids": ["e1"],
                    "user_ids": ["u1", "u3"],
                    "sources": ["daily", "offboarding"],
                }
            ],
            "accounts_without_employee_number": 1,
            "accounts_unknown": 1,
            "sample_accounts_unknown": ["u4"],
        }

    def test_differences_are_those_of_the_day_of_the_snapshot(self, found: Json) -> None:
        none = {"keys": 0, "sample_keys": []}

        def keys(*names: str) -> Json:
            return {"keys": len(names), "sample_keys": [[name] for name in names]}

        differences = {each["table"]: dict(each) for each in found["differences"]}
        assert set(differences) == {"observations", "observation_comments", "ratings", "goals", "user_accounts"}
        assert "rubrics" in found["not_compared"]
        assert "school_year" in differences["observations"].pop("columns")
        assert differences["observations"] == {
            "table": "observations",
            "key": ["observation_group_id"],
            "not_in_snapshot": [],
            "same": 0,
            "only_daily": keys("o3", "old8", "old9"),
            "only_daily_unmapped": 2,
            "only_snapshot": keys("o5"),
            "other_content": keys("o1"),
            "other_number_of_rows": 0,
            "differing_columns": {"observation_status": 1},
            "changed_after": keys("o2", "o4"),
        }
        ratings = differences["ratings"]
        assert (ratings["same"], ratings["other_content"]) == (1, keys("o1"))
        assert (ratings["other_number_of_rows"], ratings["differing_columns"]) == (0, {"rating_value": 1})
        # a list that the export emptied afterwards, a goal that it deleted
        assert (ratings["only_snapshot"], ratings["changed_after"]) == (none, keys("o5"))
        goals = differences["goals"]
        assert (goals["same"], goals["only_snapshot"], goals["changed_after"]) == (1, none, keys("g2"))
        accounts = differences["user_accounts"]
        assert (accounts["same"], accounts["other_content"], accounts["other_number_of_rows"]) == (41, keys("e1"), 1)
        assert (accounts["not_in_snapshot"], accounts["differing_columns"]) == (["title"], {})
        assert "title" not in accounts["columns"]
        assert differences["observation_comments"]["only_daily"] == keys("o1")

    def test_another_snapshot_than_the_current_one(self, world: World) -> None:
        found = as_json(world, TROUBLED, "--day", OLDER)
        assert codes(found["reasons"])["incomplete"] == 1
        assert (found["day"], found["differences"]) == (str(OLDER), [])
        tables = {table["table"]: table for group in found["groups"] for table in group["tables"]}
        assert (tables["observations"]["files"][0]["loaded"], tables["observations"]["shown"]) == (2, None)

    def test_the_terminal_says_it_in_lines(self, world: World) -> None:
        result = report(world, TROUBLED)
        assert (result.exit_code, result.stderr) == (1, "")
        lines = [line.split() for line in result.stdout.splitlines()]
        assert ["users", "1", "45", "2", "43", "0"] in lines
        assert ["observations", "0", "3", "1", "1", "2"] in lines
        assert "Needs a person, orphans (2): Rows without their parent row are in observations__work." in result.stdout


def test_a_clean_snapshot_can_be_signed(world: World) -> None:
    result = report(world, CLEAN)
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"The snapshot of {CLEAN}, {SNAPSHOT}, is all here; nothing needs a person." in result.stdout
    found = as_json(world, CLEAN)
    assert (found["signable"], found["reasons"]) == (True, [])
    assert {each["table"]: (each["same"], each["changed_after"]["keys"]) for each in found["differences"]} == {
        "observations": (2, 0),
        "ratings": (1, 0),
        "user_accounts": (2, 0),
    }
    assert {table["shown"] for group in found["groups"] for table in group["tables"]} == {None, 1, 2}


def test_nothing_delivered_needs_a_person(world: World, tmp_path: Path) -> None:
    result = report(world, NOTHING, "--report", tmp_path / "signed")
    assert (result.exit_code, result.stderr) == (1, "")
    assert f"No snapshot of the offboarding product was delivered for {NOTHING}." in result.stdout
    assert "None." in (tmp_path / "signed" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--org", "nowhere"], "Org 'nowhere' is neither in the registry nor in the ledger"),
        (["--org", CLEAN, "--day", "2026-03-11"], f"{CLEAN} has no snapshot of 2026-03-11; there are: {SNAPSHOT}."),
        (["--org", NOTHING, "--day", "2026-03-11"], "has no snapshot of 2026-03-11; there are: none."),
        ([], "Missing option '--org'"),
    ],
)
def test_wrong_usage_is_one_line(world: World, options: list[str], sentence: str) -> None:
    result = world.run("offboarding", "report", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_loads_that_wait_are_said_before_anything_else(world: World, tmp_path: Path) -> None:
    write(tmp_path / WAITING / f"offboarding/{SNAPSHOT}", CLEAN_SNAPSHOT)
    assert world.run("load", "--source", tmp_path, "--org", WAITING).exit_code == 0
    found = as_json(world, WAITING, "--report", tmp_path / "signed")
    assert list(codes(found["reasons"])) == ["pending", "not_built"]
    assert found["pending_loads"] == len(CLEAN_SNAPSHOT)
    assert "edreflect build" in found["reasons"][0]["text"]
    assert "as of the last build" in (tmp_path / "signed" / "report.html").read_text(encoding="utf-8")
    # other orgs are as they were
    assert as_json(world, CLEAN)["signable"] is True


def test_page_and_json_belong_together_and_are_the_owners_alone(world: World, tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "signed"
    printed = report(world, TROUBLED, "--json", "--report", directory).stdout
    data = (directory / "report.json").read_bytes()
    page = (directory / "report.html").read_text(encoding="utf-8")
    assert data == printed.encode()
    assert page.count(hashlib.sha256(data).hexdigest()) == 2
    assert {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()} == {
        "report.html": 0o600,
        "report.json": 0o600,
    }
    assert directory.stat().st_mode & 0o777 == 0o700
    # again, over what is there
    assert report(world, TROUBLED, "--report", directory).exit_code == 1
    assert len(list(directory.iterdir())) == 2
    parsed = Page(page)
    assert not [link for link in parsed.links if not link.startswith("#")]


def test_nothing_written_or_printed_names_a_person(world: World, tmp_path: Path) -> None:
    assert report(world, TROUBLED, "--report", tmp_path / "signed").exit_code == 1
    report(world, TROUBLED, "--json")
    report(world, TROUBLED, "--debug")
    written = [*(tmp_path / "signed").iterdir(), *(path for path in world.settings.logs.rglob("*") if path.is_file())]
    assert len(written) > 2
    assert [path.name for path in written if MARK.encode() in path.read_bytes()] == []
    assert [output for output in world.outputs if MARK in output] == []


def test_ids_that_are_addresses_are_not_quoted() -> None:
    assert shown_id("4711") == "4711"
    assert "@" not in shown_id("edna@example.org")
    assert shown_key(("e1", None, "edna@example.org"))[:2] == ("e1", None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


def test_checks_name_the_orgs_with_old_ids_and_wrong_years(world: World) -> None:
    with closing(connect(world.settings)) as connection:
        results = {each.name: each for each in run_checks(connection, load_feeds()["legacy"], {}, datetime.now(UTC))}
    ids, years = results["old_ids_mapped"], results["school_years_agree"]
    assert (ids.passed, ids.metadata) == (False, {"findings": 1, "rows": 2})
    assert ids.text.startswith(f"{TROUBLED}: 2 rows of observations. ")
    assert (years.passed, years.metadata) == (False, {"findings": 1, "rows": 1})
    assert years.text.startswith(f"{TROUBLED}: 1 row of observations. ")


def test_before_the_first_build_these_checks_find_nothing(connection: Connection) -> None:
    results = {each.name: each for each in run_checks(connection, load_feeds()["legacy"], {}, datetime.now(UTC))}
    assert results["old_ids_mapped"].passed
    assert results["school_years_agree"].passed


@needs_chromium
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("org", [TROUBLED, CLEAN, NOTHING])
def test_it_fits_the_screen_and_asks_for_nothing(
    world: World, browser: Browser, tmp_path: Path, org: str, width: int
) -> None:
    report(world, org, "--report", tmp_path)
    page = browser.new_page(viewport={"width": width, "height": 800})
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"file://{tmp_path}/report.html")
    assert requests == [f"file://{tmp_path}/report.html"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert org in page.locator("h1").inner_text()
    digest = hashlib.sha256((tmp_path / "report.json").read_bytes()).hexdigest()
    assert page.locator("#digest").inner_text() == digest
    assert page.get_by_text("Nothing speaks against signing").count() == (org == CLEAN)
    page.close()
