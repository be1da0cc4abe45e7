"""Whatever a credential raises -> an error of pallink: refused (4), or no answer (7).

azure-identity's types do not tell them apart: see `pallink.azure.errors`.
"""

import subprocess
import time
from email.utils import parsedate_to_datetime
from typing import Any

from azure.identity import AuthenticationRequiredError

from pallink.azure.errors import NOT_NOW, body_of, chain_of, no_answer, not_now, own_error, trace_of
from pallink.azure.transport import SignInTraffic
from pallink.errors import MoreProofNeededError, PallinkError, SignInError, UnreachableError
from pallink.redact.text import one_line
from pallink.signin import SignInMethod
from pallink.signin.entra_errors import CLOCK_CODES, code_in, sign_in_failed

# Seconds. Entra ID takes assertions that are this far off.
_BEARABLE_SKEW = 300


def explain_sign_in(
    error: Exception, seen: SignInTraffic, *, login: str, method: SignInMethod | None = None
) -> PallinkError:
    """The error for a failed sign-in.

    Args:
        error: what azure-identity or msal raised.
        seen: what the transport saw of the sign-in.
        login: the login host's origin, for the message.
        method: how it was tried; sessions that pallink did not start have their own reasons to fail.
    """
    if own := own_error(error):
        if own.trace is None and seen.answer is not None and seen.answer.status_code >= 400:  # noqa: PLR2004
            own.trace = trace_of(seen.answer)
        return own
    match method:
        case SignInMethod.AZURE_CLI:
            return _azure_cli(error)
        case SignInMethod.MANAGED_IDENTITY:
            return _managed_identity(error, seen.answer)
        case _:
            return no_answer(error, seen.asked or login) or _refused(error, seen, login)


def _refused(error: Exception, seen: SignInTraffic, login: str) -> PallinkError:
    """The error for a sign-in that got its answers."""
    answer = getattr(error, "response", None) or seen.answer
    if isinstance(error, AuthenticationRequiredError) and error.claims:
        return MoreProofNeededError.for_request("the request", "a claims challenge", error.claims)
    if answer is None:
        return SignInError(
            "the sign-in failed", cause=one_line(str(error)), remedy="check the account, the tenant and the secret"
        )
    if seen.is_oidc:
        return explain_oidc(None, answer, "the CI system")
    return _of_entra_id(error, answer, login)


def explain_oidc(error: Exception | None, answer: Any, who: str) -> PallinkError:
    """The error for a CI system that did not hand out the job's OIDC token.

    Args:
        error: what was raised; None where there was an answer.
        answer: the answer; None where there was none.
        who: the CI system.
    """
    if error is not None:
        return (
            own_error(error)
            or no_answer(error, f"{who}'s OIDC service")
            or SignInError(f"the OIDC token of {who} cannot be had", cause=one_line(str(error)))
        )
    if _is_not_ready(answer):
        return not_now(answer, f"{who}'s OIDC service", trace_of(answer))
    return SignInError(
        f"{who} did not hand out the job's OIDC token: status {answer.status_code}",
        cause="the token that identifies the job has expired, or the job may not have an OIDC token",
        remedy="give the job the permission (GitHub: id-token: write; Azure Pipelines: the service connection)",
        trace=trace_of(answer),
    )


def clock_difference(answer: Any) -> float:
    """By how many seconds this machine's clock is ahead of the one that answered; 0 where it does not say."""
    try:
        return time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return 0.0


def _of_entra_id(error: Exception, answer: Any, login: str) -> PallinkError:
    trace = trace_of(answer)
    if _is_not_ready(answer):
        return not_now(answer, f"Entra ID at {login}", trace)
    body = body_of(answer)
    if "error" in body:
        return with_clock(sign_in_failed(body, trace=trace), answer, code_in(body))
    if answer.status_code < 400:  # noqa: PLR2004
        # The login host had nothing to complain about: azure-identity stopped by itself, or the person gave up.
        return SignInError(
            f"the sign-in failed: {one_line(str(error))}", remedy="try again, or use another method with --auth"
        )
    return SignInError(
        f"the sign-in at {login} failed: its answer cannot be understood",
        cause=f"it answered {answer.status_code} with what is no answer of Entra ID: a proxy may stand in between",
        remedy="check the proxy and the --cloud that you use",
        trace=trace,
    )


def with_clock(error: SignInError, answer: Any, code: str | None) -> SignInError:
    """The same error, with this machine's clock as a reason where that is wrong."""
    ahead = clock_difference(answer)
    if abs(ahead) <= _BEARABLE_SKEW:
        return error
    if code in CLOCK_CODES:
        error.remedy = "set this machine's clock, then try again"
    return error.with_cause(
        f"this machine's clock is {abs(ahead) / 60:.0f} minutes {'ahead of' if ahead > 0 else 'behind'} Entra ID's"
    )


def _is_not_ready(answer: Any) -> bool:
    """Whether who answered was not able to: throttling, a gateway, or a fault of its own."""
    return answer.status_code in NOT_NOW or bool(answer.status_code >= 500)  # noqa: PLR2004


def _azure_cli(error: Exception) -> PallinkError:
    if any(isinstance(each, subprocess.TimeoutExpired) for each in chain_of(error)):
        return UnreachableError(
            "the Azure CLI did not answer in time", remedy="try again, or give it more time with --timeout SECONDS"
        )
    # There is no answer to look at: what `az` prints is all that there is.
    text = str(error)
    if code_in({"error_description": text}):
        return sign_in_failed({"error_description": text[text.index("AADSTS") :]})
    return SignInError(
        "cannot sign in with the Azure CLI's session",
        cause=one_line(text.removeprefix("ERROR: ")),
        remedy="sign in there, as the account that is meant",
        command="az login",
    )


def _managed_identity(error: Exception, answer: Any) -> PallinkError:
    if answer is None:
        return SignInError(
            "cannot sign in with a managed identity: nothing answers here",
            cause="only machines in Azure have the service that hands out their tokens",
            remedy="use another method with --auth, or run pallink on the machine that has the identity",
        )
    if _is_not_ready(answer):
        return not_now(answer, "the managed identity service", trace_of(answer))
    body = body_of(answer)
    said = body.get("error_description") or body.get("message") or body.get("error") or str(error)
    return SignInError(
        f"cannot sign in with a managed identity: {one_line(str(said))}",
        cause="this machine has no such managed identity, or may not use it",
        remedy="assign the identity to the machine; --client-id or AZURE_CLIENT_ID names one that is user-assigned",
    )
