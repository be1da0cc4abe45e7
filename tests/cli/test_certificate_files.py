"""Certificate files: which of several certificates is the application's, and encryption that is out of date."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

from pallink.azure.auth.certificate import CertificateSource, parse_certificate, read_certificate
from pallink.errors import SignInError
from tests.cli.people import APPLICATION, Desk
from tests.cli.test_bad_input import one_sentence
from tests.cli.test_sign_in_bad_input import Papers, certificate, papers
from tests.harness import Traffic

__all__ = ["certificate", "papers"]

# A key of 1024 bits and its certificate, made with
# openssl pkcs12 -export -legacy -keypbe pbeWithSHA1AndDES-CBC -certpbe pbeWithSHA1AndDES-CBC
SINGLE_DES = base64.b64decode(
    "MIIF7wIBAzCCBbUGCSqGSIb3DQEHAaCCBaYEggWiMIIFnjCCAp4GCSqGSIb3DQEHBqCCAo8wggKLAgEAMIIChAYJKoZIhvcNAQcBMBsGCSqGSI"
    "b3DQEFCjAOBAhRR31mUvfHoAICCACAggJYZGGw60AfZKQuTZdh9z23/uuKaWJX8XPKgc7RyyrGBlWh54HAG4iX+PtVPHmrsSRhHGXBclH461Br"
    "LXDkuoFwcScQdNjVNFIXU8mA7jcYOioSK6XAXEoYpMkVLoqdy9PvLI7kPNZ3HIhZcKnpxJO1YleZmFisvAJrHEN9GzmP52snmKA8cneLXYRIWE"
    "ms19vImZkOwIsyKA4GTwlWYhReK7DWRlPP2I4hPct9F2e14F0t6dKlpVCkK6gv4GeMPA4ZbHmyQ9G30v4T+Ogb9xkUvEI5gr6OHEYkoCRRIF3+"
    "Hmtv2irzlEHafJHAPWCvJ5BI0mH9HsvT7U1yW1GTlDq+vEE7TizeMU0QyBuIKKpJ1WejrUoHB/eo8sDX63wE8DZv9H5F/+6+8Zvu4b0WCUr+nv"
    "A8mBoQMGZTl7HHUf+MqH0ETeCCyXVcnF2LSteYglD+OOGwmUGo0GWc9lEM/Opry668lZVNkmZ2Q7zfiTN5WFPWQCz0bBX0pGX92BG/WgPM900G"
    "WaFYGrBWgvG5B0ubmD1K447whURvkrtmqiZRE+WCohwLu/uyh73Zt5O9m4W7mxHAEQR3yRBu15z6HPPPHHyOOZAtrU3lXkLL4H+5xl85+Otg6q"
    "BcAQqvGL7//Wn6YojCXXEi0BBraxhfO9eZQ5JKBu8VyJr2q+pQM9jAbUTWT67SpOloh00HkYsT+RCTGUo8yPXMR0QpTeg1KYMX01YqiO4yPrn9"
    "VXPktYW5ZY/tsJ18nrmzovbaDYz+GwvgDku/aE8GBVreEzYAbSvwQjTN3V+14NxcMIIC+AYJKoZIhvcNAQcBoIIC6QSCAuUwggLhMIIC3QYLKo"
    "ZIhvcNAQwKAQKgggKlMIICoTAbBgkqhkiG9w0BBQowDgQI64cgXSYwCtMCAggABIICgB1Tsk7Sv9MFy9I5l7b5gBfZXQ8ZPkQFB4ZJ1aUjtZ3C"
    "sRG8DLvnO1KcIqX7y/LGzmaP/HRI4o4gR2ux0CQll4SHtzj39blKGBMrXYXjTVoqukrgtJGubVeCM2tuZ3AxvEBahmcK4jOt0OHg3CKIRE3nxc"
    "d1mEbUjk9kcxz0penfNQXoyRxBV7FxRrfWJzaT43LlfcoGty6wSQ0IBL/l9JIlXDDq96KTfCtN6jcMpxnlMrwpFjQn4be4y54G66a+y7kjdM6m"
    "+U9GaLCb2LGextE8VaPEivw4q6YJvTZF9FhhWC5Wg2thYHy/iv/837O2j45ivPd/U55hGJeaKfCNhQvIxoXI0I5UqLH0tHhgA3uu9Q3Y5I/pjA"
    "BkLn13nqVXk2PzV7FuFoIdFotjKMQgS8J01OfivGk+wRL+QBq0LCUoYCdfBOciNh7y0qLLaLy938SNftlZijRaclBRj9omS8Oy0l9f7TYQZ4od"
    "E5pqW9a/d0fdWXRekItHWu1rcClrwesRUv31SIZ0rIB9pOgm/mU62O6DNBFj1FkMI0USP1eR6wAfOt7PBATYnlSHEKNh90Vs7MfXvkLMqgxR/1"
    "HXuHMfJBCk7wHw3RPsnJoQr1lfJMe+olx2DXhurap9edhHwvT0Tg2kEyOHSB+wB02z54KIi+2TASIVJ2TEd7vQ//LkMhEypoXHM2gEtYY52hCA"
    "25SnUPbWdLoQyB6CBJTmuxEJ+bxUT6Zs0BdikJdINs2ejZa3MLL5yiXNqvGXFZYpxgdjZt+zDkBIEWANprvYQ2ydljcHoe0gfEXYamGE1/fXnd"
    "4FIFODMDQUtOko7hV7IS/JmguncerjWlaWZiOvkCYxJTAjBgkqhkiG9w0BCRUxFgQUUtDWwPtnoNW1ETn7hF69ad77hl4wMTAhMAkGBSsOAwIa"
    "BQAEFBZ6+BfJbXfk5wn+iA49hDQLwDomBAjXRAbUoJ2fggICCAA="
)
RIGHT = "right"
OUTDATED = "has outdated encryption (DES or RC2), or its password is wrong"


@pytest.fixture(scope="module")
def chain(papers: Papers) -> tuple[Papers, Papers, Papers]:
    """The application's certificate, and those of two authorities."""
    return papers, Papers(rsa.generate_private_key(65537, 2048)), Papers(ec.generate_private_key(ec.SECP256R1()))


Content = Callable[[Papers, Papers, Papers], bytes]


def without_local_key_id(own: Papers, *others: Papers) -> bytes:
    certificates = [papers.certificate for papers in (*others, own)]
    return pkcs12.serialize_key_and_certificates(None, own.key, None, certificates, NoEncryption())


# By default each format, PEM with the key behind certificates of others.
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            lambda own, ca, root: root.public + ca.public + own.public + own.private(), id="certificates first"
        ),
        pytest.param(
            lambda own, ca, root: own.private() + ca.public + root.public + own.public,
            id="key first",
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            lambda own, ca, root: ca.public + own.private() + own.public + root.public,
            id="key between",
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(without_local_key_id, id="PKCS12"),
    ],
)
def test_the_certificate_that_fits_the_key_signs_in(
    desk: Desk, chain: tuple[Papers, Papers, Papers], certificate: Callable[..., Path], content: Content
) -> None:
    desk.sandbox.register_certificate(APPLICATION, chain[0].public)
    path = certificate(content(*chain))
    desk.patch.setenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "1")
    done = desk.run("show --auth certificate")
    assert done.code == 3, done.stderr
    first, *rest = x509.load_pem_x509_certificates(read_certificate(str(path), None))
    assert first == chain[0].certificate
    assert len(rest) == 2


@pytest.mark.parametrize(
    "content",
    [
        lambda own, ca, _: own.private() + ca.public,
        lambda own, ca, root: ca.public + root.public + own.private(),
        lambda own, ca, root: pkcs12.serialize_key_and_certificates(
            None, own.key, None, [ca.certificate, root.certificate], NoEncryption()
        ),
    ],
)
def test_a_file_without_a_certificate_for_its_key_is_refused(
    desk: Desk,
    chain: tuple[Papers, Papers, Papers],
    certificate: Callable[..., Path],
    traffic: Traffic,
    content: Content,
) -> None:
    certificate(content(*chain))
    refused = desk.run("link 719878 --auth certificate")
    assert refused.code == 4
    assert "holds no certificate that fits its key" in one_sentence(refused)
    assert traffic.sent == []


def traditional(cipher: str) -> bytes:
    """A key that is encrypted as OpenSSL did it until 1.0."""
    body = base64.b64encode(bytes(64)).decode()
    return (
        f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: {cipher},0011223344556677\n\n"
        f"{body}\n-----END RSA PRIVATE KEY-----\n"
    ).encode()


@pytest.mark.parametrize(
    ("content", "password", "said"),
    [
        (SINGLE_DES, "wrong", OUTDATED),
        (SINGLE_DES, None, "needs a password"),
        (traditional("DES-CBC"), RIGHT, OUTDATED),
        (traditional("DES-CBC"), None, "needs a password"),
        (traditional("DES-EDE3-CBC"), RIGHT, "the password of the certificate file"),
    ],
)
def test_outdated_encryption_is_not_called_a_wrong_password(
    desk: Desk, certificate: Callable[..., Path], traffic: Traffic, *, content: bytes, password: str | None, said: str
) -> None:
    certificate(content, password=password)
    refused = desk.run("show --auth certificate")
    assert refused.code == 4
    assert said in one_sentence(refused)
    assert ("AES-256" in refused.stderr) is (said == OUTDATED)
    assert traffic.sent == []


def test_without_openssls_legacy_provider_the_right_password_is_not_called_wrong(tmp_path: Path) -> None:
    path = tmp_path / "application.pfx"
    path.write_bytes(SINGLE_DES)
    program = f"""
from pallink.azure.auth.certificate import read_certificate
try:
    read_certificate({str(path)!r}, {RIGHT!r})
except Exception as error:
    print(error)
"""
    said: Any = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "CRYPTOGRAPHY_OPENSSL_NO_LEGACY": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.search(re.escape(OUTDATED), said), said


@pytest.mark.parametrize(
    ("content", "password", "message", "cause"),
    [
        (lambda papers: papers.public, None, "the certificate env:OPS holds no private key", "without its key"),
        (
            lambda papers: papers.private(),
            None,
            "the certificate env:OPS holds a key but no certificate",
            "to identify the key",
        ),
        (
            lambda papers: papers.pkcs12(b"right"),
            "wrong",
            "the password of the certificate env:OPS is wrong",
            "could not be decrypted",
        ),
        (lambda papers: papers.pkcs12(b"right"), None, "the certificate env:OPS needs a password", "is encrypted"),
        (lambda _: b"nonsense", None, "the certificate env:OPS is neither PEM nor PKCS12", "damaged"),
    ],
)
def test_content_from_elsewhere_is_named_in_messages(
    papers: Papers, content: Callable[[Papers], bytes], password: str | None, message: str, cause: str
) -> None:
    source = CertificateSource("env:OPS", certificate="certificate", password="certificate-password")
    with pytest.raises(SignInError) as refused:
        parse_certificate(content(papers), password, source)
    assert refused.value.message == message
    assert cause in str(refused.value.cause)
    assert "AZURE_" not in str(refused.value.remedy)


def test_content_from_elsewhere_is_read(papers: Papers) -> None:
    pem = parse_certificate(papers.pkcs12(b"right"), "right", CertificateSource("env:OPS"))
    assert pem == papers.private() + papers.public
