"""Sample data: simulated districts whose exports, rosters, learning records and programs look and behave like real ones."""

from edreflect_assets.sample.deliveries import SampleDelivery, SampleSummary
from edreflect_assets.sample.generating import generate
from edreflect_assets.sample.plan import DEFAULT_ACTIVITY, DEFAULT_END_DAY, DEFAULT_PROGRAMS, Sample
from edreflect_assets.sample.source_system import SourceSystem

__all__ = [
    "DEFAULT_ACTIVITY",
    "DEFAULT_END_DAY",
    "DEFAULT_PROGRAMS",
    "Sample",
    "SampleDelivery",
    "SampleSummary",
    "SourceSystem",
    "generate",
]
