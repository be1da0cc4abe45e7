"""The operating system's certificates count, and they are read once. tests/cli/test_clouds.py tries it with servers."""

import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme
import truststore

from pallink.http import trust

HOST = "resource-manager.test"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that the operating system trusts."""
    made = trustme.CA()
    bundle = tmp_path / "bundle.pem"
    made.cert_pem.write_to_path(bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setattr(trust, "_HAS_ITS_OWN_STORE", False)
    return made


def shake_hands(client: ssl.SSLContext, authority: trustme.CA) -> None:
    """One TLS handshake with a server that has a certificate of this authority."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(server)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except ssl.SSLError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(ours, server_hostname=HOST).close()
    finally:
        ours.close()
        thread.join()


def test_the_certificates_are_read_once_and_not_before_they_are_needed(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[ssl.SSLContext] = []
    really_read = ssl.SSLContext.set_default_verify_paths

    def note_and_read(context: ssl.SSLContext) -> None:
        read.append(context)
        really_read(context)

    monkeypatch.setattr(ssl.SSLContext, "set_default_verify_paths", note_and_read)
    context = trust.operating_system_trust()
    assert read == []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: shake_hands(context, authority), range(8)))
    assert read == [context]


def test_a_bundle_is_read_once_for_all_connections(authority: trustme.CA, tmp_path: Path) -> None:
    context = trust.operating_system_trust()
    another, bundle = trustme.CA(), tmp_path / "another.pem"
    another.cert_pem.write_to_path(bundle)
    for _ in range(2):
        context.load_verify_locations(str(bundle), None, None)
        # What is gone could not be read a second time.
        bundle.unlink(missing_ok=True)
    shake_hands(context, another)
    shake_hands(context, authority)


def test_a_bundle_that_could_not_be_read_is_tried_again(authority: trustme.CA, tmp_path: Path) -> None:
    context, bundle = trust.operating_system_trust(), tmp_path / "another.pem"
    with pytest.raises(FileNotFoundError):
        context.load_verify_locations(str(bundle), None, None)
    authority.cert_pem.write_to_path(bundle)
    context.load_verify_locations(str(bundle), None, None)


def test_a_server_that_the_operating_system_does_not_trust_is_refused(authority: trustme.CA) -> None:
    context = trust.operating_system_trust()
    shake_hands(context, authority)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context, trustme.CA())


def test_a_server_of_another_name_is_refused(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    context = trust.operating_system_trust()
    certificate = authority.issue_cert("another.test")
    monkeypatch.setattr(authority, "issue_cert", lambda _name: certificate)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context, authority)


@pytest.mark.usefixtures("authority")
def test_a_connection_through_an_https_proxy_is_verified_in_the_same_way() -> None:
    context = trust.operating_system_trust()
    assert context.cert_store_stats()["x509_ca"] == 0
    context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=HOST)
    assert context.cert_store_stats()["x509_ca"] == 1


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize("has_store", [True, False])
def test_where_openssl_has_no_file_of_its_own_truststore_finds_the_certificates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_store: bool
) -> None:
    monkeypatch.setattr(trust, "_HAS_ITS_OWN_STORE", has_store)
    if not has_store:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    context = trust.operating_system_trust()
    assert type(context) is truststore.SSLContext
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.usefixtures("authority")
def test_both_verify_alike() -> None:
    ours, theirs = trust.operating_system_trust(), truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name in ("verify_mode", "check_hostname", "verify_flags", "minimum_version", "maximum_version"):
        assert getattr(ours, name) == getattr(theirs, name), name
