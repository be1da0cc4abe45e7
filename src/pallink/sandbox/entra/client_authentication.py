"""Client authentication by a secret, or by an assertion from a certificate or an external issuer (RFC 7523)."""

import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pallink.sandbox import certificates
from pallink.sandbox.call import Call
from pallink.sandbox.entra import errors as entra_errors, federation, tokens
from pallink.sandbox.state.world import Account, Tenant

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_THUMBPRINTS = frozenset({"x5t", "x5t#S256"})  # Header parameters that identify the certificate.
_CLOCK_SKEW = timedelta(minutes=5)  # As Entra ID allows.


@dataclass(frozen=True, slots=True)
class _Assertion:
    """A signed token that is parsed but not yet verified."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: bytes

    @property
    def signing_input(self) -> bytes:
        return self.text.rpartition(".")[0].encode()


def authenticate(call: Call, tenant: Tenant, application: Account, form: Mapping[str, str]) -> None:
    """Authenticate an application that requests a token.

    Args:
        call: The request.
        tenant: The tenant that the application signs in to.
        application: The application that the request names.
        form: The form, with `client_secret`, or with `client_assertion` and its type (RFC 7523, 2.2).

    Raises:
        EntraError: The credential is missing or invalid.
    """
    if "client_assertion" in form:
        _verify_assertion(call, tenant, application, form)
    elif "client_secret" not in form:
        raise entra_errors.missing_secret()
    elif not hmac.compare_digest(form["client_secret"].encode(), (application.client_secret or "").encode()):
        raise entra_errors.wrong_secret(application.name)


def _verify_assertion(call: Call, tenant: Tenant, application: Account, form: Mapping[str, str]) -> None:
    if form.get("client_assertion_type") != _ASSERTION_TYPE:
        raise entra_errors.missing_parameter("client_assertion_type")
    assertion = _parse(form["client_assertion"])
    # An application that signs for itself is the issuer or names its certificate; any other issuer is external.
    if str(assertion.claims.get("iss", "")).lower() == application.name or _THUMBPRINTS & assertion.header.keys():
        _verify_by_certificate(call, tenant, application, assertion)
    else:
        _verify_by_federation(call, application, assertion)
    _check_validity_period(call, assertion)


def _verify_by_certificate(call: Call, tenant: Tenant, application: Account, assertion: _Assertion) -> None:
    issuer, subject = (str(assertion.claims.get(name, "")).lower() for name in ("iss", "sub"))
    if not issuer == subject == application.name:
        raise entra_errors.assertion_of_another_client()
    thumbprints = {name: str(assertion.header[name]) for name in _THUMBPRINTS & assertion.header.keys()}
    if not thumbprints:
        raise entra_errors.invalid_assertion("The header names no certificate: it has neither x5t nor x5t#S256.")
    # Thumbprints are base64url with or without padding: msal pads them.
    unpadded = {name: value.rstrip("=") for name, value in thumbprints.items()}
    sent = ", ".join(thumbprints.values())
    for der in call.state.certificates(application.name):
        if unpadded.items() <= certificates.thumbprints(der).items():
            break
    else:
        raise entra_errors.unregistered_certificate("The key was not found.", sent)
    if call.now >= certificates.expires_on(der):
        raise entra_errors.unregistered_certificate("The key used is expired.", sent)
    algorithm = str(assertion.header.get("alg", ""))
    if not certificates.is_valid_signature(der, assertion.signature, assertion.signing_input, algorithm):
        raise entra_errors.unregistered_certificate("The key was not used to sign the assertion.", sent)
    if not _audiences(assertion) & _allowed_audiences(call, tenant):
        raise entra_errors.assertion_for_another_audience()


def _allowed_audiences(call: Call, tenant: Tenant) -> set[str]:
    """Return the audiences that stand for the token endpoint of a tenant."""
    endpoint = call.request.url.partition("?")[0]
    issuers = {f"{call.request.origin}/{name}/v2.0" for name in (tenant.id, *tenant.domains)}
    return {endpoint, f"{call.request.origin}/{tenant.id}/oauth2/v2.0/token", *issuers}


def _verify_by_federation(call: Call, application: Account, assertion: _Assertion) -> None:
    """Verify issuer, signature, audience and subject, in this order, by the application's federated credentials."""
    issuer, subject = (str(assertion.claims.get(name, "")) for name in ("iss", "sub"))
    trusted = [credential for credential in application.federated_credentials if credential.issuer == issuer]
    if not trusted:
        raise entra_errors.no_matching_federation("issuer", issuer)
    try:
        tokens.verify(assertion.text, federation.signing_key_of(issuer, call.state.signing_key))
    except tokens.InvalidTokenError:
        raise entra_errors.invalid_assertion("The signature cannot be verified with the issuer's keys.") from None
    if federation.AUDIENCE not in _audiences(assertion):
        raise entra_errors.no_matching_federation("audience", ", ".join(sorted(_audiences(assertion))))
    if subject not in {credential.subject for credential in trusted}:
        raise entra_errors.no_matching_federation("subject", subject)


def _audiences(assertion: _Assertion) -> set[str]:
    audience = assertion.claims.get("aud", ())
    return {audience} if isinstance(audience, str) else {str(value) for value in audience}


def _check_validity_period(call: Call, assertion: _Assertion) -> None:
    try:
        start = datetime.fromtimestamp(assertion.claims.get("nbf", 0), UTC)
        end = datetime.fromtimestamp(assertion.claims["exp"], UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise entra_errors.invalid_assertion("It does not say when it expires.") from None
    if not start - _CLOCK_SKEW <= call.now < end + _CLOCK_SKEW:
        raise entra_errors.assertion_outside_validity_period(call.now, start, end)


def _parse(text: str) -> _Assertion:
    try:
        header, claims, signature = text.split(".")
        assertion = _Assertion(text, json.loads(_decode(header)), json.loads(_decode(claims)), _decode(signature))
    except ValueError:
        raise entra_errors.invalid_assertion("It is no JSON Web Token.") from None
    if not isinstance(assertion.header, dict) or not isinstance(assertion.claims, dict):
        raise entra_errors.invalid_assertion("It is no JSON Web Token.")
    return assertion


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
