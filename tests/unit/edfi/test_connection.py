"""Which addresses are ever called, whom the client trusts, and what the standards differ in."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ods_examples import ENVIRON, KEY, SECRET, YEAR, Naps, cohort, connection

from edreflect_assets.edfi.client import OdsClient
from edreflect_assets.edfi.standards import DATA_STANDARDS, data_standard
from edreflect_assets.errors import ConfigurationError
from edreflect_assets.fake_ods import FakeOds


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Files of a self-signed certificate for 127.0.0.1 and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake ODS")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


def test_the_standards_differ_in_the_length_of_an_identifier() -> None:
    assert {name: standard.max_identifier for name, standard in DATA_STANDARDS.items()} == {
        "3.3": 20,
        "4.0": 20,
        "5.0": 36,
        "6.0": 36,
    }
    assert all(name == standard.name for name, standard in DATA_STANDARDS.items())


@pytest.mark.parametrize("name", ["5", "5.1", "", "7.0"])
def test_an_unknown_standard_is_not_guessed(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"3\.3, 4\.0, 5\.0, 6\.0\.$"):
        data_standard(name)
    with pytest.raises(ConfigurationError, match=r"^org springfield, data_standard: .*3\.3, 4\.0, 5\.0, 6\.0\.$"):
        connection("https://ods.example", data_standard=name)


@pytest.mark.parametrize(
    ("fields", "data", "login"),
    [
        ({}, "https://ods.example/api/data/v3/2026", "https://ods.example/api/oauth/token"),
        ({"data_path": "/v7/{year}/data/"}, "https://ods.example/api/v7/2026/data", None),
        ({"data_path": "/data/v3"}, "https://ods.example/api/data/v3", None),
        ({"token_url": "https://login.example/t"}, None, "https://login.example/t"),
    ],
)
def test_the_paths_are_the_standards_or_what_is_configured(
    fields: dict[str, Any], data: str | None, login: str | None
) -> None:
    made = connection("https://ods.example/api/", **fields)
    assert made.data_url == data or data is None
    assert made.login_url == login or login is None


@pytest.mark.parametrize(
    "url",
    [
        "http://ods.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://127.0.0.1@ods.example",
        "http://127.0.0.1\\@ods.example",
        "https://someone:marked-password@ods.example",
        "https://ods.example?key=marked-password",
        "https://ods.example/#marked-password",
        "ftp://127.0.0.1",
        "ods.example",
        "https://",
        "https://[::1",
        "",
    ],
)
@pytest.mark.parametrize("field", ["url", "token_url"])
def test_an_address_that_is_not_safe_is_refused_unseen(url: str, field: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^org springfield, {field}: ") as refused:
        connection(**{"url": "https://ods.example", field: url})
    assert "marked" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:80", "http://127.8.9.10", "http://localhost:1", "http://[::1]:80"])
def test_this_machine_may_be_called_without_tls(url: str) -> None:
    assert connection(url).is_local
    assert not connection("https://ods.example").is_local
    assert not connection(url, token_url="https://login.example").is_local


@pytest.mark.parametrize(
    "fields",
    [
        {"data_path": "data"},
        {"data_path": "/data/{yaer}"},
        {"data_path": "/data?x={year}"},
        {"timeout_seconds": 0},
        {"timeout_seconds": float("nan")},
        {"concurrency": 0},
    ],
)
def test_other_fields_are_checked(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"^org springfield.*\.$"):
        connection("https://ods.example", **fields)


@pytest.mark.parametrize("missing", list(ENVIRON))
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_secret_is_named_by_its_variable(missing: str, value: str | None) -> None:
    environ = {name: held for name, held in ENVIRON.items() if name != missing}
    if value is not None:
        environ[missing] = value
    with pytest.raises(ConfigurationError, match=f"^org springfield, .*_env: .*{missing} is not set") as refused:
        OdsClient(connection("https://ods.example"), environ=environ)
    assert "marked" not in str(refused.value)


def test_a_secret_may_hold_any_character() -> None:
    odd = {name: f"{value}: ü/%+&=" for name, value in ENVIRON.items()}
    key, secret = odd.values()
    with (
        FakeOds(key=key.replace(":", ""), secret=secret) as ods,
        OdsClient(connection(ods.url), environ=odd | {next(iter(odd)): key.replace(":", "")}) as api,
    ):
        assert api.upsert("cohorts", cohort())


def test_a_certificate_nobody_vouches_for_is_refused_at_once(certificate: tuple[Path, Path]) -> None:
    naps = Naps()
    with (
        FakeOds(key=KEY, secret=SECRET, certificate=certificate) as ods,
        OdsClient(connection(ods.url), environ=ENVIRON, sleep=naps) as api,
        pytest.raises(ConfigurationError, match=r"^org springfield: the certificate that 127\.0\.0\.1 shows"),
    ):
        api.upsert("cohorts", cohort())
    assert (ods.calls, ods.tokens_issued, naps) == ([], 0, [])


def test_a_certificate_of_the_ca_file_is_trusted_for_its_own_name_only(certificate: tuple[Path, Path]) -> None:
    with FakeOds(key=KEY, secret=SECRET, certificate=certificate) as ods:
        with OdsClient(connection(ods.url, ca_file=certificate[0]), environ=ENVIRON) as api:
            assert api.upsert("cohorts", cohort()) in ods.resources(YEAR, "cohorts")
        other_name = connection(ods.url.replace("127.0.0.1", "localhost"), ca_file=certificate[0])
        with OdsClient(other_name, environ=ENVIRON) as api, pytest.raises(ConfigurationError, match="certificate"):
            api.upsert("cohorts", cohort())


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"ca_file: .*ca\.pem"):
        OdsClient(connection("https://ods.example", ca_file=ca_file), environ=ENVIRON)
