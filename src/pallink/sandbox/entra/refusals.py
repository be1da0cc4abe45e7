"""Accounts that Entra ID does not let in, though everything they show is right: by the world, or by the settings."""

from dataclasses import dataclass
from enum import StrEnum

from pallink.sandbox.call import Call
from pallink.sandbox.entra import challenges
from pallink.sandbox.entra.errors import EntraError
from pallink.sandbox.state import settings
from pallink.sandbox.state.world import Account


class Proof(StrEnum):
    """How an account shows who it is."""

    PERSON = "person"
    REFRESH_TOKEN = "refresh token"  # noqa: S105 - The name of a way to sign in.
    SECRET = "secret"  # noqa: S105 - See above.
    ASSERTION = "assertion"


_PEOPLE = frozenset({Proof.PERSON, Proof.REFRESH_TOKEN})
_APPLICATIONS = frozenset({Proof.SECRET, Proof.ASSERTION})
_EVERYBODY = _PEOPLE | _APPLICATIONS
_NEEDS_MFA = frozenset({50076, 50079})


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What Entra ID answers with; `{account}`, `{tenant}`, `{client}` and `{origin}` stand for the request's own."""

    explanation: str
    proofs: frozenset[Proof]
    error: str = "invalid_grant"
    suberror: str | None = None
    claims: str | None = None


def check(call: Call, account: Account, proof: Proof, *, has_mfa: bool = False) -> None:
    """Refuses an account that is in a state to be refused in, or all accounts where the setting says so.

    Args:
        call: The request.
        account: Who signs in, in the tenant that it signs in to.
        proof: How: a wrong secret is no answer to somebody who shows none.
        has_mfa: Whether a second factor was given.

    Raises:
        EntraError: It is refused.
    """
    chosen = call.state.setting(settings.SIGN_IN_ERROR)
    if chosen != "none" and proof in _REFUSALS[int(chosen)].proofs:
        raise refusal(int(chosen), account, call)
    number = account.sign_in_error
    if number is not None and proof in _REFUSALS[number].proofs and not (has_mfa and number in _NEEDS_MFA):
        raise refusal(number, account, call)


def refusal(number: int, account: Account, call: Call) -> EntraError:
    """Returns the error with an AADSTS number, about an account."""
    tenant = call.state.world.tenant(account.tenant_id)
    found = _REFUSALS[number]
    explanation = found.explanation.format(
        account=account.name,
        tenant=tenant.display_name if tenant else account.tenant_id,
        client=call.request.form.get("client_id") or call.request.query.get("client_id", ""),
        origin=call.request.origin,
    )
    return EntraError(
        number,
        explanation,
        error=found.error,
        status=401 if found.error == "invalid_client" else 400,
        suberror=found.suberror,
        claims=found.claims,
    )


def _people(explanation: str, **more: str) -> _Refusal:
    return _Refusal(explanation, _PEOPLE, **more)


def _sign_in(explanation: str, error: str = "invalid_grant") -> _Refusal:
    return _Refusal(explanation, frozenset({Proof.PERSON}), error)


def _refresh(explanation: str) -> _Refusal:
    return _Refusal(explanation, frozenset({Proof.REFRESH_TOKEN}), suberror="bad_token")


def _secret(explanation: str) -> _Refusal:
    return _Refusal(explanation, frozenset({Proof.SECRET}), "invalid_client")


def _assertion(explanation: str) -> _Refusal:
    return _Refusal(explanation, frozenset({Proof.ASSERTION}), "invalid_client")


def _everybody(explanation: str, error: str, **more: str) -> _Refusal:
    return _Refusal(explanation, _EVERYBODY, error, **more)


_FEDERATION = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion."
_NO_FEDERATION = "No matching federated identity record found for presented assertion"

_REFUSALS: dict[int, _Refusal] = {
    # No remedy is known to everybody for this one: what a client makes of a number that it has not heard of.
    16000: _everybody(
        "Either multiple user identities are available for the current request or selected account is not supported "
        "for the scenario.",
        "interaction_required",
    ),
    50020: _sign_in(
        "User account '{account}' from identity provider '{origin}' does not exist in tenant '{tenant}' and cannot "
        "access the application '{client}' in that tenant. The account needs to be added as an external user in the "
        "tenant first.",
        "interaction_required",
    ),
    50034: _sign_in("The user account {account} does not exist in the {tenant} directory."),
    50053: _people(
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or password."
    ),
    50055: _people("The password is expired.", suberror="user_password_expired"),
    50057: _people("The user account is disabled."),
    50076: _people(
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "use multi-factor authentication to access '{client}'.",
        suberror="basic_action",
        claims=challenges.MFA_CLAIMS,
    ),
    50079: _people(
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "enroll in multi-factor authentication to access '{client}'.",
        suberror="basic_action",
        claims=challenges.MFA_CLAIMS,
    ),
    50105: _everybody(
        "Your administrator has configured the application ('{client}') to block users unless they are specifically "
        "granted ('assigned') access to the application. The signed in user '{account}' is blocked because they are "
        "not a direct member of a group with access, nor had access directly assigned by an administrator.",
        "interaction_required",
    ),
    50126: _sign_in("Error validating credentials due to invalid username or password."),
    50158: _people(
        "External security challenge not satisfied. User will be redirected to another page or authentication "
        "provider to satisfy additional authentication challenges.",
        error="interaction_required",
    ),
    53000: _people(
        "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, "
        "and the device is not compliant.",
        error="interaction_required",
    ),
    53003: _everybody(
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        "access_denied",
        suberror="message_only",
    ),
    65001: _people(
        "The user or administrator has not consented to use the application with ID '{client}'. Send an interactive "
        "authorization request for this user and resource.",
        suberror="consent_required",
    ),
    70021: _assertion(f"{_NO_FEDERATION}. {_FEDERATION}"),
    70043: _refresh(
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access."
    ),
    90002: _everybody(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud.",
        "invalid_tenant",
    ),
    90072: _sign_in(
        "User account '{account}' from identity provider '{origin}' does not exist in tenant '{tenant}' and cannot "
        "access the application '{client}' in that tenant. The account needs to be added as an external user in the "
        "tenant first. Sign out and sign in again with a different account.",
        "interaction_required",
    ),
    500133: _assertion(
        "Assertion is not within its valid time range. Ensure that the access token is not expired before using it "
        "for user assertion, or request a new token."
    ),
    700016: _everybody(
        "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant.",
        "unauthorized_client",
    ),
    700024: _assertion("Client assertion is not within its valid time range."),
    700027: _assertion(
        "The certificate with identifier used to sign the client assertion is not registered on application."
    ),
    700082: _refresh(
        "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.",
    ),
    700213: _assertion(f"{_NO_FEDERATION} subject. {_FEDERATION}"),
    900023: _everybody(
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
        "invalid_request",
    ),
    7000112: _Refusal("Application '{client}' is disabled.", _APPLICATIONS, "unauthorized_client"),
    7000215: _secret(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{client}'."
    ),
    7000222: _secret(
        "The provided client secret keys for app '{client}' are expired. Create new keys for your app, or consider "
        "using certificate credentials for added security."
    ),
}
