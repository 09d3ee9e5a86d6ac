"""The command line, ``edreflect``: thin, over the same functions and jobs as the web UI.

Exit codes: 0 done, 1 something needs a person (each named on stderr, one line), 2 wrong usage, 130 interrupted.
Command modules are imported when they are called for, so that ``edreflect --help`` needs none of their libraries.
"""

from edreflect_assets.cli.app import main

__all__ = ["main"]
