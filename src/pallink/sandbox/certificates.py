"""Keys and certificates, created and verified with the `cryptography` package, which is imported on first use."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate, CertificateBuilder, KeyUsage, Name

_KEY_SIZE = 2048  # Bits.
_LIFETIME = timedelta(days=825)  # The longest lifetime of a server certificate that Apple's systems accept.
_CLOCK_SKEW = timedelta(days=1)
_LOOPBACK_IPV6 = IPv6Network("::1/128")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key.

    Attributes:
        certificate: The certificate (PEM).
        private_key: The private key (PEM, PKCS #8, unencrypted).
        der: The certificate (DER).
    """

    certificate: bytes
    private_key: bytes
    der: bytes


def new_application_certificate(name: str, *, now: datetime) -> KeyPair:
    """Return a new self-signed certificate, as applications register them.

    Args:
        name: The common name.
        now: The current time (UTC).
    """
    key = _new_key()
    builder = _builder(name, name, key, now)
    return _key_pair(_sign(builder, key), key)


def new_authority(name: str, *, now: datetime) -> KeyPair:
    """Return a new root certificate authority that is valid for loopback names only.

    Args:
        name: The common name.
        now: The current time (UTC).
    """
    from cryptography import x509

    key = _new_key()
    builder = _builder(name, name, key, now)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(authority=True), critical=True)
    # Even where it is trusted by mistake, it can vouch for this machine only.
    loopback = [
        x509.DNSName("localhost"),
        x509.IPAddress(IPv4Network("127.0.0.0/8")),
        x509.IPAddress(_LOOPBACK_IPV6),
    ]
    builder = builder.add_extension(
        x509.NameConstraints(permitted_subtrees=loopback, excluded_subtrees=None), critical=True
    )
    return _key_pair(_sign(builder, key), key)


def new_server_certificate(authority: KeyPair, *, now: datetime) -> KeyPair:
    """Return a new certificate for `localhost`, its vaults, 127.0.0.1 and ::1, signed by an authority.

    Args:
        authority: The authority that signs.
        now: The current time (UTC).

    Raises:
        ValueError: The authority is invalid, or its name constraints exclude these addresses.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = load_pem_private_key(authority.private_key, None)
    if not isinstance(issuer_key, RSAPrivateKey) or issuer_key.public_key() != issuer.public_key():
        raise ValueError("the private key does not match the certificate")
    if not _permits_ipv6_loopback(issuer):
        raise ValueError("the authority's name constraints exclude ::1")
    key = _new_key()
    builder = _builder("localhost", _common_name(issuer), key, now)
    names = [
        x509.DNSName("localhost"),
        x509.DNSName("*.vault.localhost"),
        x509.IPAddress(IPv4Address("127.0.0.1")),
        x509.IPAddress(IPv6Address("::1")),
    ]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
    )
    return _key_pair(_sign(builder, issuer_key), key)


def _permits_ipv6_loopback(authority: "Certificate") -> bool:
    from cryptography import x509

    try:
        constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return False
    return any(subtree.value == _LOOPBACK_IPV6 for subtree in constraints.permitted_subtrees or ())


def thumbprints(der: bytes) -> dict[str, str]:
    """Return the header parameters that identify a certificate in a signed token (RFC 7515, 4.1.7 and 4.1.8)."""
    return {
        "x5t": _encode(hashlib.sha1(der, usedforsecurity=False).digest()),
        "x5t#S256": _encode(hashlib.sha256(der).digest()),
    }


def to_der(certificate: bytes) -> bytes:
    """Return a certificate in DER.

    Args:
        certificate: PEM, in which anything but the first certificate is ignored, or DER.

    Raises:
        ValueError: It is neither PEM nor DER.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    load = x509.load_pem_x509_certificate if b"-----BEGIN" in certificate else x509.load_der_x509_certificate
    return load(certificate).public_bytes(Encoding.DER)


def expires_on(der: bytes) -> datetime:
    """Return when a certificate (DER) expires, in UTC."""
    from cryptography import x509

    return x509.load_der_x509_certificate(der).not_valid_after_utc


def is_valid_signature(der: bytes, signature: bytes, message: bytes, algorithm: str) -> bool:
    """Return whether a signature was made with a certificate's key.

    Args:
        der: The certificate (DER).
        signature: The signature to verify.
        message: The signed message.
        algorithm: `RS256` or `PS256` (RFC 7518, 3.1); any other is invalid.
    """
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    paddings: dict[str, AsymmetricPadding] = {
        "RS256": padding.PKCS1v15(),
        "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
    }
    key = x509.load_der_x509_certificate(der).public_key()
    if algorithm not in paddings or not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(signature, message, paddings[algorithm], hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _new_key() -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_SIZE)


def _builder(name: str, issuer: str, key: "RSAPrivateKey", now: datetime) -> "CertificateBuilder":
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - _CLOCK_SKEW)
        .not_valid_after(now.astimezone(UTC) + _LIFETIME - _CLOCK_SKEW)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> "Name":
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, common_name)])


def _common_name(certificate: "Certificate") -> str:
    from cryptography import x509

    (attribute,) = certificate.subject.get_attributes_for_oid(x509.oid.NameOID.COMMON_NAME)
    return str(attribute.value)


def _key_usage(*, authority: bool) -> "KeyUsage":
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not authority,
        key_encipherment=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(builder: "CertificateBuilder", key: "RSAPrivateKey") -> "Certificate":
    from cryptography.hazmat.primitives.hashes import SHA256

    return builder.sign(key, SHA256())


def _key_pair(certificate: "Certificate", key: "RSAPrivateKey") -> KeyPair:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return KeyPair(
        certificate=certificate.public_bytes(Encoding.PEM),
        private_key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        der=certificate.public_bytes(Encoding.DER),
    )


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
