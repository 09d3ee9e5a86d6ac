"""The demo: generated districts, fetched over a real SFTP server, loaded, built and published through Dagster."""

from edreflect_assets.demo.demo import run_demo
from edreflect_assets.demo.home import DemoOptions

__all__ = ["DemoOptions", "run_demo"]
