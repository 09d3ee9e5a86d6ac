"""The manifest: which versions, and which files, complete or as changes; a hint that the files themselves overrule."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import polars as pl

from edreflect_assets.contracts import Feed
from edreflect_assets.loading.header import Header
from edreflect_assets.roster.findings import PLACE, FindingLog
from edreflect_assets.roster.validation.headers import FileHeader
from edreflect_assets.roster.validation.records import RecordStream
from edreflect_assets.roster.verdict import Mode

MANIFEST = "manifest.csv"
_MANIFEST_VERSION, _VERSION = "manifest.version", "oneroster.version"
_MODES: Mapping[str, Mode] = {"bulk": "bulk", "delta": "delta"}
_ABSENT = "absent"
_COLUMNS = ("record", "line", "property_name", "value")
_KNOWN_VERSIONS = frozenset({"1.0", "1.1", "1.2"})


@dataclass
class Manifest:
    """What a manifest says. Property names are in lower case; values are kept with the line that says them."""

    records: int = 0
    values: dict[str, tuple[str, int]] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)

    def said(self, name: str) -> str:
        """Return the value of a property, an empty text when it has none."""
        return self.values.get(name.lower(), ("", 0))[0]

    def line(self, name: str) -> int | None:
        """Return the line that says it."""
        return self.values[name.lower()][1] if name.lower() in self.values else None

    @property
    def version(self) -> str | None:
        """The version of OneRoster it names, None when it names none."""
        return self.said(_VERSION) or None

    def declared(self, file: str) -> Mode | None:
        """Return the mode it gives a file, e.g. users.csv."""
        return _MODES.get(self.said(_property(file)).lower())


def read_manifest(header: FileHeader, accepted: Header, log: FindingLog) -> Manifest | None:
    """Read the manifest; None, with a finding, when it cannot be read to its end."""
    stream = RecordStream(header, accepted, log)
    manifest = Manifest()
    repeated: list[tuple[int, int]] = []
    for frame in stream.frames():
        unnamed = frame.filter(pl.col("property_name").is_null())
        log.about_records("OR300", MANIFEST, unnamed, column="propertyName", text="propertyName is required and empty.")
        for record, line, name, value in frame.drop_nulls("property_name").select(_COLUMNS).iter_rows():
            known = name.strip().lower()
            if known in manifest.values:
                repeated.append((record, line))
            manifest.values[known] = ((value or "").strip(), line)
    places = pl.DataFrame(repeated, schema=PLACE, orient="row")
    text = "The manifest names a property that an earlier line names, too; this line counts."
    log.about_records("OR037", MANIFEST, places, column="propertyName", text=text)
    manifest.records, manifest.keys = stream.records, stream.keys
    return manifest if stream.complete else None


def judge_manifest(manifest: Manifest, feed: Feed, present: Collection[str], version: str, log: FindingLog) -> None:
    """Compare what the manifest says with what is there; ``present`` are the rostering files of the package."""
    files = [contract.file for contract in feed.files.values() if contract.load == "roster"]
    expected = [file for file in files if file != "roles.csv" or version == "1.2"]
    needed = [_MANIFEST_VERSION, _VERSION, *(_property(file) for file in expected)]
    lacking = [name for name in needed if not manifest.said(name)]
    if lacking:
        log.about_file("OR031", MANIFEST, f"The manifest lacks {', '.join(lacking)}.")
    if manifest.said(_MANIFEST_VERSION) not in {"", "1.0"}:
        line = manifest.line(_MANIFEST_VERSION)
        log.about_file("OR032", MANIFEST, "manifest.version is not 1.0.", column="value", line=line)
    for file in files:
        _judge_file(manifest, file, present, log)


def _judge_file(manifest: Manifest, file: str, present: Collection[str], log: FindingLog) -> None:
    word, line = manifest.said(_property(file)).lower(), manifest.line(_property(file))
    if not word:
        return
    if word not in {*_MODES, _ABSENT}:
        text = f"The manifest says of {file} neither bulk nor delta nor absent."
        log.about_file("OR036", MANIFEST, text, column="value", line=line)
    elif word == _ABSENT and file in present:
        log.about_file("OR039", file, "The manifest says that the file is absent; it is there and was read.")
    elif word != _ABSENT and file not in present:
        text = f"The manifest announces {file}, which is not in the package."
        log.about_file("OR038", MANIFEST, text, column="value", line=line)


def judge_version(
    manifest: Manifest | None, headers: Mapping[str, FileHeader], present: Collection[str], log: FindingLog
) -> str:
    """Return the version by whose rules the files are judged, 1.1 or 1.2; refuse one that is not known.

    It is 1.2 when the manifest says so, when there is a roles.csv, or when users.csv has neither role nor orgSourcedIds
    and no manifest says 1.1.
    """
    said = manifest.version if manifest else None
    line = manifest.line(_VERSION) if manifest else None
    if said is not None and said not in _KNOWN_VERSIONS:
        text = "oneroster.version is none of 1.0, 1.1, 1.2."
        log.about_file("OR033", MANIFEST, text, column="value", line=line)
    users = headers.get("users.csv")
    without_roles = users is not None and not {"role", "org_sourced_ids"}.intersection(users.columns)
    if said == "1.2" or "roles.csv" in present or (without_roles and said is None):
        if said in {"1.0", "1.1"}:
            text = f"The manifest says {said}, but there is a roles.csv; the package is read as version 1.2."
            log.about_file("OR035", MANIFEST, text, column="value", line=line)
        if without_roles and "roles.csv" not in present:
            text = "users.csv has neither role nor orgSourcedIds, and roles.csv is not in the package."
            log.about_file("OR045", "users.csv", text, line=1)
        return "1.2"
    if said == "1.0":
        text = "The files are of version 1.0 and are read as 1.1."
        log.about_file("OR034", MANIFEST, text, column="value", line=line)
    return "1.1"


def _property(file: str) -> str:
    return f"file.{file.removesuffix('.csv')}"
