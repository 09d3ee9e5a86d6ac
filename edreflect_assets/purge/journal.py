"""What a purge found when it began, kept below the home until it has ended: a purge that was killed is finished by the next.

The journal holds names and counts, no values of rows. It is the last thing to go.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from edreflect_assets.errors import ConfigurationError
from edreflect_assets.files import make_private, replace_text
from edreflect_assets.settings import Settings

Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Journal:
    """What was there before anything was deleted; moments are UTC in ISO 8601.

    ``counts``: by kind, then by table, feed or whatever the kind consists of. ``source`` says where the org delivered.
    """

    org_id: str
    org_uuid: str
    tenant: str
    organizations: list[str]
    begun: str
    by: str
    source: str
    counts: Counts = field(default_factory=dict)

    @property
    def identity(self) -> tuple[uuid.UUID, str]:
        """Its UUID and tenant."""
        return uuid.UUID(self.org_uuid), self.tenant

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing at all."""
        return not any(count for counts in self.counts.values() for count in counts.values())

    def together_with(self, earlier: Journal | None) -> Journal:
        """Return this journal with what an earlier try found: of each count the larger, since less is what was deleted.

        Where the purge itself adds rows on its way (what a build changed, revoked grants), what was found first stands.
        """
        if earlier is None:
            return self
        counts = {kind: dict(found) for kind, found in earlier.counts.items()}
        for kind, found in self.counts.items():
            known = counts.setdefault(kind, {})
            for name, count in found.items():
                if name not in known or not _grows_by_itself(name):
                    known[name] = max(count, known.get(name, 0))
        organizations = sorted({*earlier.organizations, *self.organizations})
        return Journal(
            self.org_id,
            earlier.org_uuid,
            earlier.tenant,
            organizations,
            earlier.begun,
            earlier.by,
            earlier.source,
            counts,
        )


def read_journal(settings: Settings, org_id: str) -> Journal | None:
    """Return the journal of an org's purge that has not ended, None if there is none.

    Raises ConfigurationError when it cannot be read.
    """
    path = _path(settings, org_id)
    try:
        content: Mapping[str, object] = json.loads(path.read_text(encoding="utf-8"))
        return Journal(**content)  # type: ignore[arg-type]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        raise ConfigurationError(
            f"{path} cannot be read; remove it and purge again: what is left is found anew."
        ) from None


def write_journal(settings: Settings, journal: Journal) -> None:
    """Keep a journal, readable to its owner only."""
    folder = _path(settings, journal.org_id).parent
    make_private(folder, folder)
    replace_text(_path(settings, journal.org_id), json.dumps(asdict(journal), indent=1))


def remove_journal(settings: Settings, org_id: str) -> None:
    """Remove an org's journal, and the folder when it was the last."""
    path = _path(settings, org_id)
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()


def _grows_by_itself(table: str) -> bool:
    return table.endswith("_changes") or table == "access.grant_log"


def _path(settings: Settings, org_id: str) -> Path:
    return settings.home / "purge" / f"{org_id}.json"
