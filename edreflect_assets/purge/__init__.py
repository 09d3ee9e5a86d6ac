"""Disposal at a contract's end: everything of one org that the platform has is deleted, and recorded on paper."""

from edreflect_assets.purge.purge import Holdings, Purge, Traces
from edreflect_assets.purge.record import Record
from edreflect_assets.purge.subject import Subject

__all__ = ["Holdings", "Purge", "Record", "Subject", "Traces"]
