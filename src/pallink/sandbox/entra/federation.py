"""The parties whose tokens Entra ID takes in place of a secret: GitHub Actions, Azure Pipelines, a Kubernetes cluster.

The two that run jobs give a token to a job that asks, each by its own protocol; a cluster puts one into a file.
"""

import hmac
from typing import Any
from uuid import uuid4

from pallink.sandbox.call import Call
from pallink.sandbox.entra import tokens
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state.world import TokenIssuer

AUDIENCE = "api://AzureADTokenExchange"
"""Whom a token has to be for that is shown to Entra ID."""

GITHUB_PATH = "/github-actions/idtoken"
AZURE_PIPELINES_PATH = "/azure-pipelines/oidctoken"


def owns(segments: tuple[str, ...]) -> bool:
    """Tells whether a path is one of theirs: no tenant is called like that."""
    return "/" + "/".join(segments) in {GITHUB_PATH, AZURE_PIPELINES_PATH}


def answer(call: Call) -> Response:
    """Answers a job that asks for a token."""
    world = call.state.world
    if call.request.path.rstrip("/") == GITHUB_PATH:
        return _github(call, world.token_issuer("github"))
    return _azure_pipelines(call, world.token_issuer("azure-pipelines"))


def new_token(issuer: TokenIssuer, signing_key: bytes, *, audience: str, issued_on: int) -> str:
    """Returns a token of an issuer's.

    Args:
        issuer: Who signs, for its own one job.
        signing_key: The sandbox's.
        audience: Whom it is for: `AUDIENCE`, or it is refused.
        issued_on: Seconds since the epoch.
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
    return tokens.sign(claims, key_of(issuer.issuer, signing_key))


def key_of(issuer: str, signing_key: bytes) -> bytes:
    """Returns what an issuer signs with: another key for each, none of them Entra ID's, and new ones after a reset."""
    return hmac.digest(signing_key, issuer.encode(), "sha256")


def _github(call: Call, issuer: TokenIssuer) -> Response:
    """Answers `GET …&audience=…` with `value`, as GitHub's documentation of its OpenID Connect has it."""
    if call.request.method != "GET":
        return Response(405, {"Allow": "GET"})
    if not _shows_request_token(call, issuer):
        return json_response(401, {"message": "Unauthorized"})
    audience = call.request.query.get("audience") or "https://github.com/contoso"
    token = new_token(issuer, call.state.signing_key, audience=audience, issued_on=call.timestamp)
    return json_response(200, {"count": len(token), "value": token})


def _azure_pipelines(call: Call, issuer: TokenIssuer) -> Response:
    """Answers `POST …?api-version=7.1&serviceConnectionId=…` with `oidcToken`, as the REST API's documentation has it.

    A wrong bearer token is redirected to a sign-in page, unless the request asks not to be.
    """
    if call.request.method != "POST":
        return Response(405, {"Allow": "POST"})
    if not _shows_request_token(call, issuer):
        if (call.request.header("X-TFS-FedAuthRedirect") or "").lower() != "suppress":
            return Response(302, {"Location": f"{call.request.origin}/common/oauth2/v2.0/authorize"})
        return json_response(401, {"message": "TF400813: The user is not authorized to access this resource."})
    if "api-version" not in call.request.query:
        return json_response(400, {"message": "No api-version was supplied for the request."})
    if call.request.query.get("serviceconnectionid") != issuer.service_connection_id:
        return json_response(404, {"message": "The service connection does not exist, or this job may not use it."})
    token = new_token(issuer, call.state.signing_key, audience=AUDIENCE, issued_on=call.timestamp)
    return json_response(200, {"oidcToken": token})


def _shows_request_token(call: Call, issuer: TokenIssuer) -> bool:
    scheme, _, shown = (call.request.header("Authorization") or "").partition(" ")
    wanted = str(issuer.request_token)
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), wanted.encode())
