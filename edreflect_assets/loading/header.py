"""The header of a delivered file: which field goes to which raw column, and what is wrong with it.

Names match a contract's columns ignoring case, spaces, a byte order mark and punctuation, and through the contract's
aliases. A cause of refusal never repeats what the first line holds before that line is known to be a header.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from edreflect_assets.contracts import FileContract
from edreflect_assets.convention import snake_case
from edreflect_assets.loading.failures import FileRefusedError

MAX_HEADER_BYTES = 1024 * 1024
# PostgreSQL cuts longer names silently (NAMEDATALEN - 1), so that two of them could become one column.
MAX_NAME_BYTES = 63
MAX_UNKNOWN_COLUMNS = 200
_BOM = b"\xef\xbb\xbf"
# https://www.postgresql.org/docs/current/ddl-system-columns.html
_SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
_NOT_A_WORD = re.compile(r"\W+")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Header:
    """A header that was accepted.

    ``names`` are the delivered spellings, ``columns`` the raw columns of the named fields, both in file order.
    ``unnamed`` counts the fields without a name after them. ``size`` is the offset in bytes of the first record,
    ``lines`` the number of physical lines before it. ``missing`` columns of the contract are null in every row;
    ``unknown`` and ``removed`` ones are beside the contract and kept as text.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    unnamed: int
    size: int
    lines: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def beside_contract(self) -> tuple[str, ...]:
        """The raw columns this file needs that its contract does not list."""
        return (*self.unknown, *self.removed)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about this header, as sentences without a full stop."""
        found = []
        if self.missing:
            found.append(f"{_columns(self.missing)} missing from the header and null in every row")
        if self.unknown:
            found.append(f"{_columns(self.unknown)} not in the contract and kept in the raw table only")
        if self.removed:
            found.append(f"legacy export: {_columns(self.removed)} no longer part of this file at the source")
        if self.unnamed:
            found.append(f"{self.unnamed} fields without a name at the end of the header were left out")
        return tuple(found)


@dataclass(frozen=True)
class Names:
    """The names in a header as delivered.

    ``named`` ends with the last field that has a name, ``unnamed`` counts the fields after it, ``lines`` the physical
    lines that the header takes.
    """

    named: tuple[str, ...]
    unnamed: int
    lines: int


def read_header(stream: BinaryIO, contract: FileContract) -> Header:
    """Read the header from the start of ``stream`` and leave the stream at the first record.

    Raises FileRefusedError for an empty file, a header that cannot be read, lacks a key column, names a column twice,
    leaves one in the middle without a name, or brings unknown columns that a table cannot take.
    """
    read = read_names(stream)
    columns = raw_columns(read.named, contract)
    _check(columns, contract, read.lines)
    known = set(contract.column_names)
    return Header(
        names=read.named,
        columns=tuple(columns),
        unnamed=read.unnamed,
        size=stream.tell(),
        lines=read.lines,
        missing=tuple(
            column
            for column in contract.column_names
            if column not in columns and column not in contract.optional_columns
        ),
        unknown=tuple(column for column in columns if column not in known | contract.removed_columns),
        removed=tuple(column for column in columns if column in contract.removed_columns),
    )


def holds_definitions(stream: BinaryIO, definitions: FileContract) -> bool:
    """Tell whether the header at the start of ``stream`` is exactly that of definitions, ignoring case; rewinds it.

    Raises FileRefusedError for an empty file and a header that cannot be read.
    """
    names = read_names(stream).named
    stream.seek(0)
    return tuple(name.casefold() for name in names) == definitions.column_names


def read_names(stream: BinaryIO) -> Names:
    """Read the names in a header from the start of ``stream``, whatever they are, and leave it at the first record.

    Raises FileRefusedError for an empty file and a header that cannot be read.
    """
    raw, lines = _read_record(stream)
    names = _split(raw)
    while names and not names[-1]:
        names.pop()
    return Names(tuple(names), _field_count(raw) - len(names), lines)


def raw_columns(names: Iterable[str], contract: FileContract) -> list[str]:
    """Return the raw column of each delivered name, an empty text for a field without a name."""
    spellings, taken = _spellings(contract), contract.reserved_columns | _SYSTEM_COLUMNS
    # What the contract lacks today is called as it would be listed tomorrow: there camelCase becomes snake_case.
    own = snake_case if contract.load == "snapshot" else str.lower
    return [_resolve(name, spellings, own(name), taken) if name else "" for name in names]


def _read_record(stream: BinaryIO) -> tuple[bytes, int]:
    raw = stream.readline(MAX_HEADER_BYTES)
    if not raw:
        raise FileRefusedError("the file is empty (0 bytes), it lacks even a header; deliver it again")
    lines = 1
    while raw.count(b'"') % 2 and len(raw) < MAX_HEADER_BYTES and (more := stream.readline(MAX_HEADER_BYTES)):
        raw += more
        lines += 1
    if len(raw) >= MAX_HEADER_BYTES:
        raise FileRefusedError("line 1: the header is longer than 1 MiB; is this a CSV file?")
    return raw.removeprefix(_BOM), lines


def _split(raw: bytes) -> list[str]:
    if b"\0" in raw:
        raise FileRefusedError("line 1: the header holds NUL bytes; deliver the file as UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise FileRefusedError("line 1: the header is not UTF-8; deliver the file as UTF-8") from None
    if "\r" in text.replace("\r\n", ""):
        raise FileRefusedError("line 1: the header holds a lone carriage return; deliver lines that end in LF or CRLF")
    try:
        header, *records = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    except csv.Error:
        raise FileRefusedError("line 1: the quotes of the header do not pair up; deliver the file again") from None
    if records:
        # A stray quote also pairs up with one in a record further down, or with none at all.
        raise FileRefusedError("line 1: the header holds a stray quote; deliver the file again")
    names = [field.strip().strip("\ufeff").strip() for field in header]
    if not any(names):
        raise FileRefusedError("line 1: the header is blank; deliver the file with its header in the first line")
    return names


def _field_count(raw: bytes) -> int:
    return len(next(csv.reader(io.StringIO(raw.decode("utf-8"), newline=""))))


def _spellings(contract: FileContract) -> dict[str, str]:
    """Return the raw column of each name that a contract knows, the contract's own columns before aliases."""
    return {
        **{column.lower(): column for column in contract.removed_columns},
        **{alias.lower(): column for alias, column in contract.aliases.items()},
        **{column: column for column in contract.column_names},
        **{column.header.lower(): column.name for column in contract.columns if column.header},
    }


def _resolve(name: str, spellings: Mapping[str, str], own: str, taken: Collection[str]) -> str:
    """Return the raw column for a delivered name: one that the contract knows, or its ``own``, made safe.

    What is ``taken`` gets another name.
    """
    known = _NOT_A_WORD.sub("_", name.lower())
    own = _NOT_A_WORD.sub("_", own)
    column = spellings.get(_SPACES.sub("", name.lower())) or spellings.get(known)
    if column:
        return column
    return f"delivered_{own}" if own in taken else own


def _check(columns: list[str], contract: FileContract, lines: int) -> None:
    missing = sorted(contract.key_columns.difference(columns))
    if missing:
        raise FileRefusedError(
            f"line 1: the header lacks the key {_columns(missing, verb='')}; deliver the file with it"
        )
    if "" in columns:
        raise FileRefusedError(f"line 1: column {columns.index('') + 1} of the header has no name; deliver it with one")
    unknown = set(columns).difference(contract.column_names, contract.removed_columns)
    if unknown and lines > 1:
        # A stray quote in the header may have made the first records part of it: these names may be values.
        raise FileRefusedError(
            f"line 1: the header takes {lines} lines and names columns that are not in the contract; deliver it in one line"
        )
    twice = [column for column, times in Counter(columns).items() if times > 1]
    if twice:
        raise FileRefusedError(f"line 1: the header names {_columns(twice, verb='')} twice; deliver each column once")
    # Of a file that nobody listed every column is unknown; the table says how many it can take.
    if contract.listed and len(unknown) > MAX_UNKNOWN_COLUMNS:
        raise FileRefusedError(
            f"line 1: {len(unknown)} columns are not in the contract, more than {MAX_UNKNOWN_COLUMNS}; is it this file?"
        )
    for position, column in enumerate(columns, start=1):
        if column in unknown and len(column.encode("utf-8")) > MAX_NAME_BYTES:
            raise FileRefusedError(
                f"line 1: the name of column {position} is longer than {MAX_NAME_BYTES} bytes; deliver a shorter one"
            )


def _columns(names: Iterable[str], *, verb: str = " is| are") -> str:
    listed = list(names)
    singular, _, plural = verb.partition("|")
    return f"column {listed[0]}{singular}" if len(listed) == 1 else f"columns {', '.join(listed)}{plural}"
