"""The metadata of clouds that are not built in: fetched from Resource Manager, as `az` does, and cached for a day."""

import hashlib
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import platformdirs
from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from pallink import private_files
from pallink.azure.egress import METADATA
from pallink.azure.errors import explain_error
from pallink.azure.transport import GuardedTransport
from pallink.clouds import Cloud, cloud_from_metadata
from pallink.errors import PallinkError, UnexpectedAnswerError
from pallink.http.policy import EgressPolicy
from pallink.http.pool import ConnectionPool

log = logging.getLogger("pallink")

_API_VERSION = "2022-09-01"
_MAX_AGE_SECONDS = 24 * 60 * 60
_OK = 200


def describe_cloud(origin: str, pool: ConnectionPool) -> Cloud:
    """Return the cloud whose Resource Manager is at `origin`.

    Cached metadata names the host that credentials are sent to: it is used only if no other user could have written it,
    and validated like fetched metadata.

    Raises:
        PallinkError: The Resource Manager cannot be reached, or its metadata cannot be used.
    """
    cache = _CacheFile(origin)
    document = cache.read()
    if document is not None:
        try:
            return cloud_from_metadata(origin, document)
        except PallinkError as error:
            log.info("fetching the cloud metadata of %s again, because the cached copy is invalid: %s", origin, error)
    document = _fetch(origin, pool)
    cloud = cloud_from_metadata(origin, document)
    cache.write(document)
    return cloud


def _fetch(origin: str, pool: ConnectionPool) -> Any:
    transport = GuardedTransport(pool, EgressPolicy(resource_manager=origin, anonymous=METADATA))
    try:
        response = transport.read(HttpRequest("GET", f"{origin}/metadata/endpoints?api-version={_API_VERSION}"))
    except AzureError as error:
        raise explain_error(error, doing="reading the cloud metadata", host=origin) from error
    document = _json(response.text()) if response.status_code == _OK else None
    if document is None:
        content_type = response.headers.get("Content-Type", "no content type").partition(";")[0]
        raise UnexpectedAnswerError(
            f"{origin} is not the Resource Manager of a cloud",
            cause=f"its metadata endpoint returned status {response.status_code} and {content_type}, not JSON",
            remedy="check the URL given to --cloud",
        )
    return document


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class _CacheFile:
    """Cache a cloud's metadata in the user's cache folder. A cache that cannot be read or written is not an error."""

    def __init__(self, origin: str) -> None:
        name = hashlib.sha256(origin.encode()).hexdigest()[:32]
        folder = os.environ.get("PALLINK_CACHE_HOME")
        self._folder = Path(folder) if folder else platformdirs.user_cache_path("pallink", appauthor=False)
        self._path = self._folder / f"cloud-{name}.json"
        self._origin = origin

    def read(self) -> Any:
        try:
            entry = json.loads(private_files.read(self._path))
            age = time.time() - float(entry["fetched"])
            if entry["origin"] == self._origin and 0 <= age < _MAX_AGE_SECONDS:
                return entry["document"]
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            log.info("not using the cached cloud metadata of %s: %s", self._origin, error)
        return None

    def write(self, document: Any) -> None:
        entry = {"origin": self._origin, "fetched": time.time(), "document": document}
        try:
            private_files.make_folder(self._folder)
            private_files.write(self._path, json.dumps(entry).encode())
        except OSError as error:
            log.info("could not cache the cloud metadata of %s: %s", self._origin, error)
