"""Whom a purge is about: the org's names, its tenant, and the organizations that nobody else has."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import load_feeds
from edreflect_assets.orgs import default_org_uuid

# Words of the platform's own and of Dagster's: where an org is called so, its name in a text proves nothing.
_WORDS = {"all", "build", "dagster", "day", "dbt", "edreflect", "export", "landing", "load", "marts", "ops", "org"}


@dataclass(frozen=True)
class Subject:
    """An org that is purged.

    ``organizations``: the ids under which this org alone is known, its own and those of its rosters. ``alone``: no other
    org is of its tenant, so whatever the tenant has is this org's.
    """

    org_id: str
    org_uuid: uuid.UUID
    tenant: str
    alone: bool
    organizations: tuple[str, ...] = ()

    @cached_property
    def name_is_a_word(self) -> bool:
        """Whether its name is a word that says nothing about it in a text of the platform."""
        feeds = load_feeds()
        words = {*_WORDS, *feeds, *(feed.raw_schema for feed in feeds.values())}
        return self.org_id.casefold() in words or len(self.org_id) < 3

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What names it in a text: its name as a word of its own (not within north-west or north.csv.gz), or its UUID.

        A dot that ends a sentence may follow. An org whose name is a word of the platform is found by its UUID alone.
        """
        name = rf"(?<![\w-])(?<!\w\.){re.escape(self.org_id)}(?![\w-]|\.\w)"
        return re.compile(str(self.org_uuid) if self.name_is_a_word else rf"{name}|{self.org_uuid}")

    def named_in(self, text: str) -> bool:
        """Tell whether a text names it."""
        return self.pattern.search(text) is not None


def find_subject(cursor: Cursor, org_id: str, given: tuple[uuid.UUID, str] | None) -> Subject:
    """Return what the database knows of an org; ``given`` is its UUID and tenant from the registry or an earlier try."""
    cursor.execute("select org_uuid, tenant from ops.orgs where org_id = %s", [org_id])
    row = cursor.fetchone()
    if row is not None:
        given = (uuid.UUID(str(row[0])), str(row[1]))
    org_uuid, tenant = given or (default_org_uuid(org_id, org_id), org_id)
    cursor.execute("select not exists (select from ops.orgs where tenant = %s and org_id <> %s)", [tenant, org_id])
    (alone,) = cursor.fetchone() or (False,)
    return Subject(org_id, org_uuid, tenant, bool(alone), tuple(_own_organizations(cursor, org_id)))


def _own_organizations(cursor: Cursor, org_id: str) -> Iterable[str]:
    cursor.execute(
        """
        with known as (
            select org_id, organization_id::text as organization_id from access.delivered_organizations
            union
            select org_id, org_uuid::text from ops.orgs
        )
        select organization_id from known where org_id = %(org)s
        except
        select organization_id from known where org_id <> %(org)s
        order by 1
        """,
        {"org": org_id},
    )
    return [str(organization) for (organization,) in cursor.fetchall()]
