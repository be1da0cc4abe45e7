"""Stands at the sandbox's door, below every client: notes the secrets that pass, and answers otherwise if told to."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pallink.sandbox import Request, Response
from tests.secrets.canaries import Hunt

REQUEST_FIELDS = {
    "client_secret": "client secret",
    "client_assertion": "assertion",
    "refresh_token": "refresh token",
    "code": "authorization code",
    "code_verifier": "code verifier",
    "device_code": "device code",
}
RESPONSE_FIELDS = {
    "access_token": "access token",
    "refresh_token": "refresh token",
    "id_token": "ID token",
    "device_code": "device code",
    "oidcToken": "OIDC token",
    "value": "OIDC token",
}

Usual = Callable[[], Response]
Otherwise = Callable[[Request, Usual], Response]


@dataclass
class Watch:
    """What passes the door of the sandbox.

    Attributes:
        hunt: is told each secret that a request shows or an answer holds.
        seen: method and path of each request.
    """

    hunt: Hunt
    seen: list[tuple[str, str]] = field(default_factory=list)
    _rules: list[tuple[str, str, Otherwise]] = field(default_factory=list)
    met: int = 0

    def otherwise(self, method: str, path: str, answer: Otherwise) -> None:
        """Have each request with this method, and this text in its path, answered otherwise until `usual` is called."""
        self._rules.append((method, path.lower(), answer))

    def usual(self) -> None:
        """Have every request answered as usual again."""
        self._rules.clear()
        self.met = 0

    def meet(self, request: Request, usual: Usual) -> Response:
        self.seen.append((request.method, request.path))
        for secret, kind in secrets_of(request).items():
            self.hunt.add(kind, secret)
        rule = next(
            (each for each in self._rules if each[0] == request.method and each[1] in request.path.lower()), None
        )
        if rule is None:
            response = usual()
        else:
            self.met += 1
            response = rule[2](request, usual)
        for secret, kind in environment_secrets(response).items():
            self.hunt.add(kind, secret)
        return response


def secrets_of(request: Request) -> dict[str, str]:
    """Everything secret that a request shows, with its kind."""
    found = {}
    scheme, _, token = (request.header("Authorization") or "").partition(" ")
    if scheme:
        found[token] = "access token" if token.startswith("eyJ") else "OIDC request token"
    if header := request.header("X-IDENTITY-HEADER"):
        found[header] = "identity header"
    fields = (*request.form.items(), *parse_qsl(urlsplit(request.url).query))
    return found | {value: REQUEST_FIELDS[name] for name, value in fields if name in REQUEST_FIELDS}


def environment_secrets(response: Response) -> dict[str, str]:
    """Everything secret that an answer gives to a sign-in, with its kind."""
    location = dict(parse_qsl(urlsplit(response.headers.get("Location", "")).query))
    found = {location["code"]: "authorization code"} if "code" in location else {}
    try:
        body: Any = json.loads(response.body)
    except ValueError:
        return found
    if not isinstance(body, dict):
        return found
    return found | {body[name]: kind for name, kind in RESPONSE_FIELDS.items() if isinstance(body.get(name), str)}
