"""Certificates, keys and tokens, in files beside the sandbox's own."""

from datetime import datetime, timedelta
from pathlib import Path

from pallink import private_files
from pallink.os_errors import os_reason
from pallink.sandbox import certificates
from pallink.sandbox.certificates import KeyPair
from pallink.sandbox.state.errors import SandboxStateError

_AUTHORITY = "certificate-authority.pem"
_AUTHORITY_WITH_KEY = "certificate-authority-key.pem"
_RENEW_BEFORE = timedelta(days=90)


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only the current user can read, replacing an existing one atomically.

    Raises:
        SandboxStateError: The file cannot be written.
    """
    try:
        private_files.check(file.parent)
        private_files.write(file, content)
    except private_files.UnsafeFileError as error:
        raise SandboxStateError(file, f"cannot be written: {error}") from error
    except OSError as error:
        raise SandboxStateError(file, f"cannot be written: {os_reason(error)}") from error


def server_certificate(folder: Path, *, now: datetime) -> tuple[Path, KeyPair]:
    """Return the file of the certificate authority, and a new server certificate for this machine signed by it.

    The authority is created if there is none, if it expires soon, or if its files are unreadable, can be changed by
    another user, or do not permit the server's names. Callers hold the sandbox's transaction, so that only one process
    does this at a time.

    Args:
        folder: The folder of the files.
        now: The current time (UTC).

    Raises:
        SandboxStateError: A file cannot be written.
    """
    file, with_key = folder / _AUTHORITY, folder / _AUTHORITY_WITH_KEY
    try:
        authority = _read_authority(file, with_key)
        if certificates.expires_on(authority.der) - now > _RENEW_BEFORE:
            return file, certificates.new_server_certificate(authority, now=now)
    except (OSError, ValueError):
        pass  # Replaced below: nothing but this sandbox depends on it.
    authority = certificates.new_authority("pallink sandbox", now=now)
    write_private(with_key, authority.private_key + authority.certificate)
    write_private(file, authority.certificate)
    return file, certificates.new_server_certificate(authority, now=now)


def _read_authority(file: Path, with_key: Path) -> KeyPair:
    """Return the authority from its two files.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file holds no certificate, or the two differ.
    """
    pem = private_files.read(with_key)
    der = certificates.to_der(pem)
    if certificates.to_der(private_files.read(file)) != der:
        raise ValueError("the two files hold different certificates")
    return KeyPair(certificate=pem, private_key=pem, der=der)
