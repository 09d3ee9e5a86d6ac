"""The log: packages in the order in which they are loaded, and approvals -> what each org's days hold now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from tests.model.roster.entities import ENTITIES
from tests.model.roster.records import Contents, Sheet, mode_of, read


@dataclass(frozen=True)
class Delivery:
    """The sheets of one org's day as they were delivered, by file name."""

    org: str
    day: date
    sheets: Mapping[str, Sheet] = field(hash=False)


@dataclass(frozen=True)
class Package:
    """What the current loads of one org's day say. ``loads`` stands for the loads themselves."""

    org: str
    day: date
    files: Mapping[str, Contents] = field(hash=False)
    loads: frozenset[int]
    approved: bool


@dataclass(frozen=True)
class _Load:
    number: int
    sheet: Sheet
    contents: Contents | None


class Log:
    """Keeps the current load of every file; the same sheet again is no new load."""

    def __init__(self, deliveries: Iterable[Delivery] = ()) -> None:
        self._current: dict[tuple[str, date], dict[str, _Load]] = {}
        self._approved: set[tuple[str, date, frozenset[int]]] = set()
        self._loads = 0
        for delivery in deliveries:
            self.load(delivery)

    @property
    def orgs(self) -> list[str]:
        """Return the orgs that delivered something, in order."""
        return sorted({org for org, _ in self._current})

    def load(self, delivery: Delivery) -> bool:
        """Load a package, all its files or none; False when it is refused and changes nothing."""
        manifest = _manifest(delivery.sheets.get("manifest.csv"))
        if _is_refused(delivery.sheets, manifest):
            return False
        version = "1.2" if "roles.csv" in delivery.sheets or _is_1_2(manifest) else "1.1"
        current = self._current.setdefault((delivery.org, delivery.day), {})
        for file, sheet in delivery.sheets.items():
            if file in current and current[file].sheet == sheet:
                continue
            self._loads += 1
            contents = None
            if entity := ENTITIES.get(file):
                mode = mode_of(sheet, manifest.get(_property(file)))
                contents = read(delivery.org, entity, sheet, mode, version)
            current[file] = _Load(self._loads, sheet, contents)
        return True

    def approve(self, org: str, day: date) -> None:
        """Let a day's package through as it is now, whatever it ends; other bytes need another approval."""
        self._approved.add((org, day, self._numbers(org, day)))

    def packages(self, org: str) -> list[Package]:
        """Return the packages of an org in day order."""
        return [
            Package(
                org,
                day,
                {file: load.contents for file, load in self._current[org, day].items() if load.contents},
                self._numbers(org, day),
                (org, day, self._numbers(org, day)) in self._approved,
            )
            for day in self.days(org)
        ]

    def days(self, org: str) -> list[date]:
        """Return the days with packages of an org, in order."""
        return sorted(day for owner, day in self._current if owner == org)

    def sheets(self, org: str, day: date) -> dict[str, Sheet]:
        """Return the files of a day as they are now."""
        return {file: load.sheet for file, load in self._current[org, day].items()}

    def _numbers(self, org: str, day: date) -> frozenset[int]:
        return frozenset(load.number for load in self._current.get((org, day), {}).values())


def _manifest(sheet: Sheet | None) -> dict[str, str]:
    return {sheet.field(line, "propertyName"): sheet.field(line, "value") for line in sheet.lines} if sheet else {}


def _property(file: str) -> str:
    return f"file.{file.removesuffix('.csv')}"


def _is_1_2(manifest: Mapping[str, str]) -> bool:
    return manifest.get("oneroster.version") == "1.2"


def _is_refused(sheets: Mapping[str, Sheet], manifest: Mapping[str, str]) -> bool:
    """Tell whether a file cannot be trusted: an empty bulk file, one announced as delta that is none, an unreadable one."""
    for file in ENTITIES.keys() & sheets.keys():
        announced = manifest.get(_property(file))
        mode = mode_of(sheets[file], announced)
        if (not sheets[file].lines and mode == "bulk") or (announced == "delta" and mode == "bulk"):
            return True
        if sheets[file].lines and all(len(line) != len(sheets[file].header) for line in sheets[file].lines):
            return True
    return False
