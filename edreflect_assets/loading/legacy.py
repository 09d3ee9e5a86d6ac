"""Exports from before the refresh of August 2020: they are older than whatever the daily export delivered."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.landing import Delivery
from edreflect_assets.loading.failures import FileRefusedError


def check_is_oldest(cursor: Cursor, feed: Feed, delivery: Delivery) -> None:
    """Make sure that deliveries of a feed that extends another are older than all of that feed's days of the org.

    Otherwise their rows would win over newer ones of the daily export, or stand beside them, by the rule that the latest
    day counts: so either is refused that comes second. Raises FileRefusedError.
    """
    if feed.extends is None:
        _check_is_newer(cursor, feed, delivery)
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


def _check_is_newer(cursor: Cursor, feed: Feed, delivery: Delivery) -> None:
    older = [other.name for other in load_feeds().values() if other.extends == feed.name]
    if not older or delivery.day is None:
        return
    cursor.execute(
        "select feed, max(day) from ops.load_log"
        " where feed = any(%s) and org_id = %s and status = 'current' and rows > 0 group by feed order by max(day) desc",
        (older, delivery.org_id),
    )
    name, newest = cursor.fetchone() or (None, None)
    if newest is not None and delivery.day <= newest:
        raise FileRefusedError(
            f"a {name} export is older than every day of feed {feed.name}, but this org has one as of {newest}, which"
            f" would win over this day; load its files with nothing but their headers as of {newest}, and then as of a"
            " day before this one"
        )
