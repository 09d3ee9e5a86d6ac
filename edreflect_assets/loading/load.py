"""Load one delivery, all its files or none, in one transaction under the delivery's own lock.

What is already current is skipped by its hash; new bytes make a new load that supersedes the old one. A refusal leaves
everything as it was and is recorded in a transaction of its own.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import date
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.contracts import Feed, FileContract
from edreflect_assets.errors import ConfigurationError, Refused, UsageError
from edreflect_assets.landing import Delivery
from edreflect_assets.loading.copying import CopiedFile, PlannedFile, blaming, copy_file, plan_file
from edreflect_assets.loading.failures import FileRefusedError, LoadError, database_failure
from edreflect_assets.loading.findings import check_missing_files, header_warnings, key_warnings
from edreflect_assets.loading.ledger import CurrentLoad, Findings, Ledger, LedgerEntry
from edreflect_assets.loading.legacy import check_is_oldest
from edreflect_assets.loading.packages import Package, SharedLoad, refused_while_reading
from edreflect_assets.loading.profile import Profiler
from edreflect_assets.loading.quarantine import Quarantine
from edreflect_assets.loading.raw_table import add_columns, ensure_raw_table
from edreflect_assets.loading.report import DeliveryReport, FileReport, FileStatus, LoadOptions
from edreflect_assets.loading.snapshots import completeness
from edreflect_assets.loading.snapshots import findings as snapshot_findings
from edreflect_assets.loading.sorting import SortedFiles
from edreflect_assets.roster.refused import PackageRefused

__all__ = ["DeliveryReport", "FileReport", "LoadOptions", "load_delivery", "refuse_unread"]

# Another loader may change the delivery's current loads between planning and the lock; then planning starts again.
_ATTEMPTS = 5


def load_delivery(
    connection: Connection,
    feed: Feed,
    delivery: Delivery,
    *,
    options: LoadOptions | None = None,
    again: bool = False,
) -> DeliveryReport:
    """Load a delivery into the raw log and the ledger, and commit.

    ``connection`` must be in no transaction and not autocommitting. Files whose bytes are current are left alone,
    unless ``again`` asks for a new load from them. Deprecated and unlisted files are recorded, never loaded.

    The files of a package are validated together first; records that break a rule are set aside, and a file whose bytes
    the org delivered for another day shares that day's rows.

    Raises Refused, after recording it, when a file cannot be trusted; LoadError when the database or the landing area
    failed; UsageError for a connection in use. Nothing of the delivery is kept then, and what was current stays.
    """
    if connection.autocommit or connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        raise UsageError("A delivery needs a connection to itself: in no transaction and not autocommitting.")
    if codecs.lookup(feed.encoding).name != "utf-8":
        raise ConfigurationError(f"Feed {feed.name} asks for {feed.encoding}; deliveries are read as UTF-8 only.")
    loading = _Loading(connection, feed, delivery, options or LoadOptions(), again)
    where = f"loading {feed.name} of {delivery.org_id}, {delivery.day or 'files without a day'}"
    try:
        return loading.run()
    except FileRefusedError as refusal:
        connection.rollback()
        loading.record_refusal(refusal, where)
        raise Refused(feed.name, delivery.org_id, delivery.day, refusal.file, refusal.cause) from None
    except psycopg2.Error as error:
        raise database_failure(error, where) from None
    finally:
        with suppress(psycopg2.Error):
            connection.rollback()


def refuse_unread(  # noqa: PLR0917 - the delivery, and what is wrong with it
    connection: Connection, feed: Feed, org_id: str, day: date | None, refusal: PackageRefused, run_id: str | None
) -> Refused:
    """Record the refusal of a package that could not be read, so that nothing of it landed, and return what to raise.

    ``connection`` must be in no transaction. Raises LoadError when the database failed.
    """
    refused = refused_while_reading(refusal)
    loading = _Loading(connection, feed, Delivery(feed.name, org_id, day, ()), LoadOptions(run_id=run_id), False)
    loading.record_refusal(refused, f"recording {feed.name} of {org_id}, {day or 'files without a day'}")
    return Refused(feed.name, org_id, day, refused.file, refused.cause)


class _Loading:
    """The steps of one call of ``load_delivery``."""

    def __init__(
        self, connection: Connection, feed: Feed, delivery: Delivery, options: LoadOptions, again: bool
    ) -> None:
        self._connection = connection
        self._feed = feed
        self._delivery = delivery
        self._options = options
        self._again = again
        self._ledger = Ledger(feed.name, delivery.org_id, delivery.day, options.run_id)
        self._files = SortedFiles(feed, delivery)
        self._listed = self._files.listed
        self._package = Package(feed, delivery, again=again) if feed.package else None

    def run(self) -> DeliveryReport:
        """Load and commit."""
        self._sort_out()
        plans: dict[str, PlannedFile] = {}
        for _ in range(_ATTEMPTS):
            with self._connection.cursor() as cursor:
                current = self._ledger.current(cursor)
                changed = self._changed(current)
                shared: Mapping[str, SharedLoad] = {}
                if self._package:
                    shared = self._package.judge(cursor, self._listed, current, changed)
                    changed = self._changed(current)
            self._connection.rollback()
            for file in changed:
                if file not in plans and file not in shared:
                    contract, landed = self._files.contracts[file], self._listed[file]
                    plans[file] = plan_file(contract, landed, definitions=self._feed.definitions)
            self._prepare_tables(plans)
            report = self._load(plans, shared)
            if report is not None:
                return report
        raise LoadError(
            f"Other loaders keep changing {self._feed.name} of {self._delivery.org_id}; load it again.", transient=True
        )

    def record_refusal(self, refusal: FileRefusedError, where: str) -> None:
        """Write a refusal to the ledger in a transaction of its own, once per bytes and cause."""
        contract = self._feed.match(refusal.file) if refusal.file else None
        landed = self._listed.get(refusal.file or "")
        entry = LedgerEntry(
            file=refusal.file or "",
            status="refused",
            table=contract.table if contract else None,
            sha256=landed.sha256 if landed else None,
            size=landed.bytes if landed else None,
            reason=refusal.cause,
        )
        try:
            with self._connection.cursor() as cursor:
                self._ledger.lock(cursor)
                self._ledger.record_once(cursor, entry)
                if refusal.report is not None:
                    refusal.report.write(cursor, self._ledger, ())
            self._connection.commit()
        except psycopg2.Error as error:
            raise database_failure(error, where) from None

    def _sort_out(self) -> None:
        """Sort the files; raises FileRefusedError."""
        unlisted = self._files.unlisted
        spelt: Mapping[str, str] = {}
        if unlisted:
            with self._connection.cursor() as cursor:
                spelt = self._ledger.spellings(cursor, unlisted)
            self._connection.rollback()
        self._files.sort(spelt)

    def _changed(self, current: Mapping[str, CurrentLoad]) -> list[str]:
        outdated = self._package.outdated if self._package else frozenset()
        return [
            file
            for file, landed in sorted(self._listed.items())
            if self._again or file in outdated or file not in current or current[file].sha256 != landed.sha256
        ]

    def _prepare_tables(self, plans: Mapping[str, PlannedFile]) -> None:
        for file, plan in sorted(plans.items()):
            if not plan.contract.listed:
                contract = plan.contract
                ensure_raw_table(self._connection, self._feed.raw_schema, contract.table, contract.column_names)
            if plan.header.beside_contract:
                with blaming(file):
                    add_columns(
                        self._connection,
                        plan.contract.raw_schema,
                        {plan.contract.table: plan.header.beside_contract},
                        wait_seconds=self._options.lock_wait_seconds,
                    )

    def _load(self, plans: Mapping[str, PlannedFile], shared: Mapping[str, SharedLoad]) -> DeliveryReport | None:
        """Do all of it in one transaction; None when the lock came with other current loads than planned for."""
        with self._connection.cursor() as cursor, Profiler() as profiler, ExitStack() as stack:
            self._ledger.lock(cursor)
            check_is_oldest(cursor, self._feed, self._delivery)
            current = self._ledger.current(cursor)
            self._files.check_against(current)
            changed = self._changed(current)
            if not plans.keys() | shared.keys() >= set(changed):
                self._connection.rollback()
                return None
            reserved = dict(zip(changed, self._ledger.reserve(cursor, len(changed)), strict=True))
            copied = [
                copy_file(
                    cursor,
                    plans[file].contract.raw_schema,
                    plans[file],
                    load_id,
                    quarantine=stack.enter_context(Quarantine(load_id)),
                    profiler=profiler,
                    max_rejected_share=1 if self._package else self._options.max_rejected_share,
                    verdict=self._package.verdict_of(file) if self._package else None,
                )
                for file, load_id in reserved.items()
                if file not in shared
            ]
            entries = self._entries(copied, current)
            entries += [shared[file].entry(load_id) for file, load_id in reserved.items() if file in shared]
            self._ledger.supersede(cursor, [current[file].load_id for file in changed if file in current])
            self._ledger.record(cursor, entries)
            for file_copied in copied:
                file_copied.quarantine.write(cursor)
            for file in shared.keys() & reserved.keys():
                shared[file].copy_quarantine(cursor, reserved[file])
            aside = [_aside_report(entry, self._ledger.record_once(cursor, entry)) for entry in self._files.aside]
            if self._listed:
                self._ledger.resolve_refusals(cursor)
            kept = {file: current[file] for file in self._listed if file not in changed}
            findings = self._ledger.findings(cursor, [load.load_id for load in kept.values()]) if kept else {}
            if self._package and self._package.report and changed:
                load_ids = [*reserved.values(), *(load.load_id for load in kept.values())]
                self._package.report.write(cursor, self._ledger, load_ids)
            judged: Sequence[Mapping[str, Any]] = ()
            if self._package and self._package.report:
                judged = self._package.report.report["findings"]
            elif self._feed.convention and self._delivery.day:
                lacking = completeness(cursor, self._feed, self._delivery.org_id, self._delivery.day)
                judged = snapshot_findings(self._feed, lacking)
            self._connection.commit()
        loaded = [_report(entry) for entry in entries]
        unchanged = [_unchanged_report(file, load, findings[load.load_id]) for file, load in kept.items()]
        files = sorted([*loaded, *unchanged, *aside], key=lambda report: report.file)
        return DeliveryReport(self._feed.name, self._delivery.org_id, self._delivery.day, tuple(files), tuple(judged))

    def _entries(self, copied: list[CopiedFile], current: Mapping[str, CurrentLoad]) -> list[LedgerEntry]:
        """Return the ledger's rows for what was copied, complete with profiles and warnings."""
        profiles = {file.planned.contract.file: file.profile.result(file.rows) for file in copied}
        present = self._listed.keys() | current.keys()
        entries = []
        for file in copied:
            contract, landed, header = file.planned.contract, file.planned.landed, file.planned.header
            profile = profiles[contract.file]
            keys = profile.get("distinct_keys", file.rows)
            warnings = [
                *(self._package.warnings(contract.file) if self._package else header_warnings(contract, header)),
                *key_warnings(contract, profile, file.rows),
                *check_missing_files(self._feed, contract, keys, present, self._options.missing_file),
            ]
            entries.append(
                LedgerEntry(
                    file=contract.file,
                    status="current",
                    table=contract.table,
                    load_id=file.load_id,
                    sha256=landed.sha256,
                    size=landed.bytes,
                    rows=file.rows,
                    quarantined=file.quarantined,
                    header=header.names,
                    columns=header.columns,
                    missing=header.missing,
                    unknown=header.beside_contract,
                    warnings=warnings,
                    profile={**profile, **self._describes(contract)},
                    mode=self._package.mode_of(contract.file) if self._package else None,
                )
            )
        return entries

    def _describes(self, contract: FileContract) -> Mapping[str, str]:
        """Return what the ledger says of definitions beside the profile: which table they are about."""
        return {"describes": self._feed.described_by(contract.file)} if contract.load == "definitions" else {}


def _report(entry: LedgerEntry) -> FileReport:
    assert entry.load_id is not None
    return FileReport(
        entry.file,
        entry.table,
        entry.load_id,
        entry.rows,
        entry.quarantined,
        "loaded",
        tuple(entry.warnings),
        entry.profile,
        entry.mode,
    )


def _unchanged_report(file: str, load: CurrentLoad, findings: Findings) -> FileReport:
    return FileReport(
        file,
        load.table,
        load.load_id,
        load.rows,
        load.quarantined,
        "unchanged",
        findings.warnings,
        findings.profile,
        load.mode,
    )


def _aside_report(entry: LedgerEntry, load_id: int) -> FileReport:
    status: FileStatus = "deprecated" if entry.status == "deprecated" else "unlisted"
    return FileReport(entry.file, None, load_id, 0, 0, status, (entry.reason or "",))
