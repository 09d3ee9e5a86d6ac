"""Rosters of the simulated districts: what their student information systems deliver as OneRoster packages."""

from edreflect_assets.sample.rosters.delivering import Delivering
from edreflect_assets.sample.rosters.packages import RosterPackage
from edreflect_assets.sample.rosters.roster_system import RosterSystem

__all__ = ["Delivering", "RosterPackage", "RosterSystem"]
