"""Numbers in front of records, thousands at a time: formatting each record by itself takes three times as long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

_THOUSAND = b" ".join([b"k%03d" % rest for rest in range(1000)])
# A run that is shorter than this is not worth looking up.
_SHORT = 20
# Records of a byte or two would otherwise take fifty times their size.
_AT_ONCE = 20_000


def decimals(runs: Iterable[range]) -> list[bytes]:
    """Return the numbers of some runs (each ascending by one, from 0 on) in decimal notation."""
    texts: list[bytes] = []
    for run in runs:
        if len(run) < _SHORT:
            texts += [b"%d" % number for number in run]
            continue
        first, stop = run.start, run.stop
        while first < stop:
            thousands, rest = divmod(first, 1000)
            last = min(1000, rest + stop - first)
            texts += _thousand(thousands)[rest:last]
            first += last - rest
    return texts


@lru_cache(maxsize=8)
def _thousand(thousands: int) -> list[bytes]:
    if thousands == 0:
        return [b"%d" % number for number in range(1000)]
    return _THOUSAND.replace(b"k", b"%d" % thousands).split(b" ")


def numbered(prefix: bytes, numbers: Sequence[bytes], lines: Sequence[bytes], records: Sequence[bytes]) -> bytes:
    """Return a CSV line for each record: ``prefix``, its number, its line, and the record; all three are of one length."""
    if len(records) > _AT_ONCE:
        starts = range(0, len(records), _AT_ONCE)
        slices = [slice(start, start + _AT_ONCE) for start in starts]
        return b"".join([numbered(prefix, numbers[each], lines[each], records[each]) for each in slices])
    parts = [b"\n" + prefix, b"", b",", b"", b",", b""] * len(records)
    parts[1::6], parts[3::6], parts[5::6] = numbers, lines, records
    parts[0] = prefix
    parts.append(b"\n")
    return b"".join(parts)
