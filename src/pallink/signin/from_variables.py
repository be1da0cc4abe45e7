"""Sign-ins that the environment's variables describe, completely or in part. Pure."""

from collections.abc import Mapping, Sequence

from pallink.errors import SignInError, UsageError
from pallink.settings import Settings
from pallink.signin import variables
from pallink.signin.foreign_variables import foreign_variables_hint
from pallink.signin.methods import METHODS, SignIn, SignInMethod

# The fields of the settings that stand in for a variable.
_SETTING_BY_VARIABLE = {
    variables.TENANT_ID: "tenant",
    variables.PIPELINES_TENANT_ID: "tenant",
    variables.CLIENT_ID: "client_id",
    variables.PIPELINES_CLIENT_ID: "client_id",
}

_GITHUB_PERMISSION = "give the job the permission id-token: write"
_PIPELINES_STEP = "run pallink in an AzureCLI@2 step"

# How to have a CI system set a variable that only it can set.
_CI_REMEDIES = {
    variables.GITHUB_REQUEST_URL: _GITHUB_PERMISSION,
    variables.GITHUB_REQUEST_TOKEN: _GITHUB_PERMISSION,
    variables.PIPELINES_TENANT_ID: _PIPELINES_STEP,
    variables.PIPELINES_CLIENT_ID: _PIPELINES_STEP,
    variables.PIPELINES_CONNECTION_ID: _PIPELINES_STEP,
    variables.PIPELINES_REQUEST_URL: _PIPELINES_STEP,
    variables.PIPELINES_ACCESS_TOKEN: "set SYSTEM_ACCESSTOKEN: $(System.AccessToken) in the env of the step",
}


def complete(method: SignInMethod, settings: Settings, environ: Mapping[str, str], reason: str) -> SignIn:
    """Return the sign-in with a method that was named, with the values of its variables.

    Raises:
        UsageError: The tenant or the client ID is invalid.
        SignInError: A required variable is missing.
    """
    if method is SignInMethod.MANAGED_IDENTITY:
        client_id = settings.client_id or environ.get(variables.CLIENT_ID, "")
        return _build(method, reason, {variables.CLIENT_ID: client_id})
    inputs = _inputs(method, settings, environ)
    missing = [name for name in METHODS[method].required if name not in inputs]
    if missing:
        raise _missing_variables(method, missing, environ)
    return _build(method, reason, inputs)


def find(settings: Settings, environ: Mapping[str, str]) -> SignIn | None:
    """Return the first sign-in that the environment's variables describe completely, or None.

    Raises:
        SignInError: They describe none completely, and one in part.
    """
    incomplete: SignInError | None = None
    for method, info in METHODS.items():
        if not info.required:
            continue
        inputs = _inputs(method, settings, environ)
        missing = [name for name in info.required if name not in inputs]
        if not missing:
            return _build(method, f"{and_list(info.required)} are set{_precedence(method, environ)}", inputs)
        if incomplete is None and _is_selected(method, environ):
            incomplete = _missing_variables(method, missing, environ)
    if incomplete is None and environ.get(variables.TENANT_ID) and environ.get(variables.CLIENT_ID):
        incomplete = _missing_credential(environ)
    if incomplete is not None:
        raise incomplete
    return None


def _is_selected(method: SignInMethod, environ: Mapping[str, str]) -> bool:
    """Return whether the environment's variables show that a method is meant, complete or not."""
    if method is SignInMethod.GITHUB:
        # A job may have the permission for another purpose: it counts only together with an account.
        return bool(
            (environ.get(variables.GITHUB_REQUEST_URL) or environ.get(variables.GITHUB_REQUEST_TOKEN))
            and (environ.get(variables.TENANT_ID) or environ.get(variables.CLIENT_ID))
        )
    return any(environ.get(name) for name in METHODS[method].selected_by)


def _precedence(method: SignInMethod, environ: Mapping[str, str]) -> str:
    """Return the part of the reason that names the methods whose variables are set too, or an empty text."""
    names = {name for name, value in environ.items() if value}
    others = [other for other, info in METHODS.items() if other is not method and info.selected_by & names]
    return f", and take precedence over {and_list(others)}" if others else ""


def _inputs(method: SignInMethod, settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the values that are set for a method's variables, by variable name. Options take precedence."""
    inputs = {}
    for name in METHODS[method].required + METHODS[method].optional:
        setting = getattr(settings, _SETTING_BY_VARIABLE[name]) if name in _SETTING_BY_VARIABLE else None
        if value := setting or environ.get(name):
            inputs[name] = value
    return inputs


def _build(method: SignInMethod, reason: str, inputs: Mapping[str, str]) -> SignIn:
    """Return the sign-in with a method's values.

    Raises:
        UsageError: The tenant or the client ID is invalid.
    """
    for name, setting in _SETTING_BY_VARIABLE.items():
        if value := inputs.get(name):
            _validate(name, setting, value)
    return SignIn(
        method,
        reason,
        tenant=inputs.get(variables.TENANT_ID) or inputs.get(variables.PIPELINES_TENANT_ID),
        client_id=inputs.get(variables.CLIENT_ID) or inputs.get(variables.PIPELINES_CLIENT_ID),
        inputs=dict(inputs),
    )


def _validate(name: str, setting: str, value: str) -> None:
    """Refuse an invalid tenant or client ID. The error omits the value: it may be a secret in the wrong variable."""
    try:
        Settings(tenant=value) if setting == "tenant" else Settings(client_id=value)
    except UsageError as error:
        raise UsageError(
            f"{name} is not a valid {'tenant' if setting == 'tenant' else 'client ID'}",
            cause=error.cause,
            remedy=f"correct {name}; the variables of the tenant, the client ID and the secret may be swapped",
        ) from None


def _missing_variables(method: SignInMethod, missing: Sequence[str], environ: Mapping[str, str]) -> SignInError:
    info = METHODS[method]
    is_partly_set = len(missing) < len(info.required)
    return with_foreign_variables(
        SignInError(
            f"missing for --auth {method}: {and_list(missing)}",
            cause=f"to sign in with {info.label}, pallink needs {and_list(info.required)}" if is_partly_set else None,
            remedy=_remedy(missing),
        ),
        environ,
    )


def _remedy(missing: Sequence[str]) -> str:
    """Return how to have all missing variables set: those that the user sets, and those of a CI system."""
    own = [name for name in missing if name not in _CI_REMEDIES]
    of_ci = dict.fromkeys(_CI_REMEDIES[name] for name in missing if name in _CI_REMEDIES)
    return ", and ".join([*([f"set {and_list(own)} in the environment"] if own else []), *of_ci])


def with_foreign_variables(error: SignInError, environ: Mapping[str, str]) -> SignInError:
    """Return the error with another program's variables as its reason, if they are set."""
    hint = foreign_variables_hint(environ)
    # The command of the error signs in a user.
    return error.with_cause(hint[0]).replace(remedy=hint[1], command=None) if hint else error


def _missing_credential(environ: Mapping[str, str]) -> SignInError:
    """Return the error for a tenant and an application without a credential of the application."""
    credentials = [variables.CLIENT_SECRET, variables.CERTIFICATE_PATH, variables.FEDERATED_TOKEN_FILE]
    missing = credentials
    remedy = f"set {_or_list(credentials)} in the environment"
    if environ.get("GITHUB_ACTIONS"):
        missing = [variables.GITHUB_REQUEST_URL, *credentials]
        remedy = f"{_GITHUB_PERMISSION}, or {remedy}"
    return SignInError(
        f"missing for the sign-in of an application: {_or_list(missing)}",
        cause=f"{variables.TENANT_ID} and {variables.CLIENT_ID} are set, but no credential of the application",
        remedy=remedy,
    )


def and_list(words: Sequence[str]) -> str:
    """Return words as a list in a sentence, as in `a, b and c`."""
    return _joined(words, "and")


def _or_list(words: Sequence[str]) -> str:
    return _joined(words, "or")


def _joined(words: Sequence[str], conjunction: str) -> str:
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else str(last)
