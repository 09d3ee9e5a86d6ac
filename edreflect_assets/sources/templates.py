"""Where an org's folders lie: templates such as ``{org}/export/{day}/``, as the contracts and the registry give them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_DAY = "{day}"
_ORG = "{org}"
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True)
class PathTemplate:
    """A folder's path with ``{org}`` and, at most once, ``{day}`` (YYYY-MM-DD); a leading slash makes it absolute."""

    text: str

    @staticmethod
    def complaint(text: str) -> str | None:
        """Say in a clause what is wrong with a template, None if nothing is."""
        if text.count(_DAY) > 1 or text.replace(_DAY, "").replace(_ORG, "").count("{"):
            return "a path with {org} and at most one {day} is expected"
        if "\\" in text or any(not character.isprintable() for character in text):
            return "a path with / between its folders is expected"
        if any(part in {".", ".."} for part in text.split("/")):
            return "a path without . and .. is expected"
        return None

    @property
    def has_day(self) -> bool:
        """Tell whether each day has a folder of its own; otherwise one folder is overwritten daily."""
        return _DAY in self.text

    def folder(self, org_id: str, day: date | None) -> str:
        """Return the folder of a day, or the one folder of a template without ``{day}``."""
        filled = self.text.replace(_ORG, org_id)
        if day is not None:
            filled = filled.replace(_DAY, day.isoformat())
        return filled.rstrip("/") or ("/" if filled.startswith("/") else ".")

    def day_parent(self, org_id: str) -> str:
        """Return the folder whose subfolders are the days."""
        before = self.text[: self.text.index(_DAY)].replace(_ORG, org_id)
        parent, slash, _ = before.rpartition("/")
        return parent or slash or "."

    def day_of(self, org_id: str, subfolder: str) -> date | None:
        """Return the day that a subfolder of ``day_parent`` stands for, None when it stands for none."""
        part = next(part for part in self.text.split("/") if _DAY in part).replace(_ORG, org_id)
        before, after = part.split(_DAY)
        if not (subfolder.startswith(before) and subfolder.endswith(after)):
            return None
        middle = subfolder[len(before) : len(subfolder) - len(after)]
        if not _ISO_DAY.fullmatch(middle):
            return None
        try:
            return date.fromisoformat(middle)
        except ValueError:
            return None
