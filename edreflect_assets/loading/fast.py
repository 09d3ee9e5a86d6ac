"""Records a block at a time: what nearly every file needs, at the speed of the interpreter's own byte operations.

The fast path only ever says yes to records that ``strict`` would accept; everything else is left to it. It checks all
that COPY would refuse, so that the server never has a reason to quote a row in its log, and all that COPY would
silently misread: stray quotes, an end-of-data marker, a lone carriage return.
"""

from __future__ import annotations

import re

from edreflect_assets.loading.strict import Shape, is_utf8

_FIELD = rb'(?:"[^"]*+(?:""[^"]*+)*+"|[^",\r\n]*+)'


class FastSplit:
    """Splits blocks of lines into records of one ``shape``."""

    def __init__(self, shape: Shape) -> None:
        self._commas = shape.fields - 1
        self._unnamed = b"," * shape.unnamed
        record = _FIELD + rb"(?:," + _FIELD + rb"){%d}\r?\n" % self._commas
        self._record = re.compile(record)
        # The second branch swallows what is left at the first record that does not match.
        self._records_then_rest = re.compile(record + rb"|[\s\S]+")

    def split(self, block: bytes) -> tuple[list[bytes], bytes]:
        """Return the good records at the start of ``block`` without line ends, and the bytes after them.

        ``block`` starts with a record and ends with LF. What comes back as rest starts with a record, too: one that is
        bad, or whose quoted field goes on after the block.
        """
        records, rest = self._quoted(block) if b'"' in block else self._plain(block)
        good = block[: len(block) - len(rest)] if rest else block
        if b"\0" in good or not is_utf8(good):
            return [], block
        if not self._commas and b"\\." in good and b"\\." in records:
            return [], block
        if self._unnamed:
            if not all(record.endswith(self._unnamed) for record in records):
                return [], block
            records = [record[: -len(self._unnamed)] for record in records]
        return records, rest

    def _plain(self, block: bytes) -> tuple[list[bytes], bytes]:
        text = block.replace(b"\r\n", b"\n") if b"\r" in block else block
        records = text.split(b"\n")
        records.pop()
        commas = self._commas
        # A list, not a generator: it is the hot loop, and nearly every block goes through it to the end.
        if b"\r" in text or any([record.count(b",") != commas for record in records]):  # noqa: C419
            return [], block
        return records, b""

    def _quoted(self, block: bytes) -> tuple[list[bytes], bytes]:
        parts = self._records_then_rest.findall(block)
        rest = b"" if self._record.fullmatch(parts[-1]) else parts.pop()
        if b"\r" in block:
            return [part[:-2] if part.endswith(b"\r\n") else part[:-1] for part in parts], rest
        return [part[:-1] for part in parts], rest
