"""Microsoft's own client libraries, unchanged, against the sandbox."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msal  # type: ignore[import-untyped]
import pytest
import requests
from azure.core.credentials import TokenCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import AuthorizationCodeCredential, ClientSecretCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI
from azure.mgmt.resource.subscriptions import SubscriptionClient

from pallink.sandbox import ORIGIN, Sandbox, SandboxStateError
from pallink.sandbox.http.adapter import SandboxAdapter
from tests.sandbox.client import (
    APPROVERS,
    AZURE_CLI,
    CONTOSO,
    DEVELOPMENT,
    FABRIKAM,
    INVOICES,
    INVOICES_AS_GUEST,
    ONBOARDING,
    ONBOARDING_CLIENT,
    ONBOARDING_SECRET,
    PRODUCTION,
    READER,
    REDIRECT_URI,
    SCOPE,
)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount(ORIGIN, SandboxAdapter(Sandbox(tmp_path)))
        yield session


class Azure:
    """The clients of one credential, on a shared transport."""

    def __init__(self, transport: RequestsTransport, credential: TokenCredential) -> None:
        options: dict[str, Any] = {"base_url": ORIGIN, "credential_scopes": [SCOPE], "transport": transport}
        self.partner = ACEProvisioningManagementPartnerAPI(credential, **options)
        self.subscriptions = SubscriptionClient(credential, **options)
        self.authorization = AuthorizationManagementClient(credential, PRODUCTION, **options)


@pytest.fixture
def transport(session: requests.Session) -> RequestsTransport:
    return RequestsTransport(session=session, session_owner=False)


def application(transport: RequestsTransport, secret: str = ONBOARDING_SECRET) -> TokenCredential:
    return ClientSecretCredential(
        CONTOSO,
        ONBOARDING_CLIENT,
        secret,
        authority=ORIGIN,
        disable_instance_discovery=True,
        transport=transport,
    )


def code_of(error: HttpResponseError) -> str | None:
    return error.error.code if error.error else None


def authorization_code(session: requests.Session, hint: str, tenant: str) -> str:
    query = {
        "client_id": AZURE_CLI,
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": SCOPE,
        "state": "a state",
        "login_hint": hint,
        "prompt": "none",
    }
    response = session.get(f"{ORIGIN}/{tenant}/oauth2/v2.0/authorize?{urlencode(query)}", allow_redirects=False)
    assert response.status_code == 302
    (code,) = parse_qs(urlsplit(response.headers["Location"]).query)["code"]
    return code


def user(session: requests.Session, transport: RequestsTransport, hint: str, tenant: str = CONTOSO) -> TokenCredential:
    return AuthorizationCodeCredential(
        tenant,
        AZURE_CLI,
        authorization_code(session, hint, tenant),
        REDIRECT_URI,
        authority=ORIGIN,
        transport=transport,
    )


def test_an_application_links_itself(transport: RequestsTransport) -> None:
    azure = Azure(transport, application(transport))

    with pytest.raises(ResourceNotFoundError) as not_linked:
        azure.partner.partner.get("")
    assert code_of(not_linked.value) == "ManagementPartnerNotFound"

    created = azure.partner.partner.create("719878")
    assert (created.partner_id, created.partner_name) == ("719878", "Mekorma")
    assert (created.tenant_id, created.object_id) == (CONTOSO, ONBOARDING)
    assert (created.version, created.etag, created.state) == (1, 1, "Active")

    assert azure.partner.partners.get() == azure.partner.partner.get("719878") == created
    assert azure.partner.partner.update("6183402").version == 2
    with pytest.raises(HttpResponseError) as invalid:
        azure.partner.partner.update("2087415")
    assert code_of(invalid.value) == "PartnerIdInvalid"
    azure.partner.partner.delete("6183402")
    with pytest.raises(ResourceNotFoundError):
        azure.partner.partners.get()


def test_a_user_reads_what_it_holds_through_groups_and_management_groups(
    session: requests.Session, transport: RequestsTransport
) -> None:
    azure = Azure(transport, user(session, transport, "svc_approvers@contoso.com"))

    visible = list(azure.subscriptions.subscriptions.list())
    assert [each.subscription_id for each in visible] == [PRODUCTION, DEVELOPMENT]
    assert {each.tenant_id for each in visible} == {CONTOSO}
    assert azure.subscriptions.subscriptions.get(PRODUCTION) == visible[0]

    condition = f"atScope() and assignedTo('{APPROVERS}')"
    (assignment,) = azure.authorization.role_assignments.list_for_subscription(filter=condition)
    assert assignment.principal_id != APPROVERS
    assert assignment.principal_type == "Group"
    assert assignment.scope == "/providers/Microsoft.Management/managementGroups/workloads"
    assert assignment.role_definition_id.endswith(READER)
    assert assignment.condition is None

    for scope in ("", f"/subscriptions/{PRODUCTION}"):
        definition = azure.authorization.role_definitions.get(scope, READER)
        assert (definition.role_name, definition.permissions[0].actions) == ("Reader", ["*/read"])
    assert azure.authorization.role_definitions.get_by_id(assignment.role_definition_id).role_name == "Reader"
    eligible = azure.authorization.role_eligibility_schedule_instances.list_for_scope("", filter="asTarget()")
    assert list(eligible) == []


def test_a_guest_is_another_account_in_each_tenant(session: requests.Session, transport: RequestsTransport) -> None:
    at_home = Azure(transport, user(session, transport, "invoices@contoso.com"))
    as_guest = Azure(transport, user(session, transport, "invoices@contoso.com", FABRIKAM))

    assert at_home.partner.partner.create("719878").object_id == INVOICES
    assert as_guest.partner.partner.create("6183402").object_id == INVOICES_AS_GUEST
    assert at_home.partner.partners.get().partner_id == "719878"

    tenants = list(as_guest.subscriptions.tenants.list())
    assert [each.display_name for each in tenants] == ["Contoso", "Fabrikam"]
    assert [each.display_name for each in as_guest.subscriptions.subscriptions.list()] == ["Fabrikam Operations"]


def test_a_file_that_cannot_be_used_is_no_answer_of_azures(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.touch()
    with requests.Session() as session:
        session.mount(ORIGIN, SandboxAdapter(Sandbox(home)))
        transport = RequestsTransport(session=session, session_owner=False)
        with pytest.raises(SandboxStateError):
            session.get(ORIGIN)
        with pytest.raises(ClientAuthenticationError) as caught:
            application(transport).get_token(SCOPE)
    assert isinstance(caught.value.__cause__, SandboxStateError)  # azure-identity wraps whatever it does not know.


def test_a_wrong_secret_is_refused(transport: RequestsTransport) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        application(transport, "wrong").get_token(SCOPE)


@pytest.mark.filterwarnings("ignore:response_mode=:UserWarning")  # The sandbox answers by a redirect, not a form.
def test_msal_takes_the_tokens_of_a_browser(session: requests.Session) -> None:
    program = msal.PublicClientApplication(
        AZURE_CLI, authority=f"{ORIGIN}/organizations", http_client=session, instance_discovery=False
    )
    flow = program.initiate_auth_code_flow([SCOPE], redirect_uri=REDIRECT_URI, login_hint="owner@contoso.com")
    response = session.get(flow["auth_uri"], allow_redirects=False)
    answer = parse_qs(urlsplit(response.headers["Location"]).query)

    result = program.acquire_token_by_auth_code_flow(flow, {name: value for name, (value,) in answer.items()})

    assert result["id_token_claims"]["preferred_username"] == "owner@contoso.com"
    (account,) = program.get_accounts()
    assert account["username"] == "owner@contoso.com"
    refreshed = program.acquire_token_silent_with_error([SCOPE], account, force_refresh=True)
    assert refreshed is not None
    assert "access_token" in refreshed
