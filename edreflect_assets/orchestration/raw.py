"""The raw assets: per feed one partitioned by day x org, and one by org for its files without a day."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from edreflect_assets.contracts import Feed
from edreflect_assets.loading.report import DeliveryReport, FileReport
from edreflect_assets.orchestration.partitions import ORG_DAYS, ORGS, days_by_org, partition_key
from edreflect_assets.orchestration.pools import SFTP_POOL
from edreflect_assets.orchestration.rosters import findings_metadata
from edreflect_assets.orchestration.sweep import OpenSource, Outcome, sweep
from edreflect_assets.settings import Settings
from edreflect_assets.sources.sftp import SftpSource

RETRIES = 2
RETRY_SECONDS = 60.0
# On a run whose failures no other try can mend, so that the sensor for late files waits until the files change.
PERMANENT_TAG = "edreflect/permanent"
# A step's error names this many deliveries; the others are observations of their partitions.
NAMED_AT_MOST = 50


def raw_asset_key(feed: Feed, *, dayless: bool = False) -> dg.AssetKey:
    """Return ``raw_<feed>``, or ``raw_<feed>_all`` for the files without a day."""
    return dg.AssetKey(f"{feed.raw_schema}_all" if dayless else feed.raw_schema)


def raw_assets(
    feed: Feed, *, retry_seconds: float = RETRY_SECONDS, open_source: OpenSource = SftpSource
) -> list[dg.AssetsDefinition]:
    """Return the raw assets of a feed; the second one only if the feed has files without a day."""
    assets = [_raw_asset(feed, False, retry_seconds, open_source)]
    if feed.dayless_path:
        assets.append(_raw_asset(feed, True, retry_seconds, open_source))
    return assets


def _raw_asset(feed: Feed, dayless: bool, retry_seconds: float, open_source: OpenSource) -> dg.AssetsDefinition:
    daily = "daily deliveries" if feed.recurring else "deliveries"
    what = "files without a day (id maps), by org" if dayless else f"{daily}, by day and org"

    @dg.asset(
        key=raw_asset_key(feed, dayless=dayless),
        partitions_def=ORGS if dayless else ORG_DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=feed.raw_schema,
        kinds={"sftp", "postgres"},
        description=f"{feed.description} The {what}, as delivered: one load per file in {feed.raw_schema} and ops.loads.",
        pool=SFTP_POOL,
        retry_policy=dg.RetryPolicy(
            max_retries=RETRIES, delay=retry_seconds, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
        # Each partition reports for itself: one that failed or does not exist must not count as materialized.
        output_required=False,
    )
    def raw(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[Any]:
        yield from _ingest(context, settings, feed, dayless, open_source)

    return raw


def _ingest(
    context: dg.AssetExecutionContext, settings: Settings, feed: Feed, dayless: bool, open_source: OpenSource
) -> Iterator[dg.AssetMaterialization | dg.AssetObservation | dg.Output[None]]:
    """Load every partition of the run and report each; raise Failure at the end if some failed.

    A run of one partition reports it as the step's output, so that the checks that the UI runs with it are not skipped.
    The failure allows another try while one may help; that try leaves out what the tries before it have settled.
    """
    asset_key = raw_asset_key(feed, dayless=dayless)
    settled = _settled(context, asset_key) if context.retry_number else {}
    wanted = days_by_org(key for key in context.partition_keys if str(key) not in settled)
    failures = [text for text in settled.values() if text]
    transient = False
    for outcome in sweep(settings, feed, wanted, run_id=context.run.run_id, open_source=open_source):
        if outcome.status == "failed":
            context.log.error(outcome.text)
            failures.append(outcome.text)
            transient = transient or outcome.transient
        else:
            context.log.info(outcome.text)
        if outcome.report is not None and len(context.partition_keys) == 1:
            yield dg.Output(None, metadata=_metadata(outcome.report))
        else:
            yield _event(asset_key, outcome)
    if not failures:
        return
    if not transient:
        context.instance.add_run_tags(context.run.run_id, {PERMANENT_TAG: "true"})
    named = " ".join(failures[:NAMED_AT_MOST])
    more = f" And {len(failures) - NAMED_AT_MOST} more." if len(failures) > NAMED_AT_MOST else ""
    raise dg.Failure(
        f"{len(failures)} of {len(context.partition_keys)} deliveries failed, the others are loaded. {named}{more}",
        allow_retries=transient,
    )


def _settled(context: dg.AssetExecutionContext, asset_key: dg.AssetKey) -> dict[str, str]:
    """Return the partitions that earlier tries of this run settled: loaded or absent (empty text), or failed for good."""
    settled: dict[str, str] = {}
    kinds = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_OBSERVATION}
    for record in context.instance.get_records_for_run(context.run.run_id, of_type=kinds).records:
        event = record.event_log_entry.asset_materialization or record.event_log_entry.asset_observation
        if event is None or event.asset_key != asset_key or event.partition is None:
            continue
        if "transient" not in event.metadata:
            settled[str(event.partition)] = ""
        elif not event.metadata["transient"].value:
            settled[str(event.partition)] = str(event.metadata["outcome"].value)
    return settled


def _event(asset_key: dg.AssetKey, outcome: Outcome) -> dg.AssetMaterialization | dg.AssetObservation:
    key = partition_key(outcome.org_id, outcome.day)
    tags: Mapping[str, str] = {}
    if isinstance(key, dg.MultiPartitionKey):
        tags = {f"dagster/partition/{name}": value for name, value in key.keys_by_dimension.items()}
    if outcome.report is not None:
        return dg.AssetMaterialization(
            asset_key, description=outcome.text, metadata=_metadata(outcome.report), partition=key, tags=tags
        )
    metadata: dict[str, Any] = {"outcome": outcome.text}
    if outcome.status == "failed":
        metadata["transient"] = outcome.transient
    return dg.AssetObservation(asset_key, description=outcome.text, metadata=metadata, partition=key, tags=tags)


def _metadata(report: DeliveryReport) -> dict[str, Any]:
    """Return the figures of a delivery: totals, a table with a row per file, and one of findings. Never a value but dates."""
    files = report.files
    return {
        "dagster/partition_row_count": sum(file.rows for file in files),
        "files": len(files),
        "quarantined": sum(file.quarantined for file in files),
        "warnings": sum(len(file.warnings) for file in files),
        "per_file": dg.MetadataValue.table([_file_record(file) for file in files], schema=_FILE_SCHEMA),
        **findings_metadata(report.findings),
    }


def _file_record(file: FileReport) -> dg.TableRecord:
    profile = file.profile or {}
    nulls = {column: count for column, count in profile.get("nulls", {}).items() if count}
    dates = [
        f"{column} {found['min']} to {found['max']}"
        for column, found in profile.get("dates", {}).items()
        if found.get("min")
    ]
    return dg.TableRecord(
        {
            "file": file.file,
            "status": file.status,
            "mode": file.mode or "",
            "load_id": file.load_id or 0,
            "rows": file.rows,
            "quarantined": file.quarantined,
            "distinct_keys": profile.get("distinct_keys") or 0,
            "nulls": ", ".join(f"{column} {count}" for column, count in nulls.items()),
            "dates": "; ".join(dates),
            "warnings": " ".join(file.warnings),
        }
    )


_FILE_SCHEMA = dg.TableSchema(
    [
        dg.TableColumn("file", "string", "As the contract spells it."),
        dg.TableColumn("status", "string", "loaded, unchanged (the same bytes were current), deprecated or unlisted."),
        dg.TableColumn("mode", "string", "bulk (a full list) or delta (changes), where the feed knows both."),
        dg.TableColumn("load_id", "int", "The load in ops.loads."),
        dg.TableColumn("rows", "int", "Rows in the raw table."),
        dg.TableColumn("quarantined", "int", "Records set aside at load, see ops.quarantine."),
        dg.TableColumn("distinct_keys", "int", "Distinct keys; an estimate for large files."),
        dg.TableColumn("nulls", "string", "Empty values by column, where there are any."),
        dg.TableColumn("dates", "string", "First and last date by column."),
        dg.TableColumn("warnings", "string", "What differs from the contract."),
    ]
)
