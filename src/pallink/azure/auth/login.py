"""`login` and `logout`: a sign-in that later commands can use, and how to be rid of it."""

import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime

from pallink.azure.auth import token_cache as token_store
from pallink.azure.auth.authenticate import Authenticated, ClientFactory, authenticate, resolve_stored_sign_in
from pallink.concurrency import run_detached
from pallink.deadline import Deadline
from pallink.errors import UnexpectedAnswerError
from pallink.http.pool import new_session
from pallink.result import AccountResult
from pallink.settings import Settings
from pallink.signin import METHODS, StoredSignIn
from pallink.signin.prompter import Prompter
from pallink.signin.store import SignInStore, cache_name, store_for

_IN_MEMORY = (
    "this sign-in lasts for this command only: tokens cannot be encrypted here, for want of libsecret and an unlocked"
    " keyring; to keep them in a file that only you can read, and that is not encrypted, add --allow-plain-text-cache"
)


def login(
    settings: Settings, deadline: Deadline, person: Prompter, *, plain_text: bool = False, claims: str | None = None
) -> AccountResult:
    """Sign in anew and keep the sign-in, instead of an earlier one of the same account in the same tenant.

    Args:
        settings: which cloud, who, how.
        deadline: the time of the whole command.
        person: who can be asked.
        plain_text: whether tokens may be kept in a 0600 file where they cannot be encrypted.
        claims: what the sign-in has to prove, as JSON (a claims challenge).

    Raises:
        PallinkError: nobody, or somebody else than the required account, signed in; then nothing is kept.
    """
    sign_in = resolve_stored_sign_in(settings, person, ignore_stored=True)
    store = store_for(settings.cloud)
    identifier = store.new_id()
    name = cache_name(identifier)
    is_encrypted = token_store.can_encrypt(name)
    keeps = METHODS[sign_in.method].is_storable and (is_encrypted or plain_text)
    if not METHODS[sign_in.method].is_storable:
        person.warn(f"nothing is kept: with {sign_in.label} each command signs in by itself")
    elif not keeps:
        # Said before anybody is asked to sign in, and not after.
        person.warn(_IN_MEMORY)
    session = new_session()
    is_kept = False
    try:
        cache = token_store.options(name, plain_text=plain_text) if keeps else None
        context = ClientFactory(session, deadline, person, writable=False, cache=cache)
        authenticated = run_detached(lambda: authenticate(settings, sign_in, context, claims=claims))
        if keeps:
            stored = _stored(authenticated, settings, identifier, plain_text=not is_encrypted)
            earlier = [each for each in store.all() if _is_same(each, stored)]
            store.save(stored)
            is_kept = True
            logout(earlier)
    except BaseException:
        if keeps and not is_kept:
            with contextlib.suppress(Exception):  # the error that is on its way says more
                token_store.remove(name, plain_text=plain_text)
        raise
    finally:
        session.close()
    return _result(authenticated, keeps=keeps)


def logout(stored: Iterable[StoredSignIn]) -> None:
    """Remove stored sign-ins: first the tokens, then what is remembered of whose they were.

    Raises:
        SignInError: tokens could not be removed.
    """
    for each in stored:
        token_store.remove(cache_name(each.id), plain_text=each.plain_text)
        store_for(each.cloud).remove(each)


def remove_left_overs(store: SignInStore) -> None:
    """Remove the tokens of sign-ins that were interrupted before anything was remembered of them."""
    for name in set(token_store.names_with(cache_name(store.prefix))):
        token_store.remove(name, plain_text=True)


def _stored(authenticated: Authenticated, settings: Settings, identifier: str, *, plain_text: bool) -> StoredSignIn:
    account, sign_in = authenticated.account, authenticated.sign_in
    user = token_store.account_in(cache_name(identifier), plain_text=plain_text) if account.kind.is_user else None
    if account.kind.is_user and user is None:
        raise UnexpectedAnswerError(
            "the sign-in cannot be kept", cause="Entra ID did not say whose it is, as it does for a user"
        )
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


def _result(authenticated: Authenticated, *, keeps: bool) -> AccountResult:
    account, ends = authenticated.account, authenticated.signed_in.expires_on
    return AccountResult(
        cloud=authenticated.cloud.name,
        account=account.name,
        account_kind=account.kind,
        object_id=account.object_id,
        tenant_id=account.tenant_id,
        tenant_name=None,
        auth=authenticated.sign_in.method,
        stored=keeps,
        expires_on=ends.isoformat().replace("+00:00", "Z") if ends else None,
    )
