"""What a person should know about files that were loaded all the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from edreflect_assets.contracts import Feed, FileContract
from edreflect_assets.loading.failures import FileRefusedError
from edreflect_assets.loading.header import Header

# Load rules under which a key names one row; the rows of drop_insert files are lists.
_ONE_ROW_PER_KEY = frozenset({"upsert", "affiliation", "id_map", "bulk"})


def header_warnings(contract: FileContract, header: Header) -> Iterator[str]:
    """Yield what is to be said of a file's header, and of a file that is not what its name promises."""
    if contract.load == "definitions":
        yield "it describes columns: kept as definitions, it does not count as a file of its group"
    if contract.listed:
        yield from header.warnings
        return
    yield "not listed in the contract; loaded by the naming convention"
    # None of its columns is listed: that they are unknown says nothing new.
    yield from replace(header, unknown=()).warnings


def key_warnings(contract: FileContract, profile: Mapping[str, Any], rows: int) -> Iterator[str]:
    """Yield warnings about keys that are empty or repeated; ``profile`` may be empty, and says so."""
    if rows and not profile:
        yield "this file has no profile: polars did not read the rows that were loaded"
        return
    for column in contract.key or contract.drop_key:
        empty = profile.get("nulls", {}).get(column, 0)
        if empty:
            yield f"{empty} rows have an empty {column}, which is part of the key"
    repeated = rows - profile.get("distinct_keys", rows)
    if repeated and profile.get("distinct_keys_exact") and contract.load in _ONE_ROW_PER_KEY:
        yield f"{repeated} rows repeat a key of this file; the later line wins"


def check_missing_files(
    feed: Feed, reference: FileContract, keys: int, present: Collection[str], missing_file: Literal["empty", "refuse"]
) -> Iterator[str]:
    """Yield a warning for each file that ``reference`` touches and that is not among the ``present`` ones.

    ``keys`` is the number of keys the reference file names; nothing is missing when it names none. Raises
    FileRefusedError for the first such file when ``missing_file`` says so.
    """
    for contract in feed.files.values():
        if contract.touched_by != reference.file or contract.file in present or keys == 0:
            continue
        if missing_file == "refuse":
            raise FileRefusedError(
                f"it is missing while {reference.file} names {keys} keys; deliver it, or set missing_file: empty for"
                " this org",
                file=contract.file,
            )
        yield f"{contract.file} is missing: the {keys} keys named here end with no rows there"
