"""Fetch and load one delivery: its bytes land first, then all of its files are loaded or none."""

from __future__ import annotations

from datetime import date
from typing import Literal, cast

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Feed
from edreflect_assets.landing import Delivery, Landing
from edreflect_assets.loading.load import DeliveryReport, LoadOptions, load_delivery
from edreflect_assets.orgs import Org
from edreflect_assets.settings import Settings
from edreflect_assets.sources import Source


def ingest(
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
    landed bytes kept and the refusal recorded, Refused.
    """
    delivery = source.fetch(feed, org.org_id, day, Landing(settings.landing), stable_seconds=stable_seconds)
    return _load(connection, feed, org, delivery, again, run_id)


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
    delivery = Landing(settings.landing).last_delivery(feed.name, org.org_id, day)
    return _load(connection, feed, org, delivery, True, run_id)


def _load(
    connection: Connection, feed: Feed, org: Org, delivery: Delivery, again: bool, run_id: str | None
) -> DeliveryReport:
    options = LoadOptions(
        max_rejected_share=org.max_rejected_share,
        missing_file=cast(Literal["empty", "refuse"], org.missing_file),
        run_id=run_id,
    )
    return load_delivery(connection, feed, delivery, options=options, again=again)
