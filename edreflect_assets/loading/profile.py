"""What a file holds, in figures: rows, nulls, distinct keys, first and last dates. Never a value of a cell beside dates.

polars reads the records in a thread of its own while the server is busy with them, a few MiB at a time, so that neither
the wall time nor the memory of a load depends on the profile. The figures go to the ledger and to the asset's metadata.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Semaphore
from types import TracebackType
from typing import Any, Self

# The other cores belong to the database: more threads make the load slower, not faster. Read by polars once.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import polars as pl

from edreflect_assets.contracts import FileContract

CHUNK_BYTES = 4 * 1024 * 1024
# At most this many chunks wait or are read at a time; the load waits for the profile beyond that.
_CHUNKS_IN_FLIGHT = 4
# Distinct keys are exact up to this number, and estimated from as many smallest hashes beyond it (error about 0.4 %).
SKETCH_SIZE = 65_536
_HASHES = 2.0**64


class KeySketch:
    """The ``SKETCH_SIZE`` smallest distinct hashes seen (a k-minimum-values sketch)."""

    def __init__(self) -> None:
        self._smallest: pl.Series | None = None
        self._new: list[pl.Series] = []
        self._new_size = 0

    def add(self, hashes: pl.Series) -> None:
        """Take 64-bit hashes; they are merged once there are many of them."""
        if self._smallest is not None and len(self._smallest) == SKETCH_SIZE:
            hashes = hashes.filter(hashes < self._smallest[-1])
        self._new.append(hashes)
        self._new_size += len(hashes)
        if self._new_size >= SKETCH_SIZE:
            self.merge()

    def estimate(self) -> tuple[int, bool]:
        """Return the number of distinct hashes, and whether it is exact."""
        self.merge()
        if self._smallest is None or len(self._smallest) < SKETCH_SIZE:
            return 0 if self._smallest is None else len(self._smallest), True
        return round((SKETCH_SIZE - 1) / (int(self._smallest[-1]) / _HASHES)), False

    def merge(self) -> None:
        """Merge what was taken; there is less to do later."""
        known = [] if self._smallest is None else [self._smallest]
        if self._new:
            self._smallest = pl.concat([*known, *self._new]).unique().sort().head(SKETCH_SIZE)
        self._new, self._new_size = [], 0


@dataclass
class _Figures:
    rows: int = 0
    nulls: dict[str, int] = field(default_factory=dict)
    earliest: dict[str, str] = field(default_factory=dict)
    latest: dict[str, str] = field(default_factory=dict)
    undated: dict[str, int] = field(default_factory=dict)
    sketch: KeySketch = field(default_factory=KeySketch)


class FileProfile:
    """The profile of one file, fed with text of whole records and read once at the end."""

    def __init__(self, profiler: Profiler, contract: FileContract, columns: Sequence[str]) -> None:
        self._profiler = profiler
        self._columns = list(columns)
        # Without a key of its own every row is counted by all that it says.
        self._key = [column for column in (contract.key or contract.drop_key or columns) if column in columns]
        dated = {column.name for column in contract.columns if column.data_type in {"date", "timestamp"}}
        self._dates = [column for column in columns if column in dated]
        self._figures = _Figures(nulls=dict.fromkeys(columns, 0))
        self._chunk: list[bytes] = []
        self._chunk_size = 0
        self._pending: list[Future[None]] = []

    def add(self, text: bytes) -> None:
        """Take CSV text of whole records, without a header, line ends of LF."""
        self._chunk.append(text)
        self._chunk_size += len(text)
        if self._chunk_size >= CHUNK_BYTES:
            self._submit()

    def finish(self) -> None:
        """Hand the last records over; more cannot be added, and there is no result without it."""
        if self._chunk:
            self._submit()
        self._pending.append(self._profiler.submit(self._figures.sketch.merge))

    def result(self, rows: int) -> Mapping[str, Any]:
        """Return the figures as a JSON object, or an empty one when polars did not read the ``rows`` that were loaded.

        ``rows``; ``nulls`` by column; ``distinct_keys`` and whether they are exact; ``dates`` by column with min, max
        (YYYY-MM-DD) and the number of values that do not start with a date. Waits for the thread.
        """
        for pending in self._pending:
            if pending.exception() is not None:
                return {}
        figures = self._figures
        if figures.rows != rows:
            return {}
        keys, exact = figures.sketch.estimate()
        dates = {
            column: {
                "min": figures.earliest.get(column),
                "max": figures.latest.get(column),
                "not_dates": figures.undated.get(column, 0),
            }
            for column in self._dates
        }
        return {
            "rows": rows,
            "nulls": figures.nulls,
            "distinct_keys": keys,
            "distinct_keys_exact": exact,
            "dates": dates,
        }

    def _submit(self) -> None:
        text = b"".join(self._chunk)
        self._chunk, self._chunk_size = [], 0
        self._pending = [pending for pending in self._pending if not pending.done() or pending.exception()]
        self._pending.append(self._profiler.submit(self._read, text))

    def _read(self, text: bytes) -> None:
        frame = pl.read_csv(text, has_header=False, new_columns=self._columns, infer_schema=False)
        # Looking for one byte first takes a tenth of the time.
        if b'"' in text and b'""' in text:
            # An empty field in quotes is read as empty text; in the log it is null.
            frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
        figures = self._figures
        figures.rows += frame.height
        nulls = dict(zip(self._columns, frame.null_count().row(0), strict=True))
        for column in self._columns:
            figures.nulls[column] += nulls[column]
        self._read_dates(frame)
        figures.sketch.add(frame.select(self._key).hash_rows())

    def _read_dates(self, frame: pl.DataFrame) -> None:
        figures = self._figures
        for column in self._dates:
            # Days repeat: each is parsed once.
            text = frame[column].str.slice(0, 10)
            unique = text.unique().drop_nulls()
            parsed = unique.str.to_date("%Y-%m-%d", strict=False)
            undated = unique.filter(parsed.is_null())
            if len(undated):
                figures.undated[column] = figures.undated.get(column, 0) + int(text.is_in(undated.implode()).sum())
            days = parsed.drop_nulls().sort().dt.to_string("%Y-%m-%d")
            if len(days):
                figures.earliest[column] = min(days[0], figures.earliest.get(column, days[0]))
                figures.latest[column] = max(days[-1], figures.latest.get(column, days[-1]))


class Profiler:
    """A thread that profiles the files of one delivery; a context manager."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="profile")
        self._free = Semaphore(_CHUNKS_IN_FLIGHT)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Drop what has not been read yet and wait for the thread to end."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def profile(self, contract: FileContract, columns: Sequence[str]) -> FileProfile:
        """Return an empty profile of a file with these raw ``columns``, in file order."""
        return FileProfile(self, contract, columns)

    def submit(self, task: Callable[..., None], *chunk: bytes) -> Future[None]:
        """Do a task in the thread; waits while too many are in flight."""
        self._free.acquire()
        future = self._executor.submit(task, *chunk)
        future.add_done_callback(lambda _: self._free.release())
        return future
