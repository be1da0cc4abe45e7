"""The values of the secrets that a fleet file refers to: read where they are needed, and never shown.

A value is registered with the secrets of the session that asks for it, each time it is handed out, so that the text of
no other session is redacted by it. A vault's secret is read once a run.
"""

import base64
import binascii
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

from pallink.deadline import Deadline
from pallink.errors import PallinkError, UnreachableError, UsageError
from pallink.fleet.entry import SecretReference, SecretStore
from pallink.os_errors import os_reason
from pallink.redact.secrets import register

MAX_BYTES = 100_000
"""Of a file. A certificate with its chain has some thousand."""


class SecretResolver:
    """Reads the secrets of one run. Safe to call from several threads.

    Args:
        folder: The fleet file's folder, which relative paths begin at.
        environ: The environment's variables.
        vault: Returns the value of a vault's secret, given its URL; None where no vault is to be read.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], vault: Callable[[str], str] | None) -> None:
        self._folder = folder
        self._environ = environ
        self._vault = vault or _refuse_vault
        self._lock = threading.Lock()
        self._reads: dict[str, Future[str]] = {}

    def text(self, reference: SecretReference) -> str:
        """Return the value of a secret. One newline at the end of a file is no part of it.

        Raises:
            UsageError: There is none, or it cannot be used.
            PallinkError: The vault could not be read.
        """
        match reference.store:
            case SecretStore.ENVIRONMENT:
                value = self._read_variable(reference.target)
            case SecretStore.FILE:
                value = _decode(self._read_file(reference), reference).removesuffix("\n").removesuffix("\r")
            case SecretStore.KEY_VAULT:
                value = self._read_vault(reference.target)
        if not value:
            raise UsageError(f"the secret {reference} is empty", remedy="store the secret there")
        register(value)
        return value

    def certificate(self, reference: SecretReference) -> bytes:
        """Return a certificate with its key: a file's bytes; or PEM, or PKCS12 in base64, in a variable or a vault.

        Raises:
            UsageError: There is none, or it is neither.
            PallinkError: The vault could not be read.
        """
        if reference.store is SecretStore.FILE:
            content = self._read_file(reference)
            # PKCS12 is no text: nothing repeats it.
            register(content.decode("utf-8", "ignore") if b"-----BEGIN" in content else None)
            return content
        text = self.text(reference)
        if "-----BEGIN" in text:
            return text.encode()
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise UsageError(
                f"the secret {reference} is not a certificate",
                cause="it is neither PEM nor PKCS12 in base64",
                remedy="store the certificate together with its key",
            ) from None

    def _read_variable(self, name: str) -> str:
        value = self._environ.get(name)
        if not value:
            raise UsageError(
                f"the variable {name} is {'not set' if value is None else 'empty'}",
                cause=f"the fleet file refers to env:{name}",
                remedy=f"set {name} in the environment of pallink",
            )
        return value

    def _read_file(self, reference: SecretReference) -> bytes:
        path = self._folder / reference.target
        try:
            # Not a pipe or a device, which might never end.
            if path.exists() and not path.is_file():
                raise UsageError(f"{path} is not a file", cause=_cause(reference), remedy="name a file")
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = os_reason(error) if isinstance(error, OSError) else "invalid path"
            raise UsageError(
                f"the secret file {path} cannot be read: {reason}",
                cause=_cause(reference),
                remedy="check the path, which is relative to the fleet file, and its permissions",
            ) from error
        if len(content) > MAX_BYTES:
            raise UsageError(
                f"the secret file {path} is too large",
                cause=f"{_cause(reference)}, and pallink reads at most {MAX_BYTES // 1000} kB",
                remedy="name the file that holds nothing but the secret",
            )
        return content

    def _read_vault(self, url: str) -> str:
        """Return a vault's secret: read by the first thread that asks for it, while the others wait."""
        while True:
            with self._lock:
                read = self._reads.get(url)
                is_first = read is None
                if read is None:
                    read = self._reads[url] = Future()
            if is_first:
                return self._begin_read(url, read)
            deadline = Deadline.current()
            try:
                error = read.exception(timeout=max(deadline.left, 0))
            except TimeoutError:
                raise deadline.exceeded("another account waits for the same secret of a vault") from None
            if error is None:
                return read.result()
            if isinstance(error, PallinkError) and not isinstance(error, UnreachableError):
                raise error.replace() from error.__cause__
            # The other one ran out of its own time, or was cancelled: this one tries itself.

    def _begin_read(self, url: str, read: "Future[str]") -> str:
        try:
            value = self._vault(url)
        except BaseException as error:
            if not isinstance(error, PallinkError) or isinstance(error, UnreachableError):
                with self._lock:
                    del self._reads[url]
            read.set_exception(error)
            raise
        read.set_result(value)
        return value


def _refuse_vault(url: str) -> str:
    raise UsageError(
        "this command does not read secrets from Key Vault",
        cause=f"the fleet file refers to keyvault:{url}",
        remedy="keep the secret in a variable or a file: env:NAME or file:PATH",
    )


def _cause(reference: SecretReference) -> str:
    return f"the fleet file refers to {reference}"


def _decode(content: bytes, reference: SecretReference) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(
            f"the secret {reference} is not UTF-8", cause="a secret is text", remedy="save the file as UTF-8"
        ) from None
