"""`login` and `logout`: a sign-in that later commands can use, and how to remove it."""

import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime

from pallink.azure.auth import token_cache
from pallink.azure.auth.authenticate import Authenticated, authenticate, choose_sign_in
from pallink.deadline import Deadline
from pallink.errors import UnexpectedAnswerError
from pallink.http.pool import new_pool
from pallink.result import AccountResult
from pallink.settings import Settings
from pallink.signin import METHODS, StoredSignIn
from pallink.signin.prompter import Prompter
from pallink.signin.store import SignInStore, cache_name, store_for

_IN_MEMORY = (
    "this sign-in lasts for this command only: tokens cannot be encrypted here without libsecret and an unlocked"
    " keyring; to keep them in a file that only you can read, and that is not encrypted, add --allow-plain-text-cache"
)


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


def _login(settings: Settings, prompter: Prompter, *, plain_text: bool, claims: str | None) -> AccountResult:
    sign_in = choose_sign_in(settings, prompter, ignore_stored=True)
    store = store_for(settings.cloud)
    identifier = store.new_id()
    name = cache_name(identifier)
    is_encrypted = token_cache.can_encrypt(name)
    keeps = METHODS[sign_in.method].is_storable and (is_encrypted or plain_text)
    if not METHODS[sign_in.method].is_storable:
        prompter.warn(f"nothing is kept: with {sign_in.label} each command signs in by itself")
    elif not keeps:
        # Said before the prompt, and not after.
        prompter.warn(_IN_MEMORY)
    pool = new_pool()
    is_kept = False
    try:
        cache = token_cache.options(name, plain_text=plain_text) if keeps else None
        authenticated = authenticate(settings, sign_in, prompter, pool, cache=cache, claims=claims)
        if keeps:
            stored = _stored(authenticated, settings, identifier, plain_text=not is_encrypted)
            earlier = [kept for kept in store.all() if _is_same(kept, stored)]
            store.save(stored)
            is_kept = True
            logout(earlier)
    except BaseException:
        if keeps and not is_kept:
            with contextlib.suppress(Exception):  # the error that is on its way says more
                token_cache.remove(name, plain_text=plain_text)
        raise
    finally:
        pool.close()
    return AccountResult.of(
        authenticated.account,
        cloud=authenticated.cloud.name,
        auth=authenticated.sign_in.method,
        stored=keeps,
        expires_on=authenticated.expires_on,
    )


def logout(stored: Iterable[StoredSignIn]) -> None:
    """Remove stored sign-ins: first the tokens, then the record of whose they were.

    Raises:
        SignInError: Tokens could not be removed.
    """
    for sign_in in stored:
        token_cache.remove(cache_name(sign_in.id), plain_text=sign_in.plain_text)
        store_for(sign_in.cloud).remove(sign_in)


def remove_left_overs(store: SignInStore) -> None:
    """Remove the tokens of sign-ins that were interrupted before they were recorded."""
    for name in set(token_cache.names_with(cache_name(store.prefix))):
        token_cache.remove(name, plain_text=True)


def _stored(authenticated: Authenticated, settings: Settings, identifier: str, *, plain_text: bool) -> StoredSignIn:
    account, sign_in = authenticated.account, authenticated.sign_in
    user = token_cache.account_in(cache_name(identifier), plain_text=plain_text) if account.kind.is_user else None
    if account.kind.is_user and user is None:
        raise UnexpectedAnswerError("the sign-in cannot be kept", cause="the response of Entra ID names no user")
    return StoredSignIn(
        id=identifier,
        cloud=settings.cloud,
        auth=sign_in.method.value,
        account=account.name,
        kind=account.kind,
        object_id=account.object_id,
        tenant_id=account.tenant_id,
        client_id=account.client_id or sign_in.client_id or "",
        home_account_id=user[0] if user else None,
        username=user[1] if user else None,
        tenant=settings.tenant,
        authority_tenant=sign_in.tenant or "organizations",
        plain_text=plain_text,
        signed_in_on=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    )


def _is_same(one: StoredSignIn, other: StoredSignIn) -> bool:
    return (one.cloud, one.object_id, one.tenant_id) == (other.cloud, other.object_id, other.tenant_id)
