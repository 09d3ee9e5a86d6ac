"""What a record calls itself: sourcedIds compared as the platform compares them, and read from broken records."""

from __future__ import annotations

import csv
import io
import re

import polars as pl

GUID_CHARACTERS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-_/@")
MAX_GUID_CHARACTERS = 255
_UUID = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
_KEY = re.compile(r"[0-9A-Za-z.\-_/@]{1,255}")


def canonical(ids: pl.Series) -> pl.Series:
    """Return ids such that the same record has the same text: UUIDs in lower case, any other as delivered."""
    lower = ids.str.to_lowercase()
    if (lower == ids).all():
        return ids
    return pl.select(pl.when(ids.str.contains(_UUID)).then(lower).otherwise(ids)).to_series().alias(ids.name)


def hashed(ids: pl.Series) -> pl.Series:
    """Return a 64-bit hash of each canonical id; null stays null."""
    hashes = canonical(ids).hash()
    return hashes if ids.null_count() == 0 else pl.select(pl.when(ids.is_not_null()).then(hashes)).to_series()


def record_key(record: bytes, position: int) -> str | None:
    """Return the sourcedId of a record that could not be read, None when that cannot be told.

    ``record`` is as delivered, without its line end; ``position`` is the field of the sourcedId, from 0.
    """
    text = record.decode("utf-8", "replace")
    if position == 0 and not text.startswith('"'):
        fields = [text.partition(",")[0].rstrip("\r")]
    else:
        try:
            fields = next(csv.reader(io.StringIO(text, newline=""), strict=False), [])
        except csv.Error:
            return None
    key = fields[position] if position < len(fields) else ""
    return key if _KEY.fullmatch(key) else None
