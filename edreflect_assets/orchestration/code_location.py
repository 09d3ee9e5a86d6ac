"""Every asset, check, job, schedule and sensor of the platform, put together. Opens no connection."""

from __future__ import annotations

import warnings
from pathlib import Path

import dagster as dg

from edreflect_assets.contracts import load_feeds
from edreflect_assets.orchestration.dbt import daily_check_keys, dbt_models
from edreflect_assets.orchestration.edfi import ods_assets, ods_checks, ods_jobs, ods_schedules
from edreflect_assets.orchestration.jobs import build_job, check_job, data_tests_job, ingest_jobs
from edreflect_assets.orchestration.late_files import late_files_sensor
from edreflect_assets.orchestration.ledger_checks import ledger_checks
from edreflect_assets.orchestration.manifest import prepare_manifest
from edreflect_assets.orchestration.raw import raw_assets
from edreflect_assets.orchestration.schedules import checks_schedule, data_tests_schedule, ingest_schedule
from edreflect_assets.orchestration.sensors import pending_loads_sensor, registry_sensor
from edreflect_assets.settings import Settings


def build_definitions(settings: Settings, manifest: Path | None = None) -> dg.Definitions:
    """Return the definitions of one installation; without a manifest the dbt project is parsed if it changed."""
    # Backfill policies are called beta since 1.5; the version is pinned, and every process would say so four times.
    warnings.filterwarnings("ignore", message=".*`backfill_policy`", category=dg.BetaWarning)
    feeds = list(load_feeds().values())
    manifest = manifest or prepare_manifest(settings)
    models = dbt_models(manifest)
    ingests = {feed.name: ingest_jobs(feed) for feed in feeds}
    return dg.Definitions(
        assets=[*(asset for feed in feeds for asset in raw_assets(feed)), models, ods_assets()],
        asset_checks=[*(ledger_checks(feed) for feed in feeds), ods_checks()],
        jobs=[
            *(job for jobs in ingests.values() for job in jobs),
            *(check_job(feed) for feed in feeds),
            build_job(models, *feeds),
            data_tests_job(daily_check_keys(manifest)),
            *ods_jobs(),
        ],
        schedules=[
            *(ingest_schedule(feed) for feed in feeds if feed.recurring),
            *(checks_schedule(feed) for feed in feeds),
            data_tests_schedule(),
            *ods_schedules(),
        ],
        sensors=[
            registry_sensor(),
            pending_loads_sensor(),
            *(late_files_sensor(feed, ingests[feed.name]) for feed in feeds),
        ],
        resources={"settings": settings},
        # A process per step costs seconds, and no step here gains from one.
        executor=dg.in_process_executor,
    )
