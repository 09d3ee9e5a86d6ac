"""What the command line prints of an error, and with which code it exits. Never a value from a delivered file."""

from __future__ import annotations

import os
import traceback

import click

from edreflect_assets.errors import EdreflectError, UsageError

DEBUG = "--debug"
TROUBLE, USAGE, INTERRUPTED = 1, 2, 130


def exit_code(error: BaseException) -> int:
    """Return 2 for wrong usage, 130 for Ctrl-C, 1 for anything else."""
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    if isinstance(error, UsageError | click.UsageError):
        return USAGE
    return TROUBLE


def describe(error: BaseException, *, debug: bool = False) -> list[str]:
    """Return the line to print, after the places it came through with ``debug``.

    The text of an error that is not meant for people can hold values (a database error quotes rows): it is left out,
    with ``debug`` too.
    """
    places = _places(error) if debug and not isinstance(error, click.ClickException | click.Abort) else []
    return [*places, _line(error)]


def _line(error: BaseException) -> str:
    if isinstance(error, EdreflectError):
        return " ".join(str(error).split())
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "Interrupted."
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.message
    if isinstance(error, click.UsageError):
        hint = f" `{error.ctx.command_path} --help` shows how." if error.ctx else ""
        return f"{' '.join(error.format_message().split())}{hint}"
    if isinstance(error, click.ClickException):
        return error.format_message()
    return _unforeseen(error)


def _unforeseen(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename and error.errno:
        return f"{error.filename}: {os.strerror(error.errno).lower()}; check the path and who may use it."
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}, {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    state = getattr(error, "pgcode", None)
    kind = type(error).__name__ + (f", SQLSTATE {state}" if state else "")
    return (
        f"An error nobody foresaw ({kind}{place}); --debug shows the way there, without any values. Please report it."
    )


def _places(error: BaseException) -> list[str]:
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        listing = "".join(traceback.format_tb(seen.__traceback__)).rstrip().splitlines()
        lines = [f"{type(seen).__name__}, raised from:", *listing, *lines]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return lines
