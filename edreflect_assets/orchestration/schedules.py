"""What happens by the clock: fetching when an org's local hour has come, and the checks over the ledger."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from edreflect_assets.contracts import Feed
from edreflect_assets.errors import EdreflectError
from edreflect_assets.orchestration.jobs import DATA_TESTS_JOB
from edreflect_assets.orchestration.requests import delivery_name, ensure_partitions, ingest_job_name, ingest_request
from edreflect_assets.orgs import Org, load_registry
from edreflect_assets.schedule_expectations import due_days
from edreflect_assets.settings import Settings

EVERY_HOUR = "0 * * * *"
HALF_PAST = "30 * * * *"
EARLY = "15 4 * * *"


def ingest_schedule(feed: Feed) -> dg.ScheduleDefinition:
    """Return the hourly schedule that requests each org's expected day once, when its ``fetch_at`` has come.

    A tick covers the hour before it, so half-hour time zones and clock changes are right, too. Dagster repeats ticks it
    missed for up to five hours; what was missed for longer is found by the sensor for late files.
    """

    @dg.schedule(
        name=f"{feed.name}_hourly",
        job_name=ingest_job_name(feed, dayless=False),
        cron_schedule=EVERY_HOUR,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Requests the {feed.name} deliveries of the orgs whose local hour (fetch_at) has come.",
    )
    def hourly(
        context: dg.ScheduleEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> list[dg.RunRequest] | dg.SkipReason:
        until = context.scheduled_execution_time.astimezone(UTC)
        try:
            requests = due_requests(feed, settings, until - timedelta(hours=1), until)
        except EdreflectError as error:
            return dg.SkipReason(str(error))
        if not requests:
            return dg.SkipReason(f"No org is to be fetched in the hour before {until:%Y-%m-%d %H:%M} UTC.")
        ensure_partitions(context.instance, (org_id for org_id, _ in requests))
        return [request for _, request in requests]

    return hourly


def due_requests(feed: Feed, settings: Settings, after: datetime, until: datetime) -> list[tuple[str, dg.RunRequest]]:
    """Return org and request of every delivery whose fetch instant lies after ``after`` and not after ``until``.

    Raises ConfigurationError when the registry cannot be read.
    """
    return [
        (org.org_id, ingest_request(feed, org, day, delivery_name(feed, org.org_id, day)))
        for org in load_registry(settings).values()
        if _asked_by_the_clock(org, feed) and not org.paused and org.host
        for day in due_days(org.expect, org.timezone, after, until)
    ]


def _asked_by_the_clock(org: Org, feed: Feed) -> bool:
    """Tell whether an org is asked for a feed at its hour; others are left to the late files' sensor."""
    return feed.recurring and org.delivers(feed.name) and (feed.expected or feed.name in org.feeds)


def checks_schedule(feed: Feed) -> dg.ScheduleDefinition:
    """Return the hourly schedule of the checks over the ledger: that something did not come shows only by the clock."""
    return dg.ScheduleDefinition(
        name=f"{feed.name}_checks_hourly",
        job_name=f"check_{feed.name}",
        cron_schedule=HALF_PAST,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Runs the checks of {feed.name} over the ledger: gaps, late orgs, refused deliveries and the others.",
    )


def data_tests_schedule() -> dg.ScheduleDefinition:
    """Return the daily schedule of the data tests that builds leave out."""
    return dg.ScheduleDefinition(
        name="data_tests_daily",
        job_name=DATA_TESTS_JOB,
        cron_schedule=EARLY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Runs the data tests that read whole tables once a day.",
    )
