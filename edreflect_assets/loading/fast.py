"""Records a block at a time: what nearly every file needs, at the speed of the interpreter's own byte operations.

The fast path only ever says yes to records that ``strict`` would accept; everything else is left to it. It checks all
that COPY would refuse, so that the server never has a reason to quote a row in its log, and all that COPY would
silently misread: stray quotes, an end-of-data marker, a lone carriage return.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edreflect_assets.loading.strict import Shape, is_utf8

_FIELD = rb'(?:"[^"]*+(?:""[^"]*+)*+"|[^",\r\n]*+)'


@dataclass(frozen=True)
class Split:
    """Good records without line ends, and the bytes after them.

    ``longer`` names the records of more than one line: their place in ``records`` and the lines beyond the first, in
    order. ``rest`` starts with a record that is bad, or whose quoted field goes on after the block.
    """

    records: list[bytes]
    longer: list[tuple[int, int]]
    rest: bytes


class FastSplit:
    """Splits blocks of lines into records of one ``shape``."""

    def __init__(self, shape: Shape) -> None:
        self._commas = shape.fields - 1
        self._unnamed = b"," * shape.unnamed
        record = _FIELD + rb"(?:," + _FIELD + rb"){%d}" % self._commas
        self._record = re.compile(record)
        self._line = re.compile(record + rb"\r?\n")
        # The second branch swallows what is left at the first record that does not match.
        self._lines_then_rest = re.compile(record + rb"\r?\n|[\s\S]+")

    def split(self, block: bytes) -> Split:
        """Split ``block``, which starts with a record and ends with LF."""
        quotes = block.count(b'"')
        if quotes == 0:
            split = self._plain(block)
        elif b"\r" in block or quotes > block.count(b"\n"):
            split = self._dense(block)
        else:
            split = self._sparse(block)
        records, rest = split.records, split.rest
        good = block[: len(block) - len(rest)] if rest else block
        if b"\0" in good or not is_utf8(good):
            return Split([], [], block)
        if not self._commas and b"\\." in good and b"\\." in records:
            return Split([], [], block)
        if self._unnamed:
            if not all(record.endswith(self._unnamed) for record in records):
                return Split([], [], block)
            records = [record[: -len(self._unnamed)] for record in records]
        return Split(records, split.longer, rest)

    def _plain(self, block: bytes) -> Split:
        """Split a block without quotes."""
        text = block.replace(b"\r\n", b"\n") if b"\r" in block else block
        records = text.split(b"\n")
        records.pop()
        commas = self._commas
        # A list, not a generator: it is the hot loop, and nearly every block goes through it to the end.
        if b"\r" in text or any([record.count(b",") != commas for record in records]):  # noqa: C419
            return Split([], [], block)
        return Split(records, [], b"")

    def _sparse(self, block: bytes) -> Split:
        """Split a block in which few lines hold quotes, and none a carriage return: only those are looked at closely."""
        lines = block.split(b"\n")
        lines.pop()
        commas = self._commas
        doubtful = [i for i, line in enumerate(lines) if line.count(b",") != commas or b'"' in line]
        records: list[bytes] = []
        longer: list[tuple[int, int]] = []
        done = 0
        for first in doubtful:
            if first < done:
                continue
            last = first
            quotes = lines[first].count(b'"')
            while quotes % 2 and last + 1 < len(lines):
                last += 1
                quotes += lines[last].count(b'"')
            record = b"\n".join(lines[first : last + 1]) if last > first else lines[first]
            records += lines[done:first]
            if not self._record.fullmatch(record):
                return Split(records, longer, b"\n".join([*lines[first:], b""]))
            if last > first:
                longer.append((len(records), last - first))
            records.append(record)
            done = last + 1
        records += lines[done:]
        return Split(records, longer, b"")

    def _dense(self, block: bytes) -> Split:
        """Split a block in which most lines hold quotes."""
        parts = self._lines_then_rest.findall(block)
        rest = b"" if self._line.fullmatch(parts[-1]) else parts.pop()
        if b"\r" in block:
            records = [part[:-2] if part.endswith(b"\r\n") else part[:-1] for part in parts]
        else:
            records = [part[:-1] for part in parts]
        if block.count(b"\n") - rest.count(b"\n") == len(records):
            return Split(records, [], rest)
        return Split(records, [(i, more) for i, record in enumerate(records) if (more := record.count(b"\n"))], rest)
