"""The partitions of the raw assets: day x org, orgs being data.

The grid is never listed: a platform of some years and a hundred orgs has a hundred thousand keys, and listing them
takes seconds where asking for one takes milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date

import dagster as dg

FIRST_DAY_VARIABLE = "EDREFLECT_FIRST_DAY"
# The day of EdReflect's refresh: daily exports exist since then.
DEFAULT_FIRST_DAY = "2020-08-10"

DAY, ORG = "day", "org"

ORGS = dg.DynamicPartitionsDefinition(name="orgs")
# Two days ahead of the last full UTC day: an org far east of UTC delivers a day that has not begun there yet.
DAYS = dg.DailyPartitionsDefinition(
    start_date=os.environ.get(FIRST_DAY_VARIABLE) or DEFAULT_FIRST_DAY, timezone="UTC", end_offset=2
)
ORG_DAYS = dg.MultiPartitionsDefinition({DAY: DAYS, ORG: ORGS})


def org_day_key(org_id: str, day: date) -> dg.MultiPartitionKey:
    """Return the partition key of one org's day."""
    return dg.MultiPartitionKey({DAY: day.isoformat(), ORG: org_id})


def partition_key(org_id: str, day: date | None) -> str:
    """Return the key of one org's day, or of its files without a day."""
    return org_day_key(org_id, day) if day else org_id


def days_by_org(keys: Iterable[str]) -> dict[str, list[date | None]]:
    """Group partition keys of either raw asset by org, each org's days in order, whatever order the keys come in."""
    found: dict[str, set[date | None]] = {}
    for key in keys:
        org_id, day = _org_and_day(key)
        found.setdefault(org_id, set()).add(day)
    return {org_id: sorted(days, key=lambda day: day or date.min) for org_id, days in sorted(found.items())}


def _org_and_day(key: str) -> tuple[str, date | None]:
    if isinstance(key, dg.MultiPartitionKey):
        dimensions = key.keys_by_dimension
        return dimensions[ORG], date.fromisoformat(dimensions[DAY])
    return key, None
