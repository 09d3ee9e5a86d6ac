"""The records of a file as frames of a few MiB, numbered and judged readable exactly as the loader does."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import polars as pl

from edreflect_assets.contracts import FileContract
from edreflect_assets.loading.failures import FileRefusedError
from edreflect_assets.loading.header import Header
from edreflect_assets.loading.reader import BLOCK_BYTES, RecordReader, Rejected
from edreflect_assets.loading.strict import (
    BLANK_LINE,
    END_MARKER,
    LONE_CARRIAGE_RETURN,
    NOT_UTF8,
    NUL_BYTE,
    STRAY_QUOTE,
    UNCLOSED_QUOTE,
    Shape,
)
from edreflect_assets.roster.codes import CODES
from edreflect_assets.roster.findings import PLACE, FindingLog
from edreflect_assets.roster.validation.encodings import SAMPLE_BYTES, looks_like
from edreflect_assets.roster.validation.headers import FileHeader
from edreflect_assets.roster.validation.keys import record_key

CHUNK_BYTES = 4 * 1024 * 1024
# A file with this many records in another encoding is one in another encoding, unless more of them are UTF-8.
_MANY_BROKEN = 10
_CODES = {
    STRAY_QUOTE: "OR201",
    UNCLOSED_QUOTE: "OR201",
    NOT_UTF8: "OR202",
    END_MARKER: "OR203",
    LONE_CARRIAGE_RETURN: "OR203",
    NUL_BYTE: "OR203",
    BLANK_LINE: "OR204",
}
_WIDTH = "OR200"
# Reasons told apart in one file; each number of fields is one of its own.
_REASONS = 20


class RecordStream:
    """Reads the records of one file once; unreadable ones go to ``log`` as row errors.

    After ``frames``: ``records`` (all), ``readable``, ``keys`` (by record number, of unreadable ones that name
    themselves), and ``complete``, False when the file could not be read to its end or is not UTF-8 (then ``log`` says so).
    """

    def __init__(self, header: FileHeader, accepted: Header, log: FindingLog) -> None:
        self.records = 0
        self.readable = 0
        self.complete = False
        self.keys: dict[int, str] = {}
        self._header = header
        self._accepted = accepted
        self._log = log
        self._key_position = _key_position(header.contract, accepted)
        self._bad: dict[tuple[str, str], tuple[array[int], array[int]]] = {}
        self._not_utf8 = 0
        self._beyond_ascii = 0
        self._sample = b""

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the readable records: their number (record), line, and the text of the contract's columns."""
        parse = _Parser(self._header.contract, self._accepted)
        with self._header.path.open("rb") as stream:
            stream.seek(self._accepted.size)
            reader = RecordReader(
                stream,
                Shape(len(self._accepted.columns), self._accepted.unnamed),
                prefix=b"",
                first_line=self._accepted.lines + 1,
                on_rejected=self._set_aside,
                block_bytes=BLOCK_BYTES,
            )
            for text in _chunks(reader):
                if not text.isascii():
                    self._beyond_ascii += sum(not line.isascii() for line in text.split(b"\n"))
                yield parse(text)
            self.records, self.readable = reader.records, reader.accepted
        self._conclude(reader.failure)

    def _set_aside(self, rejected: Rejected) -> None:
        reason = rejected.reason
        if reason == NOT_UTF8:
            self._not_utf8 += 1
            if len(self._sample) < SAMPLE_BYTES:
                self._sample += rejected.text
        code = _CODES.get(reason, _WIDTH)
        text = f"The record cannot be read: {reason}."
        if (code, text) not in self._bad and len(self._bad) >= _REASONS:
            text = CODES[code].meaning
        records, lines = self._bad.setdefault((code, text), (array("L"), array("L")))
        records.append(rejected.record)
        lines.append(rejected.line)
        key = record_key(rejected.text, self._key_position)
        if key is not None:
            self.keys[rejected.record] = key

    def _conclude(self, failure: Exception | None) -> None:
        file = self._header.contract.file
        for (code, text), (records, lines) in self._bad.items():
            places = pl.DataFrame({"record": records, "line": lines}, schema=PLACE)
            self._log.about_records(code, file, places, text=text)
        if isinstance(failure, FileRefusedError):
            code = "OR105" if "without a name" in failure.cause else "OR102"
            self._log.about_file(code, file, f"{failure.cause[:1].upper()}{failure.cause[1:]}.")
        elif failure is not None:
            raise failure
        elif self._is_in_another_encoding():
            text = f"The file is not UTF-8; it looks like {looks_like(self._sample)}."
            self._log.about_file("OR100", file, text)
        else:
            self.complete = True

    def _is_in_another_encoding(self) -> bool:
        broken = self._not_utf8
        return broken * 2 > self.records or (broken >= _MANY_BROKEN and broken > self._beyond_ascii)


class _Parser:
    """Makes frames of numbered CSV text, of the columns that the contract knows."""

    def __init__(self, contract: FileContract, header: Header) -> None:
        # No raw column's name holds a space.
        names = [" record", " line", *header.columns]
        self._schema = dict.fromkeys(names, pl.String) | {" record": pl.UInt32, " line": pl.UInt32}
        self._wanted = [n for n, name in enumerate(names) if n < 2 or name in contract.column_names]

    def __call__(self, text: bytes) -> pl.DataFrame:
        frame = pl.read_csv(text, has_header=False, schema=self._schema, columns=self._wanted)
        frame = frame.rename({" record": "record", " line": "line"})
        if b'""' in text:
            # An empty field in quotes is as empty as one without.
            columns = [pl.col(name) for name in frame.columns if frame.schema[name] == pl.String]
            frame = frame.with_columns(pl.when(column != "").then(column) for column in columns)
        return frame


def _chunks(reader: RecordReader) -> Iterator[bytes]:
    parts: list[bytes] = []
    size = 0
    while text := reader.read():
        parts.append(text)
        size += len(text)
        if size >= CHUNK_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def _key_position(contract: FileContract, header: Header) -> int:
    return header.columns.index(contract.key[0])
