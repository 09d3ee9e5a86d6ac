"""Dagster's web UI and daemon as processes of their own, ended together with whatever they started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edreflect_assets.demo.interrupts import Interrupts
from edreflect_assets.errors import EdreflectError
from edreflect_assets.settings import Settings

START_SECONDS = 180.0
STOP_SECONDS = 20.0
# For the code servers that a process leaves: they would wait in vain for its heartbeat.
ORPHANS_SECONDS = 3.0
_DEFINITIONS = ["-m", "edreflect_assets.definitions"]


@contextmanager
def web_ui(settings: Settings, interrupts: Interrupts) -> Iterator[str]:
    """Run webserver and daemon and give the UI's address once it answers; both end with the block.

    Raises EdreflectError when one of them ends by itself or does not answer in time.
    """
    port = _free_port()
    settings.logs.mkdir(parents=True, exist_ok=True)
    started: list[subprocess.Popen[bytes]] = []
    try:
        for name, arguments in (
            ("dagster-webserver", ["-h", "127.0.0.1", "-p", str(port), *_DEFINITIONS]),
            ("dagster-daemon", ["run", *_DEFINITIONS]),
        ):
            started.append(_start(name, arguments, settings.logs / f"{name}.log"))
        address = f"http://127.0.0.1:{port}"
        _wait(address, started, settings, interrupts)
        yield address
    finally:
        for process in started:
            _signal_group(process, signal.SIGTERM)
        for process in started:
            _end(process)


def wait_for_interrupt(interrupts: Interrupts) -> None:
    """Wait until Ctrl-C or a termination."""
    with suppress(KeyboardInterrupt):
        while True:
            interrupts.check()
            signal.pause()


def _start(name: str, arguments: list[str], log: Path) -> subprocess.Popen[bytes]:
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "edreflect_assets.orchestration.start", name, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A group of its own: Ctrl-C reaches this process alone, and the group ends as a whole.
            start_new_session=True,
        )


def _wait(address: str, started: list[subprocess.Popen[bytes]], settings: Settings, interrupts: Interrupts) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        interrupts.check()
        if any(process.poll() is not None for process in started):
            raise EdreflectError(f"Dagster's web UI did not start; {settings.logs} holds its words.")
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise EdreflectError(f"Dagster's web UI did not answer in {START_SECONDS:.0f} s; {settings.logs} holds its words.")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process, then for those it started, and kill what is left of them."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    until = time.monotonic() + ORPHANS_SECONDS
    while _signal_group(process, 0) and time.monotonic() < until:
        time.sleep(0.1)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to a process and its descendants; tell whether there were any left."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
