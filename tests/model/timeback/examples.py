"""Deliveries of the TimeBack feed written by hand in a test, and what a view shows of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from tests.model.timeback.log import Delivery, Log
from tests.model.timeback.tables import DELETED, TABLES
from tests.model.timeback.tenants import tenant_of
from tests.model.timeback.views import view

ORG = "springfield"
D1, D2, D3 = (date(2026, 3, day) for day in (2, 3, 4))


def u(number: int) -> str:
    """Return a UUID that sorts by its number."""
    return str(uuid.UUID(int=number))


def at(minute: int, second: int = 0) -> str:
    """Return a moment of one hour."""
    return f"2026-03-02T10:{minute:02}:{second:02}Z"


def delivered(org: str, day: date, **files: Sequence[Mapping[str, str]]) -> Delivery:
    """Return a delivery of these rows by table; values that a row does not name are empty."""
    made = {}
    for name, rows in files.items():
        header = [*TABLES[name].columns, DELETED]
        lines = [",".join(header), *(",".join(fields.get(column, "") for column in header) for fields in rows)]
        made[f"{name}.csv"] = ("\n".join(lines) + "\n").encode()
    return Delivery(org, day, made)


def shown(name: str, **files: Sequence[Mapping[str, str]]) -> list[tuple[Any, ...]]:
    """Return a view's rows over one delivery to those who see everything, in some order."""
    tenant = tenant_of("one", Log([delivered(ORG, D1, **files)]), [ORG])
    return sorted(view(name, [tenant], D1).elements(), key=repr)


def insight(key: int, start: str, end: str, **others: str) -> dict[str, str]:
    of = {"insights_session_id": u(1), "insight_type_id": u(1), "reason": "seen", "is_visible": "true"}
    return {"id": u(key), "started_at_time": start, "ended_at_time": end, **of, **others}


def observed(category: str = "Cheating", slug: str = "Slug", **others: str) -> dict[str, list[Mapping[str, str]]]:
    kind = {"id": u(1), "slug": slug, "category": category, "visibility": "external", "is_waste": "true", **others}
    session = {"id": u(1), "caliper_session_id": "s", "user_id": u(7), "application_id": u(8), "is_proctored": "true"}
    return {"insights_type": [kind], "insights_session": [session]}
