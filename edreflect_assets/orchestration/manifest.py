"""dbt's manifest, from which the dbt assets are defined: parsed once per version of the project, without a database."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.errors import ConfigurationError
from edreflect_assets.files import locked, make_private
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import project_checksum

# The profile wants a connection even where dbt makes none.
_NO_DATABASE = {
    "EDREFLECT_PG_HOST": "127.0.0.1",
    "EDREFLECT_PG_PORT": "5432",
    "EDREFLECT_PG_USER": "nobody",
    "EDREFLECT_PG_DATABASE": "none",
    "DO_NOT_TRACK": "1",
}


def manifest_path(settings: Settings) -> Path:
    """Return where the manifest of the present dbt project lies, parsed or not: below ``EDREFLECT_HOME``."""
    name = f"{project_checksum()[:16]}-{version('dbt-core')}"
    return settings.dbt_target / "manifests" / name / "manifest.json"


def prepare_manifest(settings: Settings) -> Path:
    """Return the manifest of the present dbt project, parsing it (about five seconds) when there is none yet.

    Safe to call from several processes at once; manifests of other versions are removed.
    Raises ConfigurationError with dbt's own words when the project does not parse.
    """
    path = manifest_path(settings)
    if path.is_file():
        return path
    manifests = path.parent.parent
    # Not from the home down: the embedded server runs as an account that must be able to pass through it.
    make_private(settings.dbt_target, manifests)
    with locked(manifests / ".lock"):
        if not path.is_file():
            partial = manifests / f".{secrets.token_hex(8)}.part"
            try:
                _parse(partial)
                partial.replace(path.parent)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
            for other in manifests.iterdir():
                if other.is_dir() and other != path.parent:
                    shutil.rmtree(other, ignore_errors=True)
    return path


def _parse(target: Path) -> None:
    flags = ["--quiet", "--no-use-colors", "--log-level-file", "none", "--no-send-anonymous-usage-stats"]
    folders = ["--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)]
    parsed = subprocess.run(
        [
            sys.executable,
            "-m",
            "dbt.cli.main",
            *flags,
            "parse",
            *folders,
            "--target-path",
            str(target),
            "--log-path",
            str(target),
        ],
        env={**os.environ, **_NO_DATABASE},
        capture_output=True,
        text=True,
        check=False,
    )
    if parsed.returncode or not (target / "manifest.json").is_file():
        said = " ".join((parsed.stdout + parsed.stderr).split())[-2000:]
        raise ConfigurationError(f"The dbt project does not parse: {said}")
