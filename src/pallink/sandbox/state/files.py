"""The files beside the sandbox's own: certificates, keys and tokens."""

import os
from datetime import datetime, timedelta
from pathlib import Path

from pallink.sandbox import certificates
from pallink.sandbox.certificates import KeyPair
from pallink.sandbox.state.errors import SandboxStateError

_AUTHORITY = "certificate-authority.pem"
_AUTHORITY_WITH_KEY = "certificate-authority-key.pem"
_RENEW_BEFORE = timedelta(days=90)


def write_private(file: Path, content: bytes) -> None:
    """Writes a file that nobody else can read, in the place of the one that may be there.

    Raises:
        SandboxStateError: It cannot be written.
    """
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        beside.replace(file)
    except OSError as error:
        raise SandboxStateError(file, f"cannot be written: {error.strerror}") from error


def server_certificate(folder: Path, *, now: datetime) -> tuple[Path, KeyPair]:
    """Returns the file of the certificate authority, and a certificate of its for a server on this machine.

    The authority is made when it is first needed, when it is about to expire, and when its files cannot be
    read or are of one that may not sign for what the server is called. The caller sees to it that nobody else does the
    same at once.

    Raises:
        SandboxStateError: The files cannot be written.
    """
    file, with_key = folder / _AUTHORITY, folder / _AUTHORITY_WITH_KEY
    try:
        authority = _read_authority(file, with_key)
        if certificates.expires_on(authority.der) - now > _RENEW_BEFORE:
            return file, certificates.new_server_certificate(authority, now=now)
    except (OSError, ValueError):
        pass  # Made anew below: nothing but this sandbox depends on it.
    authority = certificates.new_authority("pallink sandbox", now=now)
    write_private(with_key, authority.private_key + authority.certificate)
    write_private(file, authority.certificate)
    return file, certificates.new_server_certificate(authority, now=now)


def _read_authority(file: Path, with_key: Path) -> KeyPair:
    """Returns the authority of the two files; raises OSError or ValueError where they are not of one."""
    pem = with_key.read_bytes()
    der = certificates.to_der(pem)
    if certificates.to_der(file.read_bytes()) != der:
        raise ValueError("the two files are not of the same authority")
    return KeyPair(certificate=pem, private_key=pem, der=der)
