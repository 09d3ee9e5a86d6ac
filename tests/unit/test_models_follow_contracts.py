"""A file of a contract without its models, or a model without its file, is a mistake found before dbt runs."""

from __future__ import annotations

import pytest

from edreflect_assets.contracts import DBT_PROJECT_DIR, Feed, load_feeds

MODELS = DBT_PROJECT_DIR / "models"
UNIONS = {"id_map"}  # load rules whose files share one reconciled table, named as the rule
# Where a naming convention says what a file becomes, its tables are made from the contract and the ledger, not one by one;
# a feed that extends another one's is entered into that one's models.
OF_FILES = [feed for feed in load_feeds().values() if feed.convention is None and feed.extends is None]


def names(folder: str, feed: Feed, prefix: str) -> set[str]:
    return {path.stem.removeprefix(prefix) for path in (MODELS / folder / feed.name).glob("*.sql")}


@pytest.mark.parametrize("feed", OF_FILES, ids=lambda feed: feed.name)
def test_every_file_has_a_staging_model(feed: Feed) -> None:
    unions = UNIONS & {contract.load for contract in feed.files.values()}
    assert names("staging", feed, f"stg_{feed.name}__") == set(feed.tables) | unions


@pytest.mark.parametrize("feed", [feed for feed in OF_FILES if feed.package is None], ids=lambda feed: feed.name)
def test_every_file_but_reference_files_has_a_reconciled_model(feed: Feed) -> None:
    own = {contract.table for contract in feed.files.values() if contract.load not in UNIONS | {"reference"}}
    unions = UNIONS & {contract.load for contract in feed.files.values()}
    assert names("reconciled", feed, f"{feed.name}__") == own | unions


def test_every_rostering_file_becomes_a_table_that_a_model_shows() -> None:
    feed = load_feeds()["oneroster"]
    become = {contract.becomes for contract in feed.files.values() if contract.load == "roster"}
    assert None not in become
    assert become <= names("reconciled", feed, "oneroster__")
