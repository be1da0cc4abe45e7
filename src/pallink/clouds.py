"""The clouds: the built-in ones, and others by the metadata of their Resource Manager, which is not trusted. Pure.

The endpoints of the built-in clouds are those of azure-cli and azure-identity.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pallink.emulator import SANDBOX, Emulator
from pallink.errors import UnexpectedAnswerError, UsageError

# Plain ASCII host names and IPv6 addresses: parsers differ on escapes, look-alikes and shell characters.
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9.])?|[0-9a-f.]*+:[0-9a-f:.]*+", re.ASCII)

# Source: Microsoft's documentation of Key Vault, "Vault name and object name".
_VAULT_NAME = re.compile(r"[a-z][a-z0-9-]{1,22}[a-z0-9]", re.ASCII)

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Cloud:
    """The endpoints of a cloud. Origins have the form `https://host` or `https://host:port`.

    Attributes:
        name: The name, as in `--cloud` and in results.
        login: The origin of Entra ID.
        resource_manager: The origin of Resource Manager.
        audience: The audience of a token for Resource Manager, without a trailing slash.
        portal: The origin of the portal, if it is known.
        vault_suffix: The domain of key vaults, as in `vault.azure.net`, with a port if it has one; None if unknown.
        graph: The origin of Microsoft Graph, which is also the audience of its tokens; None if unknown.
        emulator: What differs where the cloud runs inside pallink; None for a real one.
    """

    name: str
    login: str
    resource_manager: str
    audience: str
    portal: str | None = None
    vault_suffix: str | None = None
    graph: str | None = None
    emulator: Emulator | None = None

    @property
    def scope(self) -> str:
        """The scope with which to request a token for Resource Manager."""
        return f"{self.audience}/.default"

    def is_vault(self, url: str) -> bool:
        """Return whether a URL is at one of this cloud's key vaults: one label below their domain."""
        origin = https_origin(url)
        label, _, suffix = (origin or "").removeprefix("https://").partition(".")
        return bool(_VAULT_NAME.fullmatch(label)) and suffix == self.vault_suffix


BUILT_IN = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            "AzureCloud",
            "https://login.microsoftonline.com",
            "https://management.azure.com",
            "https://management.azure.com",
            "https://portal.azure.com",
            "vault.azure.net",
            "https://graph.microsoft.com",
        ),
        Cloud(
            "AzureUSGovernment",
            "https://login.microsoftonline.us",
            "https://management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net",
            "https://portal.azure.us",
            "vault.usgovcloudapi.net",
            "https://graph.microsoft.us",
        ),
        Cloud(
            "AzureChinaCloud",
            "https://login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn",
            "https://management.chinacloudapi.cn",
            "https://portal.azure.cn",
            "vault.azure.cn",
            "https://microsoftgraph.chinacloudapi.cn",
        ),
    )
}

CLOUDS = BUILT_IN | {
    SANDBOX.name: Cloud(
        SANDBOX.name,
        SANDBOX.origin,
        SANDBOX.origin,
        SANDBOX.origin,
        vault_suffix=SANDBOX.vault_suffix,
        graph=SANDBOX.graph,
        emulator=SANDBOX,
    )
}
"""Every cloud whose endpoints need not be looked up, by its name."""

CLOUD_NAMES = tuple(CLOUDS)


# Microsoft's domains: login hosts under all past and present names (all that msal knows), Resource Manager, audiences.
# Only the cloud's own Resource Manager may name one of them in its metadata. A cloud that is not built in is named by
# its Resource Manager's origin, as in `--cloud`.
_DOMAINS = {
    "AzureCloud": (
        "microsoftonline.com",
        "login.microsoft.com",
        "login.live.com",
        "microsoftonline-p.com",
        "windows.net",
        "graph.microsoft.com",
        "azure.net",
        "azure.com",
        "microsoft.com",
        "b2clogin.com",
        "ciamlogin.com",
    ),
    "AzureUSGovernment": (
        "microsoftonline.us",
        "usgovcloudapi.net",
        "graph.microsoft.us",
        "azure.us",
        "microsoft.us",
        "b2clogin.us",
    ),
    "AzureChinaCloud": ("chinacloudapi.cn", "microsoftonline.cn", "azure.cn", "b2clogin.cn"),
    # France, Germany and Singapore; and the Germany that was closed in 2021.
    **{
        f"https://management.sovcloud-api.{country}": (f"sovcloud-identity.{country}", f"sovcloud-api.{country}")
        for country in ("fr", "de", "sg")
    },
    "https://management.microsoftazure.de": ("microsoftonline.de", "microsoftazure.de", "cloudapi.de", "b2clogin.de"),
}

# How Azure Stack Hub names its Resource Manager as an audience. The host may differ from the Resource Manager's.
_STACK_AUDIENCE = re.compile(r"https://management\.[a-z0-9.-]+/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/?", re.ASCII)


def parse_cloud(text: str) -> str:
    """Return the name of a cloud in its own spelling, or the origin of another Resource Manager.

    Raises:
        UsageError: The text is neither a known name nor an `https://` origin.
    """
    for name in CLOUD_NAMES:
        if text.casefold() == name.casefold():
            return name
    # What precedes an @ may be a password, even in an invalid URL.
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
            cause="it must be https://HOST or https://HOST:PORT and nothing else; http:// would expose the tokens",
            remedy="give the https:// URL of the Resource Manager",
        )
    for name, cloud in BUILT_IN.items():
        if origin == cloud.resource_manager:
            return name
    return origin


def https_origin(url: str) -> str | None:
    """Return the origin of a URL, `https://host[:port]`, in lower case and without the default port.

    None if the URL is invalid or not https, or has a user name, a query or a fragment.
    """
    return strict_origin(url, "https")


def strict_origin(url: str, scheme: str) -> str | None:
    """Return the same as `https_origin` for another scheme, `http` or `https`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() != scheme or parts.username is not None or parts.query or parts.fragment:
        return None
    hostname = parts.hostname or ""
    if not _HOST.fullmatch(hostname) or not url.isprintable() or " " in url or "\\" in url:
        return None
    host = f"[{hostname}]" if ":" in hostname else hostname
    return f"{scheme}://{host}" if port in (None, _PORTS[scheme]) else f"{scheme}://{host}:{port}"


def cloud_from_metadata(origin: str, document: object) -> Cloud:
    """Return the cloud that a Resource Manager describes at `/metadata/endpoints?api-version=2022-09-01`.

    Args:
        origin: The origin that the document was fetched from. Requests always go there, and never to a host that the
            document names.
        document: The parsed JSON: one object, or a list with an entry that has `origin` as its Resource Manager.

    Raises:
        UnexpectedAnswerError: The document has no login endpoint or no audience; or it has those of another cloud or
            service, whose tokens it could then collect.
    """
    entry = _entry_for(origin, document)
    authentication = entry.get("authentication") if entry else None
    if not isinstance(authentication, Mapping):
        raise _invalid_metadata(origin, "it has no authentication section")
    login_endpoint = authentication.get("loginEndpoint")
    audiences = authentication.get("audiences")
    login = https_origin(login_endpoint) if isinstance(login_endpoint, str) else None
    if login is None:
        raise _invalid_metadata(origin, "its loginEndpoint is not an https:// URL")
    if not isinstance(audiences, list) or not audiences:
        raise _invalid_metadata(origin, "it has no audience")
    if not all(isinstance(audience, str) and https_origin(audience) for audience in audiences):
        raise _invalid_metadata(origin, "one of its audiences is not an https:// URL")
    for url in (login, *audiences):
        _check_owner(origin, url)
    for audience in audiences:
        if not _is_own_audience(origin, audience):
            raise _invalid_metadata(
                origin, f"its audience {audience} is another service, which the tokens would be for"
            )
    portal = entry.get("portal") if entry else None
    return Cloud(
        name=origin,
        login=login,
        resource_manager=origin,
        audience=_audience(origin, audiences),
        portal=https_origin(portal) if isinstance(portal, str) else None,
        vault_suffix=_vault_suffix(origin, entry),
        graph=_graph(origin, entry),
    )


def _graph(origin: str, entry: Mapping[str, object] | None) -> str | None:
    """Return the origin of Microsoft Graph in cloud metadata; None if it has none, or that of another cloud."""
    resource = entry.get("microsoftGraphResourceId") if entry else None
    graph = https_origin(resource) if isinstance(resource, str) else None
    return graph if graph is not None and _is_owned_by(origin, graph) else None


def _vault_suffix(origin: str, entry: Mapping[str, object] | None) -> str | None:
    """Return the domain of key vaults in cloud metadata; None if it has none, or that of another cloud."""
    suffixes = entry.get("suffixes") if entry else None
    suffix = suffixes.get("keyVaultDns") if isinstance(suffixes, Mapping) else None
    vaults = https_origin(f"https://{suffix.removeprefix('.')}") if isinstance(suffix, str) else None
    if vaults is None or "." not in vaults or "[" in vaults or not _is_owned_by(origin, vaults):
        return None
    return vaults.removeprefix("https://")


def owner_of(url_or_host: str) -> str | None:
    """Return the cloud of Microsoft's that a URL's host belongs to, as in `--cloud`, or None."""
    try:
        host = (urlsplit(url_or_host).hostname or urlsplit(f"//{url_or_host}").hostname or "").casefold().rstrip(".")
    except ValueError:
        return None
    for name, domains in _DOMAINS.items():
        if any(host == domain or host.endswith(f".{domain}") for domain in domains):
            return name
    return None


def _is_owned_by(origin: str, url: str) -> bool:
    """Return whether a URL is not Microsoft's, or belongs to the cloud of the Resource Manager at `origin`."""
    owner = owner_of(url)
    return owner is None or origin == _resource_manager_of(owner)


def _resource_manager_of(owner: str) -> str:
    return BUILT_IN[owner].resource_manager if owner in BUILT_IN else owner


def _check_owner(origin: str, url: str) -> None:
    if not _is_owned_by(origin, url):
        owner = str(owner_of(url))
        rightful = _resource_manager_of(owner)
        raise UnexpectedAnswerError(
            f"the cloud metadata of {origin} names {url}, which belongs to {owner}",
            cause=f"a Resource Manager that is not {rightful} could collect real tokens this way",
            remedy=f"use --cloud {owner} if that is what you mean; otherwise do not trust this URL",
        )


def _is_own_audience(origin: str, audience: str) -> bool:
    """Return whether an audience is the Resource Manager at `origin`, and not another service."""
    core = origin.replace("https://management.", "https://management.core.", 1)
    return https_origin(audience) in (origin, core) or _STACK_AUDIENCE.fullmatch(audience.lower()) is not None


def _audience(origin: str, audiences: list[str]) -> str:
    """Return the audience for tokens: the origin of Resource Manager if it is listed, else the first one."""
    stripped = [audience.rstrip("/") for audience in audiences]
    return origin if origin in stripped else stripped[0]


def _entry_for(origin: str, document: object) -> Mapping[str, object] | None:
    if isinstance(document, Mapping):
        return document
    if isinstance(document, list):
        for entry in document:
            if isinstance(entry, Mapping) and https_origin(str(entry.get("resourceManager"))) == origin:
                return entry
    raise _invalid_metadata(origin, "it does not describe a cloud")


def _invalid_metadata(origin: str, cause: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"the cloud metadata of {origin} cannot be used",
        cause=cause,
        remedy="check the URL: it must be the Resource Manager of an Azure cloud",
        command=f"curl '{origin}/metadata/endpoints?api-version=2022-09-01'",
    )
