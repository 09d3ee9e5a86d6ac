"""The definitions as a whole: their names, that they need no database, and the Dagster behaviour they rely on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
from dagster_world import FEED

from edreflect_assets.contracts import load_feeds
from edreflect_assets.orchestration.code_location import build_definitions
from edreflect_assets.orchestration.manifest import prepare_manifest
from edreflect_assets.orchestration.raw import raw_asset_key
from edreflect_assets.settings import Settings

SNAPSHOT = Path(__file__).with_name("names.json")


def names(definitions: dg.Definitions) -> dict[str, list[str]]:
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    return {
        "assets": sorted(key.to_user_string() for key in graph.get_all_asset_keys()),
        "checks": sorted(f"{key.asset_key.to_user_string()}:{key.name}" for key in graph.asset_check_keys),
        "jobs": sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith("__")),
        "schedules": sorted(schedule.name for schedule in repository.schedule_defs),
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
    }


def test_the_names_are_the_ones_in_the_snapshot(manifest: Path, tmp_path: Path) -> None:
    """A name is an address: in alerts, in links, in history. EDREFLECT_UPDATE_SNAPSHOT=1 writes the file anew."""
    found = names(build_definitions(Settings(home=tmp_path), manifest))
    if os.environ.get("EDREFLECT_UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_definitions_load_without_a_database_and_on_a_fresh_home(tmp_path: Path) -> None:
    """A port on which nothing listens: whoever connected at import would fail."""
    settings = Settings(home=tmp_path / "fresh")
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "from edreflect_assets.definitions import defs; print(len(list(defs.get_repository_def().get_all_jobs())))",
        ],
        env={
            **os.environ,
            "EDREFLECT_HOME": str(settings.home),
            "EDREFLECT_DATABASE_URL": "postgresql://u@127.0.0.1:9/x",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert int(loaded.stdout.split()[-1]) >= 4
    assert list(settings.dbt_target.glob("manifests/*/manifest.json"))


def test_the_manifest_is_parsed_once(tmp_path: Path, manifest: Path) -> None:
    home = manifest.parents[3]
    # The embedded server's account passes through the home: preparing must not close it.
    tmp_path.chmod(0o711)
    before = manifest.stat().st_mtime_ns
    assert prepare_manifest(Settings(home=home)) == manifest
    assert manifest.stat().st_mtime_ns == before
    assert prepare_manifest(Settings(home=tmp_path)).is_file()
    assert tmp_path.stat().st_mode & 0o777 == 0o711


def test_the_models_read_the_raw_assets(definitions: dg.Definitions) -> None:
    """Every table of a feed is one of its raw assets, however many tables there are."""
    graph = definitions.get_repository_def().asset_graph
    keys = {
        raw_asset_key(feed, dayless=dayless)
        for feed in load_feeds().values()
        for dayless in ((False, True) if feed.dayless_path else (False,))
    }
    assert {raw_asset_key(FEED), raw_asset_key(FEED, dayless=True)} <= keys
    # What stands for a feed that is not there yet has no source either, nor has what is the registry's.
    roots = {key for key in graph.get_all_asset_keys() if not graph.get(key).parent_keys}
    assert {key for key in roots if key.path[0] != "timeback"} - {dg.AssetKey(["edfi", "ods"])} == keys
    for key in keys:
        assert graph.get(key).is_partitioned
        assert graph.get(key).child_keys
    partitioned = {key for key in graph.get_all_asset_keys() - keys if graph.get(key).is_partitioned}
    assert {key.path[0] for key in partitioned} == {"ods"}


def test_groups_are_schemas(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    groups = {graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert {"raw_edreflect", "staging", "edreflect", "marts", "analytics"} <= groups


def test_canary_day_by_dynamic_org_partitions_hold_a_run(instance: dg.DagsterInstance) -> None:
    """Dagster 1.12.20 to 1.13.4 broke multi partitions with a dynamic dimension; this is what the pin is for."""
    orgs = dg.DynamicPartitionsDefinition(name="canary_orgs")
    grid = dg.MultiPartitionsDefinition(
        {"day": dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-10"), "org": orgs}
    )
    seen: list[list[str]] = []

    @dg.asset(partitions_def=grid, backfill_policy=dg.BackfillPolicy.single_run())
    def canary(context) -> None:  # type: ignore[no-untyped-def]
        seen.append([str(key) for key in context.partition_keys])

    instance.add_dynamic_partitions("canary_orgs", ["zulu", "alpha"])
    one = dg.MultiPartitionKey({"day": "2026-01-02", "org": "alpha"})
    assert dg.materialize([canary], instance=instance, partition_key=one).success
    tags = {
        "dagster/asset_partition_range_start": "2026-01-03|zulu",
        "dagster/asset_partition_range_end": "2026-01-04|alpha",
    }
    assert dg.materialize([canary], instance=instance, tags=tags).success
    assert seen[0] == ["2026-01-02|alpha"]
    assert set(seen[1]) == {"2026-01-03|zulu", "2026-01-03|alpha", "2026-01-04|zulu", "2026-01-04|alpha"}
    assert len(instance.get_materialized_partitions(canary.key)) == 5
