"""The jobs: fetching and loading a feed, its checks, and the build."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from edreflect_assets.contracts import Feed
from edreflect_assets.orchestration.partitions import ORG_DAYS, ORGS
from edreflect_assets.orchestration.raw import raw_asset_key
from edreflect_assets.orchestration.requests import ingest_job_name
from edreflect_assets.orchestration.sensors import BUILD_JOB

DATA_TESTS_JOB = "data_tests"


def ingest_jobs(feed: Feed) -> list[UnresolvedAssetJobDefinition]:
    """Return the jobs that fetch and load a feed: its days, and its files without a day if it has any.

    Checks are left out: they read the whole ledger, once per build and per hour rather than once per org-day.
    """
    return [
        dg.define_asset_job(
            ingest_job_name(feed, dayless=dayless),
            selection=dg.AssetSelection.assets(raw_asset_key(feed, dayless=dayless)).without_checks(),
            partitions_def=ORGS if dayless else ORG_DAYS,
            description=f"Fetches and loads {feed.name}: {_what(feed, dayless)}.",
        )
        for dayless in ([False, True] if feed.dayless_path else [False])
    ]


def _what(feed: Feed, dayless: bool) -> str:
    if dayless:
        return "files without a day"
    return "daily deliveries" if feed.recurring else "deliveries"


def check_job(feed: Feed) -> UnresolvedAssetJobDefinition:
    """Return the job that runs the checks of a feed over the ledger."""
    return dg.define_asset_job(
        f"check_{feed.name}",
        selection=dg.AssetSelection.checks_for_assets(raw_asset_key(feed)),
        description=f"Checks what the ledger holds of {feed.name}; reads only.",
    )


def data_tests_job(keys: Sequence[dg.AssetCheckKey]) -> UnresolvedAssetJobDefinition:
    """Return the job that runs the data tests that builds leave out, which read whole tables."""
    return dg.define_asset_job(
        DATA_TESTS_JOB,
        selection=dg.AssetSelection.checks(*keys),
        description="Runs the data tests whose cost does not follow the changes, over all that is published.",
    )


def build_job(models: dg.AssetsDefinition, *feeds: Feed) -> UnresolvedAssetJobDefinition:
    """Return the job that applies what is pending and publishes it, then runs every check."""
    selection: dg.AssetSelection = dg.AssetSelection.assets(models)
    for feed in feeds:
        selection = selection | dg.AssetSelection.checks_for_assets(raw_asset_key(feed))
    return dg.define_asset_job(
        BUILD_JOB,
        selection=selection,
        description="Applies every pending load, publishes the views and runs the checks.",
    )
