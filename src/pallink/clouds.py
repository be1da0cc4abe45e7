"""Which Azure: the built-in clouds, and what may be believed of another one's metadata. Pure.

Endpoints of the built-in clouds as in azure-cli's and azure-identity's own tables.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pallink.errors import UnexpectedAnswerError, UsageError

SANDBOX = "sandbox"

# Letters as a URL carries them: anything else (escapes, look-alikes, shell characters) is read in more than one way.
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9.])?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where to sign in, and where to send requests.

    Attributes:
        name: as `--cloud` takes it and a result names it.
        login: origin of Entra ID, `https://host` or `https://host:port`.
        resource_manager: origin of Resource Manager.
        audience: what a token for Resource Manager is asked for, without a trailing slash.
        portal: origin of the portal, where it is known.
    """

    name: str
    login: str
    resource_manager: str
    audience: str
    portal: str | None = None

    @property
    def scope(self) -> str:
        """The scope of a token for Resource Manager."""
        return f"{self.audience}/.default"

    @property
    def is_sandbox(self) -> bool:
        """Whether this is the embedded stand-in."""
        return self.name == SANDBOX


BUILT_IN = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            "AzureCloud",
            "https://login.microsoftonline.com",
            "https://management.azure.com",
            "https://management.azure.com",
            "https://portal.azure.com",
        ),
        Cloud(
            "AzureUSGovernment",
            "https://login.microsoftonline.us",
            "https://management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net",
            "https://portal.azure.us",
        ),
        Cloud(
            "AzureChinaCloud",
            "https://login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn",
            "https://management.chinacloudapi.cn",
            "https://portal.azure.cn",
        ),
    )
}

CLOUD_NAMES = (*BUILT_IN, SANDBOX)

# Domains of each built-in cloud: its login hosts under every name that they ever had, its Resource Manager, its
# audiences. Whoever names one of them must be that cloud's own Resource Manager.
_DOMAINS = {
    "AzureCloud": (
        "microsoftonline.com",
        "login.microsoft.com",
        "login.windows.net",
        "sts.windows.net",
        "login.live.com",
        "microsoftonline-p.com",
        "management.azure.com",
        "management.core.windows.net",
        "core.windows.net",
        "graph.microsoft.com",
        "graph.windows.net",
        "azure.net",
        "azure.com",
        "microsoft.com",
    ),
    "AzureUSGovernment": ("microsoftonline.us", "usgovcloudapi.net", "graph.microsoft.us", "azure.us", "microsoft.us"),
    "AzureChinaCloud": (
        "chinacloudapi.cn",
        "partner.microsoftonline.cn",
        "microsoftonline.cn",
        "microsoftgraph.chinacloudapi.cn",
        "azure.cn",
    ),
}


def parse_cloud(text: str) -> str:
    """The value of `--cloud`: a cloud's name in its own spelling, or the origin of another Resource Manager.

    Raises:
        UsageError: neither; `http://` is refused because tokens would travel unencrypted.
    """
    for name in CLOUD_NAMES:
        if text.casefold() == name.casefold():
            return name
    # Before an @ stands what may be a password, whatever a parser of URLs makes of it.
    shown = "an address with a user name or a password in it" if "@" in text else repr(text)
    if "://" not in text:
        raise UsageError(
            f"unknown cloud {shown}",
            remedy=f"use one of {', '.join(CLOUD_NAMES)}, or the https:// URL of a Resource Manager",
        )
    origin = https_origin(text)
    if origin is None:
        raise UsageError(
            f"{shown} is not a cloud's URL",
            cause="it must be https://HOST or https://HOST:PORT, and nothing else: over http:// anyone on the way could"
            " read the tokens",
            remedy="give the https:// URL of the Resource Manager",
        )
    for name, cloud in BUILT_IN.items():
        if origin == cloud.resource_manager:
            return name
    return origin


def https_origin(url: str) -> str | None:
    """`https://host[:port]` of a URL, in lower case and without the default port.

    None where it is no https URL, or carries a user name, or anything that is no host and port.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() != "https" or parts.username is not None or parts.query or parts.fragment:
        return None
    hostname = parts.hostname or ""
    if not _HOST.fullmatch(hostname) or not url.isprintable() or " " in url or "\\" in url:
        return None
    host = f"[{hostname}]" if ":" in hostname else hostname
    return f"https://{host}" if port in (None, 443) else f"https://{host}:{port}"


def cloud_from_metadata(origin: str, document: object) -> Cloud:
    """The cloud that a Resource Manager describes at `/metadata/endpoints?api-version=2022-09-01`.

    Args:
        origin: where the document was fetched from; requests go there, whatever the document says.
        document: the parsed JSON: one object, or a list of which one entry names `origin` as its Resource Manager.

    Raises:
        UnexpectedAnswerError: the document names no login endpoint or no audience, or it names those of a built-in
            cloud without being that cloud's own Resource Manager: then it is after somebody's tokens.
    """
    entry = _entry_for(origin, document)
    authentication = entry.get("authentication") if entry else None
    if not isinstance(authentication, Mapping):
        raise _unusable(origin, "it has no authentication section")
    login_endpoint = authentication.get("loginEndpoint")
    audiences = authentication.get("audiences")
    login = https_origin(login_endpoint) if isinstance(login_endpoint, str) else None
    if login is None:
        raise _unusable(origin, "its loginEndpoint is no https:// URL")
    if not isinstance(audiences, list) or not audiences:
        raise _unusable(origin, "it names no audience")
    if not all(isinstance(each, str) and https_origin(each) for each in audiences):
        raise _unusable(origin, "one of its audiences is no https:// URL")
    for named in (login, *audiences):
        _refuse_borrowed(origin, named)
    portal = entry.get("portal") if entry else None
    return Cloud(
        name=origin,
        login=login,
        resource_manager=origin,
        audience=_audience(origin, audiences),
        portal=https_origin(portal) if isinstance(portal, str) else None,
    )


def owner_of(url_or_host: str) -> str | None:
    """The built-in cloud that a URL's host belongs to, or None."""
    host = (urlsplit(url_or_host).hostname or urlsplit(f"//{url_or_host}").hostname or "").casefold().rstrip(".")
    for name, domains in _DOMAINS.items():
        if any(host == domain or host.endswith(f".{domain}") for domain in domains):
            return name
    return None


def _refuse_borrowed(origin: str, named: str) -> None:
    owner = owner_of(named)
    if owner is not None and origin != BUILT_IN[owner].resource_manager:
        raise UnexpectedAnswerError(
            f"{origin} says that it signs in at {named}, which belongs to {owner}",
            cause=f"a Resource Manager that is not {BUILT_IN[owner].resource_manager} could so collect real tokens",
            remedy=f"use --cloud {owner} if that is what you mean; otherwise do not trust this URL",
        )


def _audience(origin: str, audiences: list[str]) -> str:
    """The audience to ask a token for: the Resource Manager's own origin where it is among them, else the first."""
    stripped = [each.rstrip("/") for each in audiences]
    return origin if origin in stripped else stripped[0]


def _entry_for(origin: str, document: object) -> Mapping[str, object] | None:
    if isinstance(document, Mapping):
        return document
    if isinstance(document, list):
        for entry in document:
            if isinstance(entry, Mapping) and https_origin(str(entry.get("resourceManager"))) == origin:
                return entry
    raise _unusable(origin, "it is no description of a cloud")


def _unusable(origin: str, cause: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"the cloud metadata of {origin} cannot be used",
        cause=cause,
        remedy="check the URL: it must be the Resource Manager of an Azure cloud",
        command=f"curl '{origin}/metadata/endpoints?api-version=2022-09-01'",
    )
