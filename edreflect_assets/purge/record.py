"""The record of a purge: a plain text that a person signs. It names tables, files and counts, never a value of a row.

Nothing of it is kept on the platform, or the org's name would stay: the printed record is the only trace.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from edreflect_assets.purge.journal import Counts

# Kinds of counts that are no rows of the platform's tables, and how they are told.
ROWS, SHARED, LANDED_FILES, LANDED_BYTES = "rows", "rows of the tenant", "landed files", "landed bytes"
NAMING_FILES, DAGSTER, REGISTRY = "files that name it", "Dagster", "registry"

_NOT_COVERED = (
    "backups of the database and of the files, and replicas other than the server's own standbys",
    "the database server's write-ahead log until it is recycled, archived logs, and blocks that a file system has freed",
    "{source}",
    "login roles of the database, which may serve other orgs; their grants for this org are gone",
    "cohorts that were reported to a state's Ed-Fi ODS, which keeps them",
    "files that people made of its data elsewhere: exports, reports, spreadsheets, copies of this record",
)


@dataclass(frozen=True)
class Record:
    """What was deleted, of whom, when (UTC) and by whom.

    ``counts`` as in the journal; ``kinds`` says of each table what its rows were; ``after`` are the rows that the tenant
    has now in tables that several orgs share; ``remaining`` are places where bytes may still lie, and ``notes`` whatever
    else the signer has to know.
    """

    org_id: str
    org_uuid: str
    tenant: str
    database: str
    home: str
    begun: str
    finished: str
    by: str
    source: str
    counts: Counts
    kinds: dict[str, str]
    after: dict[str, int]
    remaining: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def listing(self) -> str:
        """The lines that say what was deleted, as they stand in the record."""
        return "\n".join(listing(self.counts, self.kinds, self.after))

    @property
    def digest(self) -> str:
        """The sha256 of the listing's UTF-8 bytes, each line ended by a line feed."""
        return hashlib.sha256(f"{self.listing}\n".encode()).hexdigest()

    @property
    def text(self) -> str:
        """The whole record, ending in a line feed."""
        source = f"the SFTP server of the org ({self.source}) and the login there, with its key or password"
        lines = [
            "RECORD OF A PURGE",
            "",
            f"Org:              {self.org_id}",
            f"Organization id:  {self.org_uuid}",
            f"Tenant:           {self.tenant}",
            f"Database:         {self.database}",
            f"State directory:  {self.home}",
            f"Begun (UTC):      {self.begun}",
            f"Finished (UTC):   {self.finished}",
            f"By:               {self.by}",
            "",
            "What was deleted",
            "",
            self.listing,
            "",
            f"sha256 of the lines above, each with its line feed: {self.digest}",
            "",
            *_list("Places where deleted bytes may still lie", self.remaining),
            *_list("To be known", self.notes),
            *_list("Not covered by this purge", [line.format(source=source) for line in _NOT_COVERED]),
            "Signed: ______________________________    Date: ______________",
        ]
        return "\n".join(lines) + "\n"


def listing(counts: Counts, kinds: dict[str, str], after: dict[str, int] | None = None) -> list[str]:
    """Return the lines of counts: by kind, then by table; ``after`` None means that nothing was deleted yet."""
    by_kind: dict[str, dict[str, int]] = {}
    for table, rows in counts.get(ROWS, {}).items():
        if rows:
            by_kind.setdefault(kinds.get(table, "rows"), {})[table] = rows
    lines = [f"{count:>12,}  {name}" for name, count in counts.get(REGISTRY, {}).items() if count]
    for kind, tables in sorted(by_kind.items()):
        lines.append(f"{sum(tables.values()):>12,}  rows: {kind}")
        lines += [f"{rows:>12,}    {table}" for table, rows in sorted(tables.items())]
    for table, before in sorted(counts.get(SHARED, {}).items()):
        if before:
            now = f", {after.get(table, 0):,} after" if after is not None else ""
            lines.append(f"{before:>12,}  rows of its tenant, made anew without it{now}: {table}")
    sizes = counts.get(LANDED_BYTES, {})
    for feed, files in sorted(counts.get(LANDED_FILES, {}).items()):
        lines.append(f"{files:>12,}  landed files of {feed}, {sizes.get(feed, 0):,} bytes")
    for kind in (NAMING_FILES, DAGSTER):
        for name, count in sorted(counts.get(kind, {}).items()):
            if count:
                lines.append(f"{count:>12,}  {kind}: {name}" if kind == DAGSTER else f"{count:>12,}  {name}")
    return lines or ["           0  nothing"]


def _list(title: str, lines: tuple[str, ...] | list[str]) -> list[str]:
    return [title, "", *(f"- {line}" for line in lines), ""] if lines else []
