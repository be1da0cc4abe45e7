"""Signs an account in, and makes sure that it is the right one: how every command, and `login`, begin."""

import logging
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from msal import TokenCache  # type: ignore[import-untyped]

from pallink.account import Account, is_guid, require_account, require_home_account
from pallink.azure.auth.ambient import IMDS
from pallink.azure.auth.context import CredentialContext
from pallink.azure.auth.credentials import AccountCredential, token_endpoint_for
from pallink.azure.auth.sign_ins import record_of
from pallink.azure.auth.token_cache import AccountTokenCache, user_in
from pallink.azure.connection import CloudConnection
from pallink.azure.transport import GuardedTransport
from pallink.clouds import Cloud
from pallink.errors import SignInError, WrongAccountError
from pallink.http.policy import EgressPolicy, Rule
from pallink.settings import Settings
from pallink.signin import (
    Ambiguous,
    Environment,
    SignIn,
    SignInMethod,
    filter_stored,
    one_of_each_user,
    resolve_sign_in,
    sign_in_from_stored,
    tenant_id_by_name,
)
from pallink.signin.again import explain_wrong_account
from pallink.signin.prompter import Prompter
from pallink.signin.store import store_for

log = logging.getLogger("pallink")


@dataclass(frozen=True, slots=True)
class Authenticated:
    """An account that signed in, and is the one that must have.

    Attributes:
        cloud: Where.
        account: Who.
        sign_in: How.
        credential: The account's credential, for the SDK's clients.
        transport: What the sign-in was sent through, and what follows will be.
    """

    cloud: Cloud
    account: Account
    sign_in: SignIn
    credential: AccountCredential
    transport: GuardedTransport

    @property
    def is_stored(self) -> bool:
        """Whether the sign-in is one that `pallink login` kept."""
        return self.sign_in.stored is not None

    @property
    def expires_on(self) -> str | None:
        """When the token expires, ISO 8601, UTC; None if it does not say."""
        expiry = self.credential.expires_on
        return expiry.isoformat().replace("+00:00", "Z") if expiry else None


def choose_sign_in(
    connection: CloudConnection,
    settings: Settings,
    prompter: Prompter,
    *,
    environ: Mapping[str, str] | None = None,
    ignore_stored: bool = False,
    excluded: Collection[str] = (),
    is_for_all_tenants: bool = False,
    login_words: Sequence[str] = ("login",),
) -> SignIn:
    """Return how to sign in, by the environment, the stored sign-ins, and a prompt where several fit.

    Sends a request only to learn whether a stored sign-in is in the tenant that a domain names.

    Args:
        connection: The cloud.
        settings: The options of the run.
        prompter: Who is asked where several stored sign-ins match.
        environ: The variables that may state a sign-in; None: those of the process.
        ignore_stored: Whether to make a new sign-in even where a stored one matches.
        excluded: The accounts (UPNs, object IDs or client IDs) whose stored sign-ins do not count.
        is_for_all_tenants: Whether a stored sign-in of the user in any tenant will do, if the settings name no tenant.
        login_words: `login` with the options of its own that this run used, for the commands that errors show.

    Raises:
        PallinkError: There is no way, or an ambiguous one.
    """
    known = connection.sign_ins.known(settings.cloud, settings.account)
    stored = tuple(found for found in known if not any(map(found.matches_identifier, excluded)))
    if settings.home_account_id is not None:
        stored = tuple(sign_in for sign_in in stored if sign_in.home_account_id == settings.home_account_id)
    if is_for_all_tenants and settings.tenant is None:
        stored = one_of_each_user(stored)
    of_cloud = filter_stored(stored, cloud=settings.cloud)
    has_stored = bool(of_cloud) and not ignore_stored
    environment = Environment(
        environ=os.environ if environ is None else environ,
        stored=stored,
        can_prompt=prompter.can_prompt,
        has_browser=prompter.has_browser,
        no_input=prompter.no_input,
        is_signed_out=store_for(settings.cloud).is_signed_out,
        login_words=tuple(login_words),
    )
    if has_stored and settings.tenant and not is_guid(settings.tenant):
        # Checked before a request too: which sign-in it is depends on the tenant's ID only if several are stored.
        likely = replace(environment, tenant_id=tenant_id_by_name(of_cloud, settings.tenant))
        with suppress(SignInError):
            _check(resolve_sign_in(settings, likely), prompter)
    tenant_id = connection.tenant_id(settings.tenant) if has_stored else None
    chosen = resolve_sign_in(settings, replace(environment, tenant_id=tenant_id), ignore_stored=ignore_stored)
    if isinstance(chosen, Ambiguous):
        return sign_in_from_stored(
            prompter.select_sign_in(chosen.candidates), "it was picked among those that are stored", tenant_id
        )
    return chosen


def _check(sign_in: SignIn | Ambiguous, prompter: Prompter) -> None:
    if not isinstance(sign_in, Ambiguous):
        prompter.check_sign_in(sign_in)


def authenticate(
    connection: CloudConnection,
    settings: Settings,
    sign_in: SignIn,
    prompter: Prompter,
    *,
    rules: tuple[Rule, ...] = (),
    scope: str | None = None,
    cache: TokenCache | None = None,
    plain_text: bool = False,
    claims: str | None = None,
) -> Authenticated:
    """Sign in, and refuse any other account or tenant than the required one. Does not call the partner API.

    Args:
        connection: The cloud.
        settings: Who must sign in, and in which tenant.
        sign_in: How.
        prompter: Who shows a device code or opens the browser.
        rules: What may be sent to Resource Manager afterwards.
        scope: What the account's tokens are for; None: Resource Manager.
        cache: Where the tokens are put, beside the credential's memory; None: where a person signs in, in memory, from
            which they open other tenants to the sessions of this run.
        plain_text: Whether tokens may be kept in a file that is not encrypted.
        claims: What the sign-in has to prove, as JSON (a claims challenge).

    Raises:
        PallinkError: The sign-in failed, another account signed in, or the cloud cannot be used.
        UsageError: A variable of proxies or certificates is wrong; nothing was sent to sign in.
    """
    cloud = connection.cloud
    if cloud.emulator is not None and sign_in.method is SignInMethod.MANAGED_IDENTITY:
        cloud.emulator.mount(connection.pool, IMDS)
    policy = EgressPolicy(
        resource_manager=cloud.resource_manager,
        login=cloud.login,
        rules=rules,
        token_endpoint=token_endpoint_for(sign_in),
    )
    in_memory = AccountTokenCache() if cache is None and sign_in.is_prompted else None
    cache = cache or in_memory
    context = CredentialContext(
        cloud, GuardedTransport(connection.pool, policy), prompter, settings, connection.sign_ins, cache, plain_text
    )
    log.info("signing in with %s, because %s", sign_in.method, sign_in.reason)
    if settings.tenant and sign_in.tenant == settings.tenant:
        sign_in = replace(sign_in, tenant=connection.tenant_id(settings.tenant))
    credential = AccountCredential(sign_in, context, scope)
    if claims:
        # First, so that a person signs in once.
        credential.get_token_info(credential.scope, options={"claims": claims})
    account = credential.account
    try:
        require_account(
            account,
            identifier=settings.account,
            tenant_id=connection.tenant_id(settings.tenant),
            tenant=settings.tenant,
        )
        require_home_account(account, settings.home_account_id)
    except WrongAccountError as error:
        raise explain_wrong_account(error, account, sign_in, settings) from None
    if in_memory is not None and (user := user_in(in_memory)) is not None:
        connection.sign_ins.add(record_of(account, sign_in, settings, user), in_memory)
    return Authenticated(cloud, account, sign_in, credential, context.transport)
