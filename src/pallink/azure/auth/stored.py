"""The credential of a sign-in that was made before, by `pallink login` or in this run: for the tokens in its cache."""

from typing import Any

from pallink.azure.auth import application, user
from pallink.azure.auth.context import CredentialContext
from pallink.azure.auth.sign_ins import expired
from pallink.signin import SignIn, StoredSignIn, sign_in_from_stored


def stored_credential(sign_in: SignIn, stored: StoredSignIn, context: CredentialContext) -> Any:
    """Return a credential for the tokens in the context's cache, which it renews. It never prompts.

    Args:
        sign_in: The sign-in, which names the tenant.
        stored: The record of the sign-in that the cache belongs to.
        context: What to build the credential with.
    """
    if stored.home_account_id is not None:
        return user.stored_user(stored, sign_in.tenant or stored.tenant_id, context)
    why = "an application's token lives for about an hour, and what it was proved with is not kept"
    current = sign_in_from_stored(stored, sign_in.reason)
    return application.stored_application(current, context, lambda: expired(stored, why))
