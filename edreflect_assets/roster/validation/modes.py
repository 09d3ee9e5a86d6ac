"""Bulk or delta: what the rows say, what the manifest says, and which of the two counts."""

from __future__ import annotations

import polars as pl

from edreflect_assets.contracts import FileContract
from edreflect_assets.roster.findings import FindingLog
from edreflect_assets.roster.validation.values import check_enumeration, datetime_faults, is_true
from edreflect_assets.roster.verdict import Mode

STATUS = "status"
MODIFIED = "date_last_modified"
_HEADERS = {STATUS: "status", MODIFIED: "dateLastModified"}


class ModeScan:
    """Sees the status and dateLastModified of every readable record, and judges them once the file's mode is known."""

    def __init__(self, contract: FileContract, declared: Mode | None) -> None:
        self._file = contract.file
        self._declared = declared
        (self._status,) = [column for column in contract.columns if column.name == STATUS]
        self._rows = 0
        self._both = 0
        self._valued: set[str] = set()
        # What would be found if the file turned out to be the one or the other.
        self._as_bulk = FindingLog()
        self._as_delta = FindingLog()

    def add(self, frame: pl.DataFrame) -> None:
        """Take more records."""
        self._rows += frame.height
        present = [column for column in (STATUS, MODIFIED) if column in frame.columns]
        self._valued.update(column for column in present if frame[column].null_count() < frame.height)
        if len(present) == 2:
            lacking = is_true(frame[STATUS].is_null() | frame[MODIFIED].is_null())
            self._both += frame.height - int(lacking.sum())
            if self._declared == "delta" and lacking.any():
                for column in present:
                    self._as_delta.about_records(
                        "OR320",
                        self._file,
                        frame.filter(frame[column].is_null()),
                        column=_HEADERS[column],
                        text=f"A row of a delta lacks {_HEADERS[column]}.",
                    )
        if STATUS in present:
            self._add_statuses(frame)
        if MODIFIED in present:
            faults = datetime_faults(frame[MODIFIED])
            if faults is not None:
                self._as_delta.about_records("OR304", self._file, frame.filter(faults), column=_HEADERS[MODIFIED])

    def _add_statuses(self, frame: pl.DataFrame) -> None:
        status = check_enumeration(frame, self._status, self._file, self._as_delta)
        if status.null_count() == frame.height:
            return
        for word, code, log in (("inactive", "OR311", self._as_delta), ("tobedeleted", "OR322", self._as_bulk)):
            log.about_records(code, self._file, frame.filter(is_true(status == word)), column="status")

    def conclude(self, log: FindingLog) -> tuple[Mode, bool]:
        """Return the file's mode and whether it may be loaded so, and add what follows from it to ``log``.

        Refuses a file that is declared as delta and has no row with both columns: read as bulk it would end everything.
        """
        file, declared = self._file, self._declared
        if declared == "delta":
            if self._rows and not self._both:
                text = "The manifest says delta, but no row carries both status and dateLastModified."
                log.about_file("OR041", file, text)
                return "delta", False
            log.take(self._as_delta)
            return "delta", True
        if self._rows and self._both == self._rows:
            if declared == "bulk":
                text = "The manifest says bulk, but every row carries status and dateLastModified; it is read as delta."
                log.about_file("OR040", file, text)
            log.take(self._as_delta)
            return "delta", True
        if self._both:
            text = f"{self._both} of {self._rows} rows carry status and dateLastModified; the file is read as bulk."
            log.about_file("OR044", file, text)
        for column in sorted(self._valued):
            text = f"A full export has values in {_HEADERS[column]}; they are ignored."
            log.about_file("OR321", file, text, column=_HEADERS[column])
        log.take(self._as_bulk)
        return "bulk", True
