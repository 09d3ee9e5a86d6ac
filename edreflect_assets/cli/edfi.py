"""``edreflect edfi``: cohorts of a district, reported to its state's Ed-Fi ODS."""

from __future__ import annotations

import click

from edreflect_assets.cli.errors import TROUBLE
from edreflect_assets.cli.output import complain, plural, say, steps, table
from edreflect_assets.cli.prepared import prepared_database
from edreflect_assets.edfi.decisions import Mode, Remark
from edreflect_assets.edfi.publish import Publication, publish, years_of
from edreflect_assets.edfi.school_years import SCHOOL_YEARS, Scope
from edreflect_assets.errors import EdreflectError
from edreflect_assets.orgs import known_org
from edreflect_assets.settings import Settings

_ORG = click.option("--org", "org_id", required=True, metavar="NAME", help="The org whose ODS is meant.")
_YEAR = click.option(
    "--year",
    type=click.IntRange(*SCHOOL_YEARS),
    metavar="YEAR",
    help="The school year that ends in YEAR; default: every one that the newest programs name.",
)
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done; no writing call is made.")
_YES = click.option("--yes", is_flag=True, help="Delete whatever the plan says, however much it is.")
# Records of one kind and reason that are listed by their key; of more only the number is told.
_LISTED = 20


@click.group()
def edfi() -> None:
    """Keep a state's Ed-Fi ODS in step with the cohorts of a district."""


@edfi.command()
@_ORG
@_YEAR
@click.pass_context
def plan(context: click.Context, *, org_id: str, year: int | None) -> None:
    """Say what `publish` would do: the calls by kind, and the records that cannot be sent, with the reason."""
    _run(context, org_id, year, "change", dry_run=True)


@edfi.command("publish")
@_ORG
@_YEAR
@_DRY_RUN
@_YES
@click.pass_context
def publish_command(context: click.Context, *, org_id: str, year: int | None, dry_run: bool, yes: bool) -> None:
    """Send what changed since the last time; what the ODS holds is known from the identity map.

    Exit code 0: the ODS was told everything. 1: some calls failed, and are named.
    """
    _run(context, org_id, year, "change", dry_run=dry_run, yes=yes)


@edfi.command()
@_ORG
@_YEAR
@_DRY_RUN
@_YES
@click.pass_context
def resync(context: click.Context, *, org_id: str, year: int | None, dry_run: bool, yes: bool) -> None:
    """Read the ODS as well, and make it hold what it should: mappings that changed, drift, and what nobody knows.

    Stops before the first call when more than a share of what the ODS holds (max_deleted_share of the org's entry, by
    default 20 %) would be deleted; --yes goes on.
    """
    _run(context, org_id, year, "resync", dry_run=dry_run, yes=yes)


def _run(
    context: click.Context, org_id: str, year: int | None, mode: Mode, *, dry_run: bool, yes: bool = False
) -> None:
    settings = Settings.from_environment()
    org = known_org(settings, org_id)
    with prepared_database(settings) as (connection, _):
        years = years_of(connection, org, year)
    failed, troubles = False, list[EdreflectError]()
    for each in years.delivered:
        with steps(f"{org_id}, {each}") as progress:
            shown = 0

            def tell(scope: Scope, total: int, done: int) -> None:
                nonlocal shown
                tenths = 10 * done // total
                progress.done(
                    f"{scope.org_id}, {scope.school_year}: {done:,} of {plural(total, 'call')} made",
                    number=done,
                    total=total,
                    quiet=tenths == shown,
                )
                shown = tenths

            try:
                publication = publish(settings, org, each, mode, dry_run=dry_run, yes=yes, progress=tell)
            except EdreflectError as error:
                # the other years have an ODS of their own
                troubles.append(error)
                continue
        _show(publication)
        failed |= publication.outcome is not None and bool(publication.outcome.failed)
    for each in years.only_mapped:
        complain(
            f"School year {each}: the newest programs name it no more. What was sent for it stays in the ODS;"
            f" --year {each} publishes it, and deletes that."
        )
    for trouble in troubles[:-1]:
        complain(str(trouble))
    if troubles:
        raise troubles[-1]
    if failed:
        context.exit(TROUBLE)


def _show(publication: Publication) -> None:
    scope, plan, outcome = publication.scope, publication.plan, publication.outcome
    say(f"{scope.org_id}, school year {scope.school_year}" + (", nothing sent (dry run)" if outcome is None else ""))
    verbs = ["POST", "PUT", "DELETE"]
    rows = []
    for resource, counts in plan.counts().items():
        row: list[object] = [resource, "on" if publication.enabled[resource] else "off"]
        if publication.mode == "resync":
            row.append(plan.found.get(resource, 0))
        row += [counts[verb] for verb in verbs]
        if outcome is not None:
            row += [
                sum(number for (name, _), number in outcome.confirmed.items() if name == resource),
                sum(number for (name, *_), number in outcome.failed.items() if name == resource),
            ]
        rows.append(row)
    columns = ["resource", "toggle", *(["in the ODS"] if publication.mode == "resync" else []), *verbs]
    columns += ["confirmed", "failed"] if outcome is not None else []
    table(columns, rows, right=columns[2:])
    _show_remarks(publication)
    if outcome is not None:
        for (resource, verb, status), number in sorted(outcome.failed.items(), key=str):
            why = "no answer, or its cohort could not be written" if status is None else f"status {status}"
            complain(
                f"{plural(number, 'call')} failed: {verb} {resource}, {why}; edfi.failed_calls holds what the ODS said."
            )


def _show_remarks(publication: Publication) -> None:
    alike: dict[tuple[str, str, str], list[Remark]] = {}
    for remark in publication.plan.remarks:
        alike.setdefault((remark.code, remark.resource.name, remark.reason), []).append(remark)
    for (code, resource, reason), remarks in alike.items():
        number = sum(remark.records for remark in remarks)
        named = f": {', '.join(remark.campus_key for remark in remarks)}" if number <= _LISTED else ""
        say(f"{_MEANING[code]}, {plural(number, 'record')} of {resource} because {reason}{named}.")


_MEANING = {
    "not_sendable": "Not sent",
    "cohort_missing": "Not sent",
    "kept": "Kept in the ODS until a resync",
    "waits_for_resync": "Sent as it was until a resync",
    "withheld": "Not deleted",
}
