"""The Postgres behind the platform: the embedded server, connections, and the tables the platform itself owns."""

from edreflect_assets.database.connect import connect
from edreflect_assets.database.migrations import migrate
from edreflect_assets.database.server import database_url, ensure_server, server_status, stop_server

__all__ = ["connect", "database_url", "ensure_server", "migrate", "server_status", "stop_server"]
