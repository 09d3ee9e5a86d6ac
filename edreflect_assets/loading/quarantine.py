"""Records set aside while a file is read, kept on disk until the load's transaction takes them to ``ops.quarantine``."""

from __future__ import annotations

import tempfile
from types import TracebackType
from typing import Self

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.loading.reader import Rejected

_IN_MEMORY_BYTES = 256 * 1024
_COPY = """copy ops.quarantine (load_id, line, reason, raw_line, column_name, code, record_key)
    from stdin (format csv, encoding 'UTF8')"""


class Quarantine:
    """The rejected records of one load; a context manager that leaves no file behind."""

    def __init__(self, load_id: int) -> None:
        self.first: Rejected | None = None
        self._load_id = load_id
        # A nameless file of the owner's, gone with the process; most files reject nothing and never make one.
        self._spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - closed in __exit__

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Forget the records."""
        self._spool.close()

    def add(self, rejected: Rejected) -> None:
        """Take a record; bytes that are not UTF-8, and NUL, become U+FFFD."""
        if self.first is None:
            self.first = rejected
        judged = rejected.judged
        beside = (judged.column, judged.code, judged.record_key) if judged else (None, None, None)
        texts = (rejected.reason, rejected.text.decode("utf-8", "replace"), *beside)
        self._spool.write(f"{self._load_id},{rejected.line},{','.join(map(_field, texts))}\n".encode())

    def write(self, cursor: Cursor) -> None:
        """Append the records to ``ops.quarantine``."""
        if self.first is not None:
            self._spool.seek(0)
            cursor.copy_expert(_COPY, self._spool)


def _field(text: str | None) -> str:
    if text is None:
        return ""
    plain = text.replace("\0", "\ufffd").replace('"', '""')
    return f'"{plain}"'
