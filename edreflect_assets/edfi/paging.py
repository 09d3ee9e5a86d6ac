"""Reading a listing page by page so that nothing is skipped or doubled while others write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from edreflect_assets.edfi.failures import CallFailed

Item = dict[str, Any]
Page = tuple[list[Item], int]


def whole_listing(fetch: Callable[[int, int], Page], page_size: int) -> list[Item] | None:
    """Return all items that ``fetch(offset, limit)`` gives, or None if they changed in between.

    ``fetch`` returns a page and the total. Each page but the first begins with the last item of the one before: if it
    is another one, something moved, even though the total is the same. ``page_size`` is at least 2.
    """
    items, total = fetch(0, page_size)
    while len(items) < total:
        if not items:
            return None
        page, now = fetch(len(items) - 1, page_size)
        if now != total or len(page) < 2 or page[0]["id"] != items[-1]["id"]:
            return None
        items += page[1:]
    distinct = {item["id"] for item in items}
    return items if len(distinct) == len(items) == total else None


def read_page(response: httpx.Response, resource: str, district: int) -> Page:
    """Return the items and the total of an answer to a GET.

    Raises CallFailed if it is no such answer, or holds something of another district: an ODS that does not filter
    must not be taken to say what a district has.
    """
    try:
        items, total = response.json(), int(response.headers["Total-Count"])
        reference = "educationOrganizationReference" if resource == "cohorts" else "cohortReference"
        districts = {item[reference]["educationOrganizationId"] for item in items}
        if not (isinstance(items, list) and all(isinstance(item["id"], str) for item in items)):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        complaint = "the answer is no page of items with a Total-Count"
    else:
        if districts <= {district}:
            return items, total
        complaint = "the ODS does not filter by educationOrganizationId"
    raise CallFailed(response.status_code, complaint, False, verb="GET", resource=resource)
