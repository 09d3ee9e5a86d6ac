"""What has to be done so that an ODS holds what it should: the decision table of the contract, as a pure function.

``decide`` compares what should be there with the identity map (change mode) or with what the ODS itself holds, too (resync
mode). It makes no call and reads nothing: what it is given it turns into a ``Plan``.

The rules beside the table:
- A resource is matched by its natural key first. One that another program now owns changes hands: the map follows, no call
  deletes what the next one would post again.
- A cohort is deleted after its associations, whatever the toggles of those say: the ODS would refuse it.
- What is not in the newest delivery counts as deleted at the source only where no record of the files was set aside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from edreflect_assets.edfi.resources import ASSOCIATIONS, COHORTS, RESOURCES, NaturalKey, Resource, same_content

Mode = Literal["change", "resync"]
# Stands for the campus keys of resources that the map does not know.
UNMAPPED = "(not in the identity map)"
_OTHER_DISTRICT = "its district is not one of the org's in the registry"


@dataclass(frozen=True)
class Wanted:
    """A row of an edfi model: one campus record of a resource.

    ``reason`` None: it is to be sent as ``payload`` under ``key``. Otherwise it says in a clause why not; ``qualifies``
    tells whether it should have been sent, so that somebody has to mend it. ``source_hash`` changes with the campus
    record, ``payload_hash`` also with the org's mappings. ``key`` is None where none can be made of the record.
    """

    campus_key: str
    key: NaturalKey | None
    payload: Mapping[str, Any]
    payload_hash: str
    source_hash: str
    qualifies: bool = True
    reason: str | None = None


@dataclass(frozen=True)
class Mapped:
    """A row of the identity map: what was sent for a campus record, under which id the ODS keeps it."""

    campus_key: str
    key: NaturalKey
    ods_id: str
    payload_hash: str
    source_hash: str


@dataclass(frozen=True)
class Found:
    """A resource that the ODS holds."""

    ods_id: str
    key: NaturalKey
    payload: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Side:
    """All that is known of one resource type: ``wanted`` by campus key, the map, and by id what the ODS holds.

    ``found`` is None in change mode. ``enabled`` is the resource's toggle.

    ``withheld`` says in a clause why a record that is not in the delivery does not count as deleted, None where it does.
    Of other ``districts`` than the org's nothing is sent or deleted; None: no district is another's.
    """

    enabled: bool
    wanted: Mapping[str, Wanted]
    mapped: Sequence[Mapped]
    found: Mapping[str, Found] | None = None
    withheld: str | None = None
    districts: Collection[int] | None = None


@dataclass(frozen=True)
class Deletion:
    """A DELETE of ``ods_id``; ``campus_key`` is None where the map does not know the resource."""

    resource: Resource
    campus_key: str | None
    key: NaturalKey
    ods_id: str


@dataclass(frozen=True)
class Write:
    """A POST of a campus record, or with ``ods_id`` a PUT of it."""

    resource: Resource
    wanted: Wanted
    ods_id: str | None = None

    @property
    def key(self) -> NaturalKey:
        """The natural key that is sent."""
        assert self.wanted.key is not None
        return self.wanted.key


@dataclass(frozen=True)
class Remark:
    """A campus record for which nothing is done, and a clause that says why; ``code`` groups them.

    Resources of the ODS that the map does not know are one remark: ``UNMAPPED``, and how many ``records`` they are.
    """

    resource: Resource
    campus_key: str
    code: Literal["not_sendable", "kept", "waits_for_resync", "withheld", "cohort_missing"]
    reason: str
    records: int = 1


@dataclass
class Plan:
    """What to do, in this order: forget, hand over, delete (associations first), write (cohorts first).

    ``forget``: entries of the map whose resource the ODS no longer has. ``hand_over``: entries whose resource another
    record owns now or whose source hash is out of date, as they are to be. ``found`` counts what the ODS holds.
    """

    forget: list[tuple[Resource, Mapped]] = field(default_factory=list)
    hand_over: list[tuple[Resource, Mapped, Mapped]] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """How many writing calls it takes."""
        return len(self.deletions) + len(self.writes)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of calls by resource and verb."""
        counted = {resource.name: {"POST": 0, "PUT": 0, "DELETE": 0} for resource in RESOURCES}
        for write in self.writes:
            counted[write.resource.name]["PUT" if write.ods_id else "POST"] += 1
        for deletion in self.deletions:
            counted[deletion.resource.name]["DELETE"] += 1
        return counted


def decide(mode: Mode, sides: Mapping[Resource, Side]) -> Plan:
    """Return what keeps an ODS in step, for one org and school year; ``sides`` has every resource of ``RESOURCES``."""
    plan = Plan()
    deleted_cohorts: set[NaturalKey] = set()
    cohorts_there: set[NaturalKey] = set()
    for resource in RESOURCES:
        decision = _Decision(mode, resource, sides[resource], plan)
        decision.run(deleted_cohorts, cohorts_there)
        if resource is COHORTS:
            deleted_cohorts = {deletion.key for deletion in plan.deletions}
            cohorts_there = decision.keys_afterwards()
    order = {resource: number for number, resource in enumerate((*ASSOCIATIONS, COHORTS))}
    plan.deletions.sort(key=lambda deletion: order[deletion.resource])
    return plan


class _Decision:
    """The decision table for one resource type; numbers in comments are its rows."""

    def __init__(self, mode: Mode, resource: Resource, side: Side, plan: Plan) -> None:
        self._resync = mode == "resync"
        self._resource = resource
        self._side = side
        self._plan = plan
        self._wanted = {key: self._of_own_district(row) for key, row in side.wanted.items()}
        self._sendable = {row.key: row for row in self._wanted.values() if row.reason is None and row.key is not None}
        self._known_keys = {row.key for row in self._wanted.values()}
        self._entries = dict(self._entries_in_ods())
        self._deleted: set[str] = set()

    def run(self, deleted_cohorts: set[NaturalKey], cohorts_there: set[NaturalKey]) -> None:
        """Add to the plan what this resource type needs."""
        for entry in self._entries.values():
            if entry.key[:2] in deleted_cohorts or self._is_to_go(entry, cohorts_there):
                self._delete(entry.campus_key, entry.key, entry.ods_id)
        withheld = 0
        for found in self._unmapped():
            if found.key[:2] in deleted_cohorts or self._is_foreign(found):
                self._delete(None, found.key, found.ods_id)
            elif found.key not in self._sendable and self._side.withheld is not None:
                withheld += 1
        if withheld:
            self._remark(UNMAPPED, "withheld", str(self._side.withheld), records=withheld)
        for row in self._wanted.values():
            if row.reason is not None:
                if row.qualifies:  # 15, 16
                    self._remark(row.campus_key, "not_sendable", row.reason)
            elif self._side.enabled:
                self._write(row, cohorts_there)
        if self._side.found is not None:
            self._plan.found[self._resource.name] = len(self._side.found)

    def keys_afterwards(self) -> set[NaturalKey]:
        """Return the natural keys that the ODS holds for the org once the plan is done, as far as the map knows."""
        there: list[Mapped | Found] = [*self._entries.values(), *(self._side.found or {}).values()]
        kept = {each.key for each in there if each.ods_id not in self._deleted}
        return kept | {write.key for write in self._plan.writes if write.resource is self._resource}

    def _entries_in_ods(self) -> Iterator[tuple[NaturalKey, Mapped]]:
        """Give the entries of the map by natural key; in resync mode those the ODS holds, under the key it shows (7, 9)."""
        found = self._side.found
        for entry in self._side.mapped:
            if self._is_elsewhere(entry.key):
                self._remark(entry.campus_key, "kept", _OTHER_DISTRICT)
            elif found is None:
                yield entry.key, entry
            elif entry.ods_id in found:
                key = found[entry.ods_id].key
                shown = Mapped(entry.campus_key, key, entry.ods_id, entry.payload_hash, entry.source_hash)
                if key != entry.key:
                    self._plan.hand_over.append((self._resource, entry, shown))
                yield key, shown
            else:
                self._plan.forget.append((self._resource, entry))

    def _of_own_district(self, row: Wanted) -> Wanted:
        elsewhere = row.reason is None and row.key is not None and self._is_elsewhere(row.key)
        return replace(row, reason=_OTHER_DISTRICT) if elsewhere else row

    def _is_elsewhere(self, key: NaturalKey) -> bool:
        return self._side.districts is not None and key[1] not in self._side.districts

    def _unmapped(self) -> Iterator[Found]:
        known = {entry.ods_id for entry in self._entries.values()}
        for found in (self._side.found or {}).values():
            if found.ods_id not in known:
                yield found

    def _is_to_go(self, entry: Mapped, cohorts_there: set[NaturalKey]) -> bool:
        """Tell whether what was sent for a campus record is to be deleted."""
        if self._side.enabled and entry.key in self._sendable:
            return False
        row = self._wanted.get(entry.campus_key)
        if row is None:  # 6, 14
            return (self._side.enabled or self._resync) and not self._is_withheld(entry)
        if not self._side.enabled:  # 13
            return False
        if row.reason is None:  # 5, but only where what replaces it can be sent
            assert row.key is not None
            return not self._resource.is_association or row.key[:2] in cohorts_there
        if not self._resync:  # 11
            self._remark(entry.campus_key, "kept", row.reason)
            return False
        return not self._is_withheld(entry)

    def _is_withheld(self, entry: Mapped) -> bool:
        if self._side.withheld is not None:
            self._remark(entry.campus_key, "withheld", self._side.withheld)
        return self._side.withheld is not None

    def _is_foreign(self, found: Found) -> bool:
        """Tell whether the ODS holds something to be deleted because no campus record stands for it (8)."""
        if found.key in self._sendable or self._side.withheld is not None:
            return False
        return self._side.enabled or found.key not in self._known_keys

    def _write(self, row: Wanted, cohorts_there: set[NaturalKey]) -> None:
        assert row.key is not None
        if self._resource.is_association and row.key[:2] not in cohorts_there:
            self._remark(row.campus_key, "cohort_missing", "its cohort is not in the ODS and is not sent")
            return
        entry = self._entries.get(row.key)
        if entry is None or entry.ods_id in self._deleted:  # 1, 2, 9
            self._plan.writes.append(Write(self._resource, row))
            return
        changes_hands = entry.campus_key != row.campus_key
        outdated = row.payload_hash != entry.payload_hash
        if outdated and not self._resync and not changes_hands and row.source_hash == entry.source_hash:  # 12
            self._remark(
                row.campus_key, "waits_for_resync", "its mapping in resource_preferences.csv or the org's entry changed"
            )
            return
        if outdated or self._drifted(entry, row):  # 4
            self._plan.writes.append(Write(self._resource, row, entry.ods_id))
        if changes_hands or (not outdated and row.source_hash != entry.source_hash):
            source_hash = entry.source_hash if outdated else row.source_hash
            owned = Mapped(row.campus_key, row.key, entry.ods_id, entry.payload_hash, source_hash)
            self._plan.hand_over.append((self._resource, entry, owned))

    def _drifted(self, entry: Mapped, row: Wanted) -> bool:
        found = (self._side.found or {}).get(entry.ods_id)
        return found is not None and not same_content(row.payload, found.payload)

    def _delete(self, campus_key: str | None, key: NaturalKey, ods_id: str) -> None:
        self._deleted.add(ods_id)
        self._plan.deletions.append(Deletion(self._resource, campus_key, key, ods_id))

    def _remark(self, campus_key: str, code: Any, reason: str, *, records: int = 1) -> None:
        self._plan.remarks.append(Remark(self._resource, campus_key, code, reason, records))
