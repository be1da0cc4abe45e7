"""The errors of Entra ID: an OAuth error code, and an AADSTS number."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pallink.sandbox.call import Call
from pallink.sandbox.http.messages import Response, json_response


class EntraError(Exception):
    """An error of Entra ID.

    Attributes:
        status: The HTTP status of `response`; a redirect carries the error without it.
        error: The OAuth error code, such as `invalid_client`.
        number: The number after `AADSTS`.
        suberror: The suberror, such as `basic_action`; None if there is none.
        claims: The claims to request in the next attempt; None if there is no challenge.
    """

    def __init__(
        self,
        number: int,
        message: str,
        *,
        error: str,
        status: int = 400,
        suberror: str | None = None,
        claims: str | None = None,
    ) -> None:
        super().__init__(f"AADSTS{number}: {message}")
        self.status = status
        self.error = error
        self.number = number
        self.suberror = suberror
        self.claims = claims

    def document(self, call: Call) -> dict[str, Any]:
        """Return the error in the format of Entra ID."""
        trace_id = str(uuid4())
        correlation_id = call.request.header("client-request-id") or str(uuid4())
        timestamp = f"{call.now:%Y-%m-%d %H:%M:%SZ}"
        optional = {"suberror": self.suberror, "claims": self.claims}
        return {
            "error": self.error,
            "error_description": (
                f"{self} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
            ),
            "error_codes": [self.number],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"{call.request.origin}/error?code={self.number}",
            **{name: value for name, value in optional.items() if value},
        }

    def response(self, call: Call) -> Response:
        """Return the error as a response."""
        return json_response(self.status, self.document(call))


def missing_parameter(name: str) -> EntraError:
    """Return the error of a request without a required parameter."""
    return EntraError(
        900144, f"The request body must contain the following parameter: '{name}'.", error="invalid_request"
    )


def tenant_not_found(name: str) -> EntraError:
    """Return the error of an unknown tenant ID or domain."""
    return EntraError(
        90002,
        f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
        error="invalid_tenant",
    )


def malformed_tenant(name: str) -> EntraError:
    """Return the error of a tenant that is neither a GUID nor a domain."""
    return EntraError(
        900023,
        f"Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid external domain.",
        error="invalid_request",
    )


def tenant_not_specified() -> EntraError:
    """Return the error of an application that signs in without a tenant."""
    return EntraError(
        50059,
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
        error="invalid_request",
    )


def application_not_found(client_id: str, directory: str) -> EntraError:
    """Return the error of a client ID that is unknown in the tenant."""
    return EntraError(
        700016,
        f"Application with identifier '{client_id}' was not found in the directory '{directory}'. This can happen if "
        "the application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant.",
        error="unauthorized_client",
    )


def wrong_secret(client_id: str) -> EntraError:
    """Return the error of a wrong client secret."""
    return EntraError(
        7000215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        f"the client secret ID, for a secret added to app '{client_id}'.",
        error="invalid_client",
        status=401,
    )


def missing_secret() -> EntraError:
    """Return the error of an application that sends no credential."""
    return EntraError(
        7000218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        error="invalid_client",
        status=401,
    )


def invalid_redirect(redirect_uri: str) -> EntraError:
    """Return the error of an invalid redirect URI."""
    return EntraError(
        50011, f"The redirect URI '{redirect_uri}' specified in the request is not valid.", error="invalid_request"
    )


def unsupported_response_mode(mode: str) -> EntraError:
    """Return the error of an unknown response mode."""
    return EntraError(
        70007,
        f"'{mode}' is not a supported value of 'response_mode' when requesting a token.",
        error="unsupported_response_mode",
    )


def cancelled() -> EntraError:
    """Return the error of a sign-in that the user cancelled."""
    return EntraError(65004, "User declined to consent to access the app.", error="access_denied")


def unsupported_grant(grant_type: str) -> EntraError:
    """Return the error of an unknown grant type."""
    return EntraError(
        70003, f"The app requested an unsupported grant type '{grant_type}'.", error="unsupported_grant_type"
    )


def unsupported_response_type(response_type: str) -> EntraError:
    """Return the error of a response type other than `code`."""
    return EntraError(
        700051, f"The response type '{response_type}' is not supported.", error="unsupported_response_type"
    )


def invalid_scope(scope: str) -> EntraError:
    """Return the error of a scope without a known resource."""
    return EntraError(
        70011,
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        f"'scope' is not valid. The scope {scope} is not valid.",
        error="invalid_scope",
    )


def unknown_account(name: str) -> EntraError:
    """Return the error of an unknown account."""
    return EntraError(
        50034,
        f"The user account {name} does not exist in the directory. To sign into this application, the account must be "
        "added to the directory.",
        error="login_required",
    )


def not_in_tenant(name: str, home: str, tenant: str, client: str) -> EntraError:
    """Return the error of an account that is neither a member nor a guest of the tenant."""
    return EntraError(
        50020,
        f"User account '{name}' from identity provider '{home}' does not exist in tenant '{tenant}' and cannot access "
        f"the application {client} in that tenant. The account needs to be added as an external user in the tenant "
        "first. Sign out and sign in again with a different Azure Active Directory user account.",
        error="interaction_required",
    )


def invalid_grant(parameter: str) -> EntraError:
    """Return the error of a code or refresh token that was not issued, or to another client.

    Args:
        parameter: The name of the form's field.
    """
    return EntraError(70000, f"The provided value for the '{parameter}' parameter is not valid.", error="invalid_grant")


def redirect_mismatch(redirect_uri: str) -> EntraError:
    """Return the error of a code that was requested with another redirect URI."""
    return EntraError(
        500112,
        f"The reply address '{redirect_uri}' does not match the reply address provided when requesting Authorization "
        "code.",
        error="invalid_grant",
    )


def expired_code() -> EntraError:
    """Return the error of an expired authorization code."""
    return EntraError(
        70008,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive "
        "authorization request for this user and resource.",
        error="invalid_grant",
    )


def expired_refresh_token(issued_on: int, lifetime: timedelta) -> EntraError:
    """Return the error of a refresh token that was not used for its lifetime.

    Args:
        issued_on: When it was issued, in seconds since the epoch.
        lifetime: How long an unused refresh token is valid.
    """
    return EntraError(
        700082,
        f"The refresh token has expired due to inactivity. The token was issued on {_ticks(issued_on)} and was "
        f"inactive for {lifetime.days}.{timedelta(seconds=lifetime.seconds)!s:0>8}.",
        error="invalid_grant",
        suberror="bad_token",
    )


def revoked_refresh_token(issued_on: int, revoked_on: int) -> EntraError:
    """Return the error of a refresh token that was issued before the user's sessions were revoked.

    Args:
        issued_on: When it was issued, in seconds since the epoch.
        revoked_on: When the sessions were revoked, in seconds since the epoch.
    """
    return EntraError(
        50173,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        f"changed or reset their password. The grant was issued on '{_ticks(issued_on)}' and the TokensValidFrom date "
        f"(before which tokens are not valid) for this user is '{_ticks(revoked_on)}'.",
        error="invalid_grant",
        suberror="bad_token",
    )


def redeemed_code() -> EntraError:
    """Return the error of an authorization code that was redeemed before."""
    return EntraError(
        54005,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh "
        "token.",
        error="invalid_grant",
    )


def wrong_verifier() -> EntraError:
    """Return the error of a code verifier that does not match the code challenge (RFC 7636)."""
    return EntraError(
        501481,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        error="invalid_grant",
    )


def pending_device_code(error: str) -> EntraError:
    """Return the error of a pending device code.

    Args:
        error: `authorization_pending`, or `slow_down` for a client that polls too often.
    """
    return EntraError(
        70016,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        error=error,
    )


def declined_device_code() -> EntraError:
    """Return the error of a device code that the user declined."""
    return EntraError(65004, "User declined to consent to access the app.", error="authorization_declined")


def expired_device_code() -> EntraError:
    """Return the error of an expired device code."""
    return EntraError(
        70020,
        "The provided value for the input parameter 'device_code' is not valid. The device code has expired.",
        error="expired_token",
    )


def invalid_assertion(problem: str) -> EntraError:
    """Return the error of a client assertion that is malformed, or whose signature is invalid."""
    return _client_error(50027, f"JWT token is invalid or malformed. {problem}")


def assertion_of_another_client() -> EntraError:
    """Return the error of an assertion whose issuer or subject is not the client of the request."""
    return _client_error(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")


def assertion_for_another_audience() -> EntraError:
    """Return the error of an assertion for another token endpoint."""
    return _client_error(700023, "Client assertion audience claim does not match Realm issuer.")


def assertion_outside_validity_period(now: datetime, not_before: datetime, expires: datetime) -> EntraError:
    """Return the error of an assertion that has expired or is not valid yet."""
    return _client_error(
        700024,
        f"Client assertion is not within its valid time range. Current time: {now:%Y-%m-%dT%H:%M:%S}Z, assertion valid "
        f"from {not_before:%Y-%m-%dT%H:%M:%S}Z, expiry time of assertion {expires:%Y-%m-%dT%H:%M:%S}Z.",
    )


def unregistered_certificate(reason: str, thumbprint: str) -> EntraError:
    """Return the error of an assertion signed with a certificate that is not registered or does not match."""
    return _client_error(
        700027,
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        f"[Reason - {reason}, Thumbprint of key used by client: '{thumbprint}']",
    )


def no_matching_federation(claim: str, value: str) -> EntraError:
    """Return the error of an assertion that matches no federated credential of the application.

    Args:
        claim: The claim that does not match: `issuer`, `audience` or `subject`.
        value: The value of the claim.
    """
    number = {"issuer": 700211, "audience": 700212, "subject": 700213}[claim]
    return _client_error(
        number,
        f"No matching federated identity record found for presented assertion {claim} '{value}'. Check your federated "
        "identity credential Subject, Audience and Issuer against the presented assertion.",
    )


def _ticks(timestamp: int) -> str:
    """Return a time with seven fractional digits, as Entra ID's messages have it."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%dT%H:%M:%S}.0000000Z"


def _client_error(number: int, message: str) -> EntraError:
    return EntraError(number, message, error="invalid_client", status=401)
