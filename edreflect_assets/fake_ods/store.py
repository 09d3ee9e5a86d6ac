"""What a fake ODS of one school year holds: resources by id and by natural key, in the order of their creation."""

from __future__ import annotations

import itertools
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from edreflect_assets.fake_ods.rules import (
    COHORTS,
    RESOURCES,
    Key,
    Payload,
    cohort_key,
    district_of,
    links,
    natural_key,
)

_SERVERS_OWN = ("id", "_etag")


@dataclass(frozen=True)
class Item:
    """One resource: its payload as it was sent, and a mark that changes with it."""

    payload: Payload
    etag: str


class YearStore:
    """The three resources of one year, without any rule but that a natural key is there once; not thread-safe."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Item]] = {resource: {} for resource in RESOURCES}
        self._ids: dict[str, dict[Key, str]] = {resource: {} for resource in RESOURCES}
        self._associations: defaultdict[Key, dict[str, str]] = defaultdict(dict)
        self._of_district: dict[str, defaultdict[str, dict[str, None]]] = {
            resource: defaultdict(dict) for resource in RESOURCES
        }
        self._etags = itertools.count(1)

    def put(self, resource: str, payload: Payload) -> tuple[str, bool]:
        """Create or replace by natural key; return the id and whether it is new."""
        key = natural_key(resource, payload)
        ods_id = self._ids[resource].get(key)
        created = ods_id is None
        if ods_id is None:
            ods_id = self._ids[resource][key] = uuid.uuid4().hex
            self._of_district[resource][str(district_of(resource, payload))][ods_id] = None
            if resource != COHORTS:
                self._associations[cohort_key(payload)][ods_id] = resource
        self._write(resource, ods_id, payload)
        return ods_id, created

    def replace(self, resource: str, ods_id: str, payload: Payload) -> bool:
        """Replace what has this id and return True, or change nothing and return False if the key differs.

        Raises KeyError for an unknown id.
        """
        if natural_key(resource, self.items[resource][ods_id].payload) != natural_key(resource, payload):
            return False
        self._write(resource, ods_id, payload)
        return True

    def remove(self, resource: str, ods_id: str) -> None:
        """Delete one item, whatever refers to it; raises KeyError for an unknown id."""
        item = self.items[resource].pop(ods_id)
        del self._ids[resource][natural_key(resource, item.payload)]
        del self._of_district[resource][str(district_of(resource, item.payload))][ods_id]
        if resource != COHORTS:
            of_cohort = self._associations[cohort_key(item.payload)]
            del of_cohort[ods_id]
            if not of_cohort:
                del self._associations[cohort_key(item.payload)]

    def cohort_id(self, key: Key) -> str | None:
        """Return the id of the cohort with this natural key."""
        return self._ids[COHORTS].get(key)

    def referring(self, ods_id: str) -> str | None:
        """Return the name of a resource that refers to the cohort ``ods_id``, None when nothing does."""
        key = natural_key(COHORTS, self.items[COHORTS][ods_id].payload)
        return next(iter(self._associations.get(key, {}).values()), None)

    def rendered(self, resource: str, ods_id: str) -> Payload:
        """Return an item as GET answers it: with id, etag and links; raises KeyError for an unknown id."""
        item = self.items[resource][ods_id]
        cohort = None if resource == COHORTS else self.cohort_id(cohort_key(item.payload))
        return {"id": ods_id, **links(resource, item.payload, cohort), "_etag": item.etag}

    def payloads(self, resource: str, district: str | None = None) -> Iterator[tuple[str, Payload]]:
        """Iterate over ids and payloads, of one district or all, in the order of creation."""
        items = self.items[resource]
        ids = items if district is None else self._of_district[resource].get(district, {})
        return ((ods_id, items[ods_id].payload) for ods_id in ids)

    def _write(self, resource: str, ods_id: str, payload: Payload) -> None:
        kept = {name: value for name, value in payload.items() if name not in _SERVERS_OWN}
        held = self.items[resource].get(ods_id)
        if held is None or held.payload != kept:
            self.items[resource][ods_id] = Item(kept, str(next(self._etags)))
