"""``edreflect orgs add | list | check | pause | remove | purge``: the org registry."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from edreflect_assets.cli.errors import TROUBLE, describe
from edreflect_assets.cli.output import complain, say, table
from edreflect_assets.cli.purge import purge
from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.errors import EdreflectError, UsageError
from edreflect_assets.orgs import Org, add_org, known_org, load_registry, pause_org, remove_org
from edreflect_assets.settings import Settings


@click.group()
def orgs() -> None:
    """The org registry: who delivers, and from where.

    It is one file, orgs.yml in EDREFLECT_HOME, which these commands edit; so may you. It never holds a secret.
    """


@orgs.command()
@click.argument("name")
@click.option("--tenant", help="Orgs that share one platform's ids share a tenant (default: NAME).")
@click.option("--org-uuid", help="The organization id in published views (default: one that follows from NAME).")
@click.option("--host", help="The SFTP server; without one the org is loaded from folders only.")
@click.option("--port", type=click.IntRange(1, 65535), help="Its port (default: 22).")
@click.option("--user", help="The user to log in as.")
@click.option("--password-env", metavar="VARIABLE", help="The environment variable that holds the password.")
@click.option("--password-file", metavar="FILE", help="The file that holds the password.")
@click.option("--key-file", metavar="FILE", help="The private key to log in with.")
@click.option("--key-passphrase-env", metavar="VARIABLE", help="The environment variable that holds its passphrase.")
@click.option("--host-key", multiple=True, metavar="KEY", help="Pin this host key: SHA256:... or a public key line.")
@click.option("--known-hosts", metavar="FILE", help="Where host keys are looked up (default: ~/.ssh/known_hosts).")
@click.option("--timezone", help="The org's time zone, as in America/Chicago (default: UTC).")
@click.option("--feed", "feeds", multiple=True, metavar="NAME", help="What it delivers (default: every feed).")
@click.option("--path", "paths", multiple=True, metavar="FEED=TEMPLATE", help="Its folders, as in edreflect=out/{day}.")
@click.option("--expect-days", metavar="DAYS", help="daily (default), weekdays, or a list as in mon,wed,fri.")
@click.option("--expected-by", metavar="HH:MM", help="Local time after which a day is late (default: 08:00).")
@click.option("--fetch-at", metavar="HH:MM", help="Local time at which the schedule fetches (default: 06:00).")
def add(
    name: str,
    *,
    host_key: tuple[str, ...],
    feeds: tuple[str, ...],
    paths: tuple[str, ...],
    expect_days: str | None,
    expected_by: str | None,
    fetch_at: str | None,
    **fields: str | int | None,
) -> None:
    """Add an org; NAME alone suffices for loading from folders.

    NAME is the org's folder at the source. Secrets are named, never given.
    """
    settings = Settings.from_environment()
    for feed in feeds:
        _known_feed(feed)
    given = {
        field: str(Path(str(value)).expanduser().absolute()) if field.endswith(("_file", "known_hosts")) else str(value)
        for field, value in fields.items()
        if value is not None
    }
    expect = {"days": _days(expect_days), "expected_by": expected_by, "fetch_at": fetch_at}
    org = add_org(
        settings,
        name,
        **given,
        host_key=_one_or_more(host_key),
        feeds=list(feeds) or None,
        paths=dict(_template(path) for path in paths) or None,
        expect={field: value for field, value in expect.items() if value is not None} or None,
    )
    then = (
        f"`edreflect orgs check {name}` tries the connection" if org.host else "`edreflect load` takes it from a folder"
    )
    say(f"{name} is in {settings.registry}; {then}.")


@orgs.command("list")
def list_orgs() -> None:
    """List the orgs of the registry."""
    settings = Settings.from_environment()
    registry = load_registry(settings)
    if not registry:
        say(f"{settings.registry} has no orgs yet; `edreflect orgs add NAME` adds one.")
        return
    rows = [
        [
            org.org_id,
            org.org_uuid,
            org.tenant,
            f"{org.user}@{org.host}:{org.port}" if org.host else "folders only",
            ", ".join(org.feeds) or "all",
            org.timezone.key,
            "paused" if org.paused else "",
        ]
        for org in registry.values()
    ]
    table(["org", "organization id", "tenant", "source", "feeds", "timezone", "state"], rows)


@orgs.command()
@click.argument("name", required=False)
@click.pass_context
def check(context: click.Context, name: str | None) -> None:
    """Try the connection of every org, or of NAME, and list the days found; loads nothing.

    An unknown host key is shown, not trusted. Exit code 1 if an org cannot be used.
    """
    settings = Settings.from_environment()
    chosen = [known_org(settings, name)] if name else list(load_registry(settings).values())
    if not chosen:
        say(f"{settings.registry} has no orgs yet; `edreflect orgs add NAME` adds one.")
    failed = False
    for org in chosen:
        try:
            _check(org)
        except EdreflectError as error:
            complain(describe(error)[-1])
            failed = True
    if failed:
        context.exit(TROUBLE)


@orgs.command()
@click.argument("name")
@click.option("--off", is_flag=True, help="End the pause.")
def pause(name: str, off: bool) -> None:
    """Stop fetching and expecting an org; what it delivered stays published."""
    pause_org(Settings.from_environment(), name, paused=not off)
    say(f"{name} is fetched again." if off else f"{name} is paused; `edreflect orgs pause {name} --off` ends that.")


@orgs.command()
@click.argument("name")
def remove(name: str) -> None:
    """Stop an org and keep what it delivered: it leaves the registry, its data stay published.

    `edreflect orgs purge NAME` deletes them, too.
    """
    settings = Settings.from_environment()
    remove_org(settings, name)
    say(
        f"{name} is no longer in {settings.registry}; what it delivered stays. `edreflect orgs purge {name}` shows what"
        " that is and how to delete it."
    )


orgs.add_command(purge)


def _check(org: Org) -> None:
    """Print what one org's server has; raises FetchError or ConfigurationError."""
    from edreflect_assets.sources.sftp import SftpSource  # noqa: PLC0415 - loads the SSH library

    if org.host is None:
        say(f"{org.org_id}: has no host, it is loaded from folders only.")
        return
    with SftpSource(org) as source:
        key = source.connect().host_key
        say(
            f"{org.org_id}: logged in to {org.host}:{org.port} as {org.user}; its host key {key.fingerprint} is the known one."
        )
        for feed in load_feeds().values():
            days = source.days(feed, org.org_id) if org.delivers(feed.name) else []
            # What is delivered once, at the end, is worth a line when it is there, or when the registry asks for it.
            if days or (org.delivers(feed.name) and (feed.recurring or org.feeds)):
                say(f"{org.org_id}: {feed.name}: {_found(days) or _not_found(org, feed)}")


def _not_found(org: Org, feed: Feed) -> str:
    template = org.paths.get(feed.name) or feed.path
    place = template.replace("{org}", org.org_id)
    return f"no deliveries found in {place} of its server; should they lie elsewhere, give `paths` in the registry"


def _found(found: list[date | None]) -> str:
    days = [day for day in found if day is not None]
    if not found:
        return ""
    parts = [f"{len(days)} days, {days[0]} to {days[-1]}"] if len(days) > 1 else [str(day) for day in days]
    listed = f" ({', '.join(f'{day:%m-%d}' for day in days)})" if 1 < len(days) <= 10 else ""
    parts += ["files without a day"] if None in found else []
    return f"{' and '.join(parts)}{listed}"


def _one_or_more(values: tuple[str, ...]) -> str | list[str] | None:
    return (values[0] if len(values) == 1 else list(values)) if values else None


def _days(text: str | None) -> str | list[str] | None:
    return text.split(",") if text and "," in text else text


def _template(text: str) -> tuple[str, str]:
    feed, equals, template = text.partition("=")
    if not equals:
        raise UsageError(f"--path {text} lacks the feed; write it as in edreflect=outgoing/{{day}}.")
    _known_feed(feed)
    return feed, template


def _known_feed(name: str) -> None:
    if name not in load_feeds():
        raise UsageError(f"There is no feed {ascii(name)[:80]}; known are {', '.join(load_feeds())}.")
