"""How an application proves who it is: by a secret, or by an assertion that its certificate or a third party signed."""

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
_THUMBPRINTS = frozenset({"x5t", "x5t#S256"})  # Fields of a header that name the certificate.
_CLOCK_SKEW = timedelta(minutes=5)  # Which Entra ID grants as well.


@dataclass(frozen=True, slots=True)
class _Assertion:
    """A signed token, taken apart but not yet believed."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: bytes

    @property
    def signed(self) -> bytes:
        return self.text.rpartition(".")[0].encode()


def check(call: Call, tenant: Tenant, application: Account, form: Mapping[str, str]) -> None:
    """Makes sure that whoever asks for a token is the application.

    Args:
        call: The request.
        tenant: Where the application signs in.
        application: Who it says that it is.
        form: With `client_secret`, or with `client_assertion` and its type (RFC 7523, 2.2).

    Raises:
        EntraError: There is no proof, or it does not hold.
    """
    if "client_assertion" in form:
        _check_assertion(call, tenant, application, form)
    elif "client_secret" not in form:
        raise entra_errors.missing_secret()
    elif not hmac.compare_digest(form["client_secret"].encode(), (application.client_secret or "").encode()):
        raise entra_errors.wrong_secret(application.name)


def _check_assertion(call: Call, tenant: Tenant, application: Account, form: Mapping[str, str]) -> None:
    if form.get("client_assertion_type") != _ASSERTION_TYPE:
        raise entra_errors.missing_parameter("client_assertion_type")
    assertion = _parse(form["client_assertion"])
    # What an application signs for itself says so; anything else comes from a third party.
    if str(assertion.claims.get("iss", "")).lower() == application.name or _THUMBPRINTS & assertion.header.keys():
        _check_certificate(call, tenant, application, assertion)
    else:
        _check_federation(call, application, assertion)
    _check_time(call, assertion)


def _check_certificate(call: Call, tenant: Tenant, application: Account, assertion: _Assertion) -> None:
    issuer, subject = (str(assertion.claims.get(name, "")).lower() for name in ("iss", "sub"))
    if not issuer == subject == application.name:
        raise entra_errors.foreign_assertion()
    named = {field: str(assertion.header[field]) for field in _THUMBPRINTS & assertion.header.keys()}
    if not named:
        raise entra_errors.invalid_assertion("The header names no certificate: it has neither x5t nor x5t#S256.")
    # A thumbprint is base64url with or without padding: msal pads it.
    wanted = {field: value.rstrip("=") for field, value in named.items()}
    shown = ", ".join(named.values())
    for der in call.state.certificates(application.name):
        if wanted.items() <= certificates.thumbprints(der).items():
            break
    else:
        raise entra_errors.unregistered_certificate("The key was not found.", shown)
    if call.now >= certificates.expires_on(der):
        raise entra_errors.unregistered_certificate("The key used is expired.", shown)
    algorithm = str(assertion.header.get("alg", ""))
    if not certificates.has_signed(der, assertion.signature, assertion.signed, algorithm):
        raise entra_errors.unregistered_certificate("The key was not used to sign the assertion.", shown)
    if not _audiences(assertion) & _own_audiences(call, tenant):
        raise entra_errors.assertion_for_another_audience()


def _own_audiences(call: Call, tenant: Tenant) -> set[str]:
    """Returns what an assertion may name as the token endpoint of a tenant."""
    endpoint = call.request.url.partition("?")[0]
    issuers = {f"{call.request.origin}/{name}/v2.0" for name in (tenant.id, *tenant.domains)}
    return {endpoint, f"{call.request.origin}/{tenant.id}/oauth2/v2.0/token", *issuers}


def _check_federation(call: Call, application: Account, assertion: _Assertion) -> None:
    """Compares issuer, audience and subject, in this order, with the application's federated credentials."""
    issuer, subject = (str(assertion.claims.get(name, "")) for name in ("iss", "sub"))
    trusted = [each for each in application.federated_credentials if each.issuer == issuer]
    if not trusted:
        raise entra_errors.unknown_federation("issuer", issuer)
    try:
        tokens.verify(assertion.text, federation.key_of(issuer, call.state.signing_key))
    except tokens.InvalidTokenError:
        raise entra_errors.invalid_assertion("The signature cannot be verified with the issuer's keys.") from None
    if federation.AUDIENCE not in _audiences(assertion):
        raise entra_errors.unknown_federation("audience", ", ".join(sorted(_audiences(assertion))))
    if subject not in {each.subject for each in trusted}:
        raise entra_errors.unknown_federation("subject", subject)


def _audiences(assertion: _Assertion) -> set[str]:
    audience = assertion.claims.get("aud", ())
    return {audience} if isinstance(audience, str) else {str(each) for each in audience}


def _check_time(call: Call, assertion: _Assertion) -> None:
    try:
        start = datetime.fromtimestamp(assertion.claims.get("nbf", 0), UTC)
        end = datetime.fromtimestamp(assertion.claims["exp"], UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise entra_errors.invalid_assertion("It does not say when it expires.") from None
    if not start - _CLOCK_SKEW <= call.now < end + _CLOCK_SKEW:
        raise entra_errors.untimely_assertion(call.now, start, end)


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
