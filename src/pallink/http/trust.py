"""Which certificates count: those that the operating system trusts."""

import ssl
import sys
import threading
from typing import Any

import truststore

_HAS_A_STORE_OF_ITS_OWN = sys.platform in ("win32", "darwin")


def operating_system_trust() -> ssl.SSLContext:
    """A context that verifies by the operating system's trust store.

    truststore knows all of them, but it sets up its context for each connection anew, and lets one connection at a time
    shake hands. Where the store is OpenSSL's own file, that means to read 140 certificates (20 ms) for each: there a
    context of OpenSSL's does the same, and reads them once.
    """
    if _HAS_A_STORE_OF_ITS_OWN or ssl.get_default_verify_paths().cafile is None:
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _ReadOnce(ssl.PROTOCOL_TLS_CLIENT)


class _ReadOnce(ssl.SSLContext):
    """Reads the operating system's certificates before the first connection, and not before: the sandbox needs none.

    urllib3 has the bundle of REQUESTS_CA_BUNDLE read for each connection: here, that is done once too.
    """

    def __init__(self, _protocol: int) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._is_read = False
        self._bundles: set[tuple[Any, ...]] = set()

    def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        bundle = (cafile, capath, cadata)
        with self._lock:
            if bundle not in self._bundles:
                super().load_verify_locations(cafile, capath, cadata)
                self._bundles.add(bundle)

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        self._read()
        return super().wrap_socket(*args, **kwargs)

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        self._read()
        return super().wrap_bio(*args, **kwargs)

    def _read(self) -> None:
        with self._lock:
            if not self._is_read:
                self.set_default_verify_paths()
                self._is_read = True
