"""A package that cannot even be read: nothing of it is stored, whatever else may be wrong with it."""

from __future__ import annotations

import re

from edreflect_assets.errors import EdreflectError
from edreflect_assets.landing import printable_name

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}", re.ASCII)


def shown_name(name: str) -> str:
    """Return a file's name as a message may hold it: as it is if it is a plain one, else quoted and cut."""
    return name if _PLAIN_NAME.fullmatch(name) else printable_name(name)


class PackageRefused(EdreflectError):
    """``code`` is one of ``roster/codes.py``, ``file`` the file at fault (None: the package), ``text`` a sentence."""

    def __init__(self, code: str, file: str | None, text: str) -> None:
        super().__init__(code, file, text)
        self.code = code
        self.file = file
        self.text = text

    def __str__(self) -> str:
        """Return the sentence with its file."""
        return f"{self.file}: {self.text}" if self.file else self.text
