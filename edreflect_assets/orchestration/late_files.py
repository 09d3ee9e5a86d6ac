"""Late and re-delivered files: what lies on the servers beside what the ledger has."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Feed
from edreflect_assets.database import connect
from edreflect_assets.errors import EdreflectError
from edreflect_assets.orchestration.attempts import Backoff, decide, unfinished_run
from edreflect_assets.orchestration.partitions import DAYS
from edreflect_assets.orchestration.raw import PERMANENT_TAG
from edreflect_assets.orchestration.requests import (
    DELIVERY_TAG,
    LISTING_TAG,
    delivery_name,
    ensure_partitions,
    ingest_job_name,
    ingest_request,
)
from edreflect_assets.orgs import Org, load_registry
from edreflect_assets.schedule_expectations import fetch_instant
from edreflect_assets.settings import Settings
from edreflect_assets.sources.connection import Timeouts
from edreflect_assets.sources.places import Look
from edreflect_assets.sources.sftp import RetryPolicy, SftpSource

RECENT_DAYS = 7
# Dagster ends a tick after 60 s. No org is begun after this many, and one takes at most the timeouts below.
DEADLINE_SECONDS = 30.0
LATE_BACKOFF = Backoff(attempts=6, first=timedelta(minutes=10), longest=timedelta(hours=6))

# A server that does not answer costs one tick these seconds; the next tick tries it again.
ONE_TRY = RetryPolicy(attempts=1, seconds=0)
SHORT = Timeouts(connect=10, banner=8, login=8, stall=15)

Listing = Mapping[str, Look]
Job = dg.JobDefinition | UnresolvedAssetJobDefinition


def late_files_sensor(
    feed: Feed,
    jobs: Sequence[Job],
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    backoff: Backoff = LATE_BACKOFF,
) -> dg.SensorDefinition:
    """Return the sensor that requests deliveries of the last days which differ from what was loaded.

    Every org's folders are listed in turn until the deadline; the cursor only says which org is next. Whether a
    delivery is requested follows from its listing, the ledger and the runs made for that listing: transient failures are
    tried again at growing intervals, permanent ones once the files have changed.
    """

    @dg.sensor(
        name=f"{feed.name}_late_files",
        jobs=jobs,
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Requests {feed.name} deliveries of the last {RECENT_DAYS} days that are new or changed on a server.",
    )
    def late_files(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.SensorResult | dg.SkipReason:
        begun, now = time.monotonic(), datetime.now(UTC)
        requests: list[dg.RunRequest] = []
        notes: list[str] = []
        looked_at: list[str] = []
        try:
            orgs = rotated(_fetched_orgs(feed, settings), context.cursor)
            with closing(connect(settings, application_name="edreflect sensor")) as connection:
                for org in orgs:
                    if time.monotonic() - begun > deadline_seconds:
                        break
                    looked_at.append(org.org_id)
                    try:
                        changed = list(changed_deliveries(connection, feed, org, now))
                    except EdreflectError as error:
                        notes.append(f"{org.org_id} is passed over: {error}")
                        continue
                    for day, listing in changed:
                        request, note = _request(context.instance, feed, org, day, listing, now, backoff)
                        requests.extend([request] if request else [])
                        notes.extend([note] if note else [])
        except EdreflectError as error:
            return dg.SkipReason(str(error))
        ensure_partitions(context.instance, looked_at)
        notes.append(f"Looked at {len(looked_at)} of {len(orgs)} orgs.")
        cursor = looked_at[-1] if looked_at else context.cursor
        reason = None if requests else dg.SkipReason(" ".join(notes)[:4000])
        return dg.SensorResult(run_requests=requests, cursor=cursor, skip_reason=reason)

    return late_files


def rotated(orgs: Sequence[Org], after: str | None) -> list[Org]:
    """Return the orgs by name, beginning with the one that follows ``after``, which need not be there any more."""
    ordered = sorted(orgs, key=lambda org: org.org_id)
    return [org for org in ordered if org.org_id > (after or "")] + [
        org for org in ordered if org.org_id <= (after or "")
    ]


def changed_deliveries(
    connection: Connection, feed: Feed, org: Org, now: datetime
) -> Iterator[tuple[date | None, Listing]]:
    """Give the recent deliveries on an org's server that are not as the ledger has them, and their listings.

    A file is new when the ledger has none of that name, and changed when its size differs or it was written after the
    ledger took it in. The present day is left to the schedule until its hour has come. Raises FetchError.
    """
    with SftpSource(org, retry=ONE_TRY, timeouts=SHORT) as source:
        days = [day for day in source.days(feed, org.org_id) if _to_look_at(org, day, now)]
        known = _known_files(connection, feed, org, days)
        for day in days:
            listing = _listing(source, feed, org, day)
            if any(_differs(feed, name, seen, known.get(day, {})) for name, seen in listing.items()):
                yield day, listing


def _listing(source: SftpSource, feed: Feed, org: Org, day: date | None) -> Listing:
    """Return the files of one folder, none when it is gone or closed to us: fetching says so where it matters."""
    folder = source._place(feed, org.org_id).folder(day)
    try:
        return source._with_retries(lambda connection: connection.files(folder), lambda: 0)
    except (FileNotFoundError, PermissionError):
        return {}


def listing_name(listing: Listing) -> str:
    """Return a name for what a folder holds: other files, sizes or times have another name."""
    parts = [f"{name}\0{seen.size}\0{seen.mtime}" for name, seen in sorted(listing.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _request(  # noqa: PLR0917
    instance: dg.DagsterInstance,
    feed: Feed,
    org: Org,
    day: date | None,
    listing: Listing,
    now: datetime,
    backoff: Backoff,
) -> tuple[dg.RunRequest | None, str]:
    job_name = ingest_job_name(feed, dayless=day is None)
    delivery = delivery_name(feed, org.org_id, day)
    if unfinished_run(instance, job_name, {DELIVERY_TAG: delivery}):
        return None, f"{delivery} is being fetched."
    tags = {DELIVERY_TAG: delivery, LISTING_TAG: listing_name(listing)}
    last = instance.get_runs(dg.RunsFilter(job_name=job_name, tags=tags), limit=1)
    if last and last[0].status is dg.DagsterRunStatus.SUCCESS:
        return None, ""
    if last and PERMANENT_TAG in last[0].tags:
        return None, f"{delivery} failed for good in run {last[0].run_id}; it is tried again when its files change."
    decision = decide(instance, job_name, tags, now, backoff)
    if not decision.go:
        return None, f"{delivery}: {decision.reason}."
    return ingest_request(feed, org, day, f"{delivery}/{tags[LISTING_TAG]}/{decision.attempt}", tags), ""


def _fetched_orgs(feed: Feed, settings: Settings) -> list[Org]:
    return [org for org in load_registry(settings).values() if org.delivers(feed.name) and not org.paused and org.host]


def _to_look_at(org: Org, day: date | None, now: datetime) -> bool:
    if day is None:
        return True
    today = now.astimezone(org.timezone).date()
    if not today - timedelta(days=RECENT_DAYS) <= day or not DAYS.has_partition_key(day.isoformat()):
        return False
    return fetch_instant(org.expect, day, org.timezone) <= now


def _known_files(
    connection: Connection, feed: Feed, org: Org, days: Sequence[date | None]
) -> dict[date | None, dict[str, tuple[int | None, float]]]:
    """Return, by day and file name in lower case, size and time of the last bytes the ledger took in or turned away."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select distinct on (day, file) day, file, bytes, extract(epoch from loaded_at)::float
            from ops.load_log
            where feed = %(feed)s and org_id = %(org)s and status <> 'superseded'
              and (day = any(%(days)s::date[]) or (day is null and %(dayless)s))
            order by day, file, load_id desc
            """,
            {
                "feed": feed.name,
                "org": org.org_id,
                "days": [day for day in days if day],
                "dayless": None in days,
            },
        )
        known: dict[date | None, dict[str, tuple[int | None, float]]] = {}
        for day, file, size, taken_at in cursor:
            known.setdefault(day, {})[file.casefold()] = (size, taken_at)
    connection.rollback()
    return known


def _differs(feed: Feed, name: str, seen: Look, known: Mapping[str, tuple[int | None, float]]) -> bool:
    if name.startswith("."):
        return False
    contract = feed.match(name)
    size, taken_at = known.get((contract.file if contract else name).casefold(), (None, 0.0))
    return size != seen.size or (seen.mtime is not None and seen.mtime > taken_at)
