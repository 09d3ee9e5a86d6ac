"""The org registry: what it accepts, what it refuses and how, and that edits keep what a person wrote."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, time
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from edreflect_assets import orgs_yaml
from edreflect_assets.errors import ConfigurationError, UsageError
from edreflect_assets.orgs import (
    add_org,
    default_org_uuid,
    known_org,
    load_registry,
    pause_org,
    remove_org,
)
from edreflect_assets.settings import Settings

SECRET = "hunter2-never-show"
FINGERPRINT = "SHA256:" + "A" * 43


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def write(settings: Settings, text: str) -> None:
    settings.registry.write_text(text, encoding="utf-8")


def test_without_a_file_there_are_no_orgs(settings: Settings) -> None:
    assert load_registry(settings) == {}


def test_a_name_suffices(settings: Settings) -> None:
    org = add_org(settings, "springfield")
    assert org.tenant == "springfield"
    assert org.org_uuid == default_org_uuid("springfield", "springfield")
    assert org.host is None
    assert org.delivers("edreflect")
    assert load_registry(settings) == {"springfield": org}


def test_the_uuid_follows_tenant_and_name_only(settings: Settings, tmp_path: Path) -> None:
    elsewhere = Settings(home=tmp_path / "elsewhere")
    assert add_org(settings, "a", tenant="t").org_uuid == add_org(elsewhere, "a", tenant="t", port=24).org_uuid
    assert add_org(settings, "b", tenant="t").org_uuid != default_org_uuid("b", "b")
    # Written down: changing it would give every org without a UUID of its own another identity.
    assert default_org_uuid("springfield", "springfield") == UUID("f61c4d53-9ccc-52ac-80e8-2b87fc38c22e")


def test_every_field_is_read(settings: Settings) -> None:
    write(
        settings,
        f"""
orgs:
  springfield:
    org_uuid: 7f3e4d7a-28d5-4d2c-9a55-111111111111
    tenant: timeback
    host: sftp.example.org
    port: 2222
    user: spring
    password_env: SPRINGFIELD_PASSWORD
    key_file: keys/springfield
    key_passphrase_env: SPRINGFIELD_PASSPHRASE
    host_key: {FINGERPRINT}
    known_hosts: /etc/ssh/known_hosts
    paths: {{edreflect: "outgoing/{{org}}/{{day}}/"}}
    dayless_paths: {{edreflect: "outgoing/{{org}}/maps/"}}
    feeds: [edreflect, oneroster]
    timezone: America/Chicago
    paused: yes
    missing_file: refuse
    max_rejected_share: 0.2
    stable_seconds: 0
    expect:
      days: weekdays
      holidays: [2026-11-26, 2026-12-21..2026-12-23]
      expected_by: 16:30
      fetch_at: 5:00
      lag_days: 1
""",
    )
    org = load_registry(settings)["springfield"]
    assert (org.org_uuid, org.tenant) == (UUID("7f3e4d7a-28d5-4d2c-9a55-111111111111"), "timeback")
    assert (org.host, org.port, org.user) == ("sftp.example.org", 2222, "spring")
    assert org.key_file == settings.home / "keys/springfield"
    assert org.known_hosts == Path("/etc/ssh/known_hosts")
    assert org.host_key == (FINGERPRINT,)
    assert org.paths == {"edreflect": "outgoing/{org}/{day}/"}
    assert org.feeds == ("edreflect", "oneroster")
    assert not org.delivers("timeback")
    assert (org.timezone.key, org.paused, org.missing_file) == ("America/Chicago", True, "refuse")
    assert (org.max_rejected_share, org.stable_seconds) == (0.2, 0)
    assert org.expect.days == ("mon", "tue", "wed", "thu", "fri")
    assert org.expect.holidays == {date(2026, 11, 26), *(date(2026, 12, day) for day in (21, 22, 23))}
    assert (org.expect.expected_by, org.expect.fetch_at, org.expect.lag_days) == (time(16, 30), time(5, 0), 1)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("pasword_env", "X", "did you mean password_env?"),
        ("colour", "red", "known are"),
        ("password", SECRET, "password_env"),
        ("private_key", SECRET, "key_file"),
        ("password_env", f"{SECRET}!", "never the secret"),
        ("key_file", f"-----BEGIN {SECRET}", "never its content"),
        ("host", f"user:{SECRET}@example.org", "host name"),
        ("host_key", SECRET, "SHA256:"),
        ("host_key", "SHA256:short", "orgs check"),
        ("port", "70000", "65535"),
        ("port", "22; drop", "whole number"),
        ("timezone", "Mars/Olympus", "America/Chicago"),
        ("timezone", "../../etc/passwd", "America/Chicago"),
        ("timezone", "America", "America/Chicago"),
        ("tenant", "a/b", "letters, digits"),
        ("org_uuid", "1234", "UUID"),
        ("missing_file", "ignore", "empty, refuse"),
        ("max_rejected_share", "1.5", "from 0 to 1"),
        ("max_rejected_share", "nan", "number"),
        ("paused", "maybe", "true or false"),
        ("feeds", {"a": "b"}, "list"),
        ("paths", {"edreflect": "../{org}/{day}"}, "without . and .."),
        ("paths", {"edreflect": "{org}/{date}"}, "{day}"),
        ("paths", "export", "name: value"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not(settings: Settings, field: str, value: object, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        add_org(settings, "springfield", **{field: value})
    assert "springfield" in str(caught.value)
    assert field in str(caught.value)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)
    assert not settings.registry.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("days", "sometimes"), ("holidays", "christmas"), ("holidays", "2026-02-01..2026-01-01"), ("fetch_at", "25:00")],
)
def test_a_wrong_expectation_is_named(settings: Settings, field: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"springfield, expect, {field}"):
        add_org(settings, "springfield", expect={field: value})


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a b", "a|b", "a,b", "ä", "x" * 64, "a\nb", "-rf"])
def test_a_name_that_cannot_be_a_folder_or_a_partition_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(ConfigurationError):
        add_org(settings, name)


def test_a_host_needs_a_user_and_a_way_to_log_in(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="springfield, user"):
        add_org(settings, "springfield", host="example.org")
    with pytest.raises(ConfigurationError, match="springfield, key_file"):
        add_org(settings, "springfield", host="example.org", user="spring")


def test_two_orgs_may_not_share_a_uuid_or_differ_in_case_only(settings: Settings) -> None:
    shared = str(uuid4())
    add_org(settings, "springfield", org_uuid=shared)
    with pytest.raises(ConfigurationError, match="org_uuid: org springfield has the same"):
        add_org(settings, "shelbyville", org_uuid=shared)
    with pytest.raises(ConfigurationError, match="differs in case only"):
        add_org(settings, "Springfield")


def test_adding_twice_is_refused(settings: Settings) -> None:
    add_org(settings, "springfield")
    with pytest.raises(UsageError, match="springfield"):
        add_org(settings, "springfield")


def test_unknown_orgs_are_named(settings: Settings) -> None:
    add_org(settings, "springfield")
    for operation in (pause_org, remove_org, known_org):
        with pytest.raises(UsageError, match=r"shelbyville.*orgs add"):
            operation(settings, "shelbyville")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"orgs:\n  a: {{}}\n  b: [{SECRET}\n", "line"),
        (f"orgs:\n  a:\n    host: x\n    host: {SECRET}\n", "line 4: an entry stands twice"),
        ("orgs:\n  a: {}\n  a: {}\n", "line 3: an entry stands twice"),
        ("districts: {}\n", "orgs:"),
        ("orgs: [a, b]\n", "entry of its own"),
        ("orgs:\n  a: text\n", "fields"),
        ("orgs:\n  a: !!python/object/apply:os.system ['true']\n", "fields"),
    ],
)
def test_a_broken_file_is_explained_without_its_content(settings: Settings, text: str, said: str) -> None:
    write(settings, text)
    with pytest.raises(ConfigurationError) as caught:
        load_registry(settings)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


COMMENTED = """\
# Our districts.
orgs:
  # The first one.
  springfield:   # since 2024
    host: sftp.example.org   # theirs
    user: spring
    key_file: ~/.ssh/springfield

  shelbyville: {}
  # Closed at the end of the year.
  ogdenville:
    paused: false   # for now
    timezone: America/Chicago
"""


def test_comments_and_order_survive_every_edit(settings: Settings) -> None:
    write(settings, COMMENTED)
    assert pause_org(settings, "springfield").paused
    assert pause_org(settings, "ogdenville").paused
    assert pause_org(settings, "shelbyville").paused
    assert not pause_org(settings, "shelbyville", paused=False).paused
    add_org(settings, "capital", feeds=["edreflect"])
    remove_org(settings, "shelbyville")
    assert settings.registry.read_text() == (
        COMMENTED.replace("since 2024\n", "since 2024\n    paused: true\n")
        .replace("  shelbyville: {}\n", "")
        .replace("    paused: false   # for now\n", "    paused: true\n")
        + "  capital:\n    feeds:\n    - edreflect\n"
    )


def test_a_file_in_flow_style_can_be_edited_too(settings: Settings) -> None:
    write(settings, "# top\norgs: {springfield: {port: 22, holidays: no}}\n".replace(", holidays: no", ""))
    pause_org(settings, "springfield")
    add_org(settings, "capital")
    registry = load_registry(settings)
    assert list(registry) == ["springfield", "capital"]
    assert registry["springfield"].paused
    assert settings.registry.read_text().startswith("# top\n")


NAMES = st.sampled_from(["a", "b-1", "C.d", "on", "no", "1e5", "null", "2026-01-01"])
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.sampled_from(["UTC", "Asia/Tokyo"]),
        "port": st.integers(1, 65535),
        "feeds": st.lists(st.sampled_from(["edreflect", "null", "yes", "7"]), min_size=1),
        "paths": st.just({"edreflect": "{org}/{day}: x/#1/"}),
        "expect": st.just({"days": ["mon"], "expected_by": "16:00"}),
        "user": st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1),
    },
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), NAMES, FIELDS),
        st.tuples(st.just("pause"), NAMES, st.booleans()),
        st.tuples(st.just("remove"), NAMES, st.none()),
    ),
    max_size=8,
)


@given(STEPS)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_any_sequence_of_edits_reads_back_as_meant(tmp_path: Path, steps: list[tuple[str, str, object]]) -> None:
    settings = Settings(home=tmp_path / uuid4().hex)
    expected: dict[str, dict[str, object]] = {}
    for step, name, argument in steps:
        if step == "add" and name not in expected:
            expected[name] = dict(argument)  # type: ignore[call-overload]
            add_org(settings, name, **expected[name])
        elif step == "pause" and name in expected:
            expected[name] = {**expected[name], "paused": argument}
            pause_org(settings, name, paused=bool(argument))
        elif step == "remove" and name in expected:
            del expected[name]
            remove_org(settings, name)
    registry = load_registry(settings)
    assert list(registry) == list(expected)
    for name, fields in expected.items():
        assert registry[name].user == fields.get("user")
        assert registry[name].paused == fields.get("paused", False)
        assert registry[name].port == fields.get("port", 22)
        assert registry[name].feeds == tuple(fields.get("feeds", ()))  # type: ignore[arg-type]
        assert registry[name].paths == fields.get("paths", {})


def test_people_who_add_orgs_at_once_lose_none(settings: Settings) -> None:
    names = [f"org{number}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: add_org(settings, name), names))
    assert sorted(load_registry(settings)) == sorted(names)


def test_the_registry_is_its_owners_alone(settings: Settings) -> None:
    add_org(settings, "springfield")
    assert settings.registry.stat().st_mode & 0o777 == 0o600


def test_text_stays_text() -> None:
    read = orgs_yaml.read("orgs:\n  a:\n    user: 007\n    tenant: no\n    port: 16:00\n", "orgs.yml")
    assert read == {"a": {"user": "007", "tenant": "no", "port": "16:00"}}
