"""Reading private keys of every format that OpenSSH and OpenSSL write."""

from __future__ import annotations

import io
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa


def read_private_key(path: Path, passphrase: str | None) -> paramiko.PKey:
    """Return the RSA, ECDSA or Ed25519 key in ``path``, with the certificate beside it (``-cert.pub``) if there is one.

    paramiko's own reader takes neither PKCS#8 nor some paddings of the OpenSSH format, so cryptography reads the file.
    Raises OSError, or TypeError, ValueError, UnsupportedAlgorithm or SSHException when the passphrase does not open it.
    """
    content = path.read_bytes()
    secret = passphrase.encode() if passphrase else None
    openssh = b"BEGIN OPENSSH PRIVATE KEY" in content
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    loaded = load(content, secret)
    kinds: dict[type, type[paramiko.PKey]] = {
        rsa.RSAPrivateKey: paramiko.RSAKey,
        ec.EllipticCurvePrivateKey: paramiko.ECDSAKey,
        ed25519.Ed25519PrivateKey: paramiko.Ed25519Key,
    }
    for kind, key_class in kinds.items():
        if isinstance(loaded, kind):
            text = loaded.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            )
            key = key_class.from_private_key(io.StringIO(text.decode("ascii")))
            certificate = path.with_name(f"{path.name}-cert.pub")
            if certificate.exists():
                key.load_certificate(str(certificate))
            return key
    raise ValueError("neither RSA nor ECDSA nor Ed25519")
