"""Signs somebody in, and makes sure that it is the right one: what every command, and `login`, begin with."""

import logging
import os
import re
from dataclasses import dataclass, replace

from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest
from azure.identity import TokenCachePersistenceOptions

from pallink import sandbox
from pallink.account import Account, is_guid, require_account
from pallink.azure.auth.ambient import IMDS
from pallink.azure.auth.context import CredentialContext
from pallink.azure.auth.credentials import SignedIn
from pallink.azure.auth.errors import explain_sign_in
from pallink.azure.cloud_metadata import describe_cloud
from pallink.azure.errors import body_of
from pallink.azure.transport import GuardedTransport
from pallink.clouds import BUILT_IN, SANDBOX, Cloud
from pallink.deadline import Deadline
from pallink.errors import PallinkError, UnexpectedAnswerError
from pallink.http.pool import HttpSession
from pallink.redact.secrets import known
from pallink.settings import Settings
from pallink.signin import Ambiguous, Environment, SignIn, SignInMethod, resolve_sign_in, sign_in_from_stored
from pallink.signin.prompter import Prompter
from pallink.signin.secrets import environment_secrets
from pallink.signin.store import store_for

log = logging.getLogger("pallink")

_TENANT_IN_ISSUER = re.compile(r"/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Somebody who signed in, and is the one who must have.

    Attributes:
        cloud: where.
        account: who.
        sign_in: how.
        signed_in: the credential.
        transport: what it was sent through, and whatever follows will be.
    """

    cloud: Cloud
    account: Account
    sign_in: SignIn
    signed_in: SignedIn
    transport: GuardedTransport


def resolve_stored_sign_in(settings: Settings, person: Prompter, *, ignore_stored: bool = False) -> SignIn:
    """How to sign in, by the environment, the stored sign-ins, and the person if there are several. Sends nothing.

    Raises:
        PallinkError: there is no way, or an ambiguous one.
    """
    known.add(*environment_secrets(os.environ))
    store = store_for(settings.cloud)
    chosen = resolve_sign_in(
        settings,
        Environment(
            environ=os.environ,
            stored=store.all(),
            can_prompt=person.can_prompt,
            has_browser=person.has_browser,
            no_input=person.no_input,
            is_signed_out=store.is_signed_out,
        ),
        ignore_stored=ignore_stored,
    )
    if isinstance(chosen, Ambiguous):
        return sign_in_from_stored(
            person.select_sign_in(chosen.candidates), "it was picked among those that are stored"
        )
    return chosen


class ClientFactory:
    """Finds the cloud and makes what to sign in with.

    Args:
        session: what the requests go through.
        deadline: the time of the whole command.
        person: who can be asked.
        writable: whether PUT, PATCH and DELETE may be sent at all.
        cache: the cache for the tokens; None keeps them in memory.
    """

    def __init__(
        self,
        session: HttpSession,
        deadline: Deadline,
        person: Prompter,
        *,
        writable: bool,
        cache: TokenCachePersistenceOptions | None = None,
    ) -> None:
        self._session = session
        self._deadline = deadline
        self._person = person
        self._cache = cache
        self._transport = GuardedTransport(deadline, session, writable=writable)

    def cloud(self, name: str) -> Cloud:
        """The cloud of this name or URL.

        Raises:
            PallinkError: it cannot be reached, or what it says of itself cannot be used.
        """
        if name == SANDBOX:
            self.mount_sandbox(sandbox.ORIGIN)
            return Cloud(SANDBOX, sandbox.ORIGIN, sandbox.ORIGIN, sandbox.ORIGIN)
        return BUILT_IN.get(name) or describe_cloud(name, self._transport)

    def make(self, cloud: Cloud) -> CredentialContext:
        """What to sign in to this cloud with."""
        self._transport.allow(login=cloud.login, resource_manager=cloud.resource_manager)
        return CredentialContext(cloud, self._transport, self._person, self._deadline, self._cache)

    def mount_sandbox(self, url: str) -> None:
        """Have the sandbox answer at the origin of `url`."""
        # Whoever works with Azure does not pay for the sandbox.
        from pallink.sandbox.http.adapter import SandboxAdapter  # noqa: PLC0415

        self._session.mount("/".join(url.split("/")[:3]) + "/", SandboxAdapter(sandbox.Sandbox(sandbox.home())))


def authenticate(
    settings: Settings, sign_in: SignIn, factory: ClientFactory, *, claims: str | None = None
) -> Authenticated:
    """Sign in, and refuse anyone but the required account and tenant. The partner API is not touched.

    Args:
        settings: the cloud, and who it must be.
        sign_in: how.
        factory: what to sign in with, once the cloud is known.
        claims: what the sign-in has to prove, as JSON (a claims challenge).

    Raises:
        PallinkError: nobody, or somebody else, signed in; or the cloud cannot be used.
    """
    cloud = factory.cloud(settings.cloud)
    context = factory.make(cloud)
    if settings.cloud == SANDBOX and sign_in.method is SignInMethod.MANAGED_IDENTITY:
        factory.mount_sandbox(IMDS)
    log.info("signing in with %s, because %s", sign_in.method, sign_in.reason)
    tenant_id = _tenant_id(settings.tenant, context)
    if settings.tenant and sign_in.tenant == settings.tenant:
        sign_in = replace(sign_in, tenant=tenant_id)
    signed_in = SignedIn(sign_in, context)
    if claims:
        signed_in.get_token_info(cloud.scope, options={"claims": claims})
    account = signed_in.account
    require_account(account, identifier=settings.account, tenant_id=tenant_id, tenant=settings.tenant)
    return Authenticated(cloud, account, sign_in, signed_in, context.transport)


def _tenant_id(tenant: str | None, context: CredentialContext) -> str | None:
    """The ID of the tenant that was named, by a domain or by its ID: the login host's own description names it.

    Raises:
        PallinkError: there is no such tenant, or no answer.
    """
    if tenant is None or is_guid(tenant):
        return tenant
    login = context.cloud.login
    request = HttpRequest("GET", f"{login}/{tenant}/v2.0/.well-known/openid-configuration")
    try:
        response = context.transport.send(request)
    except AzureError as error:
        raise explain_sign_in(error, context.transport.seen, login=login) from error
    body = body_of(response)
    match = _TENANT_IN_ISSUER.search(str(body.get("issuer", "")))
    if match is not None:
        return match[1]
    if "error" in body or response.status_code >= 400:  # noqa: PLR2004
        failure: PallinkError = explain_sign_in(
            ValueError("Entra ID sent no error"), context.transport.seen, login=login
        )
        raise failure
    raise UnexpectedAnswerError(
        f"which tenant {tenant} is cannot be found out",
        cause=f"the description of it at {login} names no tenant",
        remedy="give --tenant the tenant's ID (a GUID)",
    )
