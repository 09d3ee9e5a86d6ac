"""What Dagster loads: the definitions of the installation that the environment names."""

from edreflect_assets.orchestration.code_location import build_definitions
from edreflect_assets.settings import Settings

defs = build_definitions(Settings.from_environment())
