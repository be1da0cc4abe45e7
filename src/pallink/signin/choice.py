"""The choice of a sign-in: deterministic, and with its reason. Pure.

In this order: what `--auth` names; a sign-in that the environment's variables describe completely; a stored sign-in;
on a terminal the browser, or a device code where no browser can be opened. Otherwise an error. An incomplete
environment is an error too: falling through to another sign-in would link the wrong account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pallink.account import login_hint
from pallink.errors import SignInError
from pallink.settings import Settings
from pallink.signin import from_variables, variables
from pallink.signin.foreign_variables import check_authority_host
from pallink.signin.from_variables import and_list
from pallink.signin.methods import METHODS, PROMPTED_METHODS, SignIn, SignInMethod, parse_method
from pallink.signin.stored import StoredSignIn, filter_stored, for_other_tenants


@dataclass(frozen=True, slots=True)
class Environment:
    """What the choice depends on besides the settings.

    Attributes:
        environ: The environment's variables.
        stored: The stored sign-ins.
        tenant_id: The ID of the tenant that the settings name, as far as it is known.
        can_prompt: Whether pallink may prompt on the terminal.
        has_browser: Whether a browser can be opened.
        no_input: Whether `--no-input` is set: then not even a method that is named may prompt.
        is_signed_out: Whether the sandbox was signed out of. Its users then no longer sign in by themselves.
        login_words: `login` with the options of its own that this run used, for the commands that errors show.
    """

    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    stored: tuple[StoredSignIn, ...] = ()
    tenant_id: str | None = None
    can_prompt: bool = False
    has_browser: bool = False
    no_input: bool = False
    is_signed_out: bool = False
    login_words: tuple[str, ...] = ("login",)


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several stored sign-ins that match. A prompt can decide.

    Attributes:
        candidates: The stored sign-ins that match.
    """

    candidates: tuple[StoredSignIn, ...]


def resolve_sign_in(settings: Settings, environment: Environment, *, ignore_stored: bool = False) -> SignIn | Ambiguous:
    """Choose the sign-in for these settings in this environment.

    Args:
        settings: The cloud, the account, the tenant, the application and the method that were requested.
        environment: What the choice depends on besides the settings.
        ignore_stored: Whether to make a new sign-in even where a stored one matches.

    Raises:
        UsageError: `--auth` names an unknown method, a tenant or client ID is invalid, or the environment names
            another cloud's login host.
        SignInError: There is no way to sign in, or a required variable is missing.
    """
    check_authority_host(environment.environ, settings.cloud)
    if settings.auth is not None:
        method = parse_method(settings.auth)
        return _named(method, settings, environment, ignore_stored=ignore_stored)
    if settings.emulator is None:
        # With an emulator the variables of a real account count only with --auth.
        sign_in = from_variables.find(settings, environment.environ)
        if sign_in is not None:
            return sign_in
    if not ignore_stored and (chosen := _stored(settings, environment, "it is stored")):
        return chosen
    if settings.emulator is not None and (ignore_stored or not environment.is_signed_out):
        return SignIn(
            SignInMethod.SANDBOX_USER,
            "the sandbox's users need no password",
            tenant=settings.tenant,
            login_hint=settings.account,
        )
    if environment.can_prompt and settings.emulator is None:
        method = SignInMethod.BROWSER if environment.has_browser else SignInMethod.DEVICE_CODE
        reason = (
            "there is a terminal" if environment.has_browser else "there is a terminal, but no browser can be opened"
        )
        return _interactive(method, settings, environment, f"no other method applies, and {reason}")
    raise _not_signed_in(settings, environment)


def sign_in_from_stored(stored: StoredSignIn, reason: str, tenant_id: str | None = None) -> SignIn:
    """Return the sign-in that uses a stored one.

    Args:
        stored: The stored sign-in.
        reason: Why it is used.
        tenant_id: The ID of the tenant to sign in to; None means that of the stored sign-in.
    """
    is_other = tenant_id is not None and tenant_id.casefold() != stored.tenant_id.casefold()
    return SignIn(
        SignInMethod(stored.auth),
        reason,
        # In the spelling of the tokens: upper case would make another tenant of it.
        tenant=tenant_id if is_other else stored.tenant_id,
        client_id=stored.client_id,
        login_hint=stored.account,
        stored=stored,
    )


def has_browser(environ: Mapping[str, str], platform: str, release: str = "") -> bool:
    """Return whether a browser can be opened on the user's screen.

    Args:
        environ: The environment's variables.
        platform: The value of `sys.platform`.
        release: The operating system's release, which identifies WSL.
    """
    if environ.get("BROWSER"):
        return True
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return False
    if platform in ("win32", "darwin") or "microsoft" in release.lower():
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _named(
    method: SignInMethod, settings: Settings, environment: Environment, *, ignore_stored: bool
) -> SignIn | Ambiguous:
    """Return the sign-in with the method that `--auth` names."""
    reason = "--auth names it"
    if method in PROMPTED_METHODS:
        # PALLINK_AUTH is set for many commands: it means the sign-in that `login` stored, not a new one for each.
        same_method = replace(
            environment, stored=tuple(stored for stored in environment.stored if stored.auth == method)
        )
        chosen = None if ignore_stored else _stored(settings, same_method, f"{reason}, and such a sign-in is stored")
        if chosen is not None:
            return chosen
        return _interactive(method, settings, environment, reason)
    if method is SignInMethod.AZURE_CLI:
        return SignIn(method, reason, tenant=settings.tenant)
    return from_variables.complete(method, settings, environment.environ, reason)


def _stored(settings: Settings, environment: Environment, reason: str) -> SignIn | Ambiguous | None:
    """Return the stored sign-in to use; None if none matches.

    A user who is stored for another tenant only matches too: the refresh token may get a token for this one.
    """
    tenant_id = environment.tenant_id or settings.tenant

    def matching(tenant_id: str | None) -> tuple[StoredSignIn, ...]:
        return filter_stored(
            environment.stored,
            cloud=settings.cloud,
            account=settings.account,
            tenant_id=tenant_id,
            client_id=settings.client_id,
        )

    candidates = matching(tenant_id)
    if not candidates and tenant_id is not None:
        candidates = for_other_tenants(matching(None))
        reason = f"{reason} for another tenant"
    if not candidates:
        return None
    if candidates[0].is_in_memory:
        reason = "it was made in this run"
    if len(candidates) == 1:
        return sign_in_from_stored(candidates[0], f"{reason}: {candidates[0]}", tenant_id)
    if environment.can_prompt:
        return Ambiguous(candidates)
    raise ambiguous_sign_in(candidates, settings)


def ambiguous_sign_in(candidates: Sequence[StoredSignIn], settings: Settings, command: str = "whoami") -> SignInError:
    """Return the error for several stored sign-ins that match. `command` is the subcommand of its example."""
    accounts = {candidate.account.casefold() for candidate in candidates}
    first = candidates[0]
    selecting = {}
    if settings.account is None or len(accounts) > 1:
        selecting["--account"] = first.account
    if len(accounts) < len(candidates):
        selecting["--tenant"] = first.tenant or first.tenant_id
    words = tuple(word for option in selecting.items() for word in option)
    error = SignInError(
        f"could not choose among {len(candidates)} stored sign-ins",
        cause=f"these match: {and_list([str(candidate) for candidate in candidates])}",
        remedy=f"choose one with {and_list(list(selecting))}",
        command=settings.command(command, *words),
    )
    return error.replace(selecting_options=words)


def _interactive(method: SignInMethod, settings: Settings, environment: Environment, reason: str) -> SignIn:
    """Return the sign-in with a method that prompts.

    Raises:
        SignInError: It may not prompt, or no browser can be opened.
    """
    if environment.no_input:
        error = SignInError(
            f"cannot sign in with {METHODS[method].label}: this sign-in method needs a prompt, and --no-input is set",
            remedy="leave out --no-input, or sign in beforehand",
            command=settings.command(*environment.login_words),
        )
        raise error.replace(needs_login=True)
    if method is SignInMethod.BROWSER and settings.emulator is not None:
        raise SignInError(
            "cannot sign in to the embedded sandbox with a browser",
            cause="it runs inside this process, where no browser can reach it",
            remedy="use a device code, or serve the sandbox on this machine: pallink sandbox serve",
            command=replace(settings, auth=SignInMethod.DEVICE_CODE.value).command(*environment.login_words),
        )
    if method is SignInMethod.BROWSER and not environment.has_browser:
        raise SignInError(
            "cannot sign in with the browser: no browser can be opened here",
            cause="there is no display, or this is a remote session, and BROWSER is not set",
            remedy="use a device code",
            command=replace(settings, auth=SignInMethod.DEVICE_CODE.value).command(*environment.login_words),
        )
    tenant = Settings(tenant=settings.tenant or environment.environ.get(variables.TENANT_ID) or None).tenant
    return SignIn(method, reason, tenant=tenant, client_id=settings.client_id, login_hint=login_hint(settings.account))


def _not_signed_in(settings: Settings, environment: Environment) -> SignInError:
    if settings.emulator is not None:
        error = SignInError(
            "not signed in",
            cause=f"the {settings.emulator.name} was signed out of with pallink logout",
            remedy="sign in",
            command=settings.command(*environment.login_words),
        )
        return error.replace(needs_login=True)
    others = [str(stored) for stored in environment.stored if stored.cloud == settings.cloud]
    cause = "no credential is set in the environment, and no sign-in is stored"
    if others:
        cause = f"no credential is set in the environment, and no stored sign-in matches; stored: {and_list(others)}"
    if environment.environ.get(variables.GITHUB_REQUEST_URL):
        cause += "; for GitHub's OIDC token AZURE_TENANT_ID and AZURE_CLIENT_ID are missing"
    error = SignInError(
        "not signed in",
        cause=cause,
        remedy=f"sign in once, or for an application set {and_list(METHODS[SignInMethod.CLIENT_SECRET].required)}",
        command=settings.command(*environment.login_words),
    )
    return from_variables.with_foreign_variables(error.replace(needs_login=True), environment.environ)
