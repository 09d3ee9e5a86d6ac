"""Infinite Campus of the simulated districts: programs, who is in them and who leads them, as the feed's snapshots."""

from edreflect_assets.sample.campus.system import FEED, CampusSystem, cut_off

__all__ = ["FEED", "CampusSystem", "cut_off"]
