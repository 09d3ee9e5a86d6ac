"""What the tests of Dagster share: the feed and a small file of it."""

from __future__ import annotations

from edreflect_assets.contracts import load_feeds

FEED = load_feeds()["edreflect"]
PASSWORD = "correct-horse"
GOALS = b"goal_id,goal_title\n7,read more\n"
