"""`login` and `logout`: a sign-in that later commands can use, and how to remove it."""

import contextlib
from collections.abc import Collection

from pallink.azure.auth import token_cache
from pallink.azure.auth.authenticate import Authenticated, authenticate, choose_sign_in
from pallink.azure.auth.sign_ins import RunSignIns, record_of
from pallink.azure.auth.token_cache import AccountTokenCache
from pallink.azure.connection import CloudConnection
from pallink.deadline import Deadline
from pallink.errors import SignInError, UnexpectedAnswerError, encode_claims
from pallink.result import AccountResult
from pallink.settings import Settings
from pallink.signin import METHODS, SignIn, StoredSignIn
from pallink.signin.again import with_sign_in_command
from pallink.signin.prompter import Prompter
from pallink.signin.store import SignInStore, store_for


def login(
    settings: Settings, deadline: Deadline, prompter: Prompter, *, plain_text: bool = False, claims: str | None = None
) -> AccountResult:
    """Sign in again and keep the sign-in, instead of an earlier one of the same account in the same tenant.

    Args:
        settings: Which cloud, who, how.
        deadline: The time of the whole command.
        prompter: Who is asked where that is needed.
        plain_text: Whether tokens may be kept in a 0600 file where they cannot be encrypted.
        claims: What the sign-in has to prove, as JSON (a claims challenge).

    Raises:
        PallinkError: The sign-in failed, or another account signed in; then nothing is kept.
    """
    with deadline.active():
        return _login(settings, prompter, plain_text=plain_text, claims=claims)


def sign_in_for_run(
    settings: Settings, deadline: Deadline, prompter: Prompter, sign_ins: RunSignIns, *, claims: str | None = None
) -> None:
    """Sign in again for the other sessions of a run, and keep nothing beyond it.

    Args:
        settings: Which cloud, who, how.
        deadline: The time of the whole command.
        prompter: Who is asked where that is needed.
        sign_ins: The sign-ins of the run, which this one is added to.
        claims: What the sign-in has to prove, as JSON (a claims challenge).

    Raises:
        PallinkError: The sign-in failed, or another account signed in.
    """
    with deadline.active(), CloudConnection(settings.cloud, sign_ins=sign_ins) as connection:
        sign_in = choose_sign_in(connection, settings, prompter, ignore_stored=True)
        authenticate(connection, settings, sign_in, prompter, claims=claims)


def _login(settings: Settings, prompter: Prompter, *, plain_text: bool, claims: str | None) -> AccountResult:
    store = store_for(settings.cloud)
    cache = AccountTokenCache()
    with CloudConnection(settings.cloud) as connection:
        words = _words(plain_text=plain_text, claims=claims)
        sign_in = choose_sign_in(connection, settings, prompter, ignore_stored=True, login_words=words)
        is_encrypted = _check_storable(sign_in, store, settings, plain_text=plain_text, claims=claims)
        try:
            authenticated = authenticate(
                connection, settings, sign_in, prompter, cache=cache, plain_text=plain_text, claims=claims
            )
        except SignInError as error:
            raise with_sign_in_command(error, settings, sign_in, plain_text=plain_text) from error.__cause__
    _keep(store, _stored(authenticated, settings, cache, plain_text=not is_encrypted), cache)
    return AccountResult.of(
        authenticated.account,
        cloud=authenticated.cloud.name,
        auth=authenticated.sign_in.method,
        stored=True,
        expires_on=authenticated.expires_on,
    )


def _check_storable(
    sign_in: SignIn, store: SignInStore, settings: Settings, *, plain_text: bool, claims: str | None
) -> bool:
    """Return whether the tokens of a sign-in can be encrypted, before anyone is prompted.

    Raises:
        SignInError: It cannot be stored, and so would be of no use to later commands; or the folder cannot be written.
    """
    is_storable = METHODS[sign_in.method].is_storable
    is_encrypted = is_storable and token_cache.can_encrypt()
    if is_storable and (is_encrypted or plain_text):
        if store.folder.exists():
            with store.change():
                pass
        return is_encrypted
    raise _not_encrypted(settings, claims) if is_storable else _not_kept(sign_in)


def _not_kept(sign_in: SignIn) -> SignInError:
    return SignInError(
        f"nothing to store: each command signs in with {sign_in.label} by itself",
        cause="pallink login stores sign-ins of users, and of applications with a secret or a certificate",
        remedy="run the other commands without pallink login",
    )


def _not_encrypted(settings: Settings, claims: str | None) -> SignInError:
    return SignInError(
        "could not store the sign-in: tokens cannot be encrypted on this machine",
        cause="encryption needs the operating system's keyring (on Linux: libsecret and an unlocked keyring)",
        remedy="unlock the keyring, or store the tokens unencrypted in a file that only you can read",
        command=settings.command(*_words(plain_text=True, claims=claims)),
    )


def _words(*, plain_text: bool, claims: str | None) -> tuple[str, ...]:
    """Return the subcommand with its own options, for the commands that errors show."""
    return (
        "login",
        *(["--allow-plain-text-cache"] if plain_text else []),
        *(["--claims", encode_claims(claims)] if claims is not None else []),
    )


def _keep(store: SignInStore, stored: StoredSignIn, cache: AccountTokenCache) -> None:
    """Keep a sign-in in place of an earlier one: first the tokens, then the record, with which it takes effect.

    Raises:
        SignInError: It cannot be written; the earlier one stays.
    """
    with store.change():
        try:
            token_cache.save(store.folder, stored.id, cache, plain_text=stored.plain_text)
            store.save(stored)
        finally:
            # Those of the earlier sign-in, or of this one where it could not be recorded.
            with contextlib.suppress(SignInError, OSError):
                token_cache.remove_orphans(store.folder, {kept.id for kept in store.all()})


def logout(store: SignInStore, selected: Collection[StoredSignIn]) -> None:
    """Remove sign-ins of a store: first the tokens, then the record of whose they were.

    Tokens of sign-ins that were interrupted or replaced are removed too. A command that runs meanwhile keeps none.

    Raises:
        SignInError: Tokens could not be removed.
    """
    if not store.folder.is_dir():
        return
    keys = {sign_in.key for sign_in in selected}
    with store.change():
        kept = store.all()
        if store.is_emulated and keys and keys.issuperset(sign_in.key for sign_in in kept):
            store.mark_signed_out()
        for sign_in in kept:
            if sign_in.key in keys:
                token_cache.remove(store.folder, sign_in.id)
                store.remove(sign_in)
        token_cache.remove_orphans(store.folder, {sign_in.id for sign_in in store.all()})


def find_tenant_id(settings: Settings, deadline: Deadline) -> str | None:
    """Return the ID of the tenant that the settings name, if they name one; see `CloudConnection`.

    Raises:
        PallinkError: There is no such tenant, or no response.
    """
    with CloudConnection(settings.cloud) as connection, deadline.active():
        return connection.tenant_id(settings.tenant)


def _stored(
    authenticated: Authenticated, settings: Settings, cache: AccountTokenCache, *, plain_text: bool
) -> StoredSignIn:
    account, sign_in = authenticated.account, authenticated.sign_in
    user = token_cache.user_in(cache) if account.kind.is_user else None
    if account.kind.is_user and user is None:
        raise UnexpectedAnswerError(
            "could not store the sign-in",
            cause="the response of Entra ID names no user",
            remedy="run again with --debug to see the response",
        )
    return record_of(
        account,
        sign_in,
        settings,
        user,
        identifier=SignInStore.new_id(),
        plain_text=plain_text,
    )
