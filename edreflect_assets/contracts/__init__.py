"""The feeds' contracts: ``feeds`` is what they say, ``reading`` takes it from the dbt project."""

from edreflect_assets.contracts.feeds import Column, Feed, FileContract
from edreflect_assets.contracts.reading import DATA_TYPES, DBT_PROJECT_DIR, load_feeds

__all__ = ["DATA_TYPES", "DBT_PROJECT_DIR", "Column", "Feed", "FileContract", "load_feeds"]
