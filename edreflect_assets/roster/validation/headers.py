"""Headers: whether the file is UTF-8 text with the columns that OneRoster asks for, and how they are spelt."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from edreflect_assets.contracts import FileContract
from edreflect_assets.loading.failures import FileRefusedError
from edreflect_assets.loading.header import Header, Names, raw_columns, read_header, read_names
from edreflect_assets.roster.findings import FindingLog
from edreflect_assets.roster.refused import shown_name
from edreflect_assets.roster.validation.encodings import SAMPLE_BYTES, looks_like

_BOM = b"\xef\xbb\xbf"
# Columns of version 1.2's users.csv that no view needs: known, kept, and no reason for a finding.
_ALSO_KNOWN = {
    "users.csv": (
        "password",
        "userMasterIdentifier",
        "resourceSourcedIds",
        "preferredGivenName",
        "preferredMiddleName",
        "preferredFamilyName",
        "primaryOrgSourcedId",
        "pronouns",
    ),
    "courses.csv": ("resourceSourcedIds",),
    "classes.csv": ("resourceSourcedIds",),
}
_EXTENSION = "metadata."
_ALIKE = 0.85


@dataclass(frozen=True)
class FileHeader:
    """A header that could be read: the delivered names, and the raw column that each one goes to."""

    contract: FileContract
    path: Path
    names: Names
    columns: tuple[str, ...]

    def missing(self, version: str) -> list[str]:
        """Return the required columns that are not there, as the standard spells them."""
        return [
            column.header or column.name
            for column in self.contract.columns
            if column.required in {"always", version} and column.name not in self.columns
        ]


def open_header(contract: FileContract, path: Path, log: FindingLog) -> FileHeader | None:
    """Read the names in a header; None, with a finding, when it cannot be read as one."""
    with path.open("rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
        stream.seek(0)
        # With its line end: a character cut off by it is none.
        first_line = sample[: sample.find(b"\n") + 1] or sample
        if first_line.startswith((b"\xff\xfe", b"\xfe\xff")) or looks_like(first_line):
            log.about_file("OR100", contract.file, f"The file is not UTF-8; it looks like {looks_like(sample)}.")
            return None
        try:
            names = read_names(stream)
        except FileRefusedError as refusal:
            code = "OR102" if sample else "OR101"
            log.about_file(code, contract.file, _sentence(refusal.cause), line=1 if sample else None)
            return None
    if sample.startswith(_BOM):
        log.about_file("OR110", contract.file, "The file begins with a byte order mark, which was skipped.", line=1)
    return FileHeader(contract, path, names, tuple(raw_columns(names.named, contract)))


def judge_header(header: FileHeader, version: str, log: FindingLog) -> Header | None:
    """Return the header as the loader takes it; None, with findings that refuse the package, when it does not.

    Looks at missing, repeated, unknown, misspelt, unnamed and misplaced columns, the latter four as warnings.
    """
    contract = header.contract
    missing = header.missing(version)
    if missing:
        log.about_file("OR103", contract.file, _missing_text(header, missing), line=1)
    twice = [column for column, times in Counter(header.columns).items() if column and times > 1]
    known = {column.name: column.header or column.name for column in contract.columns}
    for column in twice:
        # A name outside the contract may be a value when the first line is no header.
        name = known.get(column)
        text = (
            f"The header names {name} twice; deliver each column once." if name else "The header names a column twice."
        )
        log.about_file("OR104", contract.file, text, column=name, line=1)
    if missing or twice:
        return None
    try:
        with header.path.open("rb") as stream:
            accepted = read_header(stream, contract)
    except FileRefusedError as refusal:
        code = "OR105" if "" in header.columns else "OR106"
        log.about_file(code, contract.file, _sentence(refusal.cause), line=1)
        return None
    _judge_names(header, log)
    return accepted


def _judge_names(header: FileHeader, log: FindingLog) -> None:
    contract = header.contract
    spelling = {column.name: column.header or column.name for column in contract.columns}
    also_known = {name.casefold() for name in _ALSO_KNOWN.get(contract.file, ())}
    for name, column in zip(header.names.named, header.columns, strict=True):
        expected = spelling.get(column)
        if expected is None:
            if not name.startswith(_EXTENSION) and name.casefold() not in also_known:
                shown = shown_name(name)
                text = f"The column {shown} is not known; it is kept beside the others and not used."
                log.about_file("OR112", contract.file, text + _nearest(name, header), column=shown, line=1)
        elif name != expected:
            text = f"{expected} is spelt in another way in the header; it was taken for {expected}."
            log.about_file("OR111", contract.file, text, column=expected, line=1)
    delivered = [column for column in header.columns if column in spelling]
    if delivered != [column for column in spelling if column in delivered]:
        text = "The columns are not in the order of the specification."
        log.about_file("OR113", contract.file, text, line=1)


def _missing_text(header: FileHeader, missing: list[str]) -> str:
    """Name the missing columns and the delivered names that come near them."""
    unclaimed = [
        name
        for name, column in zip(header.names.named, header.columns, strict=True)
        if column not in header.contract.column_names
    ]
    alike = []
    for column in missing:
        near = difflib.get_close_matches(column.casefold(), [name.casefold() for name in unclaimed], 1, _ALIKE)
        if near:
            # So near to a column's name that it is one, not a person's value.
            delivered = next(name for name in unclaimed if name.casefold() == near[0])
            alike.append(f"{shown_name(delivered)} for {column}")
    noun = "the required column" if len(missing) == 1 else "required columns"
    text = f"The header lacks {noun} {', '.join(missing)}"
    if alike:
        return f"{text}; it spells {', '.join(alike)}."
    if len(header.names.named) == 1 and any(mark in header.names.named[0] for mark in ";\t|"):
        return f"{text}; its columns are not separated by commas."
    return f"{text}; is this OneRoster's layout, and is the header in the first line?"


def _nearest(name: str, header: FileHeader) -> str:
    absent = [column.header or column.name for column in header.contract.columns if column.name not in header.columns]
    near = difflib.get_close_matches(name, absent, 1, _ALIKE)
    return f" Is {near[0]} meant?" if near else ""


def _sentence(cause: str) -> str:
    text = cause.removeprefix("line 1: ")
    return f"{text[:1].upper()}{text[1:]}."
