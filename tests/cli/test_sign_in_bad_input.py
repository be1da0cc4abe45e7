"""Files and options of a sign-in that cannot be used: one sentence, the right code, nothing sent, nothing stored."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from tests.cli.people import APPLICATION, CONTOSO, SECRET, Desk
from tests.cli.test_bad_input import one_sentence
from tests.harness import Pallink, Traffic


class Papers:
    """A key and its certificate."""

    def __init__(self, key: Any) -> None:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "onboarding")])
        self.key = key
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
            .sign(key, hashes.SHA256())
        )

    @property
    def public(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def private(self, password: bytes | None = None) -> bytes:
        encryption = BestAvailableEncryption(password) if password else NoEncryption()
        return bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))

    def pkcs12(self, password: bytes | None = None, *, with_key: bool = True) -> bytes:
        encryption = BestAvailableEncryption(password) if password else NoEncryption()
        key = self.key if with_key else None
        return pkcs12.serialize_key_and_certificates(b"onboarding", key, self.certificate, None, encryption)


@pytest.fixture(scope="module")
def papers() -> Papers:
    return Papers(rsa.generate_private_key(65537, 2048))


@pytest.fixture
def certificate(desk: Desk, tmp_path: Path) -> Callable[..., Path]:
    """Makes a certificate's file, and has the variables name it."""

    def write(content: bytes, *, password: str | None = None, mode: int = 0o600) -> Path:
        path = tmp_path / "application.pem"
        path.write_bytes(content)
        path.chmod(mode)
        for name, value in {
            "AZURE_TENANT_ID": CONTOSO,
            "AZURE_CLIENT_ID": APPLICATION,
            "AZURE_CLIENT_CERTIFICATE_PATH": str(path),
            "AZURE_CLIENT_CERTIFICATE_PASSWORD": password or "",
        }.items():
            desk.patch.setenv(name, value)
        return path

    return write


Content = Callable[[Papers], bytes]


@pytest.mark.parametrize(
    ("content", "password", "said"),
    [
        (lambda papers: papers.public, None, "holds no private key"),
        (lambda papers: papers.pkcs12(with_key=False), None, "holds no private key"),
        (lambda papers: papers.private(), None, "holds a key but no certificate"),
        (lambda _: b"", None, "is neither PEM nor PKCS12"),
        (lambda _: b"\x30\x82not DER", None, "is neither PEM nor PKCS12"),
        (lambda _: b"-----BEGIN NONSENSE-----\n", None, "is neither PEM nor PKCS12"),
        (lambda _: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None, "is neither PEM nor"),
        (lambda papers: papers.private(b"right") + papers.public, None, "needs a password"),
        (lambda papers: papers.private(b"right") + papers.public, "wrong", "the password of the certificate file"),
        (lambda papers: papers.pkcs12(b"right"), None, "needs a password"),
        (lambda papers: papers.pkcs12(b"right"), "wrong", "the password of the certificate file"),
    ],
)
@pytest.mark.parametrize("command", ["link 719878", "login --allow-plain-text-cache"])
def test_a_certificates_file_that_cannot_be_used(
    desk: Desk,
    papers: Papers,
    certificate: Callable[..., Path],
    traffic: Traffic,
    tmp_path: Path,
    *,
    content: Content,
    password: str | None,
    said: str,
    command: str,
) -> None:
    certificate(content(papers), password=password)
    refused = desk.run(f"{command} --auth certificate")
    assert refused.code == 4
    assert said in one_sentence(refused)
    assert "wrong" not in refused.stderr.replace("is wrong", "")
    assert traffic.sent == []
    assert not (tmp_path / "sandbox" / "sign-ins").exists()


def test_a_certificate_with_a_key_of_another_kind(desk: Desk, certificate: Callable[..., Path]) -> None:
    other = Papers(ec.generate_private_key(ec.SECP256R1()))
    certificate(other.private() + other.public)
    refused = desk.run("show --auth certificate")
    assert refused.code == 4
    assert "holds a key that is not RSA" in one_sentence(refused)


def test_a_certificates_file_that_is_not_there(desk: Desk, certificate: Callable[..., Path]) -> None:
    certificate(b"").unlink()
    refused = desk.run("show --auth certificate")
    assert refused.code == 4
    assert "cannot be read: no such file or directory" in one_sentence(refused)
    assert "AZURE_CLIENT_CERTIFICATE_PATH" in refused.stderr


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (lambda papers: papers.private() + papers.public, None),
        (lambda papers: papers.private() + papers.public, "of no use"),
        (lambda papers: papers.public + papers.private(b"right"), "right"),
        (lambda papers: papers.pkcs12(), None),
        (lambda papers: papers.pkcs12(b"right"), "right"),
    ],
)
def test_every_form_of_a_certificates_file_signs_in(
    desk: Desk, papers: Papers, certificate: Callable[..., Path], content: Content, password: str | None
) -> None:
    desk.sandbox.register_certificate(APPLICATION, papers.public)
    certificate(content(papers), password=password)
    done = desk.run("show --auth certificate")
    assert done.code == 3, done.stderr
    assert "warning" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps files by access lists")
def test_a_certificates_file_that_everybody_can_read(
    desk: Desk, papers: Papers, certificate: Callable[..., Path]
) -> None:
    desk.sandbox.register_certificate(APPLICATION, papers.public)
    certificate(papers.private() + papers.public, mode=0o644)
    warned = desk.run("show --auth certificate")
    assert warned.code == 3
    assert "can be read by every user of this machine" in warned.stderr
    assert "chmod 600" in warned.stderr
    assert "warning" not in desk.run("show --auth certificate -q").stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: no such file or directory"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe\x00", "cannot be read: not a text file"),
    ],
)
def test_a_token_file_that_cannot_be_used(
    desk: Desk, traffic: Traffic, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    desk.environment("workload-identity")
    desk.patch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(path))
    refused = desk.run("link 719878 --auth workload-identity")
    assert refused.code == 4
    assert said in one_sentence(refused)
    assert "AZURE_FEDERATED_TOKEN_FILE" in refused.stderr
    assert traffic.sent == []


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        ("--client-secret", "AZURE_CLIENT_SECRET"),
        ("--secret", "AZURE_CLIENT_SECRET"),
        ("--password", "AZURE_CLIENT_SECRET"),
        ("-p", "AZURE_CLIENT_CERTIFICATE_PASSWORD"),
        ("--certificate-password", "AZURE_CLIENT_CERTIFICATE_PASSWORD"),
        ("--certificate", "AZURE_CLIENT_CERTIFICATE_PATH"),
        ("--federated-token", "AZURE_FEDERATED_TOKEN_FILE"),
    ],
)
@pytest.mark.parametrize("command", [["link", "719878"], ["login"], []])
@pytest.mark.parametrize("is_joined", [False, True])
def test_a_secret_is_no_option(
    pallink: Pallink, option: str, variable: str, command: list[str], *, is_joined: bool
) -> None:
    if is_joined and not option.startswith("--"):
        return
    words = [f"{option}={SECRET}"] if is_joined else [option, SECRET]
    refused = pallink(*command, *words, *([] if command else ["link", "719878"]))
    assert refused.code == 2
    assert f"there is no option {option}: a secret never passes through the command line" in one_sentence(refused)
    assert variable in refused.stderr
    assert "cause: other users of this machine could read it, and the shell's history would keep it\n" in refused.stderr
    assert SECRET not in refused.stderr


@pytest.mark.parametrize("tenant", ["con/toso", "contoso", "common", "organizations", "../x", "contoso.com/.."])
@pytest.mark.parametrize("command", ["login", "whoami", "logout"])
def test_what_is_no_tenant(pallink: Pallink, command: str, tenant: str) -> None:
    refused = pallink(command, "--tenant", tenant)
    assert refused.code == 2
    assert "is not a tenant" in one_sentence(refused)


@pytest.mark.parametrize(
    "claims", ["\u00e9", "", "%%%", "W10", "bnVsbA", "eyJhY2Nlc3Nf", "eyJh%%%IjoxfQ", "ey=JhIjoxfQ"]
)
def test_claims_that_are_none(pallink: Pallink, claims: str) -> None:
    refused = pallink("login", "--cloud", "sandbox", "--allow-plain-text-cache", "--claims", claims)
    assert refused.code == 2
    assert "--claims is not a JSON object in base64" in one_sentence(refused)
