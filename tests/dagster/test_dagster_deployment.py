"""What an operator deploys: dagster.yaml, workspace.yaml, docker-compose.yml, the image."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.workspace.load_target import WorkspaceFileTarget

from edreflect_assets.database import connect
from edreflect_assets.orchestration.instance import SFTP_LIMIT, open_instance, render_dagster_yaml
from edreflect_assets.orchestration.pools import SFTP_POOL
from edreflect_assets.orchestration.storage import storage_url
from edreflect_assets.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def test_the_default_instance_keeps_its_state_in_sqlite_below_the_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with open_instance(settings) as instance:
        assert {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()} == {
            SFTP_POOL: SFTP_LIMIT
        }
        assert instance.run_retries_enabled
        assert not instance.telemetry_enabled
        assert not instance.get_settings("run_retries")["retry_on_asset_or_op_failure"]
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
    assert list(settings.dagster_home.rglob("*.db"))
    assert settings.dagster_home.stat().st_mode & 0o077 == 0


def test_a_limit_that_an_operator_set_stays(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with open_instance(settings) as instance:
        instance.event_log_storage.set_concurrency_slots(SFTP_POOL, 9)
    with open_instance(settings) as instance:
        assert {pool.limit for pool in instance.event_log_storage.get_pool_limits()} == {9}


def test_processes_that_start_together_on_a_fresh_home_do_not_collide(tmp_path: Path) -> None:
    """Dagster's own SQLite storages fail when two processes create their tables at once."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "edreflect_assets.orchestration.start", "true"],
            env={**os.environ, "EDREFLECT_HOME": str(tmp_path / "fresh"), "EDREFLECT_DATABASE_URL": ""},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    assert [(process.communicate()[1], process.returncode) for process in started] == [("", 0)] * 3


def test_with_a_database_url_the_state_is_in_postgres_in_a_schema_of_its_own(
    empty_database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert empty_database.database_url is not None
    monkeypatch.setenv("EDREFLECT_DATABASE_URL", empty_database.database_url)

    @dg.job
    def nothing() -> None:
        pass

    with open_instance(empty_database) as instance:
        assert nothing.execute_in_process(instance=instance).success
    assert empty_database.database_url not in (empty_database.dagster_home / "dagster.yaml").read_text()
    with closing(connect(empty_database)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from dagster.runs")
        assert cursor.fetchone() == (1,)
        cursor.execute("select count(*) from pg_tables where schemaname = 'public'")
        assert cursor.fetchone() == (0,)


def test_the_storage_url_names_driver_and_schema_and_keeps_other_options() -> None:
    url = storage_url("postgresql://u:p@h:5432/d?sslmode=require&options=-cstatement_timeout%3D5s")
    assert url == (
        "postgresql+psycopg2://u:p@h:5432/d?sslmode=require&options=-cstatement_timeout%3D5s+-csearch_path%3Ddagster"
    )


def test_dagster_yaml_holds_no_secret(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql://u:hunter2@h/d")
    assert "hunter2" not in render_dagster_yaml(settings)
    assert yaml.safe_load(render_dagster_yaml(settings))["telemetry"] == {"enabled": False}


def test_the_workspace_names_the_definitions() -> None:
    [origin] = WorkspaceFileTarget(paths=[str(ROOT / "workspace.yaml")]).create_origins()
    assert origin.loadable_target_origin.module_name == "edreflect_assets.definitions"


def test_every_service_has_a_healthcheck() -> None:
    assert set(COMPOSE["services"]) == {"postgres", "code-location", "webserver", "daemon"}
    for name, service in COMPOSE["services"].items():
        assert service["healthcheck"]["test"], name
        for needed in service.get("depends_on", {}).values():
            assert needed["condition"] == "service_healthy"


def test_no_password_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for name, use in re.findall(r"\$\{(\w+)([^}]*)\}", text):
        if any(word in name for word in ("PASSWORD", "USER", "DB", "KEYS")):
            assert (name.startswith("POSTGRES") and use == "") or use.startswith(":?"), f"{name} has a default"
    variables = {name for name, use in re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", text) if use.startswith(":?")}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^#? ?(\w+)=(.*)$", example, re.MULTILINE))
    assert variables <= set(documented)
    assert all(documented[name] == "" for name in variables)


def test_published_ports_are_on_this_machine_only_and_the_image_runs_as_nobody_special() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (\w+)$", dockerfile, re.MULTILINE) == ["edreflect"]
