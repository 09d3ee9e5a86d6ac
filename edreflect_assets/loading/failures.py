"""How loading stops: a file that cannot be trusted, or a database that did not do its part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2

from edreflect_assets.errors import EdreflectError

if TYPE_CHECKING:
    from edreflect_assets.loading.packages import PackageReport

# Classes of SQLSTATE after which the same load may well succeed: connection, rollback (deadlock), resources, operator,
# lock not available.
_TRANSIENT = ("08", "40", "53", "57", "55P03")


class FileRefusedError(Exception):
    """One file cannot be trusted; ``cause`` is a clause for ``Refused`` and holds no value of the file.

    ``report`` is what validation said of the whole package, where that is why.
    """

    def __init__(self, cause: str, *, file: str | None = None, report: PackageReport | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.file = file
        self.report = report


class LoadError(EdreflectError):
    """A delivery was not loaded for a reason that is not in its files; nothing of it was kept.

    ``transient`` is True when loading it again later may succeed.
    """

    def __init__(self, message: str, *, transient: bool) -> None:
        super().__init__(message, transient)
        self.message = message
        self.transient = transient

    def __str__(self) -> str:
        """Return the sentence alone."""
        return self.message


def database_failure(error: psycopg2.Error, doing: str) -> LoadError:
    """Return what to raise for ``error``; ``doing`` is a clause like ``loading Goals.csv of springfield``.

    The driver's own text is left out because it quotes the rows that the server was working on.
    """
    state = error.pgcode
    if state is None:
        return LoadError(f"The database connection was lost while {doing}; load it again.", transient=True)
    transient = state.startswith(_TRANSIENT)
    advice = "load it again" if transient else "see this code in the PostgreSQL manual, Appendix A"
    return LoadError(
        f"The database stopped {doing} with SQLSTATE {state} ({type(error).__name__}); {advice}.", transient=transient
    )
