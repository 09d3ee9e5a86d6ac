"""What the ledger says is not as it should be: one function per check, each a few set-based statements.

Every check takes an open connection, the feed's contract, the org registry and the present moment (aware), and gives a
CheckResult whose text names org and day, says what the finding means and how to resolve it. Texts and metadata hold
names, days and counts only, never a value from a delivered file. Nothing here knows Dagster.
"""

from __future__ import annotations

from datetime import datetime

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.checks.base import Check, CheckResult, Registry
from edreflect_assets.checks.bulk import bulk_files_delivered
from edreflect_assets.checks.deliveries import REFUSED, chain_of_days, freshness, refused_deliveries, shrink
from edreflect_assets.checks.files import (
    columns_as_documented,
    dependent_file_present,
    files_as_documented,
    reference_file_present,
)
from edreflect_assets.checks.legacy import old_ids_mapped, school_years_agree
from edreflect_assets.checks.packages import package_findings, packages_held
from edreflect_assets.checks.references import references_resolved, subjects_matched
from edreflect_assets.checks.rows import lists_delivered_again, quarantine, rows_balanced
from edreflect_assets.checks.snapshots import listed_tables_present, snapshots_complete
from edreflect_assets.checks.tenants import organizations_of_one_tenant
from edreflect_assets.contracts import Feed

__all__ = ["CHECKS", "REFUSED", "Check", "CheckResult", "Registry", "checks_of", "run_checks"]


def _is_package(feed: Feed) -> bool:
    return feed.package is not None


def _is_no_package(feed: Feed) -> bool:
    return feed.package is None


def _is_recurring(feed: Feed) -> bool:
    return feed.recurring


def _loses_what_does_not_come(feed: Feed) -> bool:
    return feed.recurring and not feed.holds_snapshots


def _has_bulk_files(feed: Feed) -> bool:
    return any(contract.load == "bulk" for contract in feed.files.values())


def _has_groups(feed: Feed) -> bool:
    return feed.convention is not None


def _is_legacy(feed: Feed) -> bool:
    return feed.extends is not None


def _has_references(feed: Feed) -> bool:
    return any(contract.touched_by for contract in feed.files.values())


CHECKS: tuple[Check, ...] = (
    Check("rows_balanced", "Records of a file = rows loaded + rows set aside.", rows_balanced),
    Check(
        "chain_of_days",
        "No expected day is missing between an org's first and last day.",
        chain_of_days,
        _loses_what_does_not_come,
    ),
    Check("freshness", "Every org has delivered the last day expected of it.", freshness, _is_recurring),
    Check("snapshots_complete", "No snapshot lacks a whole file group.", snapshots_complete, _has_groups),
    Check(
        "listed_tables_present",
        "The newest snapshots have every listed table of their groups.",
        listed_tables_present,
        _has_groups,
    ),
    Check(
        "reference_file_present",
        "A file came with the reference file it depends on.",
        reference_file_present,
        _has_references,
    ),
    Check(
        "dependent_file_present",
        "The files came that a reference file calls for.",
        dependent_file_present,
        _has_references,
    ),
    Check(
        "bulk_files_delivered",
        "Files that are the whole state of their table came, with rows.",
        bulk_files_delivered,
        _has_bulk_files,
    ),
    Check("old_ids_mapped", "The old ids of legacy exports are translated.", old_ids_mapped, _is_legacy),
    Check("school_years_agree", "School years and their ids agree.", school_years_agree, _is_legacy),
    # Packages are held instead, and judged column by column.
    Check("shrink", "No delivery is far smaller than those before it.", shrink, _is_no_package),
    Check("refused_deliveries", "No delivery stands refused.", refused_deliveries),
    Check("packages_held", "No package waits for approval.", packages_held, _is_package),
    Check(
        "organizations_of_one_tenant",
        "No organization id is delivered by two tenants.",
        organizations_of_one_tenant,
        _is_package,
    ),
    Check("quarantine", "No row was set aside.", quarantine),
    Check("package_findings", "Validation found nothing in the packages.", package_findings, _is_package),
    Check("references_resolved", "What the rosters refer to was delivered.", references_resolved, _is_package),
    Check("subjects_matched", "The subjects that classes name are known.", subjects_matched, _is_package),
    Check(
        "columns_as_documented", "Files have the columns their contract lists.", columns_as_documented, _is_no_package
    ),
    Check("files_as_documented", "Only documented files are delivered.", files_as_documented),
    Check(
        "lists_delivered_again",
        "What belongs to something modified was delivered again.",
        lists_delivered_again,
        _has_references,
    ),
)


def checks_of(feed: Feed) -> tuple[Check, ...]:
    """Return the checks that make sense for a feed, in the order of CHECKS."""
    return tuple(check for check in CHECKS if check.applies(feed))


def run_checks(connection: Connection, feed: Feed, registry: Registry, now: datetime) -> list[CheckResult]:
    """Run every check of a feed in the order of CHECKS; reads only."""
    return [check.run(connection, feed, registry, now) for check in checks_of(feed)]
