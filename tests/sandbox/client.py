"""What the tests of the sandbox talk to it with: requests of their own making, and nothing of pallink's."""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from pallink.sandbox import ORIGIN, Request, Response, Sandbox

CONTOSO = "8fe81352-b317-4e31-9d5b-b42cafcd167c"
FABRIKAM = "cfea1764-3805-4abd-a169-4a8af158423d"
PRODUCTION = "738477cd-6b20-448f-9a34-9d5592cff509"
DEVELOPMENT = "c042c020-0e10-4062-97d7-94b12521c369"
OPERATIONS = "48bc0535-a7c3-4936-8fa8-8f708c6a93d0"
INVOICES = "a423e88c-fb42-4a0f-bc27-18c0c8a37472"
INVOICES_AS_GUEST = "4068e629-8af2-4f43-9bcf-a27cb3299348"
APPROVERS = "13993e34-d56f-43ab-8bd7-cc9a9669780f"
NEW_HIRE = "0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3"
ONBOARDING = "c5ce5ce2-aa0c-4851-93c1-7ffe11c06a4a"
ONBOARDING_CLIENT = "6be1d7c7-4712-4123-a241-8b8918c455f9"
ONBOARDING_SECRET = "sandbox-onboarding-secret"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
REDIRECT_URI = "http://localhost:8400"
SCOPE = f"{ORIGIN}/.default"
PARTNERS = "/providers/Microsoft.ManagementPartner/partners"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, duration: timedelta) -> None:
        self.now += duration


class Client:
    """Somebody at the sandbox's door."""

    def __init__(self, home: Path) -> None:
        self.clock = Clock()
        self.home = home
        self.sandbox = Sandbox(home, clock=self.clock)

    def send(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes = b"", origin: str = ORIGIN
    ) -> Response:
        return self.sandbox.handle(Request(method, f"{origin}{path}", headers or {}, body))

    def authorize(self, tenant: str = "organizations", *, origin: str = ORIGIN, **parameters: str) -> dict[str, str]:
        """Returns what the redirect of the browser tells."""
        query = {
            "client_id": AZURE_CLI,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": f"{origin}/.default openid offline_access profile",
            "state": "a state",
            "prompt": "none",
            **parameters,
        }
        response = self.send("GET", f"/{tenant}/oauth2/v2.0/authorize?{urlencode(query)}", origin=origin)
        assert response.status == 302
        location = urlsplit(response.headers["Location"])
        assert f"{location.scheme}://{location.netloc}" == REDIRECT_URI
        return {name: value for name, (value,) in parse_qs(location.query).items()}

    def ask_token(self, tenant: str = "organizations", *, origin: str = ORIGIN, **form: str) -> Response:
        return self.send("POST", f"/{tenant}/oauth2/v2.0/token", body=urlencode(form).encode(), origin=origin)

    def redeem(self, code: str, tenant: str = "organizations", *, origin: str = ORIGIN, **form: str) -> Response:
        fields = {
            "grant_type": "authorization_code",
            "client_id": AZURE_CLI,
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "scope": f"{origin}/.default openid offline_access profile",
        }
        return self.ask_token(tenant, origin=origin, **{**fields, **form})

    def tokens(self, hint: str = "", tenant: str = "organizations", *, origin: str = ORIGIN) -> dict[str, Any]:
        """Signs a person in."""
        hint_parameter = {"login_hint": hint} if hint else {}
        code = self.authorize(tenant, origin=origin, **hint_parameter)["code"]
        return document(self.redeem(code, tenant, origin=origin))

    def application_token(self, tenant: str = CONTOSO, **form: str) -> Response:
        """Signs the onboarding application in."""
        fields = {
            "grant_type": "client_credentials",
            "client_id": ONBOARDING_CLIENT,
            "client_secret": ONBOARDING_SECRET,
            "scope": SCOPE,
        }
        return self.ask_token(tenant, **{**fields, **form})

    def caller(self, hint: str = "invoices@contoso.com", tenant: str = "organizations") -> "Caller":
        return Caller(self, self.tokens(hint, tenant)["access_token"])

    def application(self) -> "Caller":
        return Caller(self, document(self.application_token())["access_token"])


class Caller:
    """Somebody who has signed in."""

    def __init__(self, client: Client, token: str) -> None:
        self._client = client
        self.token = token

    def send(self, method: str, path: str, *, body: bytes = b"", origin: str = ORIGIN) -> Response:
        headers = {"authorization": f"Bearer {self.token}"}
        return self._client.send(method, path, headers=headers, body=body, origin=origin)

    def partners(self, method: str, partner_id: str = "") -> Response:
        """Calls the partner API; without an ID as the SDK does that has none to name."""
        return self.send(method, f"{PARTNERS}/{partner_id}?api-version=2018-02-01")


def document(response: Response) -> dict[str, Any]:
    """Returns the JSON object of a successful response."""
    assert response.status == 200, response
    return parsed(response)


def parsed(response: Response) -> dict[str, Any]:
    """Returns the JSON object of any response."""
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    decoded: dict[str, Any] = json.loads(response.body)
    return decoded


def claims(token: str) -> dict[str, Any]:
    """Returns the claims of a token, which is as far as a client goes: it does not have the key."""
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded


def error_of(response: Response) -> tuple[int, str]:
    """Returns status and code of Resource Manager's error."""
    error = parsed(response)["error"]
    assert set(error) == {"code", "message"}
    assert error["message"]
    return response.status, error["code"]


def entra_error_of(response: Response) -> tuple[int, str, int]:
    """Returns status, OAuth error and AADSTS number of Entra ID's error."""
    error = parsed(response)
    (number,) = error["error_codes"]
    assert error["error_description"].startswith(f"AADSTS{number}: ")
    return response.status, error["error"], number
