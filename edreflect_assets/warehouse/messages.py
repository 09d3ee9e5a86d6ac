"""What may be said of a failed statement: never a value of a row.

PostgreSQL quotes rows in DETAIL and CONTEXT, and in the message itself where a value is what is wrong (class 22). What
dbt is told of an error goes to its log, its artefacts and the console, so it is told this and nothing else; whoever
needs the values asks the database.
"""

from __future__ import annotations

import psycopg2

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_DATA_EXCEPTION, _SYNTAX_OR_NAME = "22", "42"
_SILENT = (
    "DETAIL:",
    "CONTEXT:",
    "HINT:",
    "compiled code at",
    "LINE ",
    "^",
    "PL/pgSQL function",
    "SQL statement",
    "SQL function",
)


def without_values(error: psycopg2.Error) -> str:
    """Return what a database error says, on one or more lines, without the values it may quote.

    Errors in the statement itself, which is ours and holds no values, keep all their text, the place included.
    """
    state = error.pgcode
    if state is None:
        return "The connection to the database was lost, or its answer was no answer."
    if state.startswith(_SYNTAX_OR_NAME):
        return str(error).strip()
    if state.startswith(_DATA_EXCEPTION):
        return f"{type(error).__name__}, SQLSTATE {state}: a value does not fit (the value is not shown)"
    return f"{error.diag.message_primary} (SQLSTATE {state})"


def safe_message(message: str | None) -> str:
    """Return in one line what dbt says of a node; a database error's own words only, whoever made the message."""
    kept = []
    for line in (part.strip() for part in (message or "no message").splitlines()):
        if not line or line.startswith(_SILENT):
            continue
        if "invalid input" in line or "out of range" in line or "malformed" in line:
            line = line.split('"', 1)[0].rstrip(" :") + " (the value is not shown)"  # noqa: PLW2901
        kept.append(line)
    return " ".join(kept[:2])
