"""Run a Dagster command in this installation: ``python -m edreflect_assets.orchestration.start dagster-webserver ...``.

Prepares the Dagster home first; the command then replaces this process.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from edreflect_assets.errors import EdreflectError
from edreflect_assets.orchestration.instance import environment, open_instance
from edreflect_assets.settings import Settings


def main(arguments: list[str]) -> int:
    """Prepare, then become ``arguments``; return 1 or 2 with one line on stderr when that cannot be done."""
    if not arguments:
        print("usage: python -m edreflect_assets.orchestration.start COMMAND [ARGUMENT]...", file=sys.stderr)
        return 2
    # Beside the interpreter first: the virtual environment need not be activated.
    command = shutil.which(arguments[0], path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if command is None:
        print(f"{arguments[0]} was not found; is the project installed (`uv sync`)?", file=sys.stderr)
        return 2
    try:
        settings = Settings.from_environment()
        open_instance(settings).dispose()
    except EdreflectError as error:
        print(error, file=sys.stderr)
        return 1
    os.execve(command, arguments, environment(settings))  # noqa: S606 - the operator's own command line
    return 0  # never reached: this process is the command now


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
