"""What a file is by its name alone, where a feed names its files by a convention.

``<group>[.<part>...].csv`` becomes the table ``<group>__<part>...`` in snake_case, ignoring case, listed or not. A part
may be recursive: however often it repeats itself in a row, the table is one, and the name says how deep the rows are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

SUFFIX = ".csv"
# Names of relations end with up to nine more bytes (_history), and PostgreSQL cuts what is longer than 63.
MAX_TABLE_BYTES = 54
_KEPT_BYTES = 45
# What other relations of a table add to its name: views, functions and indexes share one namespace with tables.
_TAKEN_ENDINGS = ("_history", "_as_of", "_document", "_employee_id", "_old_id", "_load_id")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PLAIN = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")


def snake_case(name: str) -> str:
    """Return a camelCase name in snake_case: ``userId`` and ``oldID`` become ``user_id`` and ``old_id``."""
    return _HUMP.sub("_", name).lower()


def table_name(parts: Iterable[str]) -> str:
    """Return the table of a file with these dotted parts, at most ``MAX_TABLE_BYTES`` long.

    A name that is longer, or that could be another's, is cut and carries a part of the md5 of the whole.
    """
    words = [snake_case(part) for part in parts]
    full = "__".join(words)
    plain = all(_PLAIN.fullmatch(word) for word in words) and not full.endswith(_TAKEN_ENDINGS)
    if plain and len(full) <= MAX_TABLE_BYTES:
        return full
    digest = hashlib.md5(full.encode(), usedforsecurity=False).hexdigest()
    return f"{re.sub(r'[^a-z0-9_]', '_', full)[:_KEPT_BYTES]}_{digest[:8]}"


@dataclass(frozen=True)
class Recursion:
    """In files of ``group`` the ``part`` may be repeated, up to ``max_depth`` times in all."""

    group: str
    part: str
    max_depth: int


@dataclass(frozen=True)
class NamedFile:
    """What a name says: the group, the name as the contract would spell it, the table, how often the part recurs."""

    group: str
    file: str
    table: str
    depth: int


@dataclass(frozen=True)
class Convention:
    """How a feed names its files.

    ``groups`` says of each group whether it is optional, ``group_aliases`` are other spellings of a group (lower case,
    perhaps of several parts), ``spellings`` the parts of listed files, by which others are spelt.
    """

    groups: Mapping[str, bool] = field(hash=False)
    group_aliases: Mapping[str, str] = field(hash=False)
    recursion: Recursion | None
    spellings: frozenset[str]

    def read(self, file_name: str) -> NamedFile | None:
        """Return what a name says, None if it is not that of a CSV file of a known group."""
        stem = file_name[: -len(SUFFIX)]
        if file_name[-len(SUFFIX) :].casefold() != SUFFIX:
            return None
        for alias, group in self.group_aliases.items():
            if f"{stem.casefold()}.".startswith(f"{alias}."):
                stem = group + stem[len(alias) :]
        first, *rest = stem.split(".")
        group = self._groups.get(first.casefold(), "")
        if not group:
            return None
        parts = [group, *(self._spellings.get(part.casefold(), part) for part in rest)]
        recurring = self.recursion.part if self.recursion and self.recursion.group == group else None
        once = [
            part for part, before in zip(parts, ["", *parts], strict=False) if part != recurring or before != recurring
        ]
        depth = parts.count(recurring) if recurring else 0
        return NamedFile(group, ".".join(parts) + SUFFIX, table_name(once), depth)

    def complaint(self, file_name: str) -> str | None:
        """Say in a clause why a delivery with a file of this name cannot be understood, or return None."""
        named = self.read(file_name)
        if self.recursion is None or named is None or named.depth <= self.recursion.max_depth:
            return None
        return (
            f"its name holds {self.recursion.part} {named.depth} times, but {self.recursion.group} are at most"
            f" {self.recursion.max_depth} levels deep; ask the source what it means"
        )

    def left_aside(self, file_name: str) -> str:
        """Say in a clause why a file that ``read`` does not know is left aside."""
        if file_name[-len(SUFFIX) :].casefold() != SUFFIX:
            return f"only *{SUFFIX} files belong to this feed"
        return f"it belongs to no file group of this feed; known are {', '.join(self.groups)}"

    @cached_property
    def _groups(self) -> dict[str, str]:
        return {group.casefold(): group for group in self.groups}

    @cached_property
    def _spellings(self) -> dict[str, str]:
        return {part.casefold(): part for part in sorted(self.spellings)}
