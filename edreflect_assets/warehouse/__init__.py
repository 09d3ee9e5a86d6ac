"""The warehouse's side of the platform: what is pending, and the dbt builds that apply and publish it."""

from edreflect_assets.warehouse.build import build
from edreflect_assets.warehouse.dbt import dbt_arguments, dbt_environment, project_checksum
from edreflect_assets.warehouse.lock import BuildInProgress, build_session, builder_lock
from edreflect_assets.warehouse.pending import PendingModel, pending
from edreflect_assets.warehouse.report import BuildReport, NodeResult

__all__ = [
    "BuildInProgress",
    "BuildReport",
    "NodeResult",
    "PendingModel",
    "build",
    "build_session",
    "builder_lock",
    "dbt_arguments",
    "dbt_environment",
    "pending",
    "project_checksum",
]
