"""A sample of several orgs over several days: what is delivered when, and what a platform must hold in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from pathlib import Path

from edreflect_assets.contracts import load_feeds
from edreflect_assets.errors import UsageError
from edreflect_assets.sample import words
from edreflect_assets.sample.campus import FEED as CAMPUS_FEED
from edreflect_assets.sample.campus import CampusSystem, cut_off
from edreflect_assets.sample.context import random_numbers
from edreflect_assets.sample.deliveries import (
    TIMEBACK_FEED,
    Delivery,
    Kind,
    RosterDelivery,
    SampleDelivery,
    SampleSummary,
    TimeBackDelivery,
)
from edreflect_assets.sample.dirt import Dirt
from edreflect_assets.sample.faults import misdelivered
from edreflect_assets.sample.rosters import Delivering, RosterPackage, RosterSystem
from edreflect_assets.sample.rosters.packages import FEED as ROSTER_FEED
from edreflect_assets.sample.source_system import FEED, MIN_EDUCATORS, SourceSystem
from edreflect_assets.sample.tables import Row
from edreflect_assets.sample.writing import PLAIN, WINDOWS, Dialect

DEFAULT_ACTIVITY = 0.3
DEFAULT_PROGRAMS = 9
DEFAULT_END_DAY = date(2026, 10, 16)  # a Friday
MIN_DAYS_FOR_TROUBLE = 4
FIRST_DISTRICT = 255901


@dataclass(frozen=True)
class Sample:
    """A sample that its fields describe completely: equal fields, equal bytes.

    ``days`` calendar days end at ``end_day``; little happens at weekends. From four days on, the first org has a late
    day and the last org a corrected one. ``observations_per_day`` and ``scale`` are those of SourceSystem.
    ``empty_files`` False leaves out files without records, for many tiny days. Every second org writes CRLF and a BOM.
    With ``students`` (per org, on the first day) there are rosters too; EdReflect's exports do not depend on them. With
    ``activity``, the share of students who learn on a school day, there is what TimeBack records of them. With
    ``programs`` (about so many per org) there are Infinite Campus's programs with some of the students.
    """

    orgs: int = 2
    days: int = 5
    educators: int = 40
    seed: int = 1
    end_day: date = DEFAULT_END_DAY
    dirty: bool = True
    observations_per_day: float | None = None
    scale: float = 1.0
    empty_files: bool = True
    students: int = 0
    activity: float = 0.0
    programs: int = 0

    def __post_init__(self) -> None:
        """Raise UsageError when there is nothing to simulate."""
        if self.orgs < 1 or self.days < 1 or self.educators < MIN_EDUCATORS:
            raise UsageError(f"A sample needs at least 1 org, 1 day and {MIN_EDUCATORS} educators.")
        if not 0 <= self.activity <= 1:
            raise UsageError("The share of students who learn on a school day lies between 0 and 1.")

    @property
    def org_names(self) -> tuple[str, ...]:
        """The names of the orgs, which are their folders."""
        known = len(words.ORG_NAMES)
        return tuple(words.ORG_NAMES[n] if n < known else f"district_{n + 1:03}" for n in range(self.orgs))

    @property
    def calendar(self) -> tuple[date, ...]:
        """The days of the sample, in order."""
        return tuple(self.end_day - timedelta(days=ago) for ago in reversed(range(self.days)))

    @property
    def late_days(self) -> tuple[tuple[str, date], ...]:
        """The (org, day) pairs that are delivered after newer days."""
        return ((self.org_names[0], self._days_of_trouble()[0]),) if self.days >= MIN_DAYS_FOR_TROUBLE else ()

    @property
    def corrected_days(self) -> tuple[tuple[str, date], ...]:
        """The (org, day) pairs that are delivered twice, first wrong and then, after newer days, right."""
        return ((self.org_names[-1], self._days_of_trouble()[-1]),) if self.days >= MIN_DAYS_FOR_TROUBLE else ()

    def _days_of_trouble(self) -> tuple[date, ...]:
        """Return the days between the first and the last one, without weekends if that leaves two."""
        between = self.calendar[1:-1]
        weekdays = tuple(day for day in between if day.weekday() < 5)
        return weekdays if len(weekdays) > 1 else between

    def district_number(self, org: str) -> int:
        """Return the state's number of an org, which its programs name."""
        return FIRST_DISTRICT + self.org_names.index(org)

    def source_system(self, org: str) -> SourceSystem:
        """Return an org's EdReflect before its first day."""
        return SourceSystem(
            self.seed,
            org,
            educators=self.educators,
            observations_per_day=self.observations_per_day,
            scale=self.scale,
        )

    def deliveries(self) -> Iterator[SampleDelivery]:
        """Yield every delivery of EdReflect, org by org, those of order 2 after those of order 1; at most three days in memory."""
        for org in self.org_names:
            yield from self._deliveries_of(org)

    def rosters(self) -> Iterator[RosterDelivery]:
        """Yield every delivery of a roster, org by org and day by day.

        A package's rows are there until the next delivery is asked for. A corrected day is yielded twice, first wrong.
        """
        for number, org in enumerate(self.org_names if self.students else ()):
            yield from self._rosters_of(org, Delivering.of(number))

    def timeback(self) -> Iterator[TimeBackDelivery]:
        """Yield every delivery of TimeBack, org by org and day by day; a corrected day is yielded twice, first wrong."""
        for number, org in enumerate(self.org_names if self.students and self.activity else ()):
            yield from self._timeback_of(org, Delivering.of(number))

    def campus(self) -> Iterator[SampleDelivery]:
        """Yield every snapshot of Infinite Campus, org by org and day by day; a corrected day twice, first wrong."""
        for number, org in enumerate(self.org_names if self.students and self.programs else ()):
            yield from self._campus_of(org, Delivering.of(number))

    def generate(
        self, out: Path, *, hold_back: bool = False, written: Callable[[Path], None] = lambda _: None
    ) -> SampleSummary:
        """Write the sample below a directory: ``{org}/export/{day}/``, ``{org}/export/all/``, and the same for the others.

        With ``hold_back`` the late days are not there yet and the corrected days are in their first, faulty version,
        until ``corrections`` is called. ``written`` is called with each delivery's folder, relative to the directory, one
        after the other. Raises UsageError when the directory holds other days of the same orgs.
        """
        for org in self.org_names:
            self._refuse_other_days(org, out)
        first: set[Kind] = {"on time", "faulty", "id maps"}
        final: set[Kind] = {"on time", "late", "corrected", "id maps"}
        return self._write(out, first if hold_back else final, written)

    def corrections(self, out: Path) -> SampleSummary:
        """Write what ``generate`` held back: the late days, and the corrected days over the faulty ones."""
        return self._write(out, {"late", "corrected"})

    def expected_state(self) -> dict[str, dict[str, list[dict[str, str | None]]]]:
        """Return by org what a platform must hold once everything is delivered: ``SourceSystem.current_state``."""
        return {org: self._lived_through(org).current_state() for org in self.org_names}

    def expected_rosters(self) -> dict[str, dict[str, list[Row]]]:
        """Return by org and file the records, keyed by header, that are true once every roster is applied."""
        systems = {}
        for number, org in enumerate(self.org_names if self.students else ()):
            for _, system in self._roster_days(org, Delivering.of(number)):
                systems[org] = system
        return {org: {file: list(rows()) for file, rows in system.files().items()} for org, system in systems.items()}

    def _lived_through(self, org: str) -> SourceSystem:
        system = self.source_system(org)
        for day in self.calendar:
            system.step(day)
        return system

    def _deliveries_of(self, org: str) -> Iterator[SampleDelivery]:
        system = self.source_system(org)
        late = {day for late_org, day in self.late_days if late_org == org}
        corrected = {day for corrected_org, day in self.corrected_days if corrected_org == org}
        dirt = Dirt(system.feed, random_numbers(self.seed, org, "dirt")) if self.dirty else None
        later: list[SampleDelivery] = []
        for day in self.calendar:
            directory = Path(system.feed.path.format(org=org, day=day))
            export = system.step(day)
            if day in late:
                later.append(SampleDelivery(2, org, day, "late", directory, export))
            elif day in corrected:
                wrong = misdelivered(export, random_numbers(self.seed, org, day))
                yield SampleDelivery(1, org, day, "faulty", directory, wrong)
                later.append(SampleDelivery(2, org, day, "corrected", directory, export))
            else:
                broken = dirt.lines(export, last_day=day == self.end_day) if dirt else {}
                yield SampleDelivery(1, org, day, "on time", directory, export, broken)
        maps = Path((system.feed.dayless_path or "").format(org=org))
        yield SampleDelivery(1, org, None, "id maps", maps, system.id_maps())
        yield from later

    def _rosters_of(self, org: str, delivering: Delivering) -> Iterator[RosterDelivery]:
        for index, system in self._roster_days(org, delivering):
            day, package = system.day, RosterPackage.of(system, index=index, dirty=self.dirty)
            directory = Path(load_feeds()[ROSTER_FEED].path.format(org=org, day=day))
            if (org, day) in self.late_days:
                yield RosterDelivery(2, org, day, "late", directory, package)
            elif (org, day) in self.corrected_days:
                yield RosterDelivery(1, org, day, "faulty", directory, package.cut_off())
                yield RosterDelivery(2, org, day, "corrected", directory, package)
            else:
                yield RosterDelivery(1, org, day, "on time", directory, package)

    def _roster_days(self, org: str, delivering: Delivering) -> Iterator[tuple[int, RosterSystem]]:
        """Yield an org's student information system on each day, one and the same, with the day's number."""
        source, roster = self.source_system(org), None
        for index, day in enumerate(self.calendar):
            source.step(day)
            if roster is None:
                roster = RosterSystem(
                    self.seed,
                    org,
                    source.people,
                    day,
                    students=self.students,
                    delivering=delivering,
                    scale=self.scale,
                    dirty=self.dirty,
                )
            else:
                roster.step(day)
            yield index, roster

    def _timeback_of(self, org: str, delivering: Delivering) -> Iterator[TimeBackDelivery]:
        # polars, which takes a while to import, is needed here only
        from edreflect_assets.sample.timeback import TimeBackSystem  # noqa: PLC0415
        from edreflect_assets.sample.timeback.trouble import TimeBackDirt  # noqa: PLC0415

        feed = load_feeds()[TIMEBACK_FEED]
        system, dirt = TimeBackSystem(self.seed, org, activity=self.activity), TimeBackDirt(feed)
        for _, roster in self._roster_days(org, delivering):
            day, delivered = roster.day, system.step(roster)
            directory = Path(feed.path.format(org=org, day=day))
            if (org, day) in self.late_days:
                yield TimeBackDelivery(2, org, day, "late", directory, delivered)
            elif (org, day) in self.corrected_days:
                yield TimeBackDelivery(1, org, day, "faulty", directory, delivered)
                yield TimeBackDelivery(2, org, day, "corrected", directory, delivered)
            else:
                broken = dirt.lines(delivered, last_day=day == self.end_day) if self.dirty else {}
                yield TimeBackDelivery(1, org, day, "on time", directory, delivered, broken)

    def _campus_of(self, org: str, delivering: Delivering) -> Iterator[SampleDelivery]:
        system = CampusSystem(
            self.seed,
            org,
            programs=self.programs,
            district=self.district_number(org),
            scale=self.scale,
            dirty=self.dirty,
        )
        for _, roster in self._roster_days(org, delivering):
            day, export = roster.day, system.step(roster)
            directory = Path(load_feeds()[CAMPUS_FEED].path.format(org=org, day=day))
            if (org, day) in self.late_days:
                yield SampleDelivery(2, org, day, "late", directory, export, feed=CAMPUS_FEED)
            elif (org, day) in self.corrected_days:
                yield SampleDelivery(1, org, day, "faulty", directory, cut_off(export), feed=CAMPUS_FEED)
                yield SampleDelivery(2, org, day, "corrected", directory, export, feed=CAMPUS_FEED)
            else:
                yield SampleDelivery(1, org, day, "on time", directory, export, feed=CAMPUS_FEED)

    def _write(self, out: Path, kinds: set[Kind], tell: Callable[[Path], None] = lambda _: None) -> SampleSummary:
        files = rows = dirty_rows = 0
        every: Iterator[Delivery] = chain(self.deliveries(), self.rosters(), self.timeback(), self.campus())
        for delivery in every:
            if delivery.kind not in kinds:
                continue
            written = delivery.write(out, self._dialect(delivery.org), empty_files=self.empty_files)
            files += written.files
            rows += written.rows
            dirty_rows += delivery.broken
            tell(delivery.directory)
        return SampleSummary(
            self.org_names, self.calendar, files, rows, dirty_rows, self.late_days, self.corrected_days
        )

    def _dialect(self, org: str) -> Dialect:
        return WINDOWS if self.org_names.index(org) % 2 else PLAIN

    def _refuse_other_days(self, org: str, out: Path) -> None:
        expected = {str(day) for day in self.calendar}
        for feed in (FEED, ROSTER_FEED, TIMEBACK_FEED, CAMPUS_FEED):
            root = (out / load_feeds()[feed].path.format(org=org, day="x")).parent
            for found in sorted(root.glob("????-??-??")):
                if found.name not in expected:
                    raise UsageError(
                        f"{root} holds {found.name}, a day that is not in this sample; choose an empty directory."
                    )
