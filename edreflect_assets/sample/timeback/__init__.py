"""TimeBack of the simulated districts: what their students do in learning applications, as the feed's tables.

Nothing is remembered from day to day: every row follows from the seed, the org, the day and the student.
"""

from edreflect_assets.sample.timeback.system import TimeBackDay, TimeBackSystem

__all__ = ["TimeBackDay", "TimeBackSystem"]
