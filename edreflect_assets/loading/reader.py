"""From the bytes after a header to good CSV: every record is either numbered and sent on, or set aside.

The bytes pass once and in blocks, so memory does not depend on the file's size. Each block goes through the fast path;
only from its first doubtful record to its end it is read record by record. The text sent on is known to be good:
the right number of fields, UTF-8, no NUL, line ends of LF.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Protocol

from edreflect_assets.loading.failures import FileRefusedError
from edreflect_assets.loading.fast import FastSplit, Split
from edreflect_assets.loading.numbering import decimals, numbered
from edreflect_assets.loading.strict import MAX_RECORD_BYTES, Shape, StrictScan

if TYPE_CHECKING:
    from edreflect_assets.roster.verdict import Rejection

BLOCK_BYTES = 256 * 1024
# The first block is small, so that who waits for it has something to do while the others are read.
_FIRST_BYTES = 16 * 1024
# While a record or a run of blank lines is longer than a block, blocks grow up to this.
_LONGEST_READ = 1024 * 1024
_NONE_LEFT = sys.maxsize


@dataclass(frozen=True)
class Rejected:
    """A record that was set aside: the physical line it starts on (header = 1), why, its bytes as delivered, its number.

    ``judged`` is what validation said of it, where the file was validated.
    """

    line: int
    reason: str
    text: bytes
    record: int
    judged: Rejection | None = None


class Profiling(Protocol):
    """Takes the records that were sent on, as CSV text of whole records."""

    def add(self, text: bytes) -> None:
        """Take more records."""


class RecordReader:
    """Reads the records of a stream; ``read`` gives them as numbered CSV.

    Each record is given as ``prefix``, its number in the file, its line, and its fields. Rejected ones go to
    ``on_rejected`` and keep their number; so do those that validation rejected before, ``judged`` by their number,
    ascending. An exception on the way ends the text as if the file had ended (a COPY then succeeds, and the server has
    nothing to log); ``failure`` holds it, and the caller has to undo what it did with the text.
    """

    def __init__(
        self,
        stream: BinaryIO,
        shape: Shape,
        *,
        prefix: bytes,
        first_line: int,
        on_rejected: Callable[[Rejected], None],
        profiling: Profiling | None = None,
        judged: Mapping[int, Rejection] | None = None,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.records = 0
        self.rejected = 0
        self.failure: Exception | None = None
        self._stream = stream
        self._shape = shape
        self._fast = FastSplit(shape)
        self._prefix = prefix
        self._line = first_line
        self._on_rejected = on_rejected
        self._profiling = profiling
        self._block_bytes = block_bytes
        self._judged = judged or {}
        self._judged_numbers = iter(self._judged)
        self._next_judged = next(self._judged_numbers, _NONE_LEFT)
        self._texts = self._numbered()

    @property
    def accepted(self) -> int:
        """Records sent on so far."""
        return self.records - self.rejected

    def read(self) -> bytes:
        """Return the next records, numbered, and nothing at the end."""
        if self.failure is not None:
            return b""
        try:
            return next(self._texts, b"")
        except Exception as error:
            self.failure = error
            return b""

    def _numbered(self) -> Iterator[bytes]:
        for block, at_end in self._blocks():
            split = self._fast.split(block)
            if split.records and (text := self._send_split(split, block)):
                yield text
            if split.rest:
                yield from self._strictly(split.rest, at_end=at_end)

    def _blocks(self) -> Iterator[tuple[bytes, bool]]:
        """Yield blocks of whole lines, and whether the file ends with it; blank lines at the end are left out."""
        self._held = b""
        at_end = False
        size = min(_FIRST_BYTES, self._block_bytes)
        while not at_end:
            wanted = max(size, min(len(self._held), _LONGEST_READ))
            size = min(size * 4, self._block_bytes)
            more = self._stream.read(wanted)
            at_end = len(more) < wanted
            text = self._held + more
            end = _end_of_lines(text, at_end=at_end)
            block, self._held = text[:end], text[end:]
            if at_end and block and not block.endswith(b"\n"):
                block += b"\n"
            if block:
                yield block, at_end
            if len(self._held) - self._held.rfind(b"\n") > MAX_RECORD_BYTES:
                line = self._line + self._held.count(b"\n")
                limit = MAX_RECORD_BYTES // 1024**2
                raise FileRefusedError(f"line {line} is longer than {limit} MiB; is this a CSV file?")

    def _strictly(self, text: bytes, *, at_end: bool) -> Iterator[bytes]:
        scan = StrictScan(text, self._shape, line=self._line, at_end=at_end)
        good: list[bytes] = []
        lines: list[int] = []
        numbers: list[int] = []
        size = 0
        for scanned in scan:
            self.records += 1
            if scanned.reason is not None or self.records == self._next_judged:
                self._reject(self.records, scan.line, scanned.text, scanned.reason)
                continue
            good.append(scanned.text)
            numbers.append(self.records)
            lines.append(scan.line)
            size += len(scanned.text) + 1
            if size >= self._block_bytes:
                yield self._send(good, numbers, lines)
                good, numbers, lines, size = [], [], [], 0
        if good:
            yield self._send(good, numbers, lines)
        self._line = scan.line
        # What the scan left is a record whose end is not in this block.
        self._held = text[scan.position :] + self._held

    def _send_split(self, split: Split, block: bytes) -> bytes:
        first = self.records + 1
        self.records += len(split.records)
        numbers = range(first, self.records + 1)
        lines = _lines(self._line, split)
        self._line = lines[-1].stop
        if self._next_judged <= self.records:
            return self._send_others(split.records, numbers, chain(*lines))
        as_they_are = not self._shape.unnamed and b"\r" not in block
        good = block[: len(block) - len(split.rest)] if split.rest else block
        return self._text(split.records, decimals([numbers]), decimals(lines), good if as_they_are else None)

    def _send_others(self, records: Sequence[bytes], numbers: range, lines: Iterable[int]) -> bytes:
        """Send the records that validation did not reject; the text is empty when it rejected all of them."""
        good: list[bytes] = []
        good_lines: list[int] = []
        good_numbers: list[int] = []
        for number, line, record in zip(numbers, lines, records, strict=False):
            if number == self._next_judged:
                self._reject(number, line, record, None)
            else:
                good.append(record)
                good_numbers.append(number)
                good_lines.append(line)
        return self._send(good, good_numbers, good_lines) if good else b""

    def _reject(self, number: int, line: int, text: bytes, reason: str | None) -> None:
        """Set a record aside: one that cannot be read (``reason``), one that validation rejected, or both."""
        judged = None
        if number == self._next_judged:
            judged = self._judged[number]
            self._next_judged = next(self._judged_numbers, _NONE_LEFT)
        self.rejected += 1
        self._on_rejected(Rejected(line, judged.reason if judged else reason or "", text, number, judged))

    def _send(self, records: list[bytes], numbers: Sequence[int], lines: Sequence[int]) -> bytes:
        as_text = b"%d".__mod__
        return self._text(records, list(map(as_text, numbers)), list(map(as_text, lines)), None)

    def _text(
        self, records: list[bytes], numbers: Sequence[bytes], lines: Sequence[bytes], original: bytes | None
    ) -> bytes:
        if self._profiling is not None:
            self._profiling.add(b"\n".join([*records, b""]) if original is None else original)
        return numbered(self._prefix, numbers, lines, records)


def _end_of_lines(text: bytes, *, at_end: bool) -> int:
    """Return how much of ``text`` can be read as whole lines; blank lines at its end wait for what follows them."""
    whole = len(text) if at_end else text.rfind(b"\n") + 1
    content = len(text.rstrip(b"\r\n"))
    if content > whole:
        return whole
    if content == 0:
        return 0 if at_end or whole < _LONGEST_READ else whole
    return text.find(b"\n", content) + 1 or content


def _lines(first: int, split: Split) -> list[range]:
    """Return the lines on which the records start, as runs; the last one ends before the line after the records."""
    runs: list[range] = []
    line, done = first, 0
    for place, more in split.longer:
        length = place + 1 - done
        runs.append(range(line, line + length))
        line += length + more
        done = place + 1
    return [*runs, range(line, line + len(split.records) - done)]
