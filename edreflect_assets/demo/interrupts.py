"""Ctrl-C and termination, noticed even where a library catches them."""

from __future__ import annotations

import signal
import socket
from types import TracebackType
from typing import Any, Self


class Interrupts:
    """While entered, SIGTERM and SIGHUP raise KeyboardInterrupt as Ctrl-C does, and none of the three is lost."""

    _SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._received, self._sent = socket.socketpair()

    def __enter__(self) -> Self:
        """Take over the three signals; only possible in the main thread."""
        self._received.setblocking(False)
        self._sent.setblocking(False)
        # Python writes here whoever handles the signal; Dagster and dbt have handlers of their own.
        signal.set_wakeup_fd(self._sent.fileno(), warn_on_full_buffer=False)
        for number in self._SIGNALS:
            self._before[number] = signal.signal(number, signal.default_int_handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._received.close()
        self._sent.close()

    def check(self) -> None:
        """Raise KeyboardInterrupt if one of the signals has come since the last call."""
        try:
            numbers = self._received.recv(4096)
        except BlockingIOError:
            return
        if any(number in numbers for number in self._SIGNALS):
            raise KeyboardInterrupt

    def ignore(self) -> None:
        """Let no signal stop what follows: the cleaning up."""
        for number in self._SIGNALS:
            signal.signal(number, signal.SIG_IGN)
