"""What a person sees: tables and progress on a terminal, plain lines elsewhere. Errors go to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress


def say(line: str = "") -> None:
    """Print one line of result."""
    click.echo(line)


def complain(line: str) -> None:
    """Print one line of trouble to stderr."""
    click.echo(" ".join(line.split()), err=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Print rows under their columns; those named in ``right`` hold numbers. None shows as a dash."""
    cells = [
        ["-" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows
    ]
    if sys.stdout.isatty():
        from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - only a terminal needs rich
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        shown = Table(box=SIMPLE_HEAD, pad_edge=False)
        for name in columns:
            shown.add_column(name, justify="right" if name in right else "left", overflow="fold")
        for line in cells:
            shown.add_row(*(Text(cell) for cell in line))
        Console().print(shown)
        return
    widths = [max(len(line[n]) for line in [list(columns), *cells]) for n in range(len(columns))]
    for line in [list(columns), *cells]:
        aligned = [
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(line, widths, columns, strict=True)
        ]
        say("  ".join(aligned).rstrip())


class Steps:
    """Progress of a long work of a known or unknown number of steps."""

    def __init__(self, bar: Progress | None, title: str, total: int | None) -> None:
        self._bar = bar
        self._task = bar.add_task(title, total=total) if bar else None

    def done(self, line: str, *, number: int | None = None, total: int | None = None, quiet: bool = False) -> None:
        """Take one step (or be at step ``number`` of ``total``); ``line`` is printed unless a terminal shows a bar.

        ``quiet`` steps are never printed.
        """
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=line, total=total)
            self._bar.update(self._task, completed=number) if number is not None else self._bar.advance(self._task)
        elif not quiet:
            say(line)


@contextmanager
def steps(title: str, total: int | None = None) -> Iterator[Steps]:
    """Show progress while the block runs: a bar on a terminal, else a line per step."""
    if not sys.stderr.isatty():
        yield Steps(None, title, total)
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs rich
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    shown = TextColumn("{task.description}", markup=False)
    bar = Progress(
        SpinnerColumn(),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        shown,
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        yield Steps(bar, title, total)


def plural(number: int, noun: str) -> str:
    """Return e.g. ``1 row``, ``2,000 rows``, ``2 deliveries``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("ry") else f"{number:,} {noun}s"
