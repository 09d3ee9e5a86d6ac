"""Random numbers for whole columns: each depends on its kind and on the number of the thing it is drawn for, alone.

So the facts of any day and any student can be made again, in any order and without those before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import polars as pl

_SPAN = 2**64
_HEX = pl.Series([f"{number:04x}" for number in range(2**16)])


def _mixed(number: pl.Series) -> pl.Series:
    """Return 64 bits for 64 bits, no two alike: the mixing function of Steele, Lea and Flood's SplitMix64."""
    number = (number ^ (number // 2**30)) * 0xBF58476D1CE4E5B9
    number = (number ^ (number // 2**27)) * 0x94D049BB133111EB
    return number ^ (number // 2**31)


class Draws:
    """Draws of one origin; numbers are columns of unsigned integers of 64 bits."""

    def __init__(self, *origin: object) -> None:
        self._origin = "/".join(map(str, origin))
        self._keys: dict[str, int] = {}

    def bits(self, kind: str, number: pl.Expr) -> pl.Expr:
        """Return 64 random bits for each number."""
        key = self._key(kind)
        # a function of columns: as an expression it would be a tree of hundreds of nodes
        return number.map_batches(lambda numbers: _mixed(numbers * 0x9E3779B97F4A7C15 + key), return_dtype=pl.UInt64)

    def chance(self, kind: str, number: pl.Expr, share: float) -> pl.Expr:
        """Tell of each number whether it is one of the ``share`` of numbers, from 0 to 1."""
        return self.bits(kind, number) <= pl.lit(min(int(share * _SPAN), _SPAN - 1), pl.UInt64)

    def share(self, kind: str, number: pl.Expr) -> pl.Expr:
        """Return a fraction from 0 to 1 for each number."""
        return self.bits(kind, number).cast(pl.Float64) / _SPAN

    def below(self, kind: str, number: pl.Expr, limit: int) -> pl.Expr:
        """Return a signed integer from 0 up to, and without, ``limit`` for each number."""
        return (self.bits(kind, number) % limit).cast(pl.Int64)

    def choice(self, kind: str, number: pl.Expr, options: Sequence[str | None]) -> pl.Expr:
        """Return one of the options for each number; one that is there twice is drawn twice as often."""
        return looked_up(pl.Series(options, dtype=pl.String), self.below(kind, number, len(options)))

    def with_uuid(self, frame: pl.DataFrame, name: str, kind: str, number: pl.Expr) -> pl.DataFrame:
        """Return the frame with a column of UUIDs; equal kinds and numbers, and only these, have equal UUIDs."""
        highs = frame.select(high=self.bits(kind, number)).to_series()
        halves = pl.DataFrame([highs, _mixed(highs + self._key(f"{kind}, low")).alias("low")])
        high, low, dash = pl.col("high"), pl.col("low"), pl.lit("-")
        text = pl.concat_str(
            _hex(high // 2**48),
            _hex(high // 2**32 % 2**16),
            dash,
            _hex(high // 2**16 % 2**16),
            dash,
            _hex(high % 2**12 + 0x4000),
            dash,
            _hex(low // 2**48 % 2**14 + 0x8000),
            dash,
            _hex(low // 2**32 % 2**16),
            _hex(low // 2**16 % 2**16),
            _hex(low % 2**16),
        )
        return frame.with_columns(halves.select(text.alias(name)).to_series())

    def _key(self, kind: str) -> int:
        if kind not in self._keys:
            self._keys[kind] = int.from_bytes(blake2b(f"{self._origin}/{kind}".encode(), digest_size=8).digest())
        return self._keys[kind]


def looked_up(values: pl.Series, place: pl.Expr) -> pl.Expr:
    """Return the values at some places, null where the place is."""
    return pl.lit(values).gather(place)


def _hex(number: pl.Expr) -> pl.Expr:
    return looked_up(_HEX, number.cast(pl.UInt32))
