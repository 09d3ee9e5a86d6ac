"""Load many deliveries, one after the other: what ``load`` and ``run`` share. No org's trouble stops another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.cli.errors import describe
from edreflect_assets.cli.output import complain, plural, steps
from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.convention import SUFFIX
from edreflect_assets.database import connect
from edreflect_assets.errors import EdreflectError, FetchError, UsageError
from edreflect_assets.ingest import ingest
from edreflect_assets.loading.load import DeliveryReport
from edreflect_assets.loading.snapshots import INCOMPLETE
from edreflect_assets.orgs import Org
from edreflect_assets.settings import Settings
from edreflect_assets.sources import Source


@dataclass(frozen=True)
class Selection:
    """What was asked for: feeds and orgs by name (empty: all), days from ``first`` to ``last``, both included.

    Files without a day belong to every selection of days: they hold for all of them.
    """

    feeds: tuple[str, ...] = ()
    orgs: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None

    def chosen_feeds(self) -> list[Feed]:
        """Return the feeds; raises UsageError for one that no contract describes."""
        known = load_feeds()
        for name in self.feeds:
            if name not in known:
                raise UsageError(f"There is no feed {ascii(name)[:80]}; known are {', '.join(known)}.")
        return [feed for feed in known.values() if not self.feeds or feed.name in self.feeds]

    def has_day(self, day: date | None) -> bool:
        """Tell whether a day was asked for."""
        return day is None or ((self.first is None or day >= self.first) and (self.last is None or day <= self.last))


@dataclass
class Totals:
    """What came of all deliveries; ``found`` counts those of the source, asked for or not, ``found_of`` names the orgs.

    An org that could not be asked is among those too: it was complained of already.
    """

    found: int = 0
    found_of: set[str] = field(default_factory=set)
    loaded: int = 0
    unchanged: int = 0
    failed: int = 0
    rows: int = 0
    quarantined: int = 0

    def add(self, report: DeliveryReport) -> None:
        """Count a delivery that was taken."""
        new = [file for file in report.files if file.status == "loaded"]
        self.loaded += bool(new)
        self.unchanged += not new
        self.rows += sum(file.rows for file in new)
        self.quarantined += sum(file.quarantined for file in new)

    def sentence(self) -> str:
        """Say it in one line."""
        parts = [
            f"Loaded {plural(self.loaded, 'delivery')}: {plural(self.rows, 'row')}, {self.quarantined:,} quarantined"
        ]
        parts += [f"{self.unchanged:,} unchanged"] if self.unchanged else []
        parts += [f"{self.failed:,} not loaded (named on stderr)"] if self.failed else []
        return "; ".join(parts) + "."


@dataclass(frozen=True)
class Found:
    """A delivery that a source has; ``day`` None for files without a day."""

    source: Source
    feed: Feed
    org: Org
    day: date | None

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.feed.name} of {self.org.org_id}, {self.day or 'files without a day'}"


class Loader:
    """Loads the deliveries of one org after the other and remembers what came of them."""

    def __init__(
        self, settings: Settings, connection: Connection, selection: Selection, *, again: bool = False
    ) -> None:
        self._settings, self._selection, self._again = settings, selection, again
        self._feeds = selection.chosen_feeds()
        self._connection = connection
        self.totals = Totals()

    def fail(self, line: str) -> None:
        """Count and name a delivery, or an org, that was not loaded."""
        self.totals.failed += 1
        complain(line)

    def load(self, orgs: Mapping[Org, Source] | Sequence[tuple[Org, Source]]) -> None:
        """Load everything selected of these orgs, each from its source."""
        pairs = list(orgs.items()) if isinstance(orgs, Mapping) else list(orgs)
        found = [delivery for org, source in pairs for delivery in self.find(org, source)]
        with steps("Loading", len(found)) as progress:
            lost: set[str] = set()
            for delivery in found:
                if delivery.org.org_id in lost:
                    self.totals.failed += 1
                    continue
                line = self._one(delivery, lost)
                progress.done(line or delivery.name, quiet=line is None)

    def find(self, org: Org, source: Source) -> Iterator[Found]:
        """Give the selected deliveries that an org's source has; an org that cannot be asked counts as failed."""
        for feed in self._feeds:
            if not org.delivers(feed.name):
                continue
            try:
                days = source.days(feed, org.org_id)
            except EdreflectError as error:
                self.fail(_sentence(error, f"{feed.name} of {org.org_id}", org.org_id))
                self.totals.found_of.add(org.org_id)
                return
            self.totals.found += len(days)
            self.totals.found_of.update([org.org_id] if days else [])
            # Files without a day first: they translate ids, and none of the days depends on their place.
            for day in sorted((day for day in days if self._selection.has_day(day)), key=lambda day: day or date.min):
                yield Found(source, feed, org, day)

    def _one(self, found: Found, lost: set[str]) -> str | None:
        """Load one delivery; return the line that says what came of it, None if it failed."""
        try:
            report = ingest(
                self._usable(), self._settings, found.feed, found.org, found.day, found.source, again=self._again
            )
        except Exception as error:  # whatever is wrong with one delivery stays with it
            self.fail(_sentence(error, found.name, found.org.org_id))
            if isinstance(error, FetchError) and error.transient and not _still_there(found):
                lost.add(found.org.org_id)
                complain(f"{found.org.org_id}: its server cannot be reached any more; its other days were not tried.")
            return None
        self.totals.add(report)
        return f"{found.name}: {_figures(report)}"

    def _usable(self) -> Connection:
        """Return a connection in no transaction; a new one if the server closed the last."""
        if self._connection.closed:
            self._connection = connect(self._settings)
        else:
            self._connection.rollback()
        return self._connection


def _still_there(found: Found) -> bool:
    try:
        found.source.days(found.feed, found.org.org_id)
    except EdreflectError:
        return False
    return True


def _sentence(error: Exception, name: str, org_id: str) -> str:
    """Return the line to print; ``name`` is put before it where it does not say which org it is about."""
    line = describe(error)[-1]
    return line if org_id in line else f"{name}: {line}"


def _figures(report: DeliveryReport) -> str:
    new = [file for file in report.files if file.status == "loaded"]
    rows, aside = sum(file.rows for file in new), sum(file.quarantined for file in new)
    parts = [f"{plural(len(new), 'file')}, {plural(rows, 'row')}" if new else "nothing new"]
    parts += [f"{aside:,} quarantined"] if aside else []
    unread = [file.file for file in report.files if file.status in {"deprecated", "unlisted"}]
    parts += [f"{plural(len(unread), 'file')} not loaded"] if unread else []
    warnings = sum(finding["count"] for finding in report.findings if finding["severity"] == "warning")
    parts += [plural(warnings, "warning")] if warnings else []
    incomplete = [finding["file"].removesuffix(SUFFIX) for finding in report.findings if finding["code"] == INCOMPLETE]
    parts += [f"not complete: no file of {', '.join(incomplete)}"] if incomplete else []
    if report.findings and load_feeds()[report.feed].package:
        parts += [f"see `edreflect report {report.feed} {report.org_id} {report.day} --report DIR`"]
    return ", ".join(parts)
