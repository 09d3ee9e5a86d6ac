"""Run requests for one org's delivery, the same whoever asks: the schedule, the sensor for late files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import dagster as dg

from edreflect_assets.contracts import Feed
from edreflect_assets.orchestration.partitions import ORGS, partition_key
from edreflect_assets.orgs import Org

HOST_TAG = "edreflect/host"
DELIVERY_TAG = "edreflect/delivery"
LISTING_TAG = "edreflect/listing"


def ingest_job_name(feed: Feed, *, dayless: bool) -> str:
    """Return the job that fetches and loads a feed's days, or its files without a day."""
    return f"ingest_{feed.name}_all" if dayless else f"ingest_{feed.name}"


def delivery_name(feed: Feed, org_id: str, day: date | None) -> str:
    """Return what identifies a delivery in tags and run keys."""
    return f"{feed.name}/{org_id}/{day or 'all'}"


def ingest_request(
    feed: Feed, org: Org, day: date | None, run_key: str, tags: Mapping[str, str] | None = None
) -> dg.RunRequest:
    """Return the request for one delivery; its host tag lets the queue limit the runs per server."""
    return dg.RunRequest(
        job_name=ingest_job_name(feed, dayless=day is None),
        run_key=run_key,
        partition_key=partition_key(org.org_id, day),
        tags={HOST_TAG: f"{org.host}:{org.port}", DELIVERY_TAG: delivery_name(feed, org.org_id, day), **(tags or {})},
    )


def ensure_partitions(instance: dg.DagsterInstance, org_ids: Iterable[str]) -> None:
    """Add the orgs that have no partition yet: a request must not wait for the sensor over the registry."""
    missing = sorted(set(org_ids) - set(instance.get_dynamic_partitions(str(ORGS.name))))
    if missing:
        instance.add_dynamic_partitions(str(ORGS.name), missing)
