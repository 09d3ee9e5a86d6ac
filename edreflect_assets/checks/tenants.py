"""Whether the organization ids of tenants are apart."""

from __future__ import annotations

from datetime import datetime

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks.base import CheckResult, Registry, query, result
from edreflect_assets.contracts import Feed

# Delivered ids as the rosters have them, an org's own org_uuid beside them.
_CLAIMED = """
    with claims as (
        select orgs.org_id, orgs.tenant, orgs.org_uuid as organization_id, true as is_own from ops.orgs
        union
        select orgs.org_id, orgs.tenant, delivered.organization_id, orgs.org_uuid = delivered.organization_id
        from access.delivered_organizations as delivered
        join ops.orgs on orgs.org_id = delivered.org_id
    )
    select
        organization_id::text,
        array_agg(distinct org_id || ' (tenant ' || tenant || ')'),
        max(org_id) filter (where is_own)
    from claims
    group by organization_id
    having count(distinct tenant) > 1 or (bool_or(is_own) and count(distinct org_id) > 1)
    order by organization_id
"""


def organizations_of_one_tenant(connection: Connection, feed: Feed, registry: Registry, now: datetime) -> CheckResult:
    """Find organization ids that orgs of several tenants deliver, or that are another org's org_uuid."""
    found = [
        f"{organization} is delivered by {' and '.join(orgs)}" + (f" and is the org_uuid of {owner}" if owner else "")
        for organization, orgs, owner in query(connection, _CLAIMED)
    ]
    return result(
        "organizations_of_one_tenant",
        "error",
        found,
        good="Every organization id belongs to one tenant, and no org delivers another's org_uuid.",
        meaning="A grant of such an id by itself shows no people, because it does not say whose; grants of registry names"
        " go on showing each tenant its own",
        resolve="Grant registry names instead of ids, ask the orgs whose export is wrong to correct it, or give orgs of"
        " one platform the same tenant in the registry",
    )
