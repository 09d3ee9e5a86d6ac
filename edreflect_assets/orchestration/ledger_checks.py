"""The checks of ``edreflect_assets.checks`` as Dagster asset checks on the raw assets."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import dagster as dg

from edreflect_assets.checks import checks_of
from edreflect_assets.contracts import Feed
from edreflect_assets.database import connect, ensure_server, migrate
from edreflect_assets.orchestration.raw import raw_asset_key
from edreflect_assets.orgs import load_registry
from edreflect_assets.settings import Settings

_SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


def ledger_checks(feed: Feed) -> dg.AssetChecksDefinition:
    """Return the checks of one feed: one op that reads the ledger once for all orgs, whatever partition was loaded."""
    asset_key = raw_asset_key(feed)

    @dg.multi_asset_check(
        name=f"{feed.raw_schema}_checks",
        specs=[
            dg.AssetCheckSpec(check.name, asset=asset_key, description=check.description) for check in checks_of(feed)
        ],
        can_subset=True,
    )
    def checks(
        context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings]
    ) -> Iterator[dg.AssetCheckResult]:
        selected = {key.name for key in context.selected_asset_check_keys}
        registry = load_registry(settings)
        ensure_server(settings)
        with closing(connect(settings, application_name="edreflect checks")) as connection:
            migrate(connection)
            connection.set_session(readonly=True)
            for check in checks_of(feed):
                if check.name not in selected:
                    continue
                found = check.run(connection, feed, registry, datetime.now(UTC))
                connection.rollback()
                yield dg.AssetCheckResult(
                    asset_key=asset_key,
                    check_name=found.name,
                    passed=found.passed,
                    severity=_SEVERITY[found.severity],
                    description=found.text,
                    metadata=dict(found.metadata),
                )

    return checks
