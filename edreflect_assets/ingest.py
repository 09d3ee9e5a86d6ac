"""Fetch and load one delivery: its bytes land first, then all of its files are loaded or none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Feed
from edreflect_assets.landing import Delivery, Landing
from edreflect_assets.loading.failures import database_failure
from edreflect_assets.loading.ledger import Ledger, LedgerEntry
from edreflect_assets.loading.load import DeliveryReport, FileReport, LoadOptions, load_delivery, refuse_unread
from edreflect_assets.org_lock import taking
from edreflect_assets.orgs import Org
from edreflect_assets.roster.refused import PackageRefused
from edreflect_assets.settings import Settings
from edreflect_assets.sources import Source


def ingest(  # noqa: PLR0917 - what is ingested, in the order in which one says it
    connection: Connection,
    settings: Settings,
    feed: Feed,
    org: Org,
    day: date | None,
    source: Source,
    *,
    again: bool = False,
    run_id: str | None = None,
    stable_seconds: float | None = None,
) -> DeliveryReport:
    """Take one delivery from ``source`` into the landing area and from there into the raw log.

    ``day`` is the folder's day, None for the files without a day. ``again`` makes new loads even of bytes that are
    current; ``stable_seconds`` None is the source's own default. Raises FetchError (nothing was loaded) or, with the
    landed bytes kept and the refusal recorded, Refused; nothing is kept of a package that cannot be read. Raises
    EdreflectError when the org is being purged, or is no longer in the registry.
    """
    with taking(connection, settings, org.org_id):
        try:
            delivery = source.fetch(feed, org.org_id, day, Landing(settings.landing), stable_seconds=stable_seconds)
        except PackageRefused as refusal:
            raise refuse_unread(connection, feed, org.org_id, day, refusal, run_id) from None
        report = _load(connection, feed, org, delivery, again=again, run_id=run_id)
        return _with_left_out(connection, delivery, report, run_id)


def load_again(
    connection: Connection,
    settings: Settings,
    feed: Feed,
    org: Org,
    day: date | None,
    *,
    run_id: str | None = None,
) -> DeliveryReport:
    """Make new loads of the bytes that were delivered last for each file of that day, without any source.

    What was refused last is tried again; a database that has lost its loads gets them back. Raises UsageError when
    nothing of that day has landed, FetchError when landed bytes are gone or altered, Refused as ``ingest`` does.
    """
    with taking(connection, settings, org.org_id):
        delivery = Landing(settings.landing).last_delivery(feed.name, org.org_id, day)
        return _load(connection, feed, org, delivery, again=True, run_id=run_id)


def _load(
    connection: Connection, feed: Feed, org: Org, delivery: Delivery, *, again: bool, run_id: str | None
) -> DeliveryReport:
    options = LoadOptions(max_rejected_share=org.max_rejected_share, missing_file=org.missing_file, run_id=run_id)
    return load_delivery(connection, feed, delivery, options=options, again=again)


def _with_left_out(
    connection: Connection, delivery: Delivery, report: DeliveryReport, run_id: str | None
) -> DeliveryReport:
    """Record the files that were too large to land unasked, as unlisted, and add them to the report."""
    if not delivery.left_out:
        return report
    ledger = Ledger(delivery.feed, delivery.org_id, delivery.day, run_id)
    added = []
    try:
        with connection, connection.cursor() as cursor:
            ledger.lock(cursor)
            for left_out in delivery.left_out:
                entry = LedgerEntry(left_out.file, "unlisted", size=left_out.bytes, reason=left_out.reason)
                load_id = ledger.record_once(cursor, entry)
                added.append(FileReport(left_out.file, None, load_id, 0, 0, "unlisted", (left_out.reason,)))
    except psycopg2.Error as error:
        raise database_failure(error, f"recording {delivery.feed} of {delivery.org_id}") from None
    files = sorted([*report.files, *added], key=lambda file: file.file)
    return replace(report, files=tuple(files))
