"""Another Resource Manager's description of its cloud: fetched as `az` does, and kept for a day."""

import hashlib
import json
import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import platformdirs
from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest

from pallink.azure.errors import explain
from pallink.azure.transport import GuardedTransport
from pallink.clouds import Cloud, cloud_from_metadata
from pallink.errors import PallinkError, UnexpectedAnswerError

log = logging.getLogger("pallink")

_API_VERSION = "2022-09-01"
_KEEP_SECONDS = 24 * 60 * 60
_OK = 200


def describe_cloud(origin: str, transport: GuardedTransport) -> Cloud:
    """The cloud whose Resource Manager is at `origin`.

    What was kept is judged by the same rules as what was just fetched: nobody gains anything by writing to the cache.

    Raises:
        PallinkError: it cannot be reached, or what it says cannot be used.
    """
    kept = _CacheFile(origin)
    document = kept.read()
    if document is not None:
        try:
            return cloud_from_metadata(origin, document)
        except PallinkError as error:
            log.info("the kept cloud metadata of %s is of no use (%s): fetching it again", origin, error)
    document = _fetch(origin, transport)
    cloud = cloud_from_metadata(origin, document)
    kept.write(document)
    return cloud


def _fetch(origin: str, transport: GuardedTransport) -> Any:
    transport.allow(resource_manager=origin)
    doing = "reading the cloud metadata"
    try:
        response = transport.send(HttpRequest("GET", f"{origin}/metadata/endpoints?api-version={_API_VERSION}"))
    except AzureError as error:
        raise explain(error, doing=doing, host=origin) from error
    document = _json(response.text()) if response.status_code == _OK else None
    if document is None:
        kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
        raise UnexpectedAnswerError(
            f"{origin} is not the Resource Manager of a cloud",
            cause=f"its metadata address answered with status {response.status_code} and {kind}, not with JSON",
            remedy="check the URL given to --cloud",
        )
    return document


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class _CacheFile:
    """One cloud's metadata in the user's cache folder. A cache that cannot be read or written is no error."""

    def __init__(self, origin: str) -> None:
        name = hashlib.sha256(origin.encode()).hexdigest()[:32]
        folder = os.environ.get("PALLINK_CACHE_HOME")
        self._folder = Path(folder) if folder else platformdirs.user_cache_path("pallink", appauthor=False)
        self._path = self._folder / f"cloud-{name}.json"
        self._origin = origin

    def read(self) -> Any:
        try:
            kept = json.loads(self._path.read_text("utf-8"))
            age = time.time() - float(kept["fetched"])
            if kept["origin"] == self._origin and 0 <= age < _KEEP_SECONDS:
                return kept["document"]
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            pass
        return None

    def write(self, document: Any) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Written beside and moved into place, so that another process never reads half of it.
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self._folder, delete=False) as file:
                json.dump({"origin": self._origin, "fetched": time.time(), "document": document}, file)
            Path(file.name).replace(self._path)
        except OSError as error:
            log.info("the cloud metadata of %s could not be kept: %s", self._origin, error)
