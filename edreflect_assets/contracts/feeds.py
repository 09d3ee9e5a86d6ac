"""What a contract says of a feed, its files and their columns, as objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

from edreflect_assets.convention import SUFFIX, Convention

LOAD_RULES = frozenset(
    {"reference", "drop_insert", "upsert", "affiliation", "id_map", "roster", "manifest", "snapshot", "definitions"}
    | {"kept", "bulk"}
)
# Added by the platform to every raw table.
RESERVED_COLUMNS = frozenset({"org_id", "_load_id", "_row", "_line"})
# What the relations made of a snapshot's table have beside its columns; see macros/offboarding/relations.sql.
SNAPSHOT_COLUMNS = frozenset({"_hash", "level", "_day", "_json", "valid_from", "valid_to"})


@dataclass(frozen=True)
class Column:
    """A column of a delivered file; ``data_type`` is its type once reconciled, raw rows hold text.

    ``assumed`` is False only where the source itself documents the column. ``header`` is its name in the file where
    that is another one. ``required``: ``always``, ``delta`` (in delta files only), or the one version whose files must
    have it. ``references`` is the table whose key it holds, ``enumeration`` the values it may have, ``vocabulary`` the
    name of a list of values beyond which a value is doubtful. ``deletes``: where it is true, the row removes the row with
    its key; a file may lack it.
    """

    name: str
    data_type: str
    description: str
    assumed: bool
    header: str | None = None
    required: str | None = None
    format: str | None = None
    references: str | None = None
    enumeration: tuple[str, ...] = ()
    vocabulary: str | None = None
    deletes: bool = False


@dataclass(frozen=True)
class KeyedReference:
    """Another file of the feed that ends rows of this one: its name, the key both share, the column of its date."""

    file: str
    key: tuple[str, ...]
    date: str | None = None


@dataclass(frozen=True)
class Parent:
    """The table that a row hangs below, and the columns that both share."""

    table: str
    key: tuple[str, ...]


@dataclass(frozen=True)
class FileContract:
    """What one delivered file is called, holds, and means for the rows that came before it.

    ``load`` is one of ``LOAD_RULES``; ``key`` identifies a row (upsert, affiliation, id_map) or names
    what was touched (reference); ``drop_key`` is the key whose rows are replaced as a whole (drop_insert) when the file
    ``touched_by`` or the file itself names it. ``aliases`` maps other spellings of a header to columns of this file.
    ``dayless`` files are delivered to the feed's folder without a day. ``type`` names the records where ids are derived
    from theirs, ``becomes`` the reconciled table where it is not called like this one. Of a snapshot ``key`` is what a
    file must have, ``identity`` the columns that identify a row if any do, and ``parent`` what the row hangs below.
    Of a ``bulk`` file, the whole state of its table for its org and day, ``key`` tells the rows apart; ``refuses_empty``: one
    without rows refuses its delivery, elsewhere it changes nothing.
    ``listed`` is False where nobody wrote the contract down: the feed's naming convention made it up. ``raw_schema``
    holds the raw table.
    """

    feed: str
    file: str
    table: str
    load: str
    key: tuple[str, ...]
    drop_key: tuple[str, ...]
    touched_by: str | None
    columns: tuple[Column, ...]
    aliases: Mapping[str, str] = field(hash=False)
    removed_columns: frozenset[str]
    dayless: bool
    description: str = ""
    deleted_by: KeyedReference | None = None
    modified_by: KeyedReference | None = None
    type: str | None = None
    becomes: str | None = None
    identity: tuple[str, ...] = ()
    parent: Parent | None = None
    refuses_empty: bool = False
    listed: bool = True
    raw_schema: str = ""

    @property
    def key_columns(self) -> frozenset[str]:
        """Columns without which the file is refused."""
        return frozenset(self.key or self.drop_key)

    @property
    def optional_columns(self) -> frozenset[str]:
        """Columns that a file may lack without a word."""
        return frozenset(column.name for column in self.columns if column.deletes)

    @property
    def reserved_columns(self) -> frozenset[str]:
        """Names of raw columns that the platform adds, so that no delivered column may have them."""
        return RESERVED_COLUMNS | SNAPSHOT_COLUMNS if self.load == "snapshot" else RESERVED_COLUMNS

    @property
    def column_names(self) -> tuple[str, ...]:
        """Column names in the contract's order."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Feed:
    """One kind of export: where an org's files lie, how they are encoded, and the contract of each.

    ``path`` and ``dayless_path`` are templates with ``{org}`` and ``{day}`` (YYYY-MM-DD). ``files`` is keyed by file
    name as the contract spells it; ``deprecated`` files are no longer generated and never loaded. ``package`` names the
    standard by which the files of a day are one whole, None where each stands for itself. ``expected``: an org that says
    nothing of its feeds is asked for this one before it has delivered any. ``recurring`` is False where nobody waits for
    a next delivery. ``extends`` names the feed whose files it delivers in an older form; their rows go to that feed's raw
    tables and become entries of its models. ``ids`` names the columns of old ids and the kinds of id map that translate
    them, in the order in which they are asked. With a ``convention`` a file's name tells what it is, listed or not.
    ``definitions`` is the contract of files that describe columns: one with exactly its columns is no data, whatever it
    is called.
    """

    name: str
    path: str
    dayless_path: str | None
    files: Mapping[str, FileContract] = field(hash=False)
    deprecated: frozenset[str]
    raw_schema: str
    encoding: str
    description: str = ""
    package: str | None = None
    expected: bool = False
    recurring: bool = True
    convention: Convention | None = None
    definitions: FileContract | None = None
    extends: str | None = None
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def match(self, file_name: str) -> FileContract | None:
        """Return the contract of a delivered file, ignoring case, or None when nothing is known about it.

        With a convention every CSV file of a known group has a contract; ``file`` is the canonical spelling of its name.
        """
        contract = self._by_folded_name.get(file_name.casefold())
        named = self.convention.read(file_name) if self.convention and contract is None else None
        if named is None:
            return contract
        spelt_like_listed = self._by_folded_name.get(named.file.casefold())
        if spelt_like_listed is not None:
            return spelt_like_listed
        of_table = self.tables.get(named.table)
        if of_table is not None:
            return replace(of_table, file=named.file) if named.depth else of_table
        return _made_up(self, named.file, named.table)

    def group_of(self, contract: FileContract) -> str | None:
        """Return the file group of a contract of this feed, None where files have no groups."""
        named = self.convention.read(contract.file) if self.convention else None
        return named.group if named else None

    def described_by(self, file_name: str) -> str:
        """Return the table that a file of definitions describes: its own, or the nearest listed one above its name."""
        parts = file_name.removesuffix(SUFFIX).split(".")
        names = [".".join(parts[:length]) + SUFFIX for length in range(len(parts), 0, -1)]
        contracts = [contract for name in names if (contract := self.match(name))]
        return next((contract.table for contract in contracts if contract.listed), contracts[0].table)

    def refusal(self, file_name: str) -> str | None:
        """Say in a clause why a delivery with a file of this name must be refused, or return None."""
        return self.convention.complaint(file_name) if self.convention else None

    def left_aside(self, file_name: str) -> str:
        """Say in a clause why a file without a contract is left aside."""
        if self.convention:
            return self.convention.left_aside(file_name)
        return f"feed {self.name} has no contract for this file"

    def is_deprecated(self, file_name: str) -> bool:
        """Tell, ignoring case, whether the source says that it no longer generates this file."""
        return file_name.casefold() in {name.casefold() for name in self.deprecated}

    @property
    def holds_snapshots(self) -> bool:
        """Whether each of its files is the whole state of its table, so that a later day makes up for one that is missing."""
        return all(contract.load == "bulk" for contract in self.files.values())

    @cached_property
    def tables(self) -> Mapping[str, FileContract]:
        """The contracts by table name; the first of the files that become one table stands for it."""
        contracts = [*self.files.values(), *([self.definitions] if self.definitions else [])]
        return MappingProxyType({contract.table: contract for contract in reversed(contracts)})

    @cached_property
    def _by_folded_name(self) -> dict[str, FileContract]:
        return {name.casefold(): contract for name, contract in self.files.items()}


def _made_up(feed: Feed, file: str, table: str) -> FileContract:
    """Return the contract of a file that nobody listed: all that is known of it is its document's id."""
    column = Column("_id", "text", "Identifies the document this row belongs to.", assumed=False)
    return FileContract(
        feed=feed.name,
        file=file,
        table=table,
        load="snapshot",
        key=(column.name,),
        drop_key=(),
        touched_by=None,
        columns=(column,),
        aliases=MappingProxyType({}),
        removed_columns=frozenset(),
        dayless=False,
        description=f"{file}, which the contract does not list: its columns as they came.",
        listed=False,
        raw_schema=feed.raw_schema,
    )
