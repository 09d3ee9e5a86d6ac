"""Validation of a roster package: every rule of the contract, judged in one pass over each file and then across files."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

# As in loading/profile.py: polars reads this once, whoever imports it first.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import polars as pl

from edreflect_assets.contracts import Feed
from edreflect_assets.loading.header import Header
from edreflect_assets.roster.findings import FindingLog
from edreflect_assets.roster.refused import shown_name
from edreflect_assets.roster.validation.contents import FileContents, read_contents
from edreflect_assets.roster.validation.headers import FileHeader, judge_header, open_header
from edreflect_assets.roster.validation.manifest import (
    MANIFEST,
    Manifest,
    judge_manifest,
    judge_version,
    read_manifest,
)
from edreflect_assets.roster.validation.people import check_grades
from edreflect_assets.roster.validation.periods import check_primary_teachers, check_terms
from edreflect_assets.roster.validation.records import RecordStream
from edreflect_assets.roster.validation.references import (
    check_ancestors,
    check_duplicates,
    check_kinds,
    check_references,
)
from edreflect_assets.roster.verdict import FileVerdict, PackageVerdict, Rejections

__all__ = ["validate"]


def validate(feed: Feed, files: Mapping[str, Path], left_aside: Sequence[str] = ()) -> PackageVerdict:
    """Judge a package. ``files`` are its CSV files by their names in the contract, ``left_aside`` the names of others.

    A pure function of the bytes: no database, no org, no day. Nothing in the verdict but the keys of rejected records
    holds a value of a record. Raises OSError when a file cannot be read from the disk.
    """
    log = FindingLog()
    for name in sorted(left_aside):
        shown = shown_name(name)
        log.about_file("OR020", shown, "The file is not part of the rostering set and was left aside.")
    headers: dict[str, FileHeader] = {}
    for contract in feed.files.values():
        header = open_header(contract, files[contract.file], log) if contract.file in files else None
        if header is not None:
            headers[contract.file] = header
    present = [
        contract.file for contract in feed.files.values() if contract.load == "roster" and contract.file in files
    ]
    manifest, verdicts = _manifest(headers, log)
    if MANIFEST not in files:
        text = "The package has no manifest.csv." if present else "The package holds no rostering file and no manifest."
        log.about_file("OR030" if present else "OR001", MANIFEST, text)
    version = judge_version(manifest, headers, present, log)
    if manifest is not None:
        judge_manifest(manifest, feed, present, version, log)
    for file, header in headers.items():
        accepted = judge_header(header, version, log) if file != MANIFEST else None
        if accepted is not None:
            declared = manifest.declared(file) if manifest else None
            contents = read_contents(header, accepted, version, declared, log)
            if contents is not None:
                verdicts[file] = (header, accepted, contents)
    _judge_sets([contents for _, _, contents in verdicts.values()], version, log)
    return PackageVerdict(
        version=version,
        no_updates=manifest is not None and not present,
        files={file: _verdict(*read, log) for file, read in sorted(verdicts.items())},
        left_aside=tuple(sorted(left_aside)),
        log=log,
    )


_Read = tuple[FileHeader, Header, FileContents]


def _manifest(headers: Mapping[str, FileHeader], log: FindingLog) -> tuple[Manifest | None, dict[str, _Read]]:
    header = headers.get(MANIFEST)
    if header is None:
        return None, {}
    accepted = judge_header(header, "1.1", log)
    if accepted is None:
        return None, {}
    if "value" in accepted.missing:
        log.about_file("OR103", MANIFEST, "The header lacks the required column value.", line=1)
        return None, {}
    manifest = read_manifest(header, accepted, log)
    if manifest is None:
        return None, {}
    contents = FileContents(header, records=manifest.records, unreadable_keys=manifest.keys)
    return manifest, {MANIFEST: (header, accepted, contents)}


def _judge_sets(read: Iterable[FileContents], version: str, log: FindingLog) -> None:
    package = {
        contents.header.contract.table: contents
        for contents in read
        if contents.sound and contents.header.contract.load == "roster"
    }
    for contents in package.values():
        check_duplicates(contents, log)
        check_ancestors(contents, log)
    check_references(package, log)
    check_kinds(package, log)
    check_terms(package, log)
    check_primary_teachers(package, log)
    if version == "1.2":
        check_grades(package, log)


def _verdict(header: FileHeader, accepted: Header, contents: FileContents, log: FindingLog) -> FileVerdict:
    contract = header.contract
    groups, places = log.rejections(contract.file)
    keys = dict(contents.unreadable_keys)
    if places.height > len(keys):
        keys |= _keys_of(places["record"], header, accepted)
    rejected = Rejections(
        array("L", places["record"].to_list()),
        array("L", places["line"].to_list()),
        array("L", places["group"].to_list()),
        groups,
        keys,
    )
    return FileVerdict(contract.file, contract.table, contents.mode, contents.records, rejected)


def _keys_of(records: pl.Series, header: FileHeader, accepted: Header) -> dict[int, str]:
    """Read the file once more for the sourcedIds of ``records``; only files with rejected records need it."""
    key = header.contract.key[0]
    keys: dict[int, str] = {}
    wanted = records.implode()
    for frame in RecordStream(header, accepted, FindingLog()).frames():
        named = frame.filter(frame["record"].is_in(wanted)).select("record", key).drop_nulls()
        keys.update(named.iter_rows())
    return keys
