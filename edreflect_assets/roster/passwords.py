"""Passwords never reach the disk: their columns are taken out of a file while its bytes pass.

Nothing else of a good record changes. A record that is not well formed (fields too many or too few, quotes that do not
work out) could hold its password anywhere: only its sourcedId is kept, and the record stays malformed, so that the
loader sets it aside under its key. Lines keep their numbers unless a password itself holds line ends.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence

from edreflect_assets.contracts import FileContract
from edreflect_assets.landing import ByteStream
from edreflect_assets.loading.fast import FastSplit
from edreflect_assets.loading.strict import (
    BLANK_LINE,
    MAX_RECORD_BYTES,
    NOT_UTF8,
    STRAY_QUOTE,
    UNCLOSED_QUOTE,
    Scanned,
    Shape,
    StrictScan,
    is_utf8,
)
from edreflect_assets.roster.refused import PackageRefused

MAX_HEADER_BYTES = 1024 * 1024
BLOCK_BYTES = 256 * 1024
_LONGEST_READ = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_MEANS_PASSWORD = re.compile(r"passw|pasw|passcode|passphrase|passkey|passwrd|pword|pwd|kennwort|contrasen|motdepasse")
_ABBREVIATED = frozenset({"pass", "pw", "psw", "pswd", "mdp"})
_UNQUOTED = rb'[^",\x00-\x1f\x7f]{1,255}'
_KEY = re.compile(rb'(?:"' + _UNQUOTED + rb'"|' + _UNQUOTED + rb")(?=,|\Z)")
_FIELDS = re.compile(rb'(?:\A|,)("[^"]*+(?:""[^"]*+)*+"|[^",]*+)')
# A first line that names fewer columns of the contract is no header of this file, whatever it is.
_CREDIBLE_NAMES = 2


def is_password_column(name: str) -> bool:
    """Tell whether a header's name means a password, whatever its case, spacing, punctuation and prefix."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(character for character in plain if character.isalnum())
    last = "".join(character for character in plain.rpartition(".")[2] if character.isalnum())
    return _MEANS_PASSWORD.search(letters) is not None or last in _ABBREVIATED


def without_passwords(stream: ByteStream, contract: FileContract) -> ByteStream:
    """Return the bytes of a file without its password columns; a file that has none passes unchanged.

    Reads the header at once. Raises PackageRefused when the first line is no header that can be read, and while
    reading when a line is longer than any record may be.
    """
    head = _first_line(stream, contract.file)
    if not head:
        return _Joined(iter(()))
    line, rest = head
    names = header_names(line, contract, rest)
    secret = [place for place, name in enumerate(names) if is_password_column(name)]
    if not secret:
        return _Joined(_unchanged(line, rest, stream))
    return _Joined(_Redaction(stream, contract, names, secret).texts(line, rest))


def header_names(line: bytes, contract: FileContract, rest: bytes = b"") -> list[str]:
    """Return the names in a file's first line as delivered, without spaces and byte order marks around them.

    ``rest``, some of what follows, helps to tell the encoding. Raises PackageRefused when it is not UTF-8 text of one line that names columns of this file.
    """
    file = contract.file
    if b"\0" in line or not is_utf8(line):
        # Only here: validation brings polars along, and fetching does not need it.
        from edreflect_assets.roster.validation.encodings import looks_like  # noqa: PLC0415

        raise _unreadable(file, f"The header is not UTF-8; it looks like {looks_like(line + rest)}.", "OR100")
    text = line.removeprefix(_BOM).decode("utf-8").rstrip("\r\n")
    if "\r" in text:
        raise _unreadable(file, "The first line holds a lone carriage return; deliver lines that end in LF or CRLF.")
    try:
        (names,) = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    except (csv.Error, ValueError):
        raise _unreadable(
            file, "The quotes of the header do not pair up in its line; deliver the file again."
        ) from None
    names = [name.strip().strip("\ufeff\u200b").strip() for name in names]
    known = {_folded(column.header or column.name) for column in contract.columns}
    credible = min(_CREDIBLE_NAMES, len(known))
    if len(known.intersection(map(_folded, names))) < credible:
        raise _unreadable(
            file,
            "The first line does not name the columns of this file, separated by commas; deliver the file with its "
            "header in the first line.",
            "OR103",
        )
    return names


class _Redaction:
    """The records of one file with password columns at ``secret`` places."""

    def __init__(self, stream: ByteStream, contract: FileContract, names: Sequence[str], secret: Sequence[int]) -> None:
        self._stream, self._file, self._names = stream, contract.file, names
        self._secret = sorted(secret, reverse=True)
        self._last_only = list(secret) == [len(names) - 1]
        self._shape = Shape(len(names))
        self._width = len(names) - len(secret)
        keys = {_folded(column.header or column.name) for column in contract.columns if column.name in contract.key}
        self._keyed = _folded(names[0]) in keys
        self._broken = _BrokenRecords(len(names))

    def texts(self, header: bytes, held: bytes) -> Iterator[bytes]:
        """Give the header and then the records, in blocks of whole lines."""
        mark = _BOM if header.startswith(_BOM) else b""
        yield mark + self._header()
        fast = FastSplit(self._shape)
        at_end = False
        while not at_end:
            wanted = max(BLOCK_BYTES, min(len(held), _LONGEST_READ))
            more = _read_full(self._stream, wanted)
            at_end = len(more) < wanted
            text = held + more
            end = len(text) if at_end else text.rfind(b"\n") + 1
            block, held = text[:end], text[end:]
            if block:
                split = fast.split(block if block.endswith(b"\n") else block + b"\n")
                if split.records:
                    self._broken.end()
                    yield self._kept(split.records, {place for place, _ in split.longer})
                if split.rest:
                    scan = StrictScan(split.rest, self._shape, line=1, at_end=at_end)
                    yield self._strictly(scan)
                    held = split.rest[scan.position :] + held
            if len(held) - held.rfind(b"\n") > MAX_RECORD_BYTES:
                raise _unreadable(
                    self._file, f"A line is longer than {MAX_RECORD_BYTES // 1024**2} MiB; is this a CSV file?"
                )

    def _header(self) -> bytes:
        text = io.StringIO(newline="")
        kept = [name for place, name in enumerate(self._names) if place not in self._secret]
        csv.writer(text, lineterminator="\n").writerow(kept)
        return text.getvalue().encode()

    def _kept(self, records: list[bytes], longer: Collection[int]) -> bytes:
        """Return good records; those at the places ``longer`` take several lines."""
        if self._last_only and not any(b'"' in record for record in records):
            lines = [record[: record.rfind(b",")] for record in records]
        elif not longer:
            lines = [self._without_secret(record) for record in records]
        else:
            lines = [
                self._of_several_lines(record) if place in longer else self._without_secret(record)
                for place, record in enumerate(records)
            ]
        return b"\n".join([*lines, b""])

    def _of_several_lines(self, record: bytes) -> bytes:
        """Return a good record of several lines, its key alone if one of its fields may have swallowed a password.

        Two quotes that do not belong together make the lines between them one field of a record that looks good.
        """
        left = self._without_secret(record)
        swallowed = any(b"\n" in field and (b"," in field or self._secret[-1] == 0) for field in _FIELDS.findall(left))
        return self._malformed(record, record.count(b"\n") + 1, starts=True) if swallowed else left

    def _without_secret(self, record: bytes) -> bytes:
        fields = _FIELDS.findall(record) if b'"' in record else record.split(b",")
        for place in self._secret:
            del fields[place]
        return b",".join(fields)

    def _strictly(self, scan: StrictScan) -> bytes:
        lines = []
        for scanned in scan:
            text = scanned.text
            if scanned.reason is None or (
                scanned.reason == NOT_UTF8 and len(_FIELDS.findall(text)) == self._shape.fields
            ):
                self._broken.end()
                lines.append(self._of_several_lines(text) if scanned.lines > 1 else self._without_secret(text))
            elif scanned.reason == BLANK_LINE:
                lines.append(b"")
            else:
                lines.append(self._malformed(text, scanned.lines, starts=self._broken.starts_record(scanned)))
        return b"\n".join([*lines, b""]) if lines else b""

    def _malformed(self, text: bytes, lines: int, *, starts: bool) -> bytes:
        """Return a record of as many lines, and of another number of fields than a good one, with the key alone."""
        found = _KEY.match(text) if starts and self._keyed else None
        fields = [found[0] if found and is_utf8(found[0]) else b""]
        if not fields[0]:
            fields.append(b"")
        if lines > 1:
            fields.append(b'"' + b"\n" * (lines - 1) + b'"')
        if len(fields) == self._width:
            fields.append(b"")
        return b",".join(fields)


class _BrokenRecords:
    """Tells malformed lines that start a record from those that go on with one, as a line end without quotes makes them.

    What goes on with a record may go on with a password. A line with all fields starts a record; shorter ones are added
    up until they make a whole one, or too much of one. After quotes that do not work out nothing short is trusted
    until the next good record.
    """

    def __init__(self, fields: int) -> None:
        self._whole = fields
        self._so_far = 0
        self._quotes = False

    def end(self) -> None:
        """Note a good record."""
        self._so_far, self._quotes = 0, False

    def starts_record(self, scanned: Scanned) -> bool:
        """Take the next malformed line and tell whether a record starts with it."""
        quotes = scanned.reason in {STRAY_QUOTE, UNCLOSED_QUOTE}
        fields = scanned.text.count(b",") + 1 if quotes else len(_FIELDS.findall(scanned.text))
        if fields >= self._whole:
            self._so_far, self._quotes = (fields, True) if quotes else (0, False)
            return True
        if self._so_far == 0:
            self._so_far, self._quotes = fields, quotes
            return True
        self._quotes = self._quotes or quotes
        together = self._so_far + fields - 1
        if self._quotes or together < self._whole:
            self._so_far = together
            return False
        starts = together > self._whole
        self._so_far = fields if starts else 0
        return starts


class _Joined:
    """A stream of the given texts."""

    def __init__(self, texts: Iterator[bytes]) -> None:
        self._texts = texts
        self._held = b""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        while not self._held:
            text = next(self._texts, None)
            if text is None:
                return b""
            self._held = text
        chunk, self._held = self._held[:size], self._held[size:]
        return chunk


def _unchanged(line: bytes, rest: bytes, stream: ByteStream) -> Iterator[bytes]:
    yield line + rest
    while chunk := stream.read(BLOCK_BYTES):
        yield chunk


def _first_line(stream: ByteStream, file: str) -> tuple[bytes, bytes] | None:
    """Return the first line with its end and what was read after it; None for a file without a byte."""
    text = b""
    while b"\n" not in text and (more := stream.read(64 * 1024)):
        text += more
        if len(text) > MAX_HEADER_BYTES:
            raise _unreadable(file, "The first line is longer than 1 MiB; is this a CSV file?")
    if not text:
        return None
    end = text.find(b"\n") + 1 or len(text)
    return text[:end], text[end:]


def _read_full(stream: ByteStream, size: int) -> bytes:
    chunks: list[bytes] = []
    while size and (chunk := stream.read(size)):
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def _unreadable(file: str, text: str, code: str = "OR102") -> PackageRefused:
    return PackageRefused(code, file, text)


def _folded(name: str) -> str:
    return "".join(name.casefold().split())
