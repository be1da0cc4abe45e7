"""The choice of a sign-in, as a table: what is there -> which method, and why; or what is missing."""

from dataclasses import replace
from typing import Any

import pytest

from pallink.account import AccountKind
from pallink.errors import SignInError, UsageError
from pallink.settings import Settings
from pallink.signin import (
    METHODS,
    OFFERED_METHODS,
    Ambiguous,
    Environment,
    SignIn,
    SignInMethod,
    StoredSignIn,
    has_browser,
    resolve_sign_in,
)
from pallink.signin.stored import filter_stored

TENANT = "8fe81352-b317-4e31-9d5b-b42cafcd167c"
FABRIKAM = "cfea1764-3805-4abd-a169-4a8af158423d"
CLIENT = "6be1d7c7-4712-4123-a241-8b8918c455f9"

WHO = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT}
SECRET = {"AZURE_CLIENT_SECRET": "s3cret"}
CERTIFICATE = {"AZURE_CLIENT_CERTIFICATE_PATH": "/keys/app.pem"}
TOKEN_FILE = {"AZURE_FEDERATED_TOKEN_FILE": "/run/token"}
GITHUB = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://ci.example/x?y=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t0ken"}
PIPELINES = {
    "AZURESUBSCRIPTION_TENANT_ID": TENANT,
    "AZURESUBSCRIPTION_CLIENT_ID": CLIENT,
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "connection",
    "SYSTEM_OIDCREQUESTURI": "https://ci.example/oidc",
    "SYSTEM_ACCESSTOKEN": "t0ken",
}

INVOICES = StoredSignIn(
    id="0" * 32,
    cloud="AzureCloud",
    auth="browser",
    account="invoices@contoso.com",
    kind=AccountKind.USER,
    object_id="a423e88c-fb42-4a0f-bc27-18c0c8a37472",
    tenant_id=TENANT,
    client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    home_account_id=f"a423e88c-fb42-4a0f-bc27-18c0c8a37472.{TENANT}",
    username="invoices@contoso.com",
    tenant=None,
    authority_tenant="organizations",
    plain_text=False,
    signed_in_on="2026-01-01T00:00:00Z",
)
APPROVERS = replace(
    INVOICES, id="1" * 32, auth="device-code", account="svc_approvers@contoso.com", username="svc_approvers@contoso.com"
)
AS_GUEST = replace(
    INVOICES,
    id="2" * 32,
    kind=AccountKind.GUEST,
    object_id="4068e629-8af2-4f43-9bcf-a27cb3299348",
    tenant_id=FABRIKAM,
    tenant="fabrikam.onmicrosoft.com",
)
ELSEWHERE = replace(INVOICES, id="3" * 32, cloud="AzureChinaCloud")


def chosen(settings: dict[str, Any], ignore_stored: bool = False, **given: Any) -> SignIn:
    sign_in = resolve_sign_in(Settings(**settings), Environment(**given), ignore_stored=ignore_stored)
    assert isinstance(sign_in, SignIn)
    return sign_in


@pytest.mark.parametrize(
    ("environ", "method"),
    [
        (WHO | SECRET, "client-secret"),
        (WHO | CERTIFICATE, "certificate"),
        (WHO | TOKEN_FILE, "workload-identity"),
        (WHO | GITHUB, "github"),
        (PIPELINES, "azure-pipelines"),
        # Several at once: the first of them, always the same one.
        (WHO | SECRET | CERTIFICATE | TOKEN_FILE | GITHUB | PIPELINES, "client-secret"),
        (WHO | CERTIFICATE | TOKEN_FILE | GITHUB | PIPELINES, "certificate"),
        (WHO | TOKEN_FILE | GITHUB | PIPELINES, "workload-identity"),
        (WHO | GITHUB | PIPELINES, "azure-pipelines"),
        # A complete statement counts more than half of another one.
        (WHO | GITHUB | {"AZURESUBSCRIPTION_CLIENT_ID": CLIENT}, "github"),
    ],
)
@pytest.mark.parametrize("stored", [(), (INVOICES,)])
@pytest.mark.parametrize("can_prompt", [False, True])
def test_what_the_environment_states_completely_comes_first(
    environ: dict[str, str], method: str, stored: Any, can_prompt: bool
) -> None:
    sign_in = chosen({}, environ=environ, stored=stored, can_prompt=can_prompt, has_browser=True)
    assert sign_in.method == method
    assert (sign_in.tenant, sign_in.client_id) == (TENANT, CLIENT)
    assert " are set" in sign_in.reason
    for secret in ("s3cret", "t0ken"):
        assert secret not in repr(sign_in) + sign_in.reason


def test_the_other_statements_are_mentioned() -> None:
    assert chosen({}, environ=WHO | SECRET | TOKEN_FILE).reason.endswith("and take precedence over workload-identity")


@pytest.mark.parametrize(
    ("environ", "missing", "given"),
    [
        (SECRET, ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"], ["AZURE_CLIENT_SECRET"]),
        (SECRET | {"AZURE_CLIENT_ID": CLIENT}, ["AZURE_TENANT_ID"], ["AZURE_CLIENT_ID"]),
        (CERTIFICATE | {"AZURE_TENANT_ID": TENANT}, ["AZURE_CLIENT_ID"], ["AZURE_TENANT_ID"]),
        (TOKEN_FILE, ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"], ["AZURE_FEDERATED_TOKEN_FILE"]),
        (GITHUB | {"AZURE_CLIENT_ID": CLIENT}, ["AZURE_TENANT_ID"], ["AZURE_CLIENT_ID", "ACTIONS_"]),
        (WHO | {"GITHUB_ACTIONS": "true"}, ["ACTIONS_ID_TOKEN_REQUEST_URL"], ["AZURE_CLIENT_ID", "AZURE_TENANT_ID"]),
        (WHO, ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"], ["AZURE_CLIENT_ID", "AZURE_TENANT_ID"]),
        (
            {name: value for name, value in PIPELINES.items() if name != "SYSTEM_ACCESSTOKEN"},
            ["SYSTEM_ACCESSTOKEN"],
            ["SYSTEM_OIDCREQUESTURI", "AZURESUBSCRIPTION"],
        ),
        (WHO | {"AZURE_CLIENT_SECRET": ""}, ["AZURE_CLIENT_SECRET"], ["AZURE_CLIENT_ID"]),
    ],
)
@pytest.mark.parametrize("can_prompt", [False, True])
@pytest.mark.parametrize("stored", [(), (INVOICES,)])
def test_half_a_statement_is_an_error_that_names_the_other_half(
    environ: dict[str, str], missing: list[str], given: list[str], can_prompt: bool, stored: Any
) -> None:
    with pytest.raises(SignInError) as refused:
        resolve_sign_in(
            Settings(), Environment(environ=environ, can_prompt=can_prompt, has_browser=True, stored=stored)
        )
    for name in missing:
        assert name in refused.value.message
    for name in given:
        assert name not in refused.value.message


def test_the_permission_for_github_is_named() -> None:
    with pytest.raises(SignInError) as refused:
        resolve_sign_in(Settings(auth="github"), Environment(environ=WHO))
    assert refused.value.cause is not None
    assert refused.value.remedy == "give the job the permission id-token: write"


def test_only_what_the_user_sets_is_to_be_set() -> None:
    with pytest.raises(SignInError) as refused:
        resolve_sign_in(Settings(auth="github"), Environment())
    assert refused.value.cause is None
    assert refused.value.remedy == (
        "set AZURE_TENANT_ID and AZURE_CLIENT_ID in the environment, and give the job the permission id-token: write"
    )


def test_the_step_of_azure_pipelines_is_named() -> None:
    with pytest.raises(SignInError) as refused:
        resolve_sign_in(Settings(auth="azure-pipelines"), Environment())
    assert refused.value.remedy == (
        "run pallink in an AzureCLI@2 step, and set SYSTEM_ACCESSTOKEN: $(System.AccessToken) in the env of the step"
    )


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"AZURE_TENANT_ID": TENANT},
        {"AZURE_CLIENT_ID": CLIENT},
        GITHUB,
        {"SYSTEM_OIDCREQUESTURI": "https://ci.example/oidc", "SYSTEM_ACCESSTOKEN": "t0ken"},
    ],
)
def test_a_tenant_a_client_id_or_what_the_ci_system_sets_is_no_statement(environ: dict[str, str]) -> None:
    assert chosen({}, environ=environ, stored=(INVOICES,)).stored == INVOICES
    with pytest.raises(SignInError, match=r"^not signed in$") as refused:
        resolve_sign_in(Settings(), Environment(environ=environ))
    assert refused.value.remedy == (
        "sign in once, or for an application set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
    )
    assert refused.value.command == "pallink login"
    assert refused.value.needs_login


@pytest.mark.parametrize(
    ("settings", "environ", "method"),
    [
        ({"tenant": TENANT, "client_id": CLIENT}, SECRET, "client-secret"),
        ({"client_id": CLIENT}, {"AZURE_TENANT_ID": TENANT} | GITHUB, "github"),
        ({"tenant": TENANT, "client_id": CLIENT}, PIPELINES | {"AZURESUBSCRIPTION_CLIENT_ID": ""}, "azure-pipelines"),
    ],
)
def test_options_stand_in_for_variables(settings: dict[str, str], environ: dict[str, str], method: str) -> None:
    sign_in = chosen(settings, environ=environ)
    assert (sign_in.method, sign_in.tenant, sign_in.client_id) == (method, TENANT, CLIENT)


def test_options_alone_are_hints_for_the_browser() -> None:
    sign_in = chosen({"tenant": TENANT, "client_id": CLIENT}, can_prompt=True, has_browser=True)
    assert (sign_in.method, sign_in.tenant, sign_in.client_id) == ("browser", TENANT, CLIENT)


@pytest.mark.parametrize("method", [SignInMethod.AZURE_CLI, SignInMethod.MANAGED_IDENTITY])
def test_a_session_that_somebody_left_behind_is_used_only_when_it_is_named(method: SignInMethod) -> None:
    assert chosen({"auth": method}).reason == "--auth names it"
    assert METHODS[method].selected_by == frozenset()
    assert METHODS[method].required == ()


def test_a_user_assigned_identity_is_named_by_its_variable_or_the_option() -> None:
    by_variable = chosen({"auth": "managed-identity"}, environ={"AZURE_CLIENT_ID": CLIENT})
    by_option = chosen({"auth": "managed-identity", "client_id": CLIENT}, environ={"AZURE_CLIENT_ID": TENANT})
    assert by_variable.client_id == by_option.client_id == CLIENT


@pytest.mark.parametrize(
    ("given", "method", "because"),
    [
        ({"can_prompt": True, "has_browser": True}, "browser", "there is a terminal"),
        ({"can_prompt": True}, "device-code", "no browser can be opened"),
    ],
)
def test_on_a_terminal_a_person_signs_in(given: dict[str, Any], method: str, because: str) -> None:
    sign_in = chosen({"account": "invoices@contoso.com"}, **given)
    assert sign_in.method == method
    assert because in sign_in.reason
    assert sign_in.login_hint == "invoices@contoso.com"


@pytest.mark.parametrize("method", ["browser", "device-code"])
def test_no_input_lets_nobody_be_asked_even_by_name(method: str) -> None:
    given = Environment(can_prompt=False, has_browser=True, no_input=True)
    with pytest.raises(SignInError, match="--no-input") as refused:
        resolve_sign_in(Settings(auth=method), given)
    assert refused.value.needs_login
    assert chosen({"auth": method}, has_browser=True).method == method, "a log may be all that somebody looks at"


@pytest.mark.parametrize("method", OFFERED_METHODS)
def test_a_named_method_is_used_or_says_what_it_misses(method: SignInMethod) -> None:
    given = Environment(environ={}, has_browser=True)
    if not METHODS[method].required:
        assert chosen({"auth": method}, has_browser=True).method is method
        return
    with pytest.raises(SignInError) as refused:
        resolve_sign_in(Settings(auth=method), given)
    for name in METHODS[method].required:
        assert name in refused.value.message


def test_an_unknown_method() -> None:
    for name in ("password", "sandbox-user", "Browser", ""):
        with pytest.raises(UsageError, match="unknown sign-in method"):
            resolve_sign_in(Settings(auth=name), Environment())


@pytest.mark.parametrize(
    ("settings", "stored", "expected"),
    [
        ({}, (INVOICES,), INVOICES),
        ({}, (INVOICES, ELSEWHERE), INVOICES),
        ({"account": "SVC_approvers@contoso.com"}, (INVOICES, APPROVERS), APPROVERS),
        ({"account": INVOICES.object_id}, (INVOICES, AS_GUEST), INVOICES),
        ({"tenant": FABRIKAM}, (INVOICES, AS_GUEST), AS_GUEST),
        ({"tenant": TENANT}, (INVOICES, AS_GUEST), INVOICES),
        ({"cloud": "AzureChinaCloud"}, (INVOICES, ELSEWHERE), ELSEWHERE),
        ({"auth": "device-code"}, (INVOICES, APPROVERS), APPROVERS),
    ],
)
def test_a_stored_sign_in_is_the_default(settings: dict[str, str], stored: Any, expected: StoredSignIn) -> None:
    sign_in = chosen(settings, stored=stored)
    assert sign_in.stored == expected
    assert str(expected) in sign_in.reason


@pytest.mark.parametrize(
    ("tenant", "tenant_id", "expected"),
    [
        ("fabrikam.onmicrosoft.com", FABRIKAM, AS_GUEST),
        ("another-name-of-fabrikam.com", FABRIKAM, AS_GUEST),
        ("contoso.com", TENANT, INVOICES),
        ("another-name-of-contoso.com", TENANT, INVOICES),
    ],
)
@pytest.mark.parametrize("auth", [None, "browser"])
def test_a_domain_means_the_tenant_that_it_belongs_to(
    tenant: str, tenant_id: str, expected: StoredSignIn, auth: str | None
) -> None:
    sign_in = chosen({"tenant": tenant, "auth": auth}, stored=(INVOICES, AS_GUEST), tenant_id=tenant_id)
    assert (sign_in.stored, sign_in.tenant) == (expected, tenant_id)


OTHER_TENANT = "00000000-0000-4000-8000-000000000001"
APPLICATION = replace(
    INVOICES, id="4" * 32, kind=AccountKind.APPLICATION, account=CLIENT, home_account_id=None, username=None
)


@pytest.mark.parametrize("stored", [(INVOICES,), (INVOICES, AS_GUEST), (INVOICES, APPLICATION, ELSEWHERE)])
def test_a_user_is_taken_for_another_tenant_too(stored: Any) -> None:
    sign_in = chosen({"tenant": OTHER_TENANT}, stored=stored)
    assert sign_in.stored is not None
    assert (sign_in.stored.account, sign_in.tenant) == (INVOICES.account, OTHER_TENANT)
    assert "it is stored for another tenant: " in sign_in.reason


def test_of_several_users_for_another_tenant_one_is_chosen_by_account() -> None:
    given = Environment(
        stored=(INVOICES, AS_GUEST, replace(APPROVERS, home_account_id="another one")), tenant_id=OTHER_TENANT
    )
    with pytest.raises(SignInError) as refused:
        resolve_sign_in(Settings(tenant="customer.example"), given)
    assert "could not choose among 2 stored sign-ins" in refused.value.message
    assert not refused.value.needs_login
    assert refused.value.command == "pallink whoami --account invoices@contoso.com --tenant customer.example"


def test_an_application_is_not_taken_for_another_tenant() -> None:
    with pytest.raises(SignInError, match=r"^not signed in$") as refused:
        resolve_sign_in(Settings(tenant=OTHER_TENANT), Environment(stored=(APPLICATION,)))
    assert refused.value.command == f"pallink login --tenant {OTHER_TENANT}"


@pytest.mark.parametrize(("settings", "option"), [({}, "--account"), ({"account": "invoices@contoso.com"}, "--tenant")])
def test_several_stored_sign_ins_are_asked_about_or_an_error(settings: dict[str, Any], option: str) -> None:
    stored = (APPROVERS, INVOICES) if not settings else (AS_GUEST, INVOICES)
    asked = resolve_sign_in(Settings(**settings), Environment(stored=stored, can_prompt=True))
    assert isinstance(asked, Ambiguous)
    assert set(asked.candidates) == set(stored)
    with pytest.raises(SignInError) as refused:
        resolve_sign_in(Settings(**settings), Environment(stored=stored))
    for each in stored:
        assert each.account in (refused.value.cause or "")
    assert f"with {option}" in (refused.value.remedy or "")
    assert (refused.value.command or "").startswith("pallink whoami ")
    assert " --account invoices@contoso.com" in (refused.value.command or "")


def test_a_stored_sign_in_of_somebody_else_is_not_used() -> None:
    settings: dict[str, Any] = {"account": "svc_approvers@contoso.com"}
    with pytest.raises(SignInError) as refused:
        resolve_sign_in(Settings(**settings), Environment(stored=(INVOICES,)))
    assert "invoices@contoso.com" in (refused.value.cause or "")
    assert refused.value.command == "pallink login --account svc_approvers@contoso.com"
    assert chosen(settings, stored=(INVOICES,), can_prompt=True).method == "device-code"


def test_login_signs_in_anew() -> None:
    assert chosen({}, ignore_stored=True, stored=(INVOICES,), can_prompt=True, has_browser=True).stored is None
    assert chosen({"auth": "browser"}, ignore_stored=True, stored=(INVOICES,), has_browser=True).stored is None
    assert chosen({"cloud": "sandbox"}, ignore_stored=True, is_signed_out=True).method == "sandbox-user"


def test_the_sandbox_signs_in_whom_one_likes_until_somebody_signed_out() -> None:
    kept = replace(INVOICES, cloud="sandbox", auth="sandbox-user")
    assert chosen({"cloud": "sandbox"}, environ=WHO | SECRET).method == "sandbox-user"
    assert chosen({"cloud": "sandbox"}, stored=(kept,)).stored == kept
    assert chosen({"cloud": "sandbox", "account": "owner@contoso.com"}, stored=(kept,)).stored is None
    with pytest.raises(SignInError) as refused:
        resolve_sign_in(Settings(cloud="sandbox"), Environment(is_signed_out=True, can_prompt=True))
    assert refused.value.command == "pallink login --cloud sandbox"


def test_no_browser_reaches_the_embedded_sandbox() -> None:
    with pytest.raises(SignInError, match="with a browser") as refused:
        resolve_sign_in(Settings(cloud="sandbox", auth="browser"), Environment(has_browser=True))
    assert "pallink sandbox serve" in (refused.value.remedy or "")


@pytest.mark.parametrize(
    ("environ", "platform", "release", "expected"),
    [
        ({}, "linux", "6.1", False),
        ({"DISPLAY": ":0"}, "linux", "6.1", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", "6.1", True),
        ({}, "linux", "5.15-microsoft-standard-WSL2", True),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "::1 2 ::1 22"}, "linux", "6.1", False),
        ({"BROWSER": "firefox", "SSH_CONNECTION": "::1 2 ::1 22"}, "linux", "6.1", True),
        ({}, "darwin", "24.0", True),
        ({"SSH_TTY": "/dev/ttys1"}, "darwin", "24.0", False),
        ({}, "win32", "11", True),
    ],
)
def test_whether_a_browser_can_be_opened(environ: dict[str, str], platform: str, release: str, expected: bool) -> None:
    assert has_browser(environ, platform, release) is expected


PERSONAL = replace(AS_GUEST, account="live.com#invoices@contoso.com", tenant_id=TENANT, tenant=None)


@pytest.mark.parametrize(
    ("account", "stored"),
    [
        ("Invoices@contoso.com", (INVOICES,)),
        ("live.com#Invoices@contoso.com", (PERSONAL,)),
        (PERSONAL.object_id, (PERSONAL,)),
        ("invoice\u017f@contoso.com", ()),
    ],
)
def test_a_stored_sign_in_of_a_look_alike_does_not_match(account: str, stored: tuple[StoredSignIn, ...]) -> None:
    assert filter_stored((INVOICES, PERSONAL), cloud="AzureCloud", account=account) == stored


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param(SECRET, id="half-set"),
        pytest.param(WHO | SECRET | {"AZURE_CLIENT_ID": "s3cret"}, id="secret where the client ID belongs"),
        pytest.param(WHO | SECRET | {"AZURE_TENANT_ID": "s3cret"}, id="secret where the tenant belongs"),
        pytest.param({**WHO, "AZURE_CLIENT_ID": "s3cret", "AZURE_CLIENT_SECRET": CLIENT}, id="swapped"),
    ],
)
def test_no_error_quotes_a_secret(environ: dict[str, str]) -> None:
    with pytest.raises((SignInError, UsageError)) as failure:
        resolve_sign_in(Settings(), Environment(environ))
    error = failure.value
    assert "s3cret" not in f"{error.message} {error.cause} {error.remedy} {error.command}"


def test_no_sign_in_shows_its_secret() -> None:
    assert "s3cret" not in repr(resolve_sign_in(Settings(), Environment(WHO | SECRET)))
