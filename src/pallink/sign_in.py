"""How to sign in: the choice, made from what was asked for and what the environment states. Pure.

The variables are those that azure-identity and the CI systems already use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pallink.errors import SignInError, UsageError
from pallink.settings import Settings


class SignInMethod(StrEnum):
    """A way to sign in; its text is what `--auth` takes."""

    CLIENT_SECRET = "client-secret"  # noqa: S105 - the name of a method
    SANDBOX_USER = "sandbox-user"


OFFERED_METHODS = (SignInMethod.CLIENT_SECRET,)
"""What `--auth` takes. A user of the sandbox needs none: there is nothing to prove."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that has all that it needs.

    Attributes:
        method: how.
        because: why this method was chosen, in words.
        tenant: GUID or domain to sign in to; None leaves it to the account.
        client_id: the application's client ID.
        login_hint: which user.
        secret: never shown.
    """

    method: SignInMethod
    because: str
    tenant: str | None = None
    client_id: str | None = None
    login_hint: str | None = None
    secret: str | None = field(default=None, repr=False)


def choose(settings: Settings, environ: Mapping[str, str]) -> SignIn:
    """The sign-in for these settings and this environment.

    Raises:
        UsageError: `--auth` names no method.
        SignInError: nothing to sign in with, or a half-stated environment; the message names what is missing.
    """
    if settings.auth is not None and settings.auth not in OFFERED_METHODS:
        raise UsageError(
            f"unknown sign-in method {settings.auth!r}", remedy=f"use --auth with one of {', '.join(OFFERED_METHODS)}"
        )
    if settings.auth is None and settings.cloud == "sandbox":
        return SignIn(
            SignInMethod.SANDBOX_USER,
            "the sandbox's users need no password",
            tenant=settings.tenant,
            login_hint=settings.account,
        )
    return _client_secret(settings, environ)


def _client_secret(settings: Settings, environ: Mapping[str, str]) -> SignIn:
    found = {
        "AZURE_TENANT_ID": settings.tenant or environ.get("AZURE_TENANT_ID"),
        "AZURE_CLIENT_ID": settings.client_id or environ.get("AZURE_CLIENT_ID"),
        "AZURE_CLIENT_SECRET": environ.get("AZURE_CLIENT_SECRET"),
    }
    missing = [name for name, value in found.items() if not value]
    if not missing:
        # Through Settings, so that a malformed variable is refused in the same words as a malformed option.
        checked = Settings(tenant=found["AZURE_TENANT_ID"], client_id=found["AZURE_CLIENT_ID"])
        because = "--auth names it" if settings.auth else f"{', '.join(found)} are set"
        return SignIn(
            SignInMethod.CLIENT_SECRET,
            because,
            tenant=checked.tenant,
            client_id=checked.client_id,
            secret=found["AZURE_CLIENT_SECRET"],
        )
    # A tenant or a client ID alone is a hint for some other sign-in, not half of this one.
    half_set = found["AZURE_CLIENT_SECRET"] or (found["AZURE_TENANT_ID"] and found["AZURE_CLIENT_ID"])
    if settings.auth or half_set:
        raise SignInError(
            f"cannot sign in with a client secret, for want of {' and '.join(missing)}",
            cause="a client secret needs AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, all three",
            remedy=f"set {' and '.join(missing)} in the environment",
        )
    raise SignInError(
        "not signed in",
        cause="nothing in the environment says how to sign in",
        remedy="set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; or try pallink without any account first",
        command="pallink check --cloud sandbox",
    )
