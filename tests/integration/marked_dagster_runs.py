"""Run by test_nothing_personal_leaks as a process of its own: Dagster's jobs, every event printed, debug level.

``marked_dagster_runs.py FIRST LAST BUG_DAY ORG...`` ingests the files without a day and the days from FIRST to LAST of
each org, builds, and ingests BUG_DAY of the first org with a bug in the loader.
"""

from __future__ import annotations

import sys
import traceback
from datetime import date

import dagster as dg
import sitecustomize

from edreflect_assets.contracts import load_feeds
from edreflect_assets.definitions import defs
from edreflect_assets.orchestration.instance import open_instance
from edreflect_assets.orchestration.partitions import partition_key
from edreflect_assets.orchestration.requests import ensure_partitions, ingest_job_name
from edreflect_assets.settings import Settings

FEED = load_feeds()["edreflect"]
DEBUG = {"loggers": {"console": {"config": {"log_level": "DEBUG"}}}}


def main(first: str, last: str, bug_day: str, *orgs: str) -> None:
    with open_instance(Settings.from_environment()) as instance:
        ensure_partitions(instance, orgs)
        for org in orgs:
            run(instance, ingest_job_name(FEED, dayless=True), partition_key=partition_key(org, None))
            run(instance, ingest_job_name(FEED, dayless=False), tags=days(org, first, last))
        run(instance, "build_dbt")
        sitecustomize.plant_bug("edreflect_assets.loading.ledger", "Ledger", "record")
        run(instance, ingest_job_name(FEED, dayless=False), tags=days(orgs[0], bug_day, bug_day))


def run(instance: dg.DagsterInstance, job: str, **what: object) -> None:
    before = instance.get_runs_count()
    try:
        defs.resolve_job_def(job).execute_in_process(run_config=DEBUG, instance=instance, **what)
    except Exception as error:
        print(f"{job} failed: {error!r}")
        traceback.print_exc()
    for record in instance.get_runs(limit=instance.get_runs_count() - before):
        for entry in instance.all_logs(record.run_id):
            print(repr(entry))


def days(org: str, first: str, last: str) -> dict[str, str]:
    return {
        "dagster/asset_partition_range_start": partition_key(org, date.fromisoformat(first)),
        "dagster/asset_partition_range_end": partition_key(org, date.fromisoformat(last)),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
