"""Which certificates are trusted: those of the operating system."""

import ssl
import sys
import threading
from typing import Any

import truststore

from pallink.http.environment import check_openssl_file
from pallink.http.sockets import keep_deadlines

# Elsewhere OpenSSL reads files, which SSL_CERT_FILE may name.
_HAS_ITS_OWN_STORE = sys.platform in ("win32", "darwin")


def operating_system_trust() -> ssl.SSLContext:
    """Return a context that verifies by the operating system's trust store, and whose sockets keep deadlines.

    truststore knows every system, but it configures its context for each connection, and lets one connection at a time
    shake hands. Where the store is OpenSSL's own file, that means reading 140 certificates (20 ms) for each: there a
    context of OpenSSL's does the same, and reads them once.
    """
    if _HAS_ITS_OWN_STORE or ssl.get_default_verify_paths().cafile is None:
        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        context = _LazyContext(ssl.PROTOCOL_TLS_CLIENT)
    keep_deadlines(context)
    return context


def check_trust() -> None:
    """Make sure that the file in SSL_CERT_FILE, where it counts, can be read.

    Raises:
        UsageError: It cannot.
    """
    if not _HAS_ITS_OWN_STORE:
        check_openssl_file()


class _LazyContext(ssl.SSLContext):
    """Reads the operating system's certificates before the first connection: the sandbox in process makes none.

    urllib3 loads the bundle of REQUESTS_CA_BUNDLE for each connection: here, that is done once too.
    """

    def __init__(self, _protocol: int) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._is_loaded = False
        self._bundles: set[tuple[Any, ...]] = set()

    def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        bundle = (cafile, capath, cadata)
        with self._lock:
            if bundle not in self._bundles:
                super().load_verify_locations(cafile, capath, cadata)
                self._bundles.add(bundle)

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        self._load()
        return super().wrap_socket(*args, **kwargs)

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        self._load()
        return super().wrap_bio(*args, **kwargs)

    def _load(self) -> None:
        with self._lock:
            if not self._is_loaded:
                self.set_default_verify_paths()
                self._is_loaded = True
