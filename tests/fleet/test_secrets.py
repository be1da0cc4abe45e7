"""What a fleet file refers to: read once, registered with the session that asks, and never shown."""

import base64
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pallink.concurrency import OperationCancelledError
from pallink.deadline import Deadline
from pallink.errors import AccessDeniedError, PallinkError, UnreachableError, UsageError
from pallink.fleet.entry import SecretReference, SecretStore
from pallink.fleet.secrets import MAX_BYTES, SecretResolver
from pallink.redact.secrets import Secrets, redact
from tests.cli.test_sign_in_bad_input import Papers, papers
from tools.troubleshooting import has_entry

__all__ = ["papers"]

VALUE = "p4ss-w0rd-of-fabrikam"
URL = "https://ops.vault.azure.net/secrets/fabrikam"
ENV, FILE, VAULT = (
    SecretReference(SecretStore.ENVIRONMENT, "FABRIKAM_SECRET"),
    SecretReference(SecretStore.FILE, "fabrikam.txt"),
    SecretReference(SecretStore.KEY_VAULT, URL),
)
ALL = (ENV, FILE, VAULT)


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    with Deadline(10).active():
        yield


def resolver(
    folder: Path, value: str | None = VALUE, *, vault: Callable[[str], str] | None = None, content: bytes | None = None
) -> SecretResolver:
    environ = {} if value is None else {"FABRIKAM_SECRET": value}
    if content is not None:
        (folder / "fabrikam.txt").write_bytes(content)
    return SecretResolver(folder, environ, vault)


def refusal(act: Callable[[], object], code: int = 2) -> PallinkError:
    with pytest.raises(PallinkError) as refused:
        act()
    error = refused.value
    assert error.exit_code == code
    assert has_entry(error.message), error.message
    assert VALUE not in f"{error.message} {error.cause} {error.remedy} {error.command} {error!r}"
    return error


@pytest.mark.parametrize("reference", ALL, ids=lambda reference: reference.store)
def test_each_store_is_read(tmp_path: Path, reference: SecretReference) -> None:
    read = resolver(tmp_path, vault={URL: VALUE}.__getitem__, content=VALUE.encode())
    with Secrets().active():
        assert redact(VALUE) == VALUE
        assert read.text(reference) == VALUE
        assert redact(f"it is {VALUE}") == "it is [redacted]"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (f"{VALUE}\n", VALUE),
        (f"{VALUE}\r\n", VALUE),
        (f"{VALUE}\n\n", f"{VALUE}\n"),
        (f" {VALUE} ", f" {VALUE} "),
        (f"\ufeff{VALUE}", VALUE),
    ],
)
def test_one_newline_at_the_end_of_a_file_is_no_part_of_the_secret(tmp_path: Path, content: str, value: str) -> None:
    assert resolver(tmp_path, content=content.encode()).text(FILE) == value


def test_an_absolute_path_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.txt"
    path.write_text(VALUE)
    folder = tmp_path / "fleet"
    assert resolver(folder).text(SecretReference(SecretStore.FILE, str(path))) == VALUE


@pytest.mark.parametrize(("value", "state"), [(None, "not set"), ("", "empty")])
def test_a_missing_variable_is_named(tmp_path: Path, value: str | None, state: str) -> None:
    error = refusal(lambda: resolver(tmp_path, value).text(ENV))
    assert error.message == f"the variable FABRIKAM_SECRET is {state}"
    assert error.cause == "the fleet file refers to env:FABRIKAM_SECRET"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    error = refusal(lambda: resolver(tmp_path).text(FILE))
    assert error.message == f"the secret file {tmp_path / 'fabrikam.txt'} cannot be read: no such file or directory"


def test_a_path_that_is_none_is_an_error(tmp_path: Path) -> None:
    refusal(lambda: resolver(tmp_path).text(SecretReference(SecretStore.FILE, "a\0b")))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in folders")
@pytest.mark.parametrize("make", [os.mkdir, getattr(os, "mkfifo", os.mkdir)], ids=["folder", "pipe"])
def test_only_files_are_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "fabrikam.txt")
    assert refusal(lambda: resolver(tmp_path).text(FILE)).message.endswith("fabrikam.txt is not a file")


def test_a_device_is_not_read(tmp_path: Path) -> None:
    reference = SecretReference(SecretStore.FILE, os.devnull)
    assert refusal(lambda: resolver(tmp_path).text(reference)).message.endswith("is not a file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the secret file:fabrikam.txt is empty"),
        (b"\n", "the secret file:fabrikam.txt is empty"),
        (f"{VALUE} \xff".encode("latin-1"), "the secret file:fabrikam.txt is not UTF-8"),
    ],
)
def test_a_file_without_a_secret_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    assert refusal(lambda: resolver(tmp_path, content=content).text(FILE)).message == message


def test_a_file_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    error = refusal(lambda: resolver(tmp_path, content=VALUE.encode() * MAX_BYTES).text(FILE))
    assert error.message.endswith("fabrikam.txt is too large")


def test_without_a_vault_none_is_read(tmp_path: Path) -> None:
    assert (
        refusal(lambda: resolver(tmp_path).text(VAULT)).message == "this command does not read secrets from Key Vault"
    )


@pytest.mark.parametrize("reference", ALL, ids=lambda reference: reference.store)
def test_a_certificate_in_pem_is_handed_out_as_it_is(
    tmp_path: Path, papers: Papers, reference: SecretReference
) -> None:
    pem = papers.private() + papers.public
    read = resolver(tmp_path, pem.decode(), vault=lambda _: pem.decode(), content=pem)
    with Secrets().active():
        assert read.certificate(reference) == pem
        assert redact(pem.decode()) == "[redacted]\n"


@pytest.mark.parametrize("reference", ALL, ids=lambda reference: reference.store)
def test_a_certificate_in_pkcs12_is_binary_in_a_file_and_base64_elsewhere(
    tmp_path: Path, papers: Papers, reference: SecretReference
) -> None:
    content = papers.pkcs12(b"right")
    encoded = base64.encodebytes(content).decode()
    read = resolver(tmp_path, encoded, vault=lambda _: encoded, content=content)
    assert read.certificate(reference) == content


@pytest.mark.parametrize("reference", [ENV, VAULT], ids=lambda reference: reference.store)
def test_what_is_no_certificate_is_an_error(tmp_path: Path, reference: SecretReference) -> None:
    read = resolver(tmp_path, f"{VALUE}!", vault=lambda _: f"{VALUE}!")
    assert refusal(lambda: read.certificate(reference)).message == f"the secret {reference} is not a certificate"


class SlowVault:
    """A vault that responds when it is told to, and counts."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes = list(outcomes)
        self.asked = 0
        self.is_asked = threading.Event()
        self.may_respond = threading.Event()

    def read(self, url: str) -> str:
        assert url == URL
        self.asked += 1
        self.is_asked.set()
        assert self.may_respond.wait(10)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        return VALUE


def ask_at_once(read: SecretResolver, vault: SlowVault, number: int = 16) -> list[str | Exception]:
    """Return what each of many threads got, each a session of its own."""
    outcomes: list[str | Exception] = []

    def ask() -> None:
        with Deadline(10).active(), Secrets().active():
            try:
                value = read.text(VAULT)
                assert redact(value) == "[redacted]"
                outcomes.append(value)
            except Exception as error:  # noqa: BLE001 - looked at below
                outcomes.append(error)

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    assert vault.is_asked.wait(10)
    vault.may_respond.set()
    for thread in threads:
        thread.join(10)
    return outcomes


def test_a_vaults_secret_is_read_once_for_all_threads(tmp_path: Path) -> None:
    vault = SlowVault()
    read = resolver(tmp_path, vault=vault.read)
    assert ask_at_once(read, vault) == [VALUE] * 16
    assert read.text(VAULT) == VALUE
    assert vault.asked == 1


def test_each_session_redacts_its_own_secrets_only(tmp_path: Path) -> None:
    read = resolver(tmp_path, vault=lambda _: VALUE)
    with Secrets().active():
        read.text(VAULT)
        assert redact(VALUE) == "[redacted]"
    with Secrets().active():
        assert redact(VALUE) == VALUE
        read.text(VAULT)
        assert redact(VALUE) == "[redacted]"


def test_what_a_vault_refuses_is_not_asked_for_again(tmp_path: Path) -> None:
    vault = SlowVault(AccessDeniedError("refused"))
    read = resolver(tmp_path, vault=vault.read)
    outcomes = ask_at_once(read, vault)
    assert [type(outcome) for outcome in outcomes] == [AccessDeniedError] * 16
    assert len(set(map(id, outcomes))) == 16
    assert vault.asked == 1


@pytest.mark.parametrize("failure", [UnreachableError("late"), OperationCancelledError()], ids=["late", "cancelled"])
def test_what_failed_for_one_account_alone_is_tried_again(tmp_path: Path, failure: Exception) -> None:
    vault = SlowVault(failure)
    outcomes = ask_at_once(resolver(tmp_path, vault=vault.read), vault)
    assert sorted(str(outcome) for outcome in outcomes) == sorted([str(failure), *[VALUE] * 15])
    assert vault.asked == 2


def test_who_waits_gives_up_at_the_end_of_its_own_time(tmp_path: Path) -> None:
    vault = SlowVault()
    read = resolver(tmp_path, vault=vault.read)
    first = threading.Thread(target=lambda: read.text(VAULT))
    first.start()
    assert vault.is_asked.wait(10)
    with Deadline(0).active():
        error = refusal(lambda: read.text(VAULT), code=7)
    assert error.cause == "another account waits for the same secret of a vault"
    vault.may_respond.set()
    first.join(10)


def test_a_reference_never_holds_the_value(tmp_path: Path) -> None:
    read = resolver(tmp_path, vault=lambda _: VALUE)
    read.text(VAULT)
    assert VALUE not in f"{read!r} {VAULT!r} {VAULT}"
    with pytest.raises(UsageError):
        resolver(tmp_path, None).text(ENV)
