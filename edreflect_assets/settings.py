"""Where the platform keeps its state and which database it uses, read from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from edreflect_assets.errors import ConfigurationError

HOME_VARIABLE = "EDREFLECT_HOME"
DATABASE_URL_VARIABLE = "EDREFLECT_DATABASE_URL"
DEFAULT_HOME = ".edreflect"


@dataclass(frozen=True)
class Settings:
    """Directories below one home and the database, for one installation.

    ``database_url`` is None for the embedded Postgres that lives below ``home``. It may hold a password and is
    therefore left out of ``repr``.
    """

    home: Path
    database_url: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read ``EDREFLECT_HOME`` (default ``.edreflect`` in the current directory) and ``EDREFLECT_DATABASE_URL``.

        An empty variable counts as unset; ``home`` is made absolute and need not exist.
        Raises ConfigurationError when the URL is not a Postgres URL.
        """
        home = Path(environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser().absolute()
        url = environ.get(DATABASE_URL_VARIABLE) or None
        if url is not None and not url.startswith(("postgresql://", "postgres://")):
            raise ConfigurationError(
                f"{DATABASE_URL_VARIABLE} must start with postgresql://, as in postgresql://user@host:5432/database."
            )
        return cls(home=home, database_url=url)

    @property
    def landing(self) -> Path:
        """Delivered files, byte for byte, by feed, org, day, file and sha256."""
        return self.home / "landing"

    @property
    def registry(self) -> Path:
        """The org registry, a YAML file."""
        return self.home / "orgs.yml"

    @property
    def postgres(self) -> Path:
        """The embedded server's data and socket directory; unused with a database URL."""
        return self.home / "postgres"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage and dagster.yaml."""
        return self.home / "dagster"

    @property
    def logs(self) -> Path:
        """Log files of the servers the command line starts."""
        return self.home / "logs"

    @property
    def dbt_target(self) -> Path:
        """The artefacts of dbt runs: manifest, compiled SQL, logs."""
        return self.home / "dbt"
