"""The command that signs the same account in again, complete with the options that this run used. Pure."""

import base64
import shlex
from dataclasses import replace

from pallink.account import Account, home_name
from pallink.clouds import CLOUDS
from pallink.errors import MoreProofNeededError, NewSignIn, SignInError, WrongAccountError
from pallink.settings import Settings
from pallink.signin.entra_codes import UNKNOWN_TENANT_CODE
from pallink.signin.methods import CI_METHODS, METHODS, USERS_CLIENT_ID, SignIn, SignInMethod
from pallink.signin.stored import StoredSignIn
from pallink.signin.variables import CLIENT_ID, PIPELINES_CLIENT_ID

# Where an application's client ID comes from, but for --client-id.
_CLIENT_ID_SOURCES = {
    **{method: CLIENT_ID for method, info in METHODS.items() if info.required},
    SignInMethod.AZURE_PIPELINES: PIPELINES_CLIENT_ID,
    SignInMethod.MANAGED_IDENTITY: "--client-id",
}
_USERS_METHODS = frozenset({SignInMethod.BROWSER, SignInMethod.DEVICE_CODE, SignInMethod.SANDBOX_USER})


def with_sign_in_command(
    error: SignInError, settings: Settings, sign_in: SignIn | None, *, plain_text: bool = False
) -> SignInError:
    """Return the error with the command that signs in again, if that mends it and there is one.

    Args:
        error: What happened; one that has a command is returned as it is.
        settings: The options of this run.
        sign_in: How this run signed in; None if it did not come that far.
        plain_text: Whether this run may keep tokens in a file that is not encrypted.
    """
    error = with_tenants_command(error, settings, sign_in)
    if error.command is not None or not (error.new_sign_in or error.prompt_helps):
        return error
    command = sign_in_command(settings, sign_in, error, plain_text=plain_text)
    if command is None and isinstance(error, MoreProofNeededError):
        # An application signs in again for each command, with the same result.
        return error.replace(remedy="have the tenant's administrator exempt the application from the policy")
    return error.replace(command=command) if command else error


def with_tenants_command(error: SignInError, settings: Settings, sign_in: SignIn | None = None) -> SignInError:
    """Return the error about a tenant that does not exist with the command that lists those of the user, if it is one.

    Args:
        error: What happened.
        settings: The options of this run.
        sign_in: How this run signed in; None if it did not come that far.
    """
    method = settings.auth if sign_in is None else sign_in.method
    is_user = method is None or method in {*_USERS_METHODS, SignInMethod.AZURE_CLI}
    if (
        error.entra_code != UNKNOWN_TENANT_CODE
        or not is_user
        or settings.tenant is None
        or settings.client_id is not None
    ):
        return error
    return error.replace(
        remedy="check --tenant, and that --cloud is its cloud; this lists the tenants of the account",
        command=replace(settings, tenant=None).command("tenants"),
        prompt_helps=False,
    )


def sign_in_command(
    settings: Settings, sign_in: SignIn | None, error: SignInError | None = None, *, plain_text: bool = False
) -> str | None:
    """Return the command that signs in again; None for an application, which each command signs in by itself.

    Args:
        settings: The options of this run.
        sign_in: How this run signed in; None if it did not come that far.
        error: Says with which method, and which claims the new sign-in has to pass on; None: as before.
        plain_text: Whether this run may keep tokens in a file that is not encrypted.
    """
    challenge = error if isinstance(error, MoreProofNeededError) else None
    if sign_in is not None and sign_in.stored is None and sign_in.method not in _USERS_METHODS:
        return _az_login(settings, sign_in, challenge) if sign_in.method is SignInMethod.AZURE_CLI else None
    words = ["login", *(["--claims", challenge.encoded] if challenge else [])]
    if sign_in is not None and sign_in.stored is not None:
        settings = _completed(settings, sign_in.stored)
        plain_text = sign_in.stored.plain_text
    if "@" in (settings.account or "") and settings.auth not in _USERS_METHODS:
        # The method signs in an application: not the user that is required.
        settings = replace(settings, auth=None)
    words += ["--allow-plain-text-cache"] if plain_text else []
    if error is not None and error.new_sign_in is NewSignIn.BROWSER:
        # No browser reaches an emulator, whose users sign in by name.
        settings = replace(settings, auth=SignInMethod.BROWSER.value if settings.emulator is None else None)
    if settings.emulator is not None and settings.auth is None and error is not None and _needs_person(error, sign_in):
        settings = replace(settings, auth=SignInMethod.DEVICE_CODE.value)
    return settings.command(*words)


def explain_wrong_account(
    error: WrongAccountError, account: Account, sign_in: SignIn, settings: Settings
) -> WrongAccountError:
    """Return the error with what to do about another account than the required one, by how it signed in.

    Args:
        error: What is wrong with the account, or its tenant.
        account: The account that signed in.
        sign_in: How it signed in.
        settings: The options of this run.
    """
    if sign_in.stored is not None:
        return error
    if sign_in.method is SignInMethod.BROWSER:
        # It is signed in as another account, and went on as that.
        return error.replace(remedy=f"sign in as {settings.account} in a private window of the browser")
    required = settings.account
    if sign_in.method not in _CLIENT_ID_SOURCES or required is None or account.matches_identifier(required):
        return error
    # Signing in again is the same application again.
    source = "--client-id" if settings.client_id else _CLIENT_ID_SOURCES[sign_in.method]
    if "@" not in required:
        remedy = f"correct {source}, or --account"
    elif settings.auth in CI_METHODS:
        remedy = f"correct --account, as --auth {settings.auth} signs in an application"
    elif settings.auth is not None:
        remedy = f"leave out --auth {settings.auth}, which signs in an application"
    else:
        remedy = f"unset {source}, which signs in an application, or correct --account"
    return error.replace(remedy=remedy, new_sign_in=None)


def _needs_person(error: SignInError, sign_in: SignIn | None) -> bool:
    """Return whether the emulator requires a sign-in in person: one by name would end as this one did."""
    is_by_name = sign_in is not None and sign_in.method is SignInMethod.SANDBOX_USER and sign_in.stored is None
    is_challenged = error.prompt_helps or isinstance(error, MoreProofNeededError)
    return error.new_sign_in is NewSignIn.SAME and (is_by_name or is_challenged)


def _completed(settings: Settings, stored: StoredSignIn) -> Settings:
    """Return the settings with what the stored sign-in adds to them: account, tenant, application and method."""
    return replace(
        settings,
        # A guest's #EXT# name is not one to sign in with.
        account=settings.account or (stored.username if home_name(stored.account) else stored.account),
        tenant=settings.tenant or stored.tenant_id,
        client_id=settings.client_id or (stored.client_id if stored.client_id != USERS_CLIENT_ID else None),
        auth=settings.auth or (stored.auth if stored.auth != SignInMethod.SANDBOX_USER else None),
    )


def _az_login(settings: Settings, sign_in: SignIn, challenge: MoreProofNeededError | None) -> str:
    """Return the command of the Azure CLI; `--claims-challenge` needs its version 2.76."""
    words = ["az", "login", *(["--tenant", sign_in.tenant] if sign_in.tenant else [])]
    if challenge is not None:
        words += ["--claims-challenge", base64.b64encode(challenge.claims.encode()).decode()]
        cloud = CLOUDS.get(settings.cloud)
        words += ["--scope", cloud.scope] if cloud else []
    return shlex.join(words)
