"""Distinct keys are counted exactly while they are few, and within a percent when they are many."""

from __future__ import annotations

import random

import polars as pl
import pytest

from edreflect_assets.loading.profile import SKETCH_SIZE, KeySketch


@pytest.mark.parametrize("distinct", [0, 1, 1000, SKETCH_SIZE - 1])
def test_few_keys_are_counted_exactly(distinct: int) -> None:
    hashes = pl.Series("key", random.Random(1).sample(range(2**63 - 1), distinct), dtype=pl.UInt64)
    sketch = KeySketch()
    for _ in range(3):
        sketch.add(hashes)
    assert sketch.estimate() == (distinct, True)


def test_many_keys_are_estimated_whatever_the_chunks() -> None:
    chance = random.Random(2)
    distinct = [chance.getrandbits(64) for _ in range(300_000)]
    whole, pieces = KeySketch(), KeySketch()
    whole.add(pl.Series("key", distinct, dtype=pl.UInt64))
    for start in range(0, 300_000, 10_000):
        for _ in range(2):
            pieces.add(pl.Series("key", distinct[start : start + 10_000], dtype=pl.UInt64))
    assert whole.estimate() == pieces.estimate()
    estimate, exact = pieces.estimate()
    assert not exact
    assert abs(estimate - 300_000) < 0.02 * 300_000
