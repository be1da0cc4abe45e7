"""External token issuers for workload identity federation: GitHub Actions, Azure Pipelines, a Kubernetes cluster.

GitHub Actions and Azure Pipelines issue tokens on request, each by its own protocol; a cluster writes them to a file.
"""

import hmac
from typing import Any
from uuid import uuid4

from pallink.sandbox.call import Call
from pallink.sandbox.entra import tokens
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state.world import TokenIssuer

AUDIENCE = "api://AzureADTokenExchange"
"""The audience of a token that is exchanged at Entra ID."""

GITHUB_PATH = "/github-actions/idtoken"
AZURE_PIPELINES_PATH = "/azure-pipelines/oidctoken"


def owns(segments: tuple[str, ...]) -> bool:
    """Return whether a path belongs to an issuer; no tenant has such a name."""
    return "/" + "/".join(segments) in {GITHUB_PATH, AZURE_PIPELINES_PATH}


def handle(call: Call) -> Response:
    """Return the response to a job that requests a token."""
    world = call.state.world
    if call.request.path.rstrip("/") == GITHUB_PATH:
        return _github(call, world.token_issuer("github"))
    return _azure_pipelines(call, world.token_issuer("azure-pipelines"))


def new_token(issuer: TokenIssuer, signing_key: bytes, *, audience: str, issued_on: int) -> str:
    """Return a signed token for the workload of an issuer.

    Args:
        issuer: The issuer.
        signing_key: The signing key of the sandbox.
        audience: The audience; Entra ID accepts `AUDIENCE` only.
        issued_on: The time of issue, in seconds since the epoch.
    """
    claims: dict[str, Any] = {
        "jti": str(uuid4()),
        "iss": issuer.issuer,
        "sub": issuer.subject,
        "aud": audience,
        "iat": issued_on,
        "nbf": issued_on,
        "exp": issued_on + issuer.lifetime,
    }
    return tokens.sign(claims, signing_key_of(issuer.issuer, signing_key))


def signing_key_of(issuer: str, signing_key: bytes) -> bytes:
    """Return the signing key of an issuer, derived from the sandbox's."""
    return hmac.digest(signing_key, issuer.encode(), "sha256")


def _github(call: Call, issuer: TokenIssuer) -> Response:
    """Return a token for `GET …&audience=…`, as GitHub's documentation of OpenID Connect describes."""
    if call.request.method != "GET":
        return Response(405, {"Allow": "GET"})
    if not _has_request_token(call, issuer):
        return json_response(401, {"message": "Unauthorized"})
    audience = call.request.query.get("audience") or "https://github.com/contoso"
    token = new_token(issuer, call.state.signing_key, audience=audience, issued_on=call.timestamp)
    return json_response(200, {"count": len(token), "value": token})


def _azure_pipelines(call: Call, issuer: TokenIssuer) -> Response:
    """Return a token for `POST …?api-version=7.1&serviceConnectionId=…`, as the REST API's documentation describes.

    A request with a wrong bearer token is redirected to sign in, unless it sends `X-TFS-FedAuthRedirect: Suppress`.
    """
    if call.request.method != "POST":
        return Response(405, {"Allow": "POST"})
    if not _has_request_token(call, issuer):
        if (call.request.header("X-TFS-FedAuthRedirect") or "").lower() != "suppress":
            return Response(302, {"Location": f"{call.request.origin}/common/oauth2/v2.0/authorize"})
        return json_response(401, {"message": "TF400813: The user is not authorized to access this resource."})
    if "api-version" not in call.request.query:
        return json_response(400, {"message": "No api-version was supplied for the request."})
    if call.request.query.get("serviceconnectionid") != issuer.service_connection_id:
        return json_response(404, {"message": "The service connection does not exist, or this job may not use it."})
    token = new_token(issuer, call.state.signing_key, audience=AUDIENCE, issued_on=call.timestamp)
    return json_response(200, {"oidcToken": token})


def _has_request_token(call: Call, issuer: TokenIssuer) -> bool:
    scheme, _, token = (call.request.header("Authorization") or "").partition(" ")
    expected = str(issuer.request_token)
    return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), expected.encode())
