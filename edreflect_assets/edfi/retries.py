"""When a failed call is tried again: a bounded number of times, with growing pauses, or when the ODS asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from edreflect_assets.edfi.failures import CallFailed


@dataclass(frozen=True)
class Retries:
    """How often, and how long; all times in seconds."""

    attempts: int = 5
    """Most attempts, the first included."""
    clock: float = 60.0
    """No further attempt begins later than this after the first one."""
    first_pause: float = 0.5
    """Longest first pause; each further one may be twice as long, and is drawn at random below that."""
    longest_pause: float = 15.0
    longest_asked: float = 30.0
    """The most of what an ODS asks for in Retry-After that is waited."""


def retrying(retries: Retries, sleep: Callable[[float], None]) -> Retrying:
    """Return what runs a function until it succeeds or raises something not worth another try; threads may share it."""
    pause = wait_random_exponential(multiplier=retries.first_pause, max=retries.longest_pause)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, CallFailed) and error.retry_after is not None:
            return min(error.retry_after, retries.longest_asked)
        return pause(state)

    return Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, CallFailed) and error.retryable),
        stop=stop_after_attempt(retries.attempts) | stop_before_delay(retries.clock),
        wait=wait,
        sleep=sleep,
        reraise=True,
    )


def seconds_asked(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, at least 0; None without one that can be read."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
