"""The choice of a sign-in: deterministic, and with its reason. Pure.

In this order: what `--auth` names; what the environment states completely; a stored sign-in; on a terminal the browser,
or a device code where there is none; else an error with the ways to go on. An environment that states half of a sign-in
is an error: to fall through to whoever else might sign in is how the wrong account gets linked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pallink.clouds import SANDBOX
from pallink.errors import SignInError, UsageError
from pallink.settings import Settings
from pallink.signin import methods as names
from pallink.signin.methods import METHODS, OFFERED_METHODS, SignIn, SignInMethod
from pallink.signin.stored import StoredSignIn, matching

_PEOPLE = (SignInMethod.BROWSER, SignInMethod.DEVICE_CODE)

# Which option may stand in for a variable.
_BY_OPTION = {
    names.TENANT: "tenant",
    names.PIPELINES_TENANT: "tenant",
    names.CLIENT: "client_id",
    names.PIPELINES_CLIENT: "client_id",
}

# What a missing variable is for those who do not set it themselves.
_HINTS = {
    names.GITHUB_URL: "give the job the permission id-token: write",
    names.GITHUB_TOKEN: "give the job the permission id-token: write",
    names.PIPELINES_TOKEN: "map it in the step: env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
    names.PIPELINES_CONNECTION: "run pallink in an AzureCLI@2 step with azureSubscription, which sets it",
}


@dataclass(frozen=True, slots=True)
class Environment:
    """All that the choice depends on beside the settings.

    Attributes:
        environ: the environment's variables.
        stored: the sign-ins that `pallink login` kept.
        can_ask: whether somebody sits at a terminal and may be asked.
        has_browser: whether a browser can be opened.
        no_input: whether nobody may be asked, even by a method that is named.
        signed_out: whether somebody signed out of the sandbox, so that its users sign in by name again.
    """

    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    stored: tuple[StoredSignIn, ...] = ()
    can_ask: bool = False
    has_browser: bool = False
    no_input: bool = False
    signed_out: bool = False


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several stored sign-ins fit, and somebody can say which is meant."""

    candidates: tuple[StoredSignIn, ...]


def resolve_sign_in(settings: Settings, given: Environment, *, anew: bool = False) -> SignIn | Ambiguous:
    """The sign-in for these settings in these circumstances.

    Args:
        settings: what was asked for.
        given: what there is.
        anew: whether to sign in anew, whatever is stored.

    Raises:
        UsageError: `--auth` names no method.
        SignInError: nothing to sign in with, or a half-stated environment; the message names what is missing.
    """
    if settings.auth is not None:
        return _named(settings, given, anew=anew)
    if settings.cloud != SANDBOX:
        # In the sandbox the variables of a real account count only when they are meant: with --auth.
        stated = _stated(settings, given.environ)
        if stated is not None:
            return stated
    if not anew and (found := _stored(settings, given)) is not None:
        return found
    if settings.cloud == SANDBOX and (anew or not given.signed_out):
        return SignIn(
            SignInMethod.SANDBOX_USER,
            "the sandbox's users need no password",
            tenant=settings.tenant,
            login_hint=settings.account,
        )
    if given.can_ask and settings.cloud != SANDBOX:
        method = SignInMethod.BROWSER if given.has_browser else SignInMethod.DEVICE_CODE
        why = "there is a terminal" if given.has_browser else "there is a terminal, but no browser can be opened"
        return _person(method, settings, given, f"nothing else says how, and {why}")
    raise _not_signed_in(settings, given)


def sign_in_by(stored: StoredSignIn, because: str) -> SignIn:
    """The sign-in that uses a stored one."""
    return SignIn(
        SignInMethod(stored.auth),
        because,
        tenant=stored.tenant_id,
        client_id=stored.client_id,
        login_hint=stored.account,
        stored=stored,
    )


def has_browser(environ: Mapping[str, str], platform: str, release: str = "") -> bool:
    """Whether a browser can be opened that somebody sees.

    Args:
        environ: the environment's variables.
        platform: `sys.platform`.
        release: the operating system's release, which tells Linux under Windows.
    """
    if environ.get("BROWSER"):
        return True
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return False
    if platform in ("win32", "darwin") or "microsoft" in release.lower():
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _named(settings: Settings, given: Environment, *, anew: bool) -> SignIn | Ambiguous:
    if settings.auth not in OFFERED_METHODS:
        raise UsageError(
            f"unknown sign-in method {settings.auth!r}", remedy=f"use --auth with one of {', '.join(OFFERED_METHODS)}"
        )
    method = SignInMethod(settings.auth)
    because = "--auth names it"
    if method in _PEOPLE:
        # Whoever sets PALLINK_AUTH once and for all means the sign-in that `login` made, not a new one each time.
        kept = () if anew else tuple(each for each in _candidates(settings, given) if each.auth == method)
        if kept:
            return _one_of(kept, settings, given, f"{because}, and such a sign-in is stored")
        return _person(method, settings, given, because)
    if method is SignInMethod.AZURE_CLI:
        return SignIn(method, because, tenant=settings.tenant)
    if method is SignInMethod.MANAGED_IDENTITY:
        return _checked(method, because, {names.CLIENT: settings.client_id or given.environ.get(names.CLIENT, "")}, {})
    found = _values(method, settings, given.environ)
    missing = [name for name in METHODS[method].needs if not found.get(name)]
    if missing:
        raise _half_stated(method, missing)
    return _checked(method, because, found, given.environ)


def _stated(settings: Settings, environ: Mapping[str, str]) -> SignIn | None:
    """The first sign-in that the environment states completely; None where it states none.

    Raises:
        SignInError: it states half of one, and none completely.
    """
    half: SignInError | None = None
    for method, facts in METHODS.items():
        if not facts.needs:
            continue
        found = _values(method, settings, environ)
        missing = [name for name in facts.needs if not found.get(name)]
        if not missing:
            return _checked(method, f"{_and(facts.needs)} are set", found, environ)
        if half is None and _is_meant(method, environ):
            half = _half_stated(method, missing)
    if half is None and environ.get(names.TENANT) and environ.get(names.CLIENT):
        half = _half_an_application(environ)
    if half is not None:
        raise half
    return None


def _is_meant(method: SignInMethod, environ: Mapping[str, str]) -> bool:
    if method is SignInMethod.GITHUB:
        # A job may have the permission for another purpose: only together with an account is it half a sign-in.
        return bool(
            (environ.get(names.GITHUB_URL) or environ.get(names.GITHUB_TOKEN))
            and (environ.get(names.TENANT) or environ.get(names.CLIENT))
        )
    return any(environ.get(name) for name in METHODS[method].stated_by)


def _values(method: SignInMethod, settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name in METHODS[method].needs + METHODS[method].takes:
        by_option = getattr(settings, _BY_OPTION[name]) if name in _BY_OPTION else None
        if value := by_option or environ.get(name):
            found[name] = value
    return found


def _checked(method: SignInMethod, because: str, found: Mapping[str, str], environ: Mapping[str, str]) -> SignIn:
    tenant = found.get(names.TENANT) or found.get(names.PIPELINES_TENANT)
    client_id = found.get(names.CLIENT) or found.get(names.PIPELINES_CLIENT)
    for name, key in _BY_OPTION.items():
        if value := found.get(name):
            _refuse_malformed(name, key, value)
    others = [each for each in METHODS if each is not method and METHODS[each].stated_by & _set(environ)]
    if others and "set" in because:
        because += f", and come before those of {_and(others)}"
    return SignIn(method, because, tenant=tenant, client_id=client_id, inputs=dict(found))


def _refuse_malformed(name: str, key: str, value: str) -> None:
    """Refuse a tenant or a client ID that is none, without its value: it may be a secret in the wrong variable."""
    try:
        Settings(tenant=value) if key == "tenant" else Settings(client_id=value)
    except UsageError as error:
        what = {"tenant": "a tenant", "client_id": "a client ID"}[key]
        raise UsageError(
            f"the value of {name} is not {what}",
            cause=error.cause,
            remedy=f"correct {name}, and look whether it is swapped",
        ) from None


def _set(environ: Mapping[str, str]) -> frozenset[str]:
    return frozenset(name for name, value in environ.items() if value)


def _stored(settings: Settings, given: Environment) -> SignIn | Ambiguous | None:
    candidates = _candidates(settings, given)
    return _one_of(candidates, settings, given, "it is stored") if candidates else None


def _candidates(settings: Settings, given: Environment) -> tuple[StoredSignIn, ...]:
    return matching(
        given.stored,
        cloud=settings.cloud,
        account=settings.account,
        tenant=settings.tenant,
        client_id=settings.client_id,
    )


def _one_of(
    candidates: tuple[StoredSignIn, ...], settings: Settings, given: Environment, because: str
) -> SignIn | Ambiguous:
    if len(candidates) == 1:
        return sign_in_by(candidates[0], f"{because}: {candidates[0]}")
    if given.can_ask:
        return Ambiguous(candidates)
    raise several_stored(candidates, settings)


def several_stored(candidates: tuple[StoredSignIn, ...], settings: Settings, verb: str = "whoami") -> SignInError:
    """The error where several stored sign-ins fit and nobody can be asked; `verb` is the command for the example."""
    same_name = len({each.account.casefold() for each in candidates}) < len(candidates)
    option = "--account and --tenant" if same_name else "--account"
    first = candidates[0]
    example = Settings(settings.cloud, account=first.account, tenant=first.tenant_id if same_name else None)
    return SignInError(
        f"{len(candidates)} sign-ins are stored, and nothing says which one is meant",
        cause=f"stored are {_and([str(each) for each in candidates])}",
        remedy=f"say which one with {option}, as in",
        command=example.command(verb),
    )


def _person(method: SignInMethod, settings: Settings, given: Environment, because: str) -> SignIn:
    if given.no_input:
        raise SignInError(
            f"cannot sign in with {METHODS[method].what}: --no-input lets nobody be asked",
            cause="this method needs somebody who signs in",
            remedy="leave out --no-input, or sign in beforehand",
            command=settings.command("login"),
        )
    if method is SignInMethod.BROWSER and settings.cloud == SANDBOX:
        raise SignInError(
            "cannot sign in to the embedded sandbox with a browser",
            cause="it lives inside this process, where no browser reaches it",
            remedy="use a device code, or serve the sandbox on this machine: pallink sandbox serve",
            command=settings.command("login", "--auth", "device-code"),
        )
    if method is SignInMethod.BROWSER and not given.has_browser:
        raise SignInError(
            "cannot sign in with the browser: none can be opened here",
            cause="there is no display, or this is a remote session, and BROWSER names no program",
            remedy="use a device code",
            command=settings.command("login", "--auth", "device-code"),
        )
    hint = settings.account if settings.account and "@" in settings.account else None
    tenant = Settings(tenant=settings.tenant or given.environ.get(names.TENANT) or None).tenant
    return SignIn(method, because, tenant=tenant, client_id=settings.client_id, login_hint=hint)


def _half_stated(method: SignInMethod, missing: list[str]) -> SignInError:
    needs = METHODS[method].needs
    hints = list(dict.fromkeys(_HINTS[name] for name in missing if name in _HINTS))
    return SignInError(
        f"cannot sign in with {METHODS[method].what}, for want of {_and(missing)}",
        cause=f"it needs {_and(needs)}, all of them",
        remedy=f"set {_and(missing)} in the environment" + (f": {'; '.join(hints)}" if hints else ""),
    )


def _half_an_application(environ: Mapping[str, str]) -> SignInError:
    """A tenant and an application, and nothing to prove it with."""
    proofs = [names.SECRET, names.CERTIFICATE, names.TOKEN_FILE]
    on_github = bool(environ.get("GITHUB_ACTIONS"))
    remedy = f"set {_or(proofs)} in the environment"
    if on_github:
        remedy = f"{_HINTS[names.GITHUB_URL]}, which sets {names.GITHUB_URL}; or {remedy}"
    return SignInError(
        f"cannot sign in as an application, for want of {_or([*([names.GITHUB_URL] if on_github else []), *proofs])}",
        cause=f"{names.TENANT} and {names.CLIENT} are set, and nothing to prove the application with",
        remedy=remedy,
    )


def _not_signed_in(settings: Settings, given: Environment) -> SignInError:
    others = [each for each in given.stored if each.cloud == settings.cloud]
    cause = "nothing in the environment says how to sign in, and no sign-in is stored"
    if others:
        cause = f"nothing in the environment says how to sign in, and stored are only {_and(list(map(str, others)))}"
    if settings.cloud == SANDBOX:
        cause = "somebody signed out of the sandbox"
        return SignInError("not signed in", cause=cause, remedy="sign in", command=settings.command("login"))
    if given.environ.get(names.GITHUB_URL):
        cause += "; for GitHub's OIDC token AZURE_TENANT_ID and AZURE_CLIENT_ID are missing"
    return SignInError(
        "not signed in",
        cause=cause,
        remedy=f"set {_and(METHODS[SignInMethod.CLIENT_SECRET].needs)}, or name another method with --auth; or keep a"
        " sign-in of your own on this machine; to try pallink without any account, use --cloud sandbox",
        command=settings.command("login"),
    )


def _and(words: tuple[str, ...] | list[str] | list[SignInMethod]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else str(last)


def _or(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else str(last)
