"""Settings come from two environment variables, and errors say who and when without holding values."""

from __future__ import annotations

import pickle
from datetime import date
from pathlib import Path

import pytest

from edreflect_assets.errors import ConfigurationError, EdreflectError, FetchError, Refused
from edreflect_assets.settings import Settings


def test_without_variables_state_lies_in_the_current_directory_and_the_database_is_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({})
    assert settings.home == tmp_path / ".edreflect"
    assert settings.database_url is None
    assert not settings.home.exists()


def test_everything_lies_below_the_home_that_is_given(tmp_path: Path) -> None:
    settings = Settings.from_environment({"EDREFLECT_HOME": str(tmp_path)})
    below = {
        settings.landing: "landing",
        settings.registry: "orgs.yml",
        settings.postgres: "postgres",
        settings.dagster_home: "dagster",
        settings.logs: "logs",
        settings.dbt_target: "dbt",
    }
    assert {path.relative_to(tmp_path).as_posix(): path.parent for path in below} == dict.fromkeys(
        below.values(), tmp_path
    )


def test_empty_variables_count_as_unset() -> None:
    assert Settings.from_environment({"EDREFLECT_HOME": "", "EDREFLECT_DATABASE_URL": ""}).database_url is None


def test_a_relative_home_stays_where_it_was_when_the_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"EDREFLECT_HOME": "state"})
    monkeypatch.chdir("/")
    assert settings.landing == tmp_path / "state" / "landing"


def test_the_database_url_is_kept_but_not_shown() -> None:
    url = "postgresql://loader:marked-password@db.example:5432/edreflect"
    settings = Settings.from_environment({"EDREFLECT_DATABASE_URL": url})
    assert settings.database_url == url
    assert "marked-password" not in repr(settings)


def test_a_url_of_another_database_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigurationError, match="must start with postgresql://") as raised:
        Settings.from_environment({"EDREFLECT_DATABASE_URL": "mysql://u:marked-password@h/d"})
    assert "marked-password" not in str(raised.value)


def test_a_refusal_names_feed_org_day_file_and_cause() -> None:
    refusal = Refused("edreflect", "springfield", date(2026, 3, 1), "Ratings.csv", "the file is empty (0 bytes)")
    assert str(refusal) == "edreflect of springfield, 2026-03-01 refused: Ratings.csv: the file is empty (0 bytes)"
    dayless = Refused("edreflect", "springfield", None, None, "the folder is empty")
    assert str(dayless) == "edreflect of springfield, files without a day refused: the folder is empty"


def test_errors_survive_the_way_between_processes() -> None:
    refusal = pickle.loads(pickle.dumps(Refused("edreflect", "a", date(2026, 3, 1), None, "cause")))
    assert (refusal.org_id, refusal.day, refusal.cause) == ("a", date(2026, 3, 1), "cause")
    assert pickle.loads(pickle.dumps(FetchError("Connection lost.", transient=True))).transient
    assert isinstance(refusal, EdreflectError)
