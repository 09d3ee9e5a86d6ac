"""What loading does beyond single files where the files of a day are one package: judge it whole, share rows, report.

A package is judged before anything of it is written, by its landed bytes alone. The same bytes of a file on another day
of the org are not copied again: the new load says whose rows are its own, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extras import Json

from edreflect_assets.contracts import Feed
from edreflect_assets.landing import Delivery, LandedFile
from edreflect_assets.loading.failures import FileRefusedError
from edreflect_assets.loading.ledger import CurrentLoad, Ledger, LedgerEntry
from edreflect_assets.roster.codes import CODES, RULES_REVISION
from edreflect_assets.roster.refused import PackageRefused
from edreflect_assets.roster.validation import validate
from edreflect_assets.roster.verdict import FileVerdict, Finding, PackageVerdict

# In the hash of a package, so that a report is not used again once other rules have made it.
_RULES = repr((RULES_REVISION, sorted((code.code, code.severity) for code in CODES.values())))


@dataclass(frozen=True)
class PackageReport:
    """A row of ``ops.package_reports`` before it is written; ``sha256`` stands for the bytes of all files together."""

    sha256: str
    verdict: Literal["accepted", "refused", "no_updates"]
    errors: int
    warnings: int
    report: Mapping[str, Any]

    def write(self, cursor: Cursor, ledger: Ledger, load_ids: Iterable[int]) -> None:
        """Append the report of a delivery, unless its last one says the same of the same bytes without any load."""
        cursor.execute(
            """
            insert into ops.package_reports (
                feed, org_id, day, sha256, verdict, errors, warnings, load_ids, report, run_id, reported_at
            )
            select %(feed)s, %(org_id)s, %(day)s, %(sha256)s, %(verdict)s, %(errors)s, %(warnings)s,
                %(load_ids)s::bigint[], %(report)s, %(run_id)s, clock_timestamp()
            where not exists (
                select from (
                    select sha256, verdict, load_ids from ops.package_reports
                    where feed = %(feed)s and org_id = %(org_id)s and day = %(day)s
                    order by report_id desc limit 1
                ) as latest
                where sha256 = %(sha256)s and verdict = %(verdict)s and load_ids = %(load_ids)s::bigint[]
            )
            """,
            {
                "feed": ledger.feed,
                "org_id": ledger.org_id,
                "day": ledger.day,
                "sha256": self.sha256,
                "verdict": self.verdict,
                "errors": self.errors,
                "warnings": self.warnings,
                "load_ids": sorted(load_ids),
                "report": Json(dict(self.report)),
                "run_id": ledger.run_id,
            },
        )


@dataclass(frozen=True)
class SharedLoad:
    """A current load of the same bytes for another day; ``template`` is its ledger row without a load id."""

    load_id: int
    template: LedgerEntry

    @property
    def mode(self) -> str | None:
        """Whether the file holds a full list or changes."""
        return self.template.mode

    @property
    def quarantined(self) -> int:
        """How many of its records were set aside."""
        return self.template.quarantined

    def entry(self, load_id: int) -> LedgerEntry:
        """Return the ledger's row of the new load."""
        return replace(self.template, load_id=load_id)

    def copy_quarantine(self, cursor: Cursor, load_id: int) -> None:
        """Set the same records aside for the new load."""
        cursor.execute(
            """
            insert into ops.quarantine (load_id, line, column_name, reason, raw_line, record_key, code)
            select %s, line, column_name, reason, raw_line, record_key, code
            from ops.quarantine where load_id = %s and model is null
            """,
            (load_id, self.load_id),
        )


class Package:
    """The package that a delivery is; judged once, however often the loader has to start again."""

    def __init__(self, feed: Feed, delivery: Delivery, *, again: bool) -> None:
        self._feed, self._delivery, self._again = feed, delivery, again
        self._verdict: PackageVerdict | None = None
        self.report: PackageReport | None = None
        self.outdated: frozenset[str] = frozenset()

    def judge(
        self,
        cursor: Cursor,
        listed: Mapping[str, LandedFile],
        current: Mapping[str, CurrentLoad],
        changed: Sequence[str],
    ) -> Mapping[str, SharedLoad]:
        """Return the loads whose rows files share that are ``changed``; without a change nothing is judged.

        Afterwards ``outdated`` names the files whose bytes are current while other records of them are wrong now,
        because other files lie beside them: they are to be loaded anew, too. Ends the cursor's transaction. Raises
        FileRefusedError when validation refuses the package.
        """
        if not changed and (listed or not self._delivery.left_out):
            return {}
        digest = package_digest(listed.values())
        if self._verdict is None and not self._again and len(changed) == len(listed):
            self.report, load_ids = _earlier_report(cursor, self._delivery, digest)
            shared = _shared(cursor, self._delivery, list(listed.values()), among=load_ids)
            if self.report is not None and shared.keys() >= set(changed):
                return shared
        if self._verdict is None:
            # No transaction stays open meanwhile.
            cursor.connection.rollback()
            self._verdict = self._validate(listed)
        self.report = _report(digest, self._verdict)
        refusals = self._verdict.refusals
        if refusals:
            raise _refusal(refusals, self.report)
        verdicts = self._verdict.files
        self.outdated = frozenset(
            file
            for file in listed.keys() - set(changed)
            if file in current and not _agrees(cursor, current[file], verdicts.get(file))
        )
        files = [listed[file] for file in {*changed, *self.outdated}]
        shared = {} if self._again else _shared(cursor, self._delivery, files)
        return {file: load for file, load in shared.items() if _agrees(cursor, load, verdicts.get(file))}

    def verdict_of(self, file: str) -> FileVerdict | None:
        """Return what validation said of a file."""
        return self._verdict.files.get(file) if self._verdict else None

    def mode_of(self, file: str) -> str | None:
        """Return bulk or delta, None for the manifest."""
        verdict = self.verdict_of(file)
        return verdict.mode if verdict else None

    def warnings(self, file: str) -> list[str]:
        """Return what a person should know about a file: its findings, summed up."""
        counted = self._verdict.by_code() if self._verdict else ()
        return [
            f"{found.code}, {found.count} times: {found.text}" if found.count > 1 else f"{found.code}: {found.text}"
            for found in counted
            if found.file == file
        ]

    def _validate(self, listed: Mapping[str, LandedFile]) -> PackageVerdict:
        left_aside = sorted(left_out.file for left_out in self._delivery.left_out)
        return validate(self._feed, {file: landed.path for file, landed in listed.items()}, left_aside)


def refused_while_reading(refusal: PackageRefused) -> FileRefusedError:
    """Return the refusal of a package that could not even be read, with a report like that of validation."""
    finding = Finding(refusal.code, "package", refusal.file or "", None, None, refusal.text)
    report = {
        "version": "",
        "no_updates": False,
        "refused": True,
        "errors": 1,
        "warnings": 0,
        "files": {},
        "left_aside": [],
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity,
                "file": finding.file,
                "column": None,
                "text": finding.text,
                "count": 1,
                "lines": [],
            }
        ],
    }
    return _refusal([finding], PackageReport("", "refused", 1, 0, report))


def _refusal(findings: Sequence[Finding], report: PackageReport) -> FileRefusedError:
    first, *others = findings
    line = f"line {first.line}: " if first.line else ""
    more = f"; {len(others)} more, `edreflect report` writes them all" if others else ""
    return FileRefusedError(
        f"{line}{first.text.rstrip('.')} ({first.code}){more}", file=first.file or None, report=report
    )


def _report(digest: str, verdict: PackageVerdict) -> PackageReport:
    kind: Literal["accepted", "refused", "no_updates"] = "no_updates" if verdict.no_updates else "accepted"
    if verdict.refusals:
        kind = "refused"
    return PackageReport(digest, kind, verdict.errors, verdict.warnings, verdict.as_json())


def package_digest(listed: Iterable[LandedFile]) -> str:
    """Return what stands for the bytes of all files of a package and the rules they were judged by."""
    text = "".join(f"{landed.file} {landed.sha256}\n" for landed in sorted(listed, key=lambda landed: landed.file))
    return hashlib.sha256(f"{_RULES}\n{text}".encode()).hexdigest()


def _earlier_report(cursor: Cursor, delivery: Delivery, digest: str) -> tuple[PackageReport | None, Sequence[int]]:
    """Return the last report of the same package that was not refused, and its loads."""
    cursor.execute(
        """
        select load_ids, sha256, verdict, errors, warnings, report from ops.package_reports
        where feed = %s and org_id = %s and sha256 = %s and verdict <> 'refused'
        order by report_id desc limit 1
        """,
        (delivery.feed, delivery.org_id, digest),
    )
    found = cursor.fetchone()
    return (PackageReport(*found[1:]), found[0]) if found else (None, ())


def _shared(
    cursor: Cursor, delivery: Delivery, files: Sequence[LandedFile], *, among: Sequence[int] | None = None
) -> dict[str, SharedLoad]:
    """Return, by file, the newest current load of the same bytes for another day of the org, ``among`` these if given."""
    cursor.execute(
        """
        select distinct on (file)
            file, load_id, table_name, sha256, bytes, rows, quarantined, header, raw_columns, missing_columns,
            unknown_columns, warnings, profile, mode, coalesce(rows_load_id, load_id)
        from ops.load_log
        where feed = %(feed)s and org_id = %(org_id)s and status = 'current' and day <> %(day)s
            and (%(among)s::bigint[] is null or load_id = any(%(among)s))
            and (file, sha256) in (select * from unnest(%(files)s::text[], %(digests)s::text[]))
        order by file, load_id desc
        """,
        {
            "feed": delivery.feed,
            "org_id": delivery.org_id,
            "day": delivery.day,
            "among": None if among is None else list(among),
            "files": [landed.file for landed in files],
            "digests": [landed.sha256 for landed in files],
        },
    )
    return {
        file: SharedLoad(
            load_id,
            LedgerEntry(
                file,
                "current",
                table=table,
                sha256=sha256,
                size=size,
                rows=rows,
                quarantined=quarantined,
                header=header,
                columns=columns,
                missing=missing,
                unknown=unknown,
                warnings=warnings,
                profile=profile,
                mode=mode,
                rows_load_id=rows_load_id,
            ),
        )
        for (
            file,
            load_id,
            table,
            sha256,
            size,
            rows,
            quarantined,
            header,
            columns,
            missing,
            unknown,
            warnings,
            profile,
            mode,
            rows_load_id,
        ) in cursor
    }


def _agrees(cursor: Cursor, load: CurrentLoad | SharedLoad, verdict: FileVerdict | None) -> bool:
    """Tell whether validation says of the bytes now what it said then: what it says depends on the files beside them."""
    if verdict is None or verdict.mode != load.mode or len(verdict.rejected) != load.quarantined:
        return False
    if not verdict.rejected:
        return True
    cursor.execute(
        "select line, code from ops.quarantine where load_id = %s and model is null order by line", (load.load_id,)
    )
    return list(cursor) == sorted((rejected.line, rejected.code) for rejected in verdict.rejected.values())
