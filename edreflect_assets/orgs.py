"""The org registry: which districts deliver, from where, and what to expect of them.

One YAML file (``EDREFLECT_HOME/orgs.yml``) is the only truth; ``add_org``, ``pause_org`` and ``remove_org`` edit it and
``sync_orgs`` copies it into ``ops.orgs`` for SQL. It names secrets (a variable, a file) and never holds one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import psycopg2.errors

from edreflect_assets import orgs_yaml
from edreflect_assets.edfi.ods import Ods, read_ods
from edreflect_assets.errors import ConfigurationError, UsageError
from edreflect_assets.files import locked, replace_text
from edreflect_assets.org_fields import ORG_ID, Fields
from edreflect_assets.schedule_expectations import Expectation
from edreflect_assets.sources.templates import PathTemplate

if TYPE_CHECKING:
    import psycopg2.extensions

    from edreflect_assets.settings import Settings

DEFAULT_KNOWN_HOSTS = Path("~/.ssh/known_hosts")
# An org without an org_uuid gets one that is the same wherever and whenever the registry is read.
ORG_UUID_NAMESPACE = uuid.UUID("6f0c1d9e-0a53-5d0b-9a55-6d1e2f6b7c11")

_FIELDS = frozenset(
    {"org_uuid", "tenant", "host", "port", "user", "password_env", "password_file", "key_file", "key_passphrase_env"}
    | {"host_key", "known_hosts", "paths", "dayless_paths", "feeds", "timezone", "paused", "missing_file"}
    | {"max_rejected_share", "stable_seconds", "expect", "edfi"}
)
_EXPECT_FIELDS = frozenset({"days", "holidays", "expected_by", "fetch_at", "lag_days"})


@dataclass(frozen=True)
class Org:
    """One entry of the registry.

    ``paths`` and ``dayless_paths`` override a feed's templates. ``feeds`` empty means every feed: each is taken, and
    expected once it has delivered it. ``host`` None means
    that the org is loaded from local folders only. ``host_key`` holds pinned keys (public key lines or SHA256
    fingerprints); without one ``known_hosts`` decides. A folder must hold still for ``stable_seconds`` to be taken.
    ``edfi`` is the state's ODS that its cohorts are reported to.
    """

    org_id: str
    org_uuid: uuid.UUID
    tenant: str
    host: str | None = None
    port: int = 22
    user: str | None = None
    password_env: str | None = None
    password_file: Path | None = None
    key_file: Path | None = None
    key_passphrase_env: str | None = None
    host_key: tuple[str, ...] = ()
    known_hosts: Path = DEFAULT_KNOWN_HOSTS
    paths: Mapping[str, str] = field(default_factory=dict, hash=False)
    dayless_paths: Mapping[str, str] = field(default_factory=dict, hash=False)
    feeds: tuple[str, ...] = ()
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    paused: bool = False
    missing_file: Literal["empty", "refuse"] = "empty"
    max_rejected_share: float = 0.05
    stable_seconds: float = 10.0
    expect: Expectation = field(default_factory=Expectation)
    edfi: Ods | None = None

    def delivers(self, feed: str) -> bool:
        """Tell whether this org is to deliver ``feed``."""
        return not self.feeds or feed in self.feeds


def default_org_uuid(tenant: str, org_id: str) -> uuid.UUID:
    """Return the UUID of an org whose entry gives none."""
    return uuid.uuid5(ORG_UUID_NAMESPACE, f"{tenant}/{org_id}")


def read_org(org_id: str, raw: Any, folder: Path) -> Org:
    """Return the org that one entry of the registry describes; relative paths count from ``folder``.

    Raises ConfigurationError that names the org and the field, never the value.
    """
    place = f"org {org_id}"
    if not ORG_ID.fullmatch(org_id):
        raise ConfigurationError(
            f"org {ascii(org_id)[:80]}: its name becomes a folder's; use at most 63 letters, digits, _, . and -, "
            "beginning with a letter or digit."
        )
    fields = Fields(raw, place, _FIELDS)
    expect = Fields(fields.raw.get("expect"), f"{place}, expect", _EXPECT_FIELDS)
    tenant = fields.matching("tenant", ORG_ID, "letters, digits, _, . and - are expected") or org_id
    org = Org(
        org_id=org_id,
        org_uuid=fields.uuid("org_uuid", default_org_uuid(tenant, org_id)),
        tenant=tenant,
        host=fields.host("host"),
        port=fields.whole("port", 22, 1, 65535),
        user=fields.text("user"),
        password_env=fields.variable("password_env"),
        password_file=fields.file("password_file", folder),
        key_file=fields.file("key_file", folder),
        key_passphrase_env=fields.variable("key_passphrase_env"),
        host_key=fields.host_keys("host_key"),
        known_hosts=fields.file("known_hosts", folder) or DEFAULT_KNOWN_HOSTS.expanduser(),
        paths=_templates(fields, "paths"),
        dayless_paths=_templates(fields, "dayless_paths"),
        feeds=fields.texts("feeds"),
        timezone=fields.zone("timezone"),
        paused=fields.flag("paused", False),
        missing_file="refuse" if fields.choice("missing_file", ("empty", "refuse")) == "refuse" else "empty",
        max_rejected_share=fields.number("max_rejected_share", 0.05, 0, 1),
        stable_seconds=fields.number("stable_seconds", 10, 0, 3600),
        expect=Expectation(
            days=expect.weekdays("days"),
            holidays=expect.dates("holidays"),
            expected_by=expect.clock("expected_by", Expectation.expected_by),
            fetch_at=expect.clock("fetch_at", Expectation.fetch_at),
            lag_days=expect.whole("lag_days", 0, 0, 7),
        ),
        edfi=read_ods(fields.raw.get("edfi"), place, folder),
    )
    if org.host and not org.user:
        raise fields.error("user", "a host needs the user to log in as")
    if org.host and not (org.password_env or org.password_file or org.key_file):
        raise fields.error("key_file", "a host needs a way to log in: key_file, password_env or password_file")
    return org


def load_registry(settings: Settings) -> dict[str, Org]:
    """Return every org of the registry by name, in the file's order; none when there is no file.

    Raises ConfigurationError that names the org and the field, or the line when the file is not YAML.
    """
    return _parse(_read(settings.registry), settings.registry)


def add_org(settings: Settings, org_id: str, **fields: Any) -> Org:
    """Add an org with the given fields of the registry (None = leave out) and return it.

    Raises UsageError when the name is taken, ConfigurationError when a field is wrong; then the file stays as it was.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    with _edited(settings) as (text, registry):
        if org_id in registry:
            raise UsageError(f"Org {org_id} is in {settings.registry} already; edit its entry there.")
        added = _checked(settings, orgs_yaml.with_org(text, org_id, given))
        return added[org_id]


def pause_org(settings: Settings, org_id: str, *, paused: bool = True) -> Org:
    """Stop fetching and expecting an org (or begin again), its data untouched; raises UsageError for an unknown one."""
    with _edited(settings) as (text, registry):
        _known(settings, registry, org_id)
        return _checked(settings, orgs_yaml.with_field(text, org_id, "paused", "true" if paused else "false"))[org_id]


def remove_org(settings: Settings, org_id: str) -> None:
    """Take an org out of the registry; what it delivered stays. Raises UsageError for an unknown one."""
    with _edited(settings) as (text, registry):
        _known(settings, registry, org_id)
        _checked(settings, orgs_yaml.without_org(text, org_id))


def known_org(settings: Settings, org_id: str) -> Org:
    """Return one org of the registry; raises UsageError that says how to add it."""
    registry = load_registry(settings)
    _known(settings, registry, org_id)
    return registry[org_id]


def sync_orgs(connection: psycopg2.extensions.connection, registry: Mapping[str, Org]) -> None:
    """Make ``ops.orgs`` say what the registry says, and commit; unchanged rows are not written.

    An org that left the registry keeps its row (its data still needs its tenant and UUID), paused and with
    ``settings.removed`` true. Raises ConfigurationError when an org_uuid belongs to such a row.
    """
    with connection, connection.cursor() as cursor:
        for org in registry.values():
            row = (org.org_id, str(org.org_uuid), org.tenant, org.timezone.key, org.paused, list(org.feeds))
            try:
                cursor.execute(_UPSERT, (*row, json.dumps(_settings(org))))
            except psycopg2.errors.UniqueViolation:
                raise ConfigurationError(
                    f"org {org.org_id}, org_uuid: it belonged to another org, which is no longer in the registry; "
                    "give this one a UUID of its own."
                ) from None
        cursor.execute(_RETIRE, (list(registry),))


_UPSERT = """
    insert into ops.orgs as known (org_id, org_uuid, tenant, timezone, paused, feeds, settings)
    values (%s, %s, %s, %s, %s, %s, %s)
    on conflict (org_id) do update
    set (org_uuid, tenant, timezone, paused, feeds, settings, updated_at)
        = (excluded.org_uuid, excluded.tenant, excluded.timezone, excluded.paused, excluded.feeds, excluded.settings, now())
    where (known.org_uuid, known.tenant, known.timezone, known.paused, known.feeds, known.settings)
        is distinct from
        (excluded.org_uuid, excluded.tenant, excluded.timezone, excluded.paused, excluded.feeds, excluded.settings)
"""
_RETIRE = """
    update ops.orgs set paused = true, settings = settings || '{"removed": true}', updated_at = now()
    where org_id <> all(%s) and not coalesce((settings ->> 'removed')::boolean, false)
"""


def _settings(org: Org) -> dict[str, Any]:
    """Return what SQL and checks may want to know of an org; nothing about logging in."""
    return {
        "missing_file": org.missing_file,
        "max_rejected_share": org.max_rejected_share,
        "expect": {
            "days": list(org.expect.days),
            "holidays": sorted(day.isoformat() for day in org.expect.holidays),
            "expected_by": org.expect.expected_by.isoformat("minutes"),
            "fetch_at": org.expect.fetch_at.isoformat("minutes"),
            "lag_days": org.expect.lag_days,
        },
        **({"edfi": org.edfi.for_models()} if org.edfi else {}),
    }


def _templates(fields: Fields, name: str) -> dict[str, str]:
    templates = fields.mapping(name)
    for feed, template in templates.items():
        complaint = PathTemplate.complaint(template)
        if complaint is not None:
            raise fields.error(f"{name}, {feed}", complaint)
    return templates


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{path} cannot be read as UTF-8 text; check its owner and encoding.") from None


def _parse(text: str, path: Path) -> dict[str, Org]:
    registry: dict[str, Org] = {}
    owner_of: dict[uuid.UUID, str] = {}
    folded: dict[str, str] = {}
    reporter: dict[tuple[str, int], str] = {}
    for name, raw in orgs_yaml.read(text, str(path)).items():
        org = read_org(name, raw, path.parent)
        twin = folded.setdefault(name.casefold(), name)
        if twin != name:
            raise ConfigurationError(f"org {name}: org {twin} differs in case only; folders could not tell them apart.")
        other = owner_of.setdefault(org.org_uuid, name)
        if other != name:
            raise ConfigurationError(f"org {name}, org_uuid: org {other} has the same; a UUID belongs to one org.")
        for district in org.edfi.districts if org.edfi else ():
            other = reporter.setdefault((org.edfi.url.casefold() if org.edfi else "", district), name)
            if other != name:
                raise ConfigurationError(
                    f"org {name}, edfi, districts: org {other} reports one of them to the same ODS; one org owns a district."
                )
        registry[name] = org
    return registry


def _known(settings: Settings, registry: Mapping[str, Org], org_id: str) -> None:
    if org_id not in registry:
        raise UsageError(
            f"Org {ascii(org_id)[:80]} is not in {settings.registry}; "
            "`edreflect orgs list` shows all, `edreflect orgs add` adds one."
        )


@contextmanager
def _edited(settings: Settings) -> Iterator[tuple[str, dict[str, Org]]]:
    """Give the registry's text and orgs while no other process edits it."""
    settings.registry.parent.mkdir(parents=True, exist_ok=True)
    with locked(settings.registry.with_name(f".{settings.registry.name}.lock")):
        text = _read(settings.registry)
        yield text, _parse(text, settings.registry)


def _checked(settings: Settings, text: str) -> dict[str, Org]:
    """Write an edited registry if it is valid, and return its orgs."""
    registry = _parse(text, settings.registry)
    replace_text(settings.registry, text)
    return registry
