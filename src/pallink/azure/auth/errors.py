"""Turns exceptions of a sign-in into errors of pallink: refused (exit code 4), or no response (7).

azure-identity's exception types do not distinguish these: see `pallink.azure.errors`.
"""

import subprocess
import time
from email.utils import parsedate_to_datetime
from typing import Any

from pallink.azure.errors import (
    UNAVAILABLE_STATUSES,
    body_of,
    explain_unavailable,
    find_pallink_error,
)
from pallink.azure.transport import SignInTraffic
from pallink.azure.unreachable import explain_no_response
from pallink.errors import MoreProofNeededError, PallinkError, SignInError, UnreachableError
from pallink.http.errors import chain_of, trace_of
from pallink.os_errors import os_reason
from pallink.redact.text import one_clause, one_line
from pallink.signin import SignInMethod
from pallink.signin.claims import more_proof_needed
from pallink.signin.entra_codes import CLOCK_CODES
from pallink.signin.entra_errors import aadsts_code, sign_in_error

# Seconds of clock skew that Entra ID tolerates.
_MAX_CLOCK_SKEW = 300


def explain_sign_in(
    error: Exception, seen: SignInTraffic, *, login: str, method: SignInMethod | None = None
) -> PallinkError:
    """Return the error for a failed sign-in.

    Args:
        error: What azure-identity or msal raised.
        seen: The sign-in's last request, as the transport saw it.
        login: The login host's origin, for the message.
        method: The method. Sessions that pallink did not start fail for reasons of their own.
    """
    if own := find_pallink_error(error):
        if own.trace is None and seen.response is not None and seen.response.status_code >= 400:  # noqa: PLR2004
            return own.replace(trace=trace_of(seen.response))
        return own
    match method:
        case SignInMethod.AZURE_CLI:
            return _explain_azure_cli(error)
        case SignInMethod.MANAGED_IDENTITY:
            return _explain_managed_identity(error, seen.response)
        case _:
            return explain_no_response(error, seen.origin or login) or _explain_refusal(error, seen, login)


def _explain_refusal(error: Exception, seen: SignInTraffic, login: str) -> PallinkError:
    """Return the error for a sign-in whose requests had responses."""
    response = getattr(error, "response", None) or seen.response
    if response is None:
        return SignInError(
            "the sign-in failed", cause=one_line(str(error)), remedy="check the account, the tenant and the credential"
        )
    if seen.is_oidc:
        return explain_oidc(None, response, "the CI system")
    return _explain_entra_id(error, response, login)


def explain_challenge(claims: str, refusal: PallinkError | None = None) -> MoreProofNeededError:
    """Return the error for a claims challenge that could not be met without a person.

    Args:
        claims: The claims challenge, as JSON.
        refusal: Why Entra ID refused a token with these claims; None if it was not requested.
    """
    error = more_proof_needed("the request", "claims challenge", claims)
    if refusal is None or refusal.trace is None:
        return error
    return error.replace(cause=f"{error.cause}; {refusal.message}", trace=refusal.trace)


def explain_oidc(error: Exception | None, response: Any, ci_system: str) -> PallinkError:
    """Return the error for a CI system that did not issue the job's OIDC token.

    Args:
        error: What was raised. None if there was a response.
        response: The response. None if there was none.
        ci_system: The name of the CI system.
    """
    if error is not None:
        return (
            find_pallink_error(error)
            or explain_no_response(error, f"{ci_system}'s OIDC service")
            or SignInError(
                f"could not get the OIDC token of {ci_system}",
                cause=one_line(str(error)),
                remedy="run again with --debug to see the request",
            )
        )
    if _is_unavailable(response):
        return explain_unavailable(response, f"{ci_system}'s OIDC service", trace_of(response))
    return SignInError(
        f"{ci_system} did not issue the job's OIDC token: status {response.status_code}",
        cause="the token that identifies the job has expired, or the job may not have an OIDC token",
        remedy="give the job the permission (GitHub: id-token: write; Azure Pipelines: the service connection)",
        trace=trace_of(response),
    )


def _clock_difference(response: Any) -> float:
    """Return the seconds that this machine's clock is ahead of the server's, or 0 if the response has no date."""
    try:
        return time.time() - parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return 0.0


def _explain_entra_id(error: Exception, response: Any, login: str) -> PallinkError:
    trace = trace_of(response)
    if _is_unavailable(response):
        return explain_unavailable(response, f"Entra ID at {login}", trace)
    body = body_of(response)
    if "error" in body:
        return _with_clock(sign_in_error(body, trace=trace), response)
    if body and response.status_code < 400:  # noqa: PLR2004
        # The login host refused nothing: azure-identity stopped by itself, or the user cancelled.
        return SignInError(
            f"the sign-in failed: {one_line(str(error))}", remedy="try again, or use another method with --auth"
        )
    return SignInError(
        f"the sign-in at {login} failed: invalid response",
        cause=f"status {response.status_code} with a body that is not Entra ID's, perhaps from a proxy",
        remedy="check --cloud and the proxy",
        trace=trace,
    )


def _with_clock(error: SignInError, response: Any) -> SignInError:
    """Return the same error, with this machine's clock as a further cause if it is wrong."""
    ahead = _clock_difference(response)
    if abs(ahead) <= _MAX_CLOCK_SKEW:
        return error
    if error.entra_code in CLOCK_CODES:
        error = error.replace(remedy="set this machine's clock, then try again")
    return error.with_cause(
        f"this machine's clock is {abs(ahead) / 60:.0f} minutes {'ahead of' if ahead > 0 else 'behind'} Entra ID's"
    )


def _is_unavailable(response: Any) -> bool:
    """Return whether the server could not handle the request: throttling, a gateway, or a fault of its own."""
    return response.status_code in UNAVAILABLE_STATUSES or bool(response.status_code >= 500)  # noqa: PLR2004


def _explain_azure_cli(error: Exception) -> PallinkError:
    if any(isinstance(cause, subprocess.TimeoutExpired) for cause in chain_of(error)):
        return UnreachableError("the Azure CLI timed out", remedy="try again, or raise --timeout")
    # There is no response to read: the output of `az` is all there is.
    text = str(error)
    if aadsts_code({"error_description": text}):
        return sign_in_error({"error_description": text[text.index("AADSTS") :]})
    return SignInError(
        "cannot sign in with the Azure CLI's session",
        cause=one_line(text.removeprefix("ERROR: ")),
        remedy="sign in to the Azure CLI as the required account",
        command="az login",
    )


def _explain_managed_identity(error: Exception, response: Any) -> PallinkError:
    unread = next((cause for cause in chain_of(error) if isinstance(cause, PermissionError | FileNotFoundError)), None)
    if response is not None and unread is not None:
        return SignInError(
            "cannot sign in with a managed identity: the key of the Azure Arc agent cannot be read",
            cause=f"{unread.filename}: {os_reason(unread)}",
            remedy="run pallink as a member of the group himds (Windows: Hybrid agent extension applications)",
        )
    if response is None:
        return SignInError(
            "cannot sign in with a managed identity: its token service did not respond",
            cause="only machines in Azure have this service",
            remedy="use another method with --auth, or run pallink on the machine that has the identity",
        )
    if _is_unavailable(response):
        return explain_unavailable(response, "the managed identity service", trace_of(response))
    body = body_of(response)
    inner = body.get("error")
    # Azure Cloud Shell sends errors as Resource Manager does.
    body = inner if isinstance(inner, dict) else body
    message = body.get("error_description") or body.get("message") or body.get("error") or str(error)
    return SignInError(
        f"cannot sign in with a managed identity: {one_clause(str(message))}",
        cause="this machine has no such managed identity, or may not use it",
        remedy="assign the identity to the machine; --client-id or AZURE_CLIENT_ID names one that is user-assigned",
    )
