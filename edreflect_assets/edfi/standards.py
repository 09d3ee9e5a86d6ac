"""The Ed-Fi data standards the platform publishes to, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edreflect_assets.errors import ConfigurationError


@dataclass(frozen=True)
class DataStandard:
    """One data standard; the paths are those of an ODS/API that nobody configured otherwise."""

    name: str
    max_identifier: int
    """Most characters of a cohortIdentifier."""
    data_path: str = "/data/v3"
    token_path: str = "/oauth/token"  # noqa: S105 - a path


DATA_STANDARDS: Mapping[str, DataStandard] = MappingProxyType(
    {
        standard.name: standard
        for standard in (
            DataStandard("3.3", max_identifier=20),
            DataStandard("4.0", max_identifier=20),
            DataStandard("5.0", max_identifier=36),
            DataStandard("6.0", max_identifier=36),
        )
    }
)
"""By name; what is not in here is not published to."""


def data_standard(name: str) -> DataStandard:
    """Return the standard ``name``; raises ConfigurationError, naming those there are."""
    standard = DATA_STANDARDS.get(name)
    if standard is None:
        raise ConfigurationError(f"{name} is no known Ed-Fi data standard; known are {', '.join(DATA_STANDARDS)}.")
    return standard
