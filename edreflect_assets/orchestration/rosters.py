"""What the UI shows of packages: findings summed up with each delivery, what changed with each build."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import dagster as dg
from psycopg2 import sql

from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.database import connect
from edreflect_assets.roster.approval import held_packages, is_built
from edreflect_assets.roster.stored import SYNC_COLUMNS
from edreflect_assets.settings import Settings

# A table of more rows is no help in the UI, and every event is stored; all rows are in <feed>.sync_report.
ROWS_AT_MOST = 500


def findings_metadata(findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the findings of a delivery as metadata: totals, and a table by code; nothing without findings."""
    if not findings:
        return {}
    counted = {
        "errors": sum(found["count"] for found in findings if found["severity"] != "warning"),
        "validation_warnings": sum(found["count"] for found in findings if found["severity"] == "warning"),
    }
    records = [
        dg.TableRecord(
            {
                "code": found["code"],
                "severity": found["severity"],
                "file": found["file"],
                "column": found["column"] or "",
                "findings": found["count"],
                "what is wrong": found["text"],
            }
        )
        for found in findings[:ROWS_AT_MOST]
    ]
    return {**counted, "findings": dg.MetadataValue.table(records, schema=_FINDINGS)}


def sync_metadata(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return, by the name of the dbt model that folds a feed's packages, what each org's newest package changed."""
    metadata = {}
    with closing(connect(settings, application_name="edreflect build")) as connection:
        for feed in load_feeds().values():
            if feed.package is None or not is_built(connection, feed):
                continue
            with connection.cursor() as cursor:
                cursor.execute(_newest(feed))
                rows = cursor.fetchall()
            held = [f"{package.org_id}, {package.day}" for package in held_packages(connection, feed)]
            records = [dg.TableRecord(dict(zip(_SYNC, map(_cell, row), strict=True))) for row in rows]
            metadata[f"{feed.name}__packages"] = {
                "sync_report": dg.MetadataValue.table(records, schema=_SYNC_SCHEMA),
                "held": "; ".join(held) or "none",
            }
    return metadata


def _newest(feed: Feed) -> sql.Composable:
    return sql.SQL(
        """
        select report.org_id, report.day, packages.status, {columns}
        from (select distinct on (org_id) org_id, day, status from {packages} order by org_id, day desc) as packages
        join {report} as report using (org_id, day)
        order by report.day desc, report.org_id, report.file limit {limit}
        """
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier("report", name) for name in SYNC_COLUMNS),
        packages=sql.Identifier(feed.name, "packages"),
        report=sql.Identifier(feed.name, "sync_report"),
        limit=sql.Literal(ROWS_AT_MOST),
    )


def _cell(value: object) -> Any:
    return value if isinstance(value, int | str) else str(value)


_FINDINGS = dg.TableSchema(
    [
        dg.TableColumn("code", "string", "See the table of validation codes."),
        dg.TableColumn(
            "severity", "string", "package (refuses it), row (sets the record aside), error (of a delivery) or warning."
        ),
        dg.TableColumn("file", "string", "As the standard spells it."),
        dg.TableColumn("column", "string", "As the standard spells it."),
        dg.TableColumn("findings", "int", "How many there are."),
        dg.TableColumn("what is wrong", "string", "Never a value of a record."),
    ]
)
_SYNC = ("org", "day", "status", *SYNC_COLUMNS)
_TEXTS = {"org", "day", "status", "file", "mode"}
_SYNC_SCHEMA = dg.TableSchema([dg.TableColumn(name, "string" if name in _TEXTS else "int") for name in _SYNC])
