"""Reads one org's fields of the registry; every complaint names the org and the field and never repeats a value."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import date, time, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from edreflect_assets.errors import ConfigurationError
from edreflect_assets.schedule_expectations import DAY_NAMES, WEEKDAYS

# Part of paths, partition keys and SQL literals: nothing that any of them reads as its own.
ORG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}(%\w+)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_PUBLIC_KEY = re.compile(r"(ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/=]+( .*)?")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_SECRET_WORDS = ("password", "passphrase", "secret", "token", "private_key", "credential")
_NAMES_A_SECRET = {"password_env", "password_file", "key_passphrase_env", "secret_env", "token_url"}
_NOTHING = (None, "", "null", "~")


class Fields:
    """The fields of one mapping of the registry, each read once; ``place`` names it, as in ``org springfield``."""

    def __init__(self, raw: Any, place: str, known: frozenset[str]) -> None:
        """Raise ConfigurationError for a field that is not ``known``, with the nearest one that is, or is a secret."""
        if raw in _NOTHING:
            raw = {}
        if not isinstance(raw, Mapping):
            raise ConfigurationError(f"{place}: its fields stand below it, one per line, as in `timezone: UTC`.")
        for name in raw:
            if name in known:
                continue
            if any(word in name.lower() for word in _SECRET_WORDS) and name not in _NAMES_A_SECRET:
                raise ConfigurationError(
                    f"{place}: {name} would keep a secret in the registry; put it into an environment variable or a "
                    "file and name that in password_env, password_file, key_file or key_passphrase_env."
                )
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}."
            raise ConfigurationError(f"{place}: there is no field {name}; {hint}")
        self.raw, self.place = raw, place

    def error(self, name: str, complaint: str) -> ConfigurationError:
        """Return the error that says what is wrong with a field."""
        return ConfigurationError(f"{self.place}, {name}: {complaint}.")

    def text(self, name: str) -> str | None:
        """Return a field's text, None when it is absent or empty."""
        value = self.raw.get(name)
        if value in _NOTHING:
            return None
        if not isinstance(value, str):
            raise self.error(name, "one value is expected, not a list or further fields")
        return value

    def matching(self, name: str, pattern: re.Pattern[str], complaint: str) -> str | None:
        """Return a text that matches ``pattern`` as a whole."""
        value = self.text(name)
        if value is not None and not pattern.fullmatch(value):
            raise self.error(name, complaint)
        return value

    def host(self, name: str) -> str | None:
        """Return a host name or address."""
        return self.matching(name, _HOST, "a host name or address is expected, without user, port or sftp://")

    def variable(self, name: str) -> str | None:
        """Return the name of an environment variable."""
        return self.matching(name, _VARIABLE, "the name of an environment variable is expected, never the secret")

    def file(self, name: str, relative_to: Path) -> Path | None:
        """Return a path; a relative one counts from the registry's folder, ``~`` is the user's home."""
        value = self.text(name)
        if value is None:
            return None
        if "\n" in value or "-----" in value or "\0" in value:
            raise self.error(name, "the path of a file is expected, never its content")
        return relative_to / Path(value).expanduser()

    def flag(self, name: str, default: bool) -> bool:
        """Return true or false."""
        value = self.text(name)
        if value is None:
            return default
        if value.lower() not in {"true", "false", "yes", "no"}:
            raise self.error(name, "true or false is expected")
        return value.lower() in {"true", "yes"}

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``."""
        value = self.text(name)
        if value is None:
            return default
        if not re.fullmatch(r"\d{1,9}", value) or not low <= int(value) <= high:
            raise self.error(name, f"a whole number from {low} to {high} is expected")
        return int(value)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """Return a number from ``low`` to ``high``."""
        value = self.text(name)
        if value is None:
            return default
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value) or not low <= float(value) <= high:
            raise self.error(name, f"a number from {low:g} to {high:g} is expected")
        return float(value)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of ``choices``; the first is the default."""
        value = self.text(name) or choices[0]
        if value not in choices:
            raise self.error(name, f"one of {', '.join(choices)} is expected")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; a single text is a list of one."""
        value = self.raw.get(name)
        if value in _NOTHING:
            return ()
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) and item for item in values):
            raise self.error(name, "a list is expected, as in [a, b]")
        return tuple(values)

    def mapping(self, name: str) -> dict[str, str]:
        """Return a mapping of texts."""
        value = self.raw.get(name)
        if value in _NOTHING:
            return {}
        if not isinstance(value, Mapping) or not all(isinstance(item, str) and item for item in value.values()):
            raise self.error(name, "one `name: value` per line is expected")
        return dict(value)

    def host_keys(self, name: str) -> tuple[str, ...]:
        """Return pinned host keys: public key lines or SHA256 fingerprints."""
        keys = self.texts(name)
        if not all(_PUBLIC_KEY.fullmatch(key) or _FINGERPRINT.fullmatch(key) for key in keys):
            raise self.error(
                name, "`ssh-ed25519 AAAA...` or `SHA256:...` is expected, as `edreflect orgs check` shows it"
            )
        return keys

    def zone(self, name: str) -> ZoneInfo:
        """Return a time zone, UTC by default."""
        value = self.text(name) or "UTC"
        try:
            return ZoneInfo(value)
        except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError, a folder of zones an OSError
            pass
        except KeyError:
            pass
        raise self.error(name, "an IANA time zone is expected, as in America/Chicago")

    def uuid(self, name: str, default: uuid.UUID) -> uuid.UUID:
        """Return a UUID."""
        value = self.text(name)
        if value is None:
            return default
        try:
            return uuid.UUID(value)
        except ValueError:
            raise self.error(name, "a UUID is expected") from None

    def clock(self, name: str, default: time) -> time:
        """Return a local time of day."""
        value = self.text(name)
        if value is None:
            return default
        if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value):
            raise self.error(name, "a local time is expected, as in 06:30")
        hour, minute = value.split(":")
        return time(int(hour), int(minute))

    def weekdays(self, name: str) -> tuple[str, ...]:
        """Return days of the week: daily, weekdays, or a list of them."""
        values = self.texts(name)
        if len(values) == 1 and values[0] in DAY_NAMES:
            return DAY_NAMES[values[0]]
        short = [value.lower()[:3] for value in values]
        if any(day not in WEEKDAYS for day in short):
            raise self.error(name, f"daily, weekdays or a list of {', '.join(WEEKDAYS)} is expected")
        return tuple(day for day in WEEKDAYS if day in short) or WEEKDAYS

    def dates(self, name: str) -> frozenset[date]:
        """Return days given one by one or as ``first..last``, both included."""
        found: set[date] = set()
        for value in self.texts(name):
            first, _, last = value.partition("..")
            try:
                start = date.fromisoformat(first.strip())
                end = date.fromisoformat(last.strip()) if last else start
            except ValueError:
                raise self.error(name, "days are expected, as in 2026-12-24 or 2026-12-24..2027-01-01") from None
            if not timedelta(0) <= end - start <= timedelta(days=366):
                raise self.error(name, "a range runs from its first to its last day and is at most a year long")
            found.update(start + timedelta(days=offset) for offset in range((end - start).days + 1))
        return frozenset(found)
