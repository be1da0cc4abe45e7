"""Which requests may leave pallink: hosts, methods and paths, fixed before the first one is sent.

It holds for every request, whether pallink or a library makes it: a redirect, a `nextLink` to another host, and the
provider registration that azure-mgmt would send by itself are refused here.
"""

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from ipaddress import IPv4Address, ip_address
from typing import ClassVar
from urllib.parse import urlsplit

from pallink.account import audience_from_token
from pallink.clouds import https_origin, strict_origin
from pallink.errors import RefusedRequestError, UnexpectedAnswerError
from pallink.redact.text import one_line

# Vault and object names as documented ("Vault name and object name"). Without a version the path may end with a slash.
_SECRET = re.compile(r"/secrets/[0-9a-z-]{1,127}(/([0-9a-f]{32})?)?", re.IGNORECASE | re.ASCII)

# A user by name or object ID, percent-encoded; an application by its client ID.
_DIRECTORY_OBJECT = re.compile(
    r"/v1\.0/(users/[-\w.!~*'()%]+|servicePrincipals\(appId='[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'\))",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests that may be sent to Resource Manager.

    Attributes:
        methods: HTTP methods.
        path: What the whole path has to match; upper and lower case are alike.
    """

    methods: frozenset[str]
    path: re.Pattern[str]

    @classmethod
    def of(cls, methods: str, path: str) -> "Rule":
        """Return the rule for methods (`PUT PATCH`) and a regular expression for the path."""
        return cls(frozenset(methods.split()), re.compile(path, re.IGNORECASE | re.ASCII))


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """An address that a sign-in method needs beside the login host: a CI system's OIDC tokens, a managed identity's.

    Attributes:
        url: Without a query. Plain http only for an address of the machine itself.
        method: The only one that may be sent there.
        bearer: The token that identifies the job there; it goes nowhere else, and no other token goes there.
        has_challenge: Whether it first names a file, whose content is then sent there as `Basic` (Azure Arc).
    """

    url: str
    method: str
    bearer: str | None = field(default=None, repr=False)
    has_challenge: bool = False

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return origin_of(self.url)

    @property
    def is_plain(self) -> bool:
        """Whether it is reached by plain http."""
        return urlsplit(self.url).scheme.lower() == "http"

    def allows(self, method: str, authorization: str | None) -> bool:
        """Return whether a request with this method and this `Authorization` may go to this address."""
        if self.has_challenge and authorization is not None:
            return method == self.method and authorization.startswith("Basic ")
        return method == self.method and authorization == (self.bearer and f"Bearer {self.bearer}")

    def is_at(self, url: str) -> bool:
        """Whether a request to `url` goes to this address."""
        mine, other = urlsplit(self.url), urlsplit(url)
        return (mine.scheme.lower(), mine.netloc.lower(), mine.path.rstrip("/")) == (
            other.scheme.lower(),
            other.netloc.lower(),
            other.path.rstrip("/"),
        )


class Destination(Enum):
    """Where an allowed request goes."""

    LOGIN = auto()
    TOKEN_ENDPOINT = auto()
    RESOURCE_MANAGER = auto()
    VAULT = auto()
    GRAPH = auto()


@dataclass(frozen=True, slots=True)
class ServiceEndpoint:
    """A service beside Resource Manager, of which nothing but one kind of object is read.

    Attributes:
        origin: Scheme, host and port.
        audience: The audience of the only tokens that may be sent there.
    """

    origin: str
    audience: str

    destination: ClassVar[Destination]
    path: ClassVar[re.Pattern[str]]
    """What the whole path of a read has to match."""
    application_id: ClassVar[str]
    """The service's own, by which some tokens name their audience; it is the same in every tenant."""
    is_read_anonymously: ClassVar[bool] = False
    name: ClassVar[str]
    objects: ClassVar[str]
    """What is read, in words."""

    def allows(self, method: str, path: str, authorization: str | None) -> bool:
        """Return whether a request may go to this service."""
        if method != "GET" or self.path.fullmatch(path) is None:
            return False
        return self.is_read_anonymously if authorization is None else self._is_meant_by(authorization)

    def _is_meant_by(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        try:
            audience = audience_from_token(token)
        except UnexpectedAnswerError:
            return False
        return scheme == "Bearer" and (audience or "").rstrip("/") in (self.audience, self.application_id)


class VaultEndpoint(ServiceEndpoint):
    """A key vault, of which secrets are read. Without a token, the vault says where to sign in."""

    destination = Destination.VAULT
    path = _SECRET
    application_id = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
    is_read_anonymously = True
    name = "Key Vault"
    objects = "secrets"


class GraphEndpoint(ServiceEndpoint):
    """Microsoft Graph, of which a user or an application is read."""

    destination = Destination.GRAPH
    path = _DIRECTORY_OBJECT
    application_id = "00000003-0000-0000-c000-000000000000"
    name = "Microsoft Graph"
    objects = "single users and applications"


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What one session may send.

    Attributes:
        resource_manager: Origin (`https://host[:port]`) of Resource Manager, the only host that gets a token for it.
        login: Origin of the login host; None before a sign-in.
        rules: What may be sent to Resource Manager with a token.
        anonymous: Paths of Resource Manager that may be read without one.
        token_endpoint: The further address of the sign-in method.
        service: The service beside Resource Manager that is read. Nothing else may be sent then.
    """

    resource_manager: str
    login: str | None = None
    rules: tuple[Rule, ...] = ()
    anonymous: tuple[Rule, ...] = ()
    token_endpoint: TokenEndpoint | None = None
    service: ServiceEndpoint | None = None

    def check(self, method: str, url: str, authorization: str | None) -> Destination:
        """Return where a request goes.

        Raises:
            RefusedRequestError: It may not be sent.
        """
        try:
            parts = urlsplit(url)
            address = f"{parts.scheme}://{parts.netloc}{parts.path}"
        except ValueError:
            raise _refused(method, one_line(url.partition("?")[0], 200), "invalid URL") from None
        endpoint = self.token_endpoint
        if endpoint is not None and endpoint.is_at(url):
            if not endpoint.allows(method, authorization):
                raise _refused(method, address, "only the request for the job's or the machine's token may go there")
            return Destination.TOKEN_ENDPOINT
        origin = https_origin(address)
        if self.service is not None:
            return self._check_service(self.service, method, address, authorization)
        if origin is None or origin not in (self.login, self.resource_manager):
            raise _refused(method, address, "the host is not the chosen cloud's, as after a redirect or in a nextLink")
        if authorization is None:
            return self._check_anonymous(method, address, origin, parts.path)
        if origin != self.resource_manager:
            raise _refused(method, address, "it would carry a token for Resource Manager to another host")
        if endpoint is not None and endpoint.bearer and endpoint.bearer in authorization:
            raise _refused(method, address, "it would carry the CI system's token to another host")
        if not _allows(self.rules, method, parts.path):
            raise _refused(method, address, "this command never sends it")
        return Destination.RESOURCE_MANAGER

    @staticmethod
    def _check_service(service: ServiceEndpoint, method: str, address: str, authorization: str | None) -> Destination:
        is_there = https_origin(address) == service.origin
        if not is_there or not service.allows(method, urlsplit(address).path, authorization):
            cause = f"only {service.objects} of {service.origin} may be read, with a token for {service.name}"
            raise _refused(method, address, cause)
        return service.destination

    def _check_anonymous(self, method: str, address: str, origin: str, path: str) -> Destination:
        if origin == self.login and method in ("GET", "POST"):
            return Destination.LOGIN
        if origin == self.resource_manager and _allows(self.anonymous, method, path):
            return Destination.RESOURCE_MANAGER
        raise _refused(method, address, "only a sign-in may send this without a token")


def is_token_service(url: str) -> bool:
    """Return whether a host's token service may be at a URL: anywhere by https, by http on the machine itself only.

    That is `localhost`, or an address that is loopback or, in IPv4, link-local: Azure responds at 169.254.169.254.
    """
    if strict_origin(url, "https"):
        return True
    origin = strict_origin(url, "http")
    host = origin and urlsplit(origin).hostname
    try:
        address = ip_address(host or "")
    except ValueError:
        return host == "localhost"
    return address.is_loopback or (isinstance(address, IPv4Address) and address.is_link_local)


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL in lower case."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _allows(rules: tuple[Rule, ...], method: str, path: str) -> bool:
    return any(method in rule.methods and rule.path.fullmatch(path) for rule in rules)


def _refused(method: str, address: str, cause: str) -> RefusedRequestError:
    return RefusedRequestError(
        f"refused to send {method} {one_line(address, 300)}",
        cause=cause,
        remedy="report this: pallink should never try to send it",
    )
