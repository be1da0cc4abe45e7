"""Sign-ins that Entra ID refuses despite a valid credential, by the account's state or by a setting."""

from dataclasses import dataclass
from enum import StrEnum

from pallink.sandbox.call import Call
from pallink.sandbox.entra import challenges
from pallink.sandbox.entra.errors import EntraError
from pallink.sandbox.state import settings
from pallink.sandbox.state.world import Account


class CredentialType(StrEnum):
    """What an account signs in with."""

    INTERACTIVE = "interactive"
    REFRESH_TOKEN = "refresh token"  # noqa: S105 - The name of a type.
    SECRET = "secret"  # noqa: S105 - The name of a type.
    ASSERTION = "assertion"


_OF_USERS = frozenset({CredentialType.INTERACTIVE, CredentialType.REFRESH_TOKEN})
_OF_APPLICATIONS = frozenset({CredentialType.SECRET, CredentialType.ASSERTION})
_MFA_ERRORS = frozenset({50076, 50079})


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An error, and the sign-ins that it applies to.

    Attributes:
        message: The message, with the placeholders `{account}`, `{tenant}`, `{client}` and `{origin}`.
        credentials: The types of credentials that it applies to.
        error: The OAuth error code.
        suberror: The suberror; None if there is none.
        claims: The claims to request in the next attempt; None if there is no challenge.
    """

    message: str
    credentials: frozenset[CredentialType]
    error: str = "invalid_grant"
    suberror: str | None = None
    claims: str | None = None


def check(call: Call, account: Account, credential: CredentialType, *, has_mfa: bool = False) -> None:
    """Check whether the setting, or the state of the account, refuses a sign-in.

    Args:
        call: The request.
        account: The account, in the tenant that it signs in to.
        credential: The type of its credential: an error about secrets does not apply to a user.
        has_mfa: Whether the user completed multifactor authentication.

    Raises:
        EntraError: The sign-in is refused.
    """
    setting = call.state.setting(settings.SIGN_IN_ERROR)
    if setting != "none" and credential in _REFUSALS[int(setting)].credentials:
        raise error_for(int(setting), account, call)
    number = account.sign_in_error
    if number is not None and credential in _REFUSALS[number].credentials and not (has_mfa and number in _MFA_ERRORS):
        raise error_for(number, account, call)


def error_for(number: int, account: Account, call: Call) -> EntraError:
    """Return the error with an AADSTS number for an account."""
    tenant = call.state.world.tenant(account.tenant_id)
    refusal = _REFUSALS[number]
    message = refusal.message.format(
        account=account.name,
        tenant=tenant.display_name if tenant else account.tenant_id,
        client=call.request.form.get("client_id") or call.request.query.get("client_id", ""),
        origin=call.request.origin,
    )
    return EntraError(
        number,
        message,
        error=refusal.error,
        status=401 if refusal.error == "invalid_client" else 400,
        suberror=refusal.suberror,
        claims=refusal.claims,
    )


def _for_users(message: str, **fields: str) -> _Refusal:
    return _Refusal(message, _OF_USERS, **fields)


def _for_interactive(message: str, error: str = "invalid_grant") -> _Refusal:
    return _Refusal(message, frozenset({CredentialType.INTERACTIVE}), error)


def _for_refresh_tokens(message: str) -> _Refusal:
    return _Refusal(message, frozenset({CredentialType.REFRESH_TOKEN}), suberror="bad_token")


def _for_secrets(message: str) -> _Refusal:
    return _Refusal(message, frozenset({CredentialType.SECRET}), "invalid_client")


def _for_assertions(message: str) -> _Refusal:
    return _Refusal(message, frozenset({CredentialType.ASSERTION}), "invalid_client")


def _for_all(message: str, error: str, **fields: str) -> _Refusal:
    return _Refusal(message, _OF_USERS | _OF_APPLICATIONS, error, **fields)


_FEDERATION = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion."
_NO_FEDERATION = "No matching federated identity record found for presented assertion"

_REFUSALS: dict[int, _Refusal] = {
    50020: _for_interactive(
        "User account '{account}' from identity provider '{origin}' does not exist in tenant '{tenant}' and cannot "
        "access the application '{client}' in that tenant. The account needs to be added as an external user in the "
        "tenant first.",
        "interaction_required",
    ),
    50034: _for_interactive("The user account {account} does not exist in the {tenant} directory."),
    50053: _for_users(
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or password."
    ),
    50055: _for_users("The password is expired.", suberror="user_password_expired"),
    50057: _for_users("The user account is disabled."),
    50076: _for_users(
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "use multi-factor authentication to access '{client}'.",
        suberror="basic_action",
        claims=challenges.MFA_CLAIMS,
    ),
    50079: _for_users(
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "enroll in multi-factor authentication to access '{client}'.",
        suberror="basic_action",
        claims=challenges.MFA_CLAIMS,
    ),
    50105: _for_all(
        "Your administrator has configured the application ('{client}') to block users unless they are specifically "
        "granted ('assigned') access to the application. The signed in user '{account}' is blocked because they are "
        "not a direct member of a group with access, nor had access directly assigned by an administrator.",
        "interaction_required",
    ),
    50126: _for_interactive("Error validating credentials due to invalid username or password."),
    50158: _for_users(
        "External security challenge not satisfied. User will be redirected to another page or authentication "
        "provider to satisfy additional authentication challenges.",
        error="interaction_required",
    ),
    50173: _for_refresh_tokens(
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        "changed or reset their password."
    ),
    53000: _for_users(
        "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, "
        "and the device is not compliant.",
        error="interaction_required",
    ),
    53003: _for_all(
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        "access_denied",
        suberror="message_only",
    ),
    65001: _for_users(
        "The user or administrator has not consented to use the application with ID '{client}'. Send an interactive "
        "authorization request for this user and resource.",
        suberror="consent_required",
    ),
    70021: _for_assertions(f"{_NO_FEDERATION}. {_FEDERATION}"),
    70043: _for_refresh_tokens(
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access."
    ),
    90002: _for_all(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud.",
        "invalid_tenant",
    ),
    90072: _for_interactive(
        "User account '{account}' from identity provider '{origin}' does not exist in tenant '{tenant}' and cannot "
        "access the application '{client}' in that tenant. The account needs to be added as an external user in the "
        "tenant first. Sign out and sign in again with a different account.",
        "interaction_required",
    ),
    # Clients have no specific advice for this number: it shows how they report an error that they do not know.
    90093: _for_all("Graph returned with a forbidden error code for the request.", "access_denied"),
    500133: _for_assertions(
        "Assertion is not within its valid time range. Ensure that the access token is not expired before using it "
        "for user assertion, or request a new token."
    ),
    500213: _for_interactive(
        "The resource tenant's cross-tenant access policy does not allow this user to access this tenant.",
        "interaction_required",
    ),
    500571: _for_interactive("The guest user account is disabled."),
    530003: _for_users(
        "Your device is required to be managed to access this resource.",
        error="interaction_required",
        suberror="message_only",
    ),
    530036: _for_refresh_tokens(
        "The refresh token is invalid due to authentication flow checks by Conditional Access."
    ),
    700016: _for_all(
        "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant.",
        "unauthorized_client",
    ),
    700024: _for_assertions("Client assertion is not within its valid time range."),
    700027: _for_assertions(
        "The certificate with identifier used to sign the client assertion is not registered on application."
    ),
    700082: _for_refresh_tokens(
        "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.",
    ),
    700213: _for_assertions(f"{_NO_FEDERATION} subject. {_FEDERATION}"),
    900023: _for_all(
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
        "invalid_request",
    ),
    7000112: _Refusal("Application '{client}' is disabled.", _OF_APPLICATIONS, "unauthorized_client"),
    7000215: _for_secrets(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{client}'."
    ),
    7000222: _for_secrets(
        "The provided client secret keys for app '{client}' are expired. Create new keys for your app, or consider "
        "using certificate credentials for added security."
    ),
    7002138: _for_assertions(
        f"{_NO_FEDERATION} subject. The subject matches with case-insensitive comparison, but not with case-sensitive "
        f"comparison. {_FEDERATION}"
    ),
}
