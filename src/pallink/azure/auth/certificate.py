"""The certificate of an application, validated before azure-identity reads it: its errors say too little."""

import base64
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

from pallink.errors import SignInError
from pallink.os_errors import os_reason
from pallink.signin import variables

_WORLD_READABLE = stat.S_IROTH

# Object identifiers in DER (RFC 8018, RFC 7292): single DES, and RC2 with 40 and 128 bits.
_OUTDATED_ALGORITHMS = tuple(
    bytes.fromhex(f"06{len(digits) // 2:02x}{digits}")
    for digits in (
        "2b0e030207",  # desCBC
        "2a864886f70d010501",  # pbeWithMD2AndDES-CBC
        "2a864886f70d010503",  # pbeWithMD5AndDES-CBC
        "2a864886f70d01050a",  # pbeWithSHA1AndDES-CBC
        "2a864886f70d010c0105",  # pbeWithSHAAnd128BitRC2-CBC
        "2a864886f70d010c0106",  # pbeWithSHAAnd40BitRC2-CBC
        "2a864886f70d0302",  # rc2CBC
    )
)


@dataclass(frozen=True, slots=True)
class CertificateSource:
    """Where a certificate comes from, for messages.

    Attributes:
        name: The certificate, as in "file 'ops.pem'" or "keyvault:https://…".
        certificate: The setting that names the certificate.
        password: The setting that holds its password.
    """

    name: str
    certificate: str = variables.CERTIFICATE_PATH
    password: str = variables.CERTIFICATE_PASSWORD


def read_certificate(path: str, password: str | None) -> bytes:
    """Return what a PEM or PKCS12 file holds, as `parse_certificate` does.

    Args:
        path: The path of the file.
        password: The password of the key or of the whole file, if it has one.

    Raises:
        SignInError: The file cannot be used. The message says why.
    """
    source = CertificateSource(f"file {path!r}")
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise SignInError(
            f"the certificate file {path!r} cannot be read: {os_reason(error)}",
            cause="the application signs in with a certificate and its key",
            remedy=f"correct {source.certificate}, or make the file readable for the user that runs pallink",
        ) from error
    return parse_certificate(content, password, source)


def parse_certificate(content: bytes, password: str | None, source: CertificateSource) -> bytes:
    """Return what PEM or PKCS12 holds as PEM: the RSA key, not encrypted, its certificate, and the others.

    azure-identity takes the first certificate of a PEM file for that of the key, but a file may begin with the
    certificate authority's.

    Args:
        content: PEM or PKCS12.
        password: The password of the key or of the whole, if it has one.
        source: Where the content comes from.

    Raises:
        SignInError: It cannot be used. The message says why.
    """
    secret = password.encode() if password else None
    is_pem = b"-----BEGIN" in content
    key, certificates = (_from_pem if is_pem else _from_pkcs12)(source, content, secret)
    if key is None:
        raise SignInError(
            f"the certificate {source.name} holds no private key",
            cause="without its key, a certificate cannot sign in the application",
            remedy="export the certificate together with its key",
        )
    if not certificates:
        raise SignInError(
            f"the certificate {source.name} holds a key but no certificate",
            cause="the sign-in needs the certificate to identify the key",
            remedy="add the certificate to the file with the key",
        )
    if not isinstance(key, RSAPrivateKey):
        raise SignInError(
            f"the certificate {source.name} holds a key that is not RSA",
            cause="Entra ID sign-in needs an RSA key",
            remedy="make a certificate with an RSA key",
        )
    own = next((certificate for certificate in certificates if _fits(certificate, key)), None)
    if own is None:
        raise SignInError(
            f"the certificate {source.name} holds no certificate that fits its key",
            cause="none of its certificates has the public key of this private key",
            remedy="add the certificate that was issued for this key to the file",
        )
    others = [certificate for certificate in certificates if certificate is not own]
    private_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private_key + b"".join(certificate.public_bytes(Encoding.PEM) for certificate in (own, *others))


def is_world_readable(path: str) -> bool:
    """Return whether every user of this machine may read the file. Always False on Windows, which has no modes."""
    return os.name == "posix" and bool(Path(path).stat().st_mode & _WORLD_READABLE)


def _fits(certificate: x509.Certificate, key: RSAPrivateKey) -> bool:
    """Return whether a certificate is for a key."""
    try:
        return certificate.public_key() == key.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False  # A certificate authority's may have a key of any kind.


def _from_pem(
    source: CertificateSource, content: bytes, password: bytes | None
) -> tuple[object | None, list[x509.Certificate]]:
    key, certificates = None, []
    if b"PRIVATE KEY-----" in content:
        encrypted = b"ENCRYPTED" in content
        try:
            key = load_pem_private_key(content, password if encrypted else None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise (_unopened(source, content, password) if encrypted else _malformed(source)) from error
    if b"-----BEGIN CERTIFICATE-----" in content:
        try:
            certificates = x509.load_pem_x509_certificates(content)
        except ValueError as error:
            raise _malformed(source) from error
    if key is None and not certificates:
        raise _malformed(source)
    return key, certificates


def _from_pkcs12(
    source: CertificateSource, content: bytes, password: bytes | None
) -> tuple[object | None, list[x509.Certificate]]:
    try:
        key, certificate, others = load_key_and_certificates(content, password)
    except (ValueError, UnsupportedAlgorithm) as error:
        is_pkcs12 = _looks_like_pkcs12(content)
        raise (_unopened(source, content, password) if is_pkcs12 else _malformed(source)) from error
    return key, [*([certificate] if certificate else []), *others]


def _looks_like_pkcs12(content: bytes) -> bool:
    """Return whether the content begins as RFC 7292 requires: a DER sequence with the integer 3, the version."""
    if len(content) < 2 or content[0] != 0x30:  # noqa: PLR2004 - the tag of a sequence
        return False
    length_octets = content[1] & 0x7F if content[1] & 0x80 else 0
    return content[2 + length_octets :].startswith(b"\x02\x01\x03")


def _unopened(source: CertificateSource, content: bytes, password: bytes | None) -> SignInError:
    """Return the error for content that is encrypted, and could not be opened."""
    if not password:
        return SignInError(
            f"the certificate {source.name} needs a password",
            cause="its key is encrypted",
            remedy=f"set {source.password}",
        )
    if _has_outdated_encryption(content):
        return SignInError(
            f"the certificate {source.name} has outdated encryption (DES or RC2), or its password is wrong",
            cause="OpenSSL 3 opens such a file only with its legacy provider, and reports both alike",
            remedy=f"export it again with AES-256, as current tools do, or correct {source.password}",
        )
    return SignInError(
        f"the password of the certificate {source.name} is wrong",
        cause="its key could not be decrypted",
        remedy=f"correct {source.password}",
    )


def _has_outdated_encryption(content: bytes) -> bool:
    """Return whether a file names an algorithm that OpenSSL 3 opens only with its legacy provider, if at all."""
    if b"DEK-Info: DES-CBC" in content or b"DEK-Info: RC2" in content:
        return True
    blocks = re.findall(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----(.*?)-----END", content, re.DOTALL)
    texts = [content, *(_decoded(block) for block in blocks)]
    return any(algorithm in text for text in texts for algorithm in _OUTDATED_ALGORITHMS)


def _decoded(block: bytes) -> bytes:
    try:
        return base64.b64decode(block)
    except ValueError:
        return b""


def _malformed(source: CertificateSource) -> SignInError:
    return SignInError(
        f"the certificate {source.name} is neither PEM nor PKCS12",
        cause="it is damaged or in another format, such as DER",
        remedy=f"let {source.certificate} name a .pem or .pfx file with the certificate and its key",
    )
