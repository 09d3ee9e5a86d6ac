"""A sample in one call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from edreflect_assets.sample.deliveries import SampleSummary
from edreflect_assets.sample.plan import DEFAULT_END_DAY, Sample


def generate(
    out: Path,
    *,
    orgs: int = 2,
    days: int = 5,
    educators: int = 40,
    seed: int = 1,
    end_day: date | None = None,
    dirty: bool = True,
    observations_per_day: float | None = None,
    scale: float = 1.0,
    empty_files: bool = True,
    students: int = 0,
    activity: float = 0.0,
    programs: int = 0,
    hold_back: bool = False,
    written: Callable[[Path], None] = lambda _: None,
) -> SampleSummary:
    """Write a sample below a directory; the arguments are the fields of Sample and those of Sample.generate."""
    sample = Sample(
        orgs=orgs,
        days=days,
        educators=educators,
        seed=seed,
        end_day=end_day or DEFAULT_END_DAY,
        dirty=dirty,
        observations_per_day=observations_per_day,
        scale=scale,
        empty_files=empty_files,
        students=students,
        activity=activity,
        programs=programs,
    )
    return sample.generate(out, hold_back=hold_back, written=written)
