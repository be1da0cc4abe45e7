"""The errors of Entra ID: an OAuth error, and the AADSTS number that people search for."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from pallink.sandbox.call import Call
from pallink.sandbox.http.messages import Response, json_response


class EntraError(Exception):
    """A refusal.

    Attributes:
        status: The HTTP status, where it is not told by a redirect.
        error: OAuth's word for it, such as `invalid_client`.
        number: The digits behind AADSTS.
        suberror: What it adds for programs, such as `basic_action`.
        claims: What a program has to ask for to get further.
    """

    def __init__(
        self,
        number: int,
        explanation: str,
        *,
        error: str,
        status: int = 400,
        suberror: str | None = None,
        claims: str | None = None,
    ) -> None:
        super().__init__(f"AADSTS{number}: {explanation}")
        self.status = status
        self.error = error
        self.number = number
        self.suberror = suberror
        self.claims = claims

    def document(self, call: Call) -> dict[str, Any]:
        """Returns the error as Entra ID words it."""
        trace_id = str(uuid4())
        correlation_id = call.request.header("client-request-id") or str(uuid4())
        timestamp = f"{call.now:%Y-%m-%d %H:%M:%SZ}"
        more = {"suberror": self.suberror, "claims": self.claims}
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
            **{name: value for name, value in more.items() if value},
        }

    def response(self, call: Call) -> Response:
        """Returns the error as a response of its own."""
        return json_response(self.status, self.document(call))


def missing_parameter(name: str) -> EntraError:
    """A field that the request cannot do without is not there."""
    return EntraError(
        900144, f"The request body must contain the following parameter: '{name}'.", error="invalid_request"
    )


def tenant_not_found(name: str) -> EntraError:
    """No tenant has this ID or domain."""
    return EntraError(
        90002,
        f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
        error="invalid_tenant",
    )


def malformed_tenant(name: str) -> EntraError:
    """What stands for the tenant is neither a GUID nor a domain."""
    return EntraError(
        900023,
        f"Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid external domain.",
        error="invalid_request",
    )


def tenant_not_told() -> EntraError:
    """An application signs in without saying where."""
    return EntraError(
        50059,
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
        error="invalid_request",
    )


def application_not_found(client_id: str, directory: str) -> EntraError:
    """The tenant has no such application."""
    return EntraError(
        700016,
        f"Application with identifier '{client_id}' was not found in the directory '{directory}'. This can happen if "
        "the application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant.",
        error="unauthorized_client",
    )


def wrong_secret(client_id: str) -> EntraError:
    """The client secret is another one."""
    return EntraError(
        7000215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        f"the client secret ID, for a secret added to app '{client_id}'.",
        error="invalid_client",
        status=401,
    )


def missing_secret() -> EntraError:
    """An application that has a secret does not show it."""
    return EntraError(
        7000218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        error="invalid_client",
        status=401,
    )


def invalid_redirect(redirect_uri: str) -> EntraError:
    """There is nowhere to send a browser to."""
    return EntraError(
        50011, f"The redirect URI '{redirect_uri}' specified in the request is not valid.", error="invalid_request"
    )


def unsupported_response_mode(mode: str) -> EntraError:
    """An answer cannot be brought like that."""
    return EntraError(
        70007,
        f"'{mode}' is not a supported value of 'response_mode' when requesting a token.",
        error="unsupported_response_mode",
    )


def cancelled() -> EntraError:
    """The person left the page."""
    return EntraError(65004, "User declined to consent to access the app.", error="access_denied")


def unsupported_grant(grant_type: str) -> EntraError:
    """The token endpoint does not know this grant."""
    return EntraError(
        70003, f"The app requested an unsupported grant type '{grant_type}'.", error="unsupported_grant_type"
    )


def unsupported_response_type(response_type: str) -> EntraError:
    """Only codes are given out."""
    return EntraError(
        700051, f"The response type '{response_type}' is not supported.", error="unsupported_response_type"
    )


def invalid_scope(scope: str) -> EntraError:
    """The scope names no resource that there is."""
    return EntraError(
        70011,
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        f"'scope' is not valid. The scope {scope} is not valid.",
        error="invalid_scope",
    )


def unknown_account(name: str) -> EntraError:
    """Nobody has this name."""
    return EntraError(
        50034,
        f"The user account {name} does not exist in the directory. To sign into this application, the account must be "
        "added to the directory.",
        error="login_required",
    )


def not_in_tenant(name: str, home: str, tenant: str, client: str) -> EntraError:
    """The account is neither a member nor a guest of the tenant."""
    return EntraError(
        50020,
        f"User account '{name}' from identity provider '{home}' does not exist in tenant '{tenant}' and cannot access "
        f"the application {client} in that tenant. The account needs to be added as an external user in the tenant "
        "first. Sign out and sign in again with a different Azure Active Directory user account.",
        error="interaction_required",
    )


def invalid_code(what: str) -> EntraError:
    """A code or refresh token that was never given out, or not to this client; `what` is the field's name."""
    return EntraError(70000, f"The provided value for the '{what}' parameter is not valid.", error="invalid_grant")


def redirect_mismatch(redirect_uri: str) -> EntraError:
    """The code was asked for with another redirect URI."""
    return EntraError(
        500112,
        f"The reply address '{redirect_uri}' does not match the reply address provided when requesting Authorization "
        "code.",
        error="invalid_grant",
    )


def expired_code() -> EntraError:
    """The code is too old."""
    return EntraError(
        70008,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive "
        "authorization request for this user and resource.",
        error="invalid_grant",
    )


def expired_refresh_token() -> EntraError:
    """The refresh token is too old."""
    return EntraError(
        700082,
        "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.",
        error="invalid_grant",
    )


def redeemed_code() -> EntraError:
    """The code was used before."""
    return EntraError(
        54005,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh "
        "token.",
        error="invalid_grant",
    )


def wrong_verifier() -> EntraError:
    """The code verifier does not fit the code challenge (RFC 7636)."""
    return EntraError(
        501481,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        error="invalid_grant",
    )


def pending_device_code(error: str) -> EntraError:
    """Nobody has answered yet: `authorization_pending`, or `slow_down` to a program that asks too often."""
    return EntraError(
        70016,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        error=error,
    )


def declined_device_code() -> EntraError:
    """The person said no."""
    return EntraError(65004, "User declined to consent to access the app.", error="authorization_declined")


def expired_device_code() -> EntraError:
    """Nobody answered in time."""
    return EntraError(
        70020,
        "The provided value for the input parameter 'device_code' is not valid. The device code has expired.",
        error="expired_token",
    )


def invalid_assertion(problem: str) -> EntraError:
    """What stands for a client assertion is no signed token, or its signature does not hold."""
    return _client_error(50027, f"JWT token is invalid or malformed. {problem}")


def foreign_assertion() -> EntraError:
    """The assertion speaks for another application than the request."""
    return _client_error(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")


def assertion_for_another_audience() -> EntraError:
    """The assertion was made for another token endpoint."""
    return _client_error(700023, "Client assertion audience claim does not match Realm issuer.")


def untimely_assertion(now: datetime, not_before: datetime, expires: datetime) -> EntraError:
    """The assertion has expired, or its time has not come."""
    return _client_error(
        700024,
        f"Client assertion is not within its valid time range. Current time: {now:%Y-%m-%dT%H:%M:%S}Z, assertion valid "
        f"from {not_before:%Y-%m-%dT%H:%M:%S}Z, expiry time of assertion {expires:%Y-%m-%dT%H:%M:%S}Z.",
    )


def unregistered_certificate(reason: str, thumbprint: str) -> EntraError:
    """The assertion is signed with a certificate that the application does not have."""
    return _client_error(
        700027,
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        f"[Reason - {reason}, Thumbprint of key used by client: '{thumbprint}']",
    )


def unknown_federation(claim: str, value: str) -> EntraError:
    """No federated credential of the application has the issuer, audience or subject of the assertion."""
    number = {"issuer": 700211, "audience": 700212, "subject": 700213}[claim]
    return _client_error(
        number,
        f"No matching federated identity record found for presented assertion {claim} '{value}'. Check your federated "
        "identity credential Subject, Audience and Issuer against the presented assertion.",
    )


def _client_error(number: int, explanation: str) -> EntraError:
    return EntraError(number, explanation, error="invalid_client", status=401)
