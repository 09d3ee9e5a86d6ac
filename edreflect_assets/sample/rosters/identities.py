"""What follows from a seed and a name: sourcedIds, and the attributes of people that nobody keeps in memory."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

from edreflect_assets.sample import words

T = TypeVar("T")

_PREFIXES = {"org": "org", "session": "ses", "course": "crs", "class": "cls", "enrollment": "enr", "role": "rol"}


class Identities:
    """Draws of one org: the same key, the same outcome, in any order and however often."""

    def __init__(self, seed: int, org: str, *, uuids: bool) -> None:
        self._origin = f"{seed}/{org}/roster".encode()
        self._uuids = uuids

    def draw(self, kind: str, *key: object) -> bytes:
        """Return 16 bytes that depend on kind and key alone."""
        return blake2b(
            "/".join(map(str, key)).encode(), key=self._origin, digest_size=16, person=_person(kind)
        ).digest()

    def choice(self, options: Sequence[T], kind: str, *key: object) -> T:
        """Return one of the options."""
        return options[int.from_bytes(self.draw(kind, *key)[:4]) % len(options)]

    def sourced_id(self, kind: str, *key: object) -> str:
        """Return the sourcedId of a record: a UUID or, by the org's habit, a readable one."""
        if not self._uuids:
            return "-".join((_PREFIXES.get(kind, kind), *map(str, key)))
        digits = self.draw(kind, *key).hex()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"

    def first_name(self, kind: str, *key: object) -> str:
        """Return a person's given name."""
        return self.choice(words.FIRST_NAMES, f"{kind} first", *key)

    def last_name(self, kind: str, *key: object) -> str:
        """Return a person's, or a family's, family name."""
        return self.choice(words.LAST_NAMES, f"{kind} last", *key)


def _person(kind: str) -> bytes:
    return kind.encode()[:16]
