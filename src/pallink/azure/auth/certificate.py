"""The file of a certificate credential, validated before azure-identity reads it: its errors say too little."""

import os
import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

from pallink.errors import SignInError
from pallink.signin import variables

_WORLD_READABLE = stat.S_IROTH


def read_certificate(path: str, password: str | None) -> bytes:
    """Return the content of a PEM or PKCS12 file with a certificate and its RSA key.

    Args:
        path: The path of the file.
        password: The password of the key or of the whole file, if it has one.

    Raises:
        SignInError: The file cannot be used. The message says why.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise _unusable(
            f"the certificate file {path!r} cannot be read: {error.strerror or error}",
            f"correct {variables.CERTIFICATE_PATH}, or make the file readable for the user that runs pallink",
        ) from error
    secret = password.encode() if password else None
    if b"-----BEGIN" in content:
        key, certificate = _from_pem(path, content, secret)
    else:
        key, certificate = _from_pkcs12(path, content, secret)
    if key is None:
        raise _unusable(
            f"the certificate file {path!r} holds no private key", "export the certificate together with its key"
        )
    if certificate is None:
        raise _unusable(
            f"the certificate file {path!r} holds a key but no certificate", "put the certificate into the file too"
        )
    if not isinstance(key, RSAPrivateKey):
        raise _unusable(
            f"the certificate file {path!r} holds a key that is not RSA", "make a certificate with an RSA key"
        )
    return content


def is_world_readable(path: str) -> bool:
    """Return whether every user of this machine may read the file. Always False on Windows, which has no modes."""
    return os.name == "posix" and bool(Path(path).stat().st_mode & _WORLD_READABLE)


def _from_pem(path: str, content: bytes, password: bytes | None) -> tuple[object | None, object | None]:
    certificate = key = None
    if b"PRIVATE KEY-----" in content:
        encrypted = b"ENCRYPTED" in content
        try:
            key = load_pem_private_key(content, password if encrypted else None)
        except (ValueError, TypeError) as error:
            raise (_wrong_password(path, password) if encrypted else _malformed(path)) from error
    if b"-----BEGIN CERTIFICATE-----" in content:
        try:
            certificate = x509.load_pem_x509_certificate(content)
        except ValueError as error:
            raise _malformed(path) from error
    if key is None and certificate is None:
        raise _malformed(path)
    return key, certificate


def _from_pkcs12(path: str, content: bytes, password: bytes | None) -> tuple[object | None, object | None]:
    try:
        key, certificate, _ = load_key_and_certificates(content, password)
    except ValueError as error:
        raise (_wrong_password(path, password) if _looks_like_pkcs12(content) else _malformed(path)) from error
    return key, certificate


def _looks_like_pkcs12(content: bytes) -> bool:
    """Return whether the content begins as RFC 7292 requires: a DER sequence with the integer 3, the version."""
    if len(content) < 2 or content[0] != 0x30:  # noqa: PLR2004 - the tag of a sequence
        return False
    length_octets = content[1] & 0x7F if content[1] & 0x80 else 0
    return content[2 + length_octets :].startswith(b"\x02\x01\x03")


def _wrong_password(path: str, password: bytes | None) -> SignInError:
    if not password:
        return _unusable(
            f"the certificate file {path!r} needs a password",
            f"set {variables.CERTIFICATE_PASSWORD} in the environment",
        )
    return _unusable(
        f"the password of the certificate file {path!r} is wrong",
        f"correct {variables.CERTIFICATE_PASSWORD} in the environment",
    )


def _malformed(path: str) -> SignInError:
    return _unusable(
        f"the certificate file {path!r} is neither PEM nor PKCS12",
        f"set {variables.CERTIFICATE_PATH} to a .pem or .pfx file with the certificate and its key",
    )


def _unusable(message: str, remedy: str) -> SignInError:
    return SignInError(message, cause="a certificate proves the application only together with its key", remedy=remedy)
