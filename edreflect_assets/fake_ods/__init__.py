"""Test equipment: a local HTTP server that behaves as an Ed-Fi ODS/API for cohorts and their associations.

Only tests, the demo and benchmarks start it. It listens on loopback, keeps everything in memory, and its key and secret
are printed in this repository; nothing real may be sent to it.
"""

from edreflect_assets.fake_ods.faults import Fault, FaultHook, RequestInfo
from edreflect_assets.fake_ods.server import FAKE_KEY, FAKE_SECRET, FakeOds

__all__ = ["FAKE_KEY", "FAKE_SECRET", "FakeOds", "Fault", "FaultHook", "RequestInfo"]
