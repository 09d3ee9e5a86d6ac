"""What a completeness report consists of; its JSON is these classes, field by field."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from functools import cached_property

Key = tuple[str | None, ...]


@dataclass(frozen=True)
class Finding:
    """One thing to know: ``code`` for machines, how many rows, keys, files or loads it is about, the sentence for people."""

    code: str
    count: int
    text: str


@dataclass(frozen=True)
class LeftAside:
    """A file of a delivery that was not loaded, and the clause that says why."""

    file: str
    reason: str | None


@dataclass(frozen=True)
class Delivery:
    """A snapshot as the ledger has it: one folder of one day; ``missing_tables`` are listed files that did not come."""

    day: date
    is_complete: bool
    is_current: bool
    missing_groups: tuple[str, ...]
    missing_tables: tuple[str, ...]
    unlisted_files: tuple[str, ...]
    definition_files: tuple[str, ...]
    left_aside: tuple[LeftAside, ...]


@dataclass(frozen=True)
class FileFigures:
    """A delivered file: its records, the rows loaded of them, those set aside when it was loaded and when it was cast."""

    file: str
    records: int
    loaded: int
    quarantined_at_load: int
    quarantined_by_cast: int


@dataclass(frozen=True)
class Orphans:
    """Rows whose parent row is not in the snapshot, and ids of some of their documents."""

    parent: str
    rows: int
    sample_documents: tuple[str, ...]


@dataclass(frozen=True)
class TableFigures:
    """A table of the snapshot; ``shown`` are its rows in offboarding.<table>, None where that shows another day."""

    table: str
    listed: bool
    file: str
    files: tuple[FileFigures, ...]
    shown: int | None
    orphans: tuple[Orphans, ...]

    @property
    def records(self) -> int:
        """Records in all files."""
        return sum(file.records for file in self.files)

    @property
    def loaded(self) -> int:
        """Rows loaded of them."""
        return sum(file.loaded for file in self.files)

    @property
    def quarantined(self) -> int:
        """Records set aside, at load or by a cast."""
        return sum(file.quarantined_at_load + file.quarantined_by_cast for file in self.files)

    @property
    def unaccounted(self) -> int:
        """Rows that are neither shown nor set aside, or that are shown without having come."""
        return 0 if self.shown is None else abs(self.records - self.quarantined - self.shown)


@dataclass(frozen=True)
class Group:
    """A file group with its listed tables and those that came by their names."""

    name: str
    optional: bool
    tables: tuple[TableFigures, ...]

    @property
    def delivered(self) -> bool:
        """Whether any file of it came."""
        return any(table.files for table in self.tables)

    @property
    def shown(self) -> int:
        """Rows in offboarding.<table>, of all its tables."""
        return sum(table.shown or 0 for table in self.tables)


@dataclass(frozen=True)
class UnmappedIds:
    """Old ids in a column that no id map translates; ``has_map``: the org has a map of a kind that could."""

    table: str
    column: str
    kinds: tuple[str, ...]
    has_map: bool
    rows: int
    ids: int
    sample_ids: tuple[str, ...]


@dataclass(frozen=True)
class Legacy:
    """The exports from before the refresh: their files, and which of their ids today's are not known for.

    ``kinds_without_map`` could be translated, but the org has no map; ``never_mapped`` are columns of ids (table.column)
    that the source has no maps for at all.
    """

    days: tuple[date, ...] = ()
    files: int = 0
    rows: int = 0
    unmapped: tuple[UnmappedIds, ...] = ()
    kinds_without_map: tuple[str, ...] = ()
    never_mapped: tuple[str, ...] = ()


@dataclass(frozen=True)
class SchoolYears:
    """Rows whose school year is not 2009 + its id, by the key of some; ``where`` is reconciled or as delivered."""

    table: str
    where: str
    rows: int
    key: tuple[str, ...]
    sample_keys: tuple[Key, ...]


@dataclass(frozen=True)
class PersonConflict:
    """Accounts and employee numbers that do not pair up."""

    conflict: str
    employee_ids: tuple[str, ...]
    user_ids: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Persons:
    """People and their ids; ``conflicts`` are the first of ``conflict_count``.

    Accounts of the snapshot without an employee number of their own: in all, and those that the daily export does not
    know a number of either.
    """

    conflict_count: int = 0
    conflicts: tuple[PersonConflict, ...] = ()
    accounts_without_employee_number: int = 0
    accounts_unknown: int = 0
    sample_accounts_unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeysApart:
    """How many keys, and some of them."""

    keys: int = 0
    sample_keys: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Difference:
    """The last daily state of a table beside the snapshot, by key.

    ``columns`` are those compared beside the key, ``not_in_snapshot`` those that the product lacks. ``other_content``
    counts keys of both whose rows differ: ``other_number_of_rows`` of them in how many there are, the others in the
    columns of ``differing_columns`` (keys by column). ``changed_after`` are keys that the daily export touched after the
    day of the snapshot, which is no difference. ``only_daily_unmapped`` of those only in the daily state are of a legacy
    export and have ids that no map translates.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    not_in_snapshot: tuple[str, ...]
    same: int
    only_daily: KeysApart
    only_daily_unmapped: int
    only_snapshot: KeysApart
    other_content: KeysApart
    other_number_of_rows: int
    differing_columns: dict[str, int]
    changed_after: KeysApart

    @property
    def keys(self) -> int:
        """Keys that differ."""
        return self.only_daily.keys + self.only_snapshot.keys + self.other_content.keys


@dataclass(frozen=True)
class LastBuild:
    """The build that the figures are as of."""

    build_id: int
    finished_at: datetime
    status: str


@dataclass(frozen=True)
class CompletenessReport:
    """Everything about one org's snapshot of ``day`` (None: none was delivered).

    ``signable`` is true when there are no ``reasons`` against it; ``remarks`` are no reasons, but worth reading.
    ``not_compared`` are tables that the snapshot has and that the daily export never delivered for the org.
    """

    org: str
    day: date | None
    reported_at: datetime
    last_build: LastBuild | None
    signable: bool
    reasons: tuple[Finding, ...]
    remarks: tuple[Finding, ...]
    pending_loads: int
    deliveries: tuple[Delivery, ...] = ()
    groups: tuple[Group, ...] = ()
    legacy: Legacy = field(default_factory=Legacy)
    school_years: tuple[SchoolYears, ...] = ()
    persons: Persons = field(default_factory=Persons)
    differences: tuple[Difference, ...] = ()
    not_compared: tuple[str, ...] = ()

    @cached_property
    def json_text(self) -> str:
        """The report as JSON, with a line end: these characters in UTF-8 are report.json, byte for byte."""
        return json.dumps(asdict(self), indent=2, default=_json_value) + "\n"

    @cached_property
    def digest(self) -> str:
        """The sha256 of report.json, in hex."""
        return hashlib.sha256(self.json_text.encode()).hexdigest()


def _json_value(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
