"""What speaks against signing a report, and what is worth reading before: one sentence each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edreflect_assets.convention import SUFFIX
from edreflect_assets.offboarding.contents import (
    Delivery,
    Difference,
    Finding,
    Group,
    Legacy,
    Persons,
    SchoolYears,
)


def of_delivery(delivery: Delivery, others: Iterable[Delivery]) -> Iterator[Finding]:
    """Give the reasons that lie in which snapshots there are; ``delivery`` is the one reported."""
    if delivery.missing_groups:
        yield Finding(
            "incomplete",
            len(delivery.missing_groups),
            f"The snapshot of {delivery.day} is not complete: no file of {', '.join(delivery.missing_groups)} came. Have"
            " the missing groups delivered into the folder of the same day.",
        )
    elif not delivery.is_current:
        yield Finding(
            "not_current",
            1,
            f"The snapshot of {delivery.day} is not the current one: rows shown, orphans and differences are known of a"
            " newer one only. Leave out --day to report it.",
        )
    later = [other for other in others if other.day > delivery.day and other.missing_groups]
    for other in later:
        yield Finding(
            "newer_incomplete",
            len(other.missing_groups),
            f"A newer snapshot, of {other.day}, is not complete: no file of {', '.join(other.missing_groups)} came. Have"
            " the missing groups delivered into the folder of the same day.",
        )
    tables = [each.file for each in delivery.left_aside if each.file.casefold().endswith(SUFFIX)]
    if tables:
        yield Finding(
            "left_aside",
            len(tables),
            f"{', '.join(tables)} of {delivery.day} came and {_is(tables)} not loaded, as of no known group. Look into"
            " what is in there before the source is switched off.",
        )


def of_groups(groups: Iterable[Group]) -> Iterator[Finding]:
    """Give the reasons that lie in what became of the files' rows."""
    tables = [table for group in groups for table in group.tables]
    quarantined = [table for table in tables if table.quarantined]
    if quarantined:
        yield Finding(
            "quarantined",
            sum(table.quarantined for table in quarantined),
            f"Records were set aside in {_named(table.table for table in quarantined)}; ops.quarantine names file, line"
            " and reason. Have the file corrected and delivered again into the folder of the same day.",
        )
    apart = [table for table in tables if table.unaccounted]
    if apart:
        yield Finding(
            "unaccounted",
            sum(table.unaccounted for table in apart),
            f"The rows shown are not those that came in {_named(table.table for table in apart)}. `edreflect build` applies"
            " what is pending; if that does not settle it, the platform is at fault.",
        )
    orphaned = [table for table in tables if table.orphans]
    if orphaned:
        yield Finding(
            "orphans",
            sum(orphans.rows for table in orphaned for orphans in table.orphans),
            f"Rows without their parent row are in {_named(table.table for table in orphaned)}. Ask the source whether the"
            " file of the parents is complete.",
        )


def of_history(legacy: Legacy, years: Iterable[SchoolYears], persons: Persons) -> Iterator[Finding]:
    """Give the reasons that lie in the history beside the snapshot."""
    if legacy.unmapped:
        yield Finding(
            "unmapped_ids",
            sum(found.rows for found in legacy.unmapped),
            "Ids of exports from before the refresh are in no id map, in"
            f" {_named(f'{found.table}.{found.column}' for found in legacy.unmapped)}"
            + (f"; no map came of {', '.join(legacy.kinds_without_map)}" if legacy.kinds_without_map else "")
            + ". Ask the source for the id maps: rows with such ids meet none of today's.",
        )
    years = list(years)
    if years:
        yield Finding(
            "school_years",
            sum(found.rows for found in years),
            f"school_year and school_year_id contradict each other in {_named(found.table for found in years)}. Ask the"
            " source which is right; school_year is what the views go by.",
        )
    if persons.conflict_count:
        yield Finding(
            "person_conflicts",
            persons.conflict_count,
            "Accounts and employee numbers do not pair up one to one: nothing is merged on account of it."
            " marts.person_conflicts lists them; have the numbers corrected at the source.",
        )


def of_differences(differences: Iterable[Difference]) -> Iterator[Finding]:
    """Give the reason that lies in what daily state and snapshot say of the same things."""
    found = [each for each in differences if each.keys]
    if found:
        yield Finding(
            "differences",
            sum(each.keys for each in found),
            f"The last daily state and the snapshot are not the same in {_named(each.table for each in found)}. Look at the"
            " sample keys; what nobody can explain is a question for the source while it is still there.",
        )


def remarks(delivery: Delivery, not_compared: Iterable[str], persons: Persons, legacy: Legacy) -> Iterator[Finding]:
    """Give what is no reason against signing and still worth knowing."""
    if delivery.missing_tables:
        beside = f", and {_named(delivery.unlisted_files)} came unlisted" if delivery.unlisted_files else ""
        yield Finding(
            "missing_tables",
            len(delivery.missing_tables),
            f"Listed files did not come: {_named(delivery.missing_tables)}{beside}. If the client had none of it, that is"
            " in order; an unlisted file may hold the same under another name.",
        )
    elif delivery.unlisted_files:
        yield Finding(
            "unlisted_files",
            len(delivery.unlisted_files),
            f"Files that the product's list does not know were loaded by their names: {_named(delivery.unlisted_files)}.",
        )
    others = [each.file for each in delivery.left_aside if not each.file.casefold().endswith(SUFFIX)]
    if others:
        yield Finding("other_files", len(others), f"Files that are no CSV were left aside: {_named(others)}.")
    tables = list(not_compared)
    if tables:
        yield Finding(
            "not_compared",
            len(tables),
            f"The daily export never delivered {_named(tables)}: there is nothing to compare the snapshot with.",
        )
    if persons.accounts_unknown:
        yield Finding(
            "accounts_without_number",
            persons.accounts_unknown,
            "Accounts of the snapshot have no employee number, and the daily export knows none of theirs: what they did is"
            " in schema offboarding, and in no view that goes by employee number.",
        )
    if legacy.never_mapped:
        yield Finding(
            "never_mapped",
            len(legacy.never_mapped),
            f"The source never gave maps for the old ids in {_named(legacy.never_mapped)}: they are kept as they were.",
        )


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _named(names: Iterable[str], at_most: int = 8) -> str:
    each = list(names)
    more = f" and {len(each) - at_most} more" if len(each) > at_most else ""
    return ", ".join(each[:at_most]) + more
