"""Whether one sign-in gets tokens for all tenants of its account. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from pallink.errors import SignInError, UsageError
from pallink.settings import Settings
from pallink.signin.methods import PROMPTED_METHODS, SignIn, SignInMethod

_DISABLE_MULTITENANT = "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH"


def check_covers_tenants(sign_in: SignIn, settings: Settings, environ: Mapping[str, str]) -> None:
    """Refuse a sign-in that gets tokens for one tenant only.

    Args:
        sign_in: How the account signed in.
        settings: The options of this run.
        environ: The environment's variables.

    Raises:
        UsageError: A variable keeps azure-identity from other tenants.
        SignInError: The sign-in is for one tenant.
    """
    if environ.get(_DISABLE_MULTITENANT):
        raise UsageError(
            f"{_DISABLE_MULTITENANT} keeps the sign-in in one tenant",
            cause="azure-identity then ignores the tenant that a token is requested for",
            remedy=f"unset {_DISABLE_MULTITENANT}",
        )
    if sign_in.method in (*PROMPTED_METHODS, SignInMethod.AZURE_CLI, SignInMethod.SANDBOX_USER):
        return
    raise SignInError(
        f"a sign-in with {sign_in.label} is for one tenant",
        cause=_ONE_TENANT.get(sign_in.method, "an application signs in to each tenant with a credential of its own"),
        remedy="sign in as a user; for applications in many tenants write a fleet file",
        command=replace(settings, account=None, client_id=None, auth=None).command("login"),
    )


_ONE_TENANT = {
    SignInMethod.MANAGED_IDENTITY: "a managed identity, and Azure Cloud Shell, get tokens for one tenant only",
}
