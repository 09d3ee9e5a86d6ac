"""Exports from before the refresh of August 2020: they are older than whatever the daily export delivered."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import Feed
from edreflect_assets.landing import Delivery
from edreflect_assets.loading.failures import FileRefusedError


def check_is_oldest(cursor: Cursor, feed: Feed, delivery: Delivery) -> None:
    """Make sure that a delivery of a feed that extends another is older than all of that feed's days of the org.

    Otherwise its rows would win over newer ones of the daily export, by the rule that the latest day counts. Raises
    FileRefusedError.
    """
    if feed.extends is None:
        return
    cursor.execute(
        "select min(day) from ops.load_log where feed = %s and org_id = %s and status = 'current'",
        (feed.extends, delivery.org_id),
    )
    (oldest,) = cursor.fetchone() or (None,)
    if oldest is not None and delivery.day is not None and delivery.day >= oldest:
        raise FileRefusedError(
            f"a {feed.name} export is older than every day of feed {feed.extends}, which has {oldest} of this org;"
            " load it as of a day before that"
        )
