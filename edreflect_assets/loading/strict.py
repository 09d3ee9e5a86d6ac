"""Records one by one, by the letter of RFC 4180: what is wrong with a record, and where the next one starts.

A record starts on a physical line and ends with it, unless a quoted field goes on over the line end. When the quotes of
a record do not work out, only the one physical line it starts on is set aside and reading goes on with the next line,
so that a stray quote cannot swallow the rows that follow. Line ends are LF or CRLF; line numbers count LF.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from edreflect_assets.loading.failures import FileRefusedError

# A record that is longer than this is taken for an unclosed quote, a line that is longer refuses the file: it keeps
# memory bounded whatever arrives.
MAX_RECORD_BYTES = 16 * 1024 * 1024

STRAY_QUOTE = "stray quote"
UNCLOSED_QUOTE = "unclosed quote"
END_MARKER = "end-of-data marker"
BLANK_LINE = "blank line"
LONE_CARRIAGE_RETURN = "lone carriage return"
NUL_BYTE = "NUL byte"
NOT_UTF8 = "not UTF-8"
FIELD_COUNT = "wrong number of fields"

_FIELD = rb'(?:"[^"]*+(?:""[^"]*+)*+"|[^",]*+)'
_QUOTES_PAIR = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+")
_QUOTE_OPEN = re.compile(rb"(?:" + _FIELD + rb',)*+"[^"]*+(?:""[^"]*+)*+')


@dataclass(frozen=True)
class Shape:
    """How many fields a record must have: ``named`` ones and, after them, ``unnamed`` ones without a value."""

    named: int
    unnamed: int = 0

    @property
    def fields(self) -> int:
        """All fields of a record."""
        return self.named + self.unnamed


@dataclass(frozen=True)
class Scanned:
    """One record: its bytes without the line end, the lines it takes, and why it is set aside (None: it is good)."""

    text: bytes
    lines: int
    reason: str | None


class StrictScan:
    """Iterates over the records of ``text``, which starts with a record and ends with LF.

    ``line`` is the number of its first physical line. When ``at_end`` is False, a quoted field that is still open at
    the end of ``text`` ends the iteration; ``position`` then says from where to go on with more text. Iterating raises
    FileRefusedError when a field without a name holds a value.
    """

    def __init__(self, text: bytes, shape: Shape, *, line: int, at_end: bool) -> None:
        self._text = text
        self._shape = shape
        self._at_end = at_end
        self.line = line
        self.position = 0

    def __iter__(self) -> Iterator[Scanned]:
        """Yield the records in order; ``line`` is the line of the record just yielded."""
        while self.position < len(self._text):
            line_end = self._text.index(b"\n", self.position) + 1
            end = self._end_of_quotes(line_end)
            if end is None and not self._at_end and len(self._text) - self.position <= MAX_RECORD_BYTES:
                return
            scanned = self._record(line_end, end)
            self.position = line_end if scanned.reason in {STRAY_QUOTE, UNCLOSED_QUOTE} else end or line_end
            yield scanned
            self.line += scanned.lines

    def _end_of_quotes(self, line_end: int) -> int | None:
        """Return the end of the line with which the quotes of the record at ``position`` are even; None: not here.

        A line that is not part of a quoted field that goes on counts by itself.
        """
        even = self._text.count(b'"', self.position, line_end) % 2 == 0
        if even or not _QUOTE_OPEN.fullmatch(self._text, self.position, line_end):
            return line_end
        while (quote := self._text.find(b'"', line_end)) >= 0:
            line_start = self._text.rfind(b"\n", line_end - 1, quote) + 1
            line_end = self._text.index(b"\n", quote) + 1
            if line_end - self.position > MAX_RECORD_BYTES:
                return None
            if self._text.count(b'"', line_start, line_end) % 2:
                return line_end
        return None

    def _record(self, line_end: int, end: int | None) -> Scanned:
        line = _without_line_end(self._text[self.position : line_end])
        if end is None:
            return Scanned(line, 1, UNCLOSED_QUOTE)
        text = line if end == line_end else _without_line_end(self._text[self.position : end])
        if b'"' in text and not _QUOTES_PAIR.fullmatch(text):
            return Scanned(line, 1, STRAY_QUOTE)
        lines = text.count(b"\n") + 1
        reason = self._fault(text)
        if reason is None and self._shape.unnamed:
            text = self._without_unnamed(text)
        return Scanned(text, lines, reason)

    def _fault(self, text: bytes) -> str | None:
        outside = text.split(b'"')[::2]
        fields = sum(part.count(b",") for part in outside) + 1
        faults = (
            (END_MARKER, text == b"\\."),
            (BLANK_LINE, not text and self._shape.fields > 1),
            (LONE_CARRIAGE_RETURN, any(b"\r" in part for part in outside)),
            (NUL_BYTE, b"\0" in text),
            (NOT_UTF8, not is_utf8(text)),
            (f"{FIELD_COUNT}: {fields} instead of {self._shape.fields}", fields != self._shape.fields),
        )
        return next((reason for reason, found in faults if found), None)

    def _without_unnamed(self, text: bytes) -> bytes:
        for _ in range(self._shape.unnamed):
            if not text.endswith((b",", b',""')):
                raise FileRefusedError(
                    f"line {self.line}: a column without a name in the header holds a value; name it or leave it out"
                )
            text = text.removesuffix(b'""').removesuffix(b",")
        return text


def is_utf8(text: bytes) -> bool:
    """Tell whether ``text`` is valid UTF-8, by the same rules as PostgreSQL (no surrogates, no overlong forms)."""
    if text.isascii():
        return True
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _without_line_end(text: bytes) -> bytes:
    return text.removesuffix(b"\n").removesuffix(b"\r")
