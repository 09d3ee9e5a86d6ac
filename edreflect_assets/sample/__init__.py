"""Sample data: simulated districts whose EdReflect exports and rosters look and behave like real ones."""

from edreflect_assets.sample.plan import DEFAULT_END_DAY, Sample, SampleDelivery, SampleSummary, generate
from edreflect_assets.sample.source_system import SourceSystem

__all__ = ["DEFAULT_END_DAY", "Sample", "SampleDelivery", "SampleSummary", "SourceSystem", "generate"]
