"""One file into its raw table, inside the transaction of its delivery."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import FileContract
from edreflect_assets.landing import LandedFile
from edreflect_assets.loading.copy_input import CopyInput
from edreflect_assets.loading.failures import FileRefusedError, LoadError
from edreflect_assets.loading.header import Header, holds_definitions, read_header
from edreflect_assets.loading.profile import FileProfile, Profiler
from edreflect_assets.loading.quarantine import Quarantine
from edreflect_assets.loading.reader import RecordReader
from edreflect_assets.loading.strict import Shape

if TYPE_CHECKING:
    from edreflect_assets.roster.verdict import FileVerdict


@dataclass(frozen=True)
class PlannedFile:
    """A delivered file whose header has been accepted."""

    contract: FileContract
    landed: LandedFile
    header: Header


@dataclass(frozen=True)
class CopiedFile:
    """A file whose rows are in the raw table, though not committed; ``profile`` may still be at work."""

    planned: PlannedFile
    load_id: int
    rows: int
    quarantine: Quarantine
    quarantined: int
    profile: FileProfile


@contextmanager
def blaming(file: str) -> Iterator[None]:
    """Name ``file`` in a refusal that does not name one."""
    try:
        yield
    except FileRefusedError as refusal:
        refusal.file = refusal.file or file
        raise


def plan_file(contract: FileContract, landed: LandedFile, *, definitions: FileContract | None = None) -> PlannedFile:
    """Read the header of a landed file; raises FileRefusedError, or LoadError if the landing area lost the file.

    A file with the header of ``definitions`` is planned by that contract, whatever its name says.
    """
    try:
        with blaming(contract.file), landed.path.open("rb") as stream:
            if os.fstat(stream.fileno()).st_size != landed.landed_bytes:
                raise LoadError(
                    f"The landed bytes of {contract.file} of {landed.org_id} are not those that were delivered;"
                    " fetch the day again.",
                    transient=False,
                )
            if definitions is not None and holds_definitions(stream, definitions):
                contract = replace(definitions, file=contract.file)
            return PlannedFile(contract, landed, read_header(stream, contract))
    except OSError as error:
        raise _unreadable(contract, landed, error) from None


def copy_file(
    cursor: Cursor,
    schema: str,
    planned: PlannedFile,
    load_id: int,
    *,
    quarantine: Quarantine,
    profiler: Profiler,
    max_rejected_share: float,
    verdict: FileVerdict | None = None,
) -> CopiedFile:
    """Append the records of a file to its raw table, without those that its ``verdict`` rejects.

    Raises FileRefusedError when too many records cannot be read or the database does not take them, LoadError when the
    landed file cannot be read. After either the transaction must be rolled back.
    """
    contract, landed, header = planned.contract, planned.landed, planned.header
    profile = profiler.profile(contract, header.columns)
    try:
        with blaming(contract.file), landed.path.open("rb") as stream:
            stream.seek(header.size)
            reader = RecordReader(
                stream,
                Shape(len(header.columns), header.unnamed),
                prefix=_prefix(landed.org_id, load_id),
                first_line=header.lines + 1,
                on_rejected=quarantine.add,
                profiling=profile,
                judged=verdict.rejected if verdict else None,
            )
            rows = _copy(cursor, schema, planned, reader)
            profile.finish()
            _check_share(reader, quarantine, max_rejected_share)
            _check_rows(contract, rows)
    except OSError as error:
        raise _unreadable(contract, landed, error) from None
    if verdict is not None and (verdict.records, len(verdict.rejected)) != (reader.records, reader.rejected):
        raise LoadError(
            f"{contract.file} of {landed.org_id}: validation saw {verdict.records} records and rejected"
            f" {len(verdict.rejected)}, the loader {reader.records} and {reader.rejected}; nothing was kept. Please"
            " report this.",
            transient=False,
        )
    if rows != reader.accepted:
        raise LoadError(
            f"{contract.file} of {landed.org_id} holds {reader.accepted} good records, but the database counts {rows}"
            " rows; nothing was kept. Please report this.",
            transient=False,
        )
    return CopiedFile(planned, load_id, rows, quarantine, reader.rejected, profile)


def _copy(cursor: Cursor, schema: str, planned: PlannedFile, reader: RecordReader) -> int:
    try:
        rows = CopyInput(reader).copy_into(cursor, schema, planned.contract.table, planned.header.columns)
    except psycopg2.DataError as error:
        raise FileRefusedError(
            f"the database cannot store it (SQLSTATE {error.pgcode}); is the database's encoding UTF8?"
        ) from None
    if reader.failure is not None:
        raise reader.failure
    return rows


def _check_share(reader: RecordReader, quarantine: Quarantine, max_rejected_share: float) -> None:
    first = quarantine.first
    if first is not None and reader.rejected > max_rejected_share * reader.records:
        raise FileRefusedError(
            f"{reader.rejected} of {reader.records} records cannot be read, more than the {max_rejected_share:.1%}"
            f" allowed; the first is at line {first.line}: {first.reason}; deliver it again"
        )


def _check_rows(contract: FileContract, rows: int) -> None:
    """Refuse a whole state of nothing where the contract says that nobody can mean it."""
    if contract.refuses_empty and rows == 0:
        raise FileRefusedError(
            "it is the whole state of its table and holds no rows that can be read, so that everything in the table would"
            " be gone; have the source export it again, or leave the file out to keep what is there"
        )


def _prefix(org_id: str, load_id: int) -> bytes:
    needs_quotes = not set(',"\r\n').isdisjoint(org_id)
    org = '"' + org_id.replace('"', '""') + '"' if needs_quotes else org_id
    return f"{org},{load_id},".encode()


def _unreadable(contract: FileContract, landed: LandedFile, error: OSError) -> LoadError:
    return LoadError(
        f"The landed bytes of {contract.file} of {landed.org_id} cannot be read ({error.strerror}); fetch the day again.",
        transient=False,
    )
