import re
from typing import Any

import pytest
from hypothesis import example, given, strategies as st
from msal.authority import (  # type: ignore[import-untyped]
    WELL_KNOWN_AUTHORITY_HOSTS as LOGIN_HOSTS,
    WELL_KNOWN_B2C_HOSTS,
)

from pallink.clouds import (
    BUILT_IN,
    CLOUD_NAMES,
    CLOUDS,
    Cloud,
    cloud_from_metadata,
    https_origin,
    owner_of,
    parse_cloud,
)
from pallink.errors import UnexpectedAnswerError, UsageError
from pallink.exit_codes import ExitCode

STACK = "https://management.local.azurestack.external"
STACK_LOGIN = "https://login.local.azurestack.external"
STACK_AUDIENCE = "https://management.adfs.azurestack.local/7b6b8bd7-3bb1-4a1b-9ae7-7e9b1b9b1d2c"
EVIL = "https://arm.evil.example"

# What a URL's host may be: a name of letters, digits and hyphens, an IPv4 or an IPv6 address; then perhaps a port.
ORIGIN = re.compile(r"https://([a-z0-9._-]+|\[[0-9a-f:.]+(%[a-z0-9._-]+)?\])(:[0-9]+)?")

arbitrary_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
url_like = st.builds("{}{}{}".format, st.sampled_from(["https://", "HTTPS://", "http://", "//"]), st.text(), st.text())


def metadata(login: object = f"{STACK_LOGIN}/", *audiences: object, **more: object) -> dict[str, Any]:
    """A document in the shape of api-version 2022-09-01."""
    audiences = audiences or (f"{STACK}/",)
    return {"authentication": {"loginEndpoint": login, "audiences": list(audiences), "tenant": "common"}, **more}


@pytest.mark.parametrize(
    ("text", "cloud"),
    [
        ("AzureCloud", "AzureCloud"),
        ("azurecloud", "AzureCloud"),
        ("AZUREUSGOVERNMENT", "AzureUSGovernment"),
        ("azureChinaCloud", "AzureChinaCloud"),
        ("Sandbox", "sandbox"),
        (STACK, STACK),
        (f"{STACK}/", STACK),
        (f"{STACK}:443", STACK),
        (f"{STACK}:8443/some/path", f"{STACK}:8443"),
        ("HTTPS://Arm.Example", "https://arm.example"),
        ("https://[::1]:30024", "https://[::1]:30024"),
        ("https://management.azure.com", "AzureCloud"),
        ("https://MANAGEMENT.azure.com:443/", "AzureCloud"),
        ("https://management.usgovcloudapi.net/", "AzureUSGovernment"),
        ("https://management.chinacloudapi.cn", "AzureChinaCloud"),
    ],
)
def test_a_cloud_in_its_own_spelling(text: str, cloud: str) -> None:
    assert parse_cloud(text) == cloud


@pytest.mark.parametrize("text", ["", "Azure", " AzureCloud", "AzureCloud\n", "arm.example", "localhost:8443"])
def test_an_unknown_name_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_cloud(text)
    assert repr(text) in refusal.value.message
    assert all(name in str(refusal.value.remedy) for name in CLOUD_NAMES)
    assert refusal.value.exit_code == ExitCode.USAGE


NO_ORIGINS = [
    pytest.param("http://arm.example", id="not encrypted"),
    pytest.param("ftp://arm.example", id="another scheme"),
    pytest.param("https://", id="no host"),
    pytest.param("https://:8443", id="no host but a port"),
    pytest.param("https://arm.example:0x10", id="no port"),
    pytest.param("https://arm.example:99999", id="no such port"),
    pytest.param("https://arm.example:\u0663", id="arabic port"),
    pytest.param("https://user@arm.example", id="user"),
    pytest.param("https://user:secret@arm.example", id="user and password"),
    pytest.param("https://@arm.example", id="empty user"),
    pytest.param("https://management.azure.com@arm.example", id="user like a host"),
    pytest.param("https://arm.example?x=1", id="query"),
    pytest.param("https://arm.example\\.azure.com", id="backslash"),
    pytest.param("https://arm .example", id="blank"),
    pytest.param("https://arm.example\n", id="newline"),
    pytest.param("https://arm\t.example", id="tab"),
    pytest.param("https://[::1", id="open bracket"),
    pytest.param("https://arm.example\x00", id="NUL"),
    pytest.param("https://arm';reboot;'", id="quote"),
    pytest.param("https://$(reboot)", id="dollar"),
    pytest.param("https://login%2emicrosoftonline.com", id="percent-encoded dot"),
    pytest.param("https://login\u3002microsoftonline\u3002com", id="ideographic dots"),
    pytest.param("https://login.\uff4dicrosoftonline.com", id="full-width letter"),
    pytest.param("https://login.micro\u00adsoftonline.com", id="soft hyphen"),
]


@pytest.mark.parametrize("text", NO_ORIGINS)
def test_what_is_no_https_host_and_port_is_refused(text: str) -> None:
    assert https_origin(text) is None
    with pytest.raises(UsageError):
        parse_cloud(text)


def test_http_is_refused_because_tokens_could_be_read() -> None:
    with pytest.raises(UsageError) as refusal:
        parse_cloud("http://arm.example")
    assert "would expose the tokens" in str(refusal.value.cause)


@given(st.text() | url_like)
@example("https://[")
@example("https://a\u2100b")
def test_an_origin_is_a_host_and_perhaps_a_port_and_nothing_else(text: str) -> None:
    origin = https_origin(text)
    if origin is not None:
        assert ORIGIN.fullmatch(origin)
        assert https_origin(origin) == origin


@given(st.text() | url_like)
def test_no_text_crashes_the_choice_of_a_cloud(text: str) -> None:
    try:
        cloud = parse_cloud(text)
    except UsageError:
        return
    assert cloud in CLOUD_NAMES or cloud.startswith("https://")


@pytest.mark.parametrize(
    ("cloud", "login", "resource_manager", "scope"),
    [
        (
            "AzureCloud",
            "https://login.microsoftonline.com",
            "https://management.azure.com",
            "https://management.azure.com/.default",
        ),
        (
            "AzureUSGovernment",
            "https://login.microsoftonline.us",
            "https://management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net/.default",
        ),
        (
            "AzureChinaCloud",
            "https://login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn",
            "https://management.chinacloudapi.cn/.default",
        ),
    ],
)
def test_built_in_clouds(cloud: str, login: str, resource_manager: str, scope: str) -> None:
    built_in = BUILT_IN[cloud]
    assert (built_in.login, built_in.resource_manager, built_in.scope) == (login, resource_manager, scope)
    assert built_in.emulator is None


EXPECTED = Cloud(STACK, STACK_LOGIN, STACK, STACK)


@pytest.mark.parametrize(
    ("document", "cloud"),
    [
        pytest.param(metadata(), EXPECTED, id="object"),
        pytest.param([metadata(resourceManager=f"{STACK}:443/")], EXPECTED, id="list"),
        pytest.param(
            [metadata("https://x.example", resourceManager=EVIL), "junk", metadata(resourceManager=STACK.upper())],
            EXPECTED,
            id="list with others",
        ),
        pytest.param(metadata(resourceManager=EVIL), EXPECTED, id="requests stay where it came from"),
        pytest.param(
            metadata(f"{STACK_LOGIN}:8443/", "https://management.core.local.azurestack.external/", f"{STACK}/"),
            Cloud(STACK, f"{STACK_LOGIN}:8443", STACK, STACK),
            id="own audience before the first",
        ),
        pytest.param(
            metadata(STACK_LOGIN, f"{STACK_AUDIENCE}/"),
            Cloud(STACK, STACK_LOGIN, STACK, STACK_AUDIENCE),
            id="first audience",
        ),
        pytest.param(
            metadata(portal="https://Portal.example/"),
            Cloud(STACK, STACK_LOGIN, STACK, STACK, "https://portal.example"),
            id="portal",
        ),
        pytest.param(metadata(portal="javascript:alert(1)"), EXPECTED, id="portal that is none"),
    ],
)
def test_a_cloud_by_its_metadata(document: object, cloud: Cloud) -> None:
    assert cloud_from_metadata(STACK, document) == cloud


@pytest.mark.parametrize("cloud", BUILT_IN.values(), ids=BUILT_IN)
def test_a_built_in_cloud_may_name_itself(cloud: Cloud) -> None:
    document = metadata(f"{cloud.login}/", "https://management.core.windows.net/")
    document["authentication"]["audiences"] = [f"{cloud.audience}/"]
    described = cloud_from_metadata(cloud.resource_manager, document)
    assert (described.login, described.audience) == (cloud.login, cloud.audience)


@pytest.mark.parametrize("country", ["fr", "de", "sg"])
def test_a_sovereign_cloud_may_name_itself(country: str) -> None:
    origin, login = f"https://management.sovcloud-api.{country}", f"https://login.sovcloud-identity.{country}"
    audience = f"https://management.core.sovcloud-api.{country}"
    assert cloud_from_metadata(origin, metadata(f"{login}/", f"{audience}/")) == Cloud(origin, login, origin, audience)


@pytest.mark.parametrize(
    "audience",
    [
        "https://audience.example",
        "https://database.windows.net/",
        "https://vault.azure.net",
        "https://graph.microsoft.com",
        "https://management.elsewhere.example/",
        "https://management.elsewhere.example/not-a-guid",
        f"{STACK_AUDIENCE}.evil.example",
        f"{STACK}:8443",
        f"{STACK}.evil.example",
        "https://local.azurestack.external",
    ],
)
@pytest.mark.parametrize("others", [(), (STACK,)], ids=["alone", "beside its own"])
def test_the_audience_of_another_service_is_refused(audience: str, others: tuple[str, ...]) -> None:
    with pytest.raises(UnexpectedAnswerError) as refusal:
        cloud_from_metadata(STACK, metadata(STACK_LOGIN, *others, audience))
    assert audience in f"{refusal.value.message} {refusal.value.cause}"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(None, id="null"),
        pytest.param("text", id="text"),
        pytest.param({}, id="empty object"),
        pytest.param([], id="empty list"),
        pytest.param([metadata(resourceManager=EVIL)], id="list of others"),
        pytest.param([metadata()], id="list without resource managers"),
        pytest.param({"authentication": []}, id="authentication is a list"),
        pytest.param({"authentication": {"audiences": [STACK]}}, id="no login endpoint"),
        pytest.param(metadata(1), id="login endpoint is a number"),
        pytest.param(metadata("http://login.example"), id="login not encrypted"),
        pytest.param(metadata("https://user@login.example"), id="login with a user"),
        pytest.param({"authentication": {"loginEndpoint": STACK_LOGIN}}, id="no audiences"),
        pytest.param({"authentication": {"loginEndpoint": STACK_LOGIN, "audiences": []}}, id="empty audiences"),
        pytest.param({"authentication": {"loginEndpoint": STACK_LOGIN, "audiences": STACK}}, id="text for audiences"),
        pytest.param(metadata(STACK_LOGIN, STACK, ""), id="empty audience"),
        pytest.param(metadata(STACK_LOGIN, STACK, None), id="null audience"),
        pytest.param(metadata(STACK_LOGIN, "/"), id="audience of nothing but a slash"),
        pytest.param(metadata(STACK_LOGIN, "https://["), id="audience that is no URL"),
    ],
)
def test_broken_metadata_is_refused_with_a_command_to_look_at_it(document: object) -> None:
    with pytest.raises(UnexpectedAnswerError) as refusal:
        cloud_from_metadata(STACK, document)
    assert refusal.value.message == f"the cloud metadata of {STACK} cannot be used"
    assert refusal.value.command == f"curl '{STACK}/metadata/endpoints?api-version=2022-09-01'"


@pytest.mark.parametrize(
    ("login", "audience"),
    [
        pytest.param("https://login.microsoftonline.com/", EVIL, id="login host"),
        pytest.param("https://LOGIN.MicrosoftOnline.com", EVIL, id="upper case"),
        pytest.param("https://login.microsoftonline.com.", EVIL, id="trailing dot"),
        pytest.param("https://login.microsoftonline.com:8443", EVIL, id="port"),
        pytest.param("https://login.microsoftonline.com/common/../x", EVIL, id="path"),
        pytest.param("https://device.login.microsoftonline.com", EVIL, id="subdomain"),
        pytest.param("https://login.windows.net", EVIL, id="older name"),
        pytest.param("https://sts.windows.net", EVIL, id="token service"),
        pytest.param("https://login.microsoft.com", EVIL, id="newer name"),
        pytest.param("https://login.microsoftonline.us", EVIL, id="Government"),
        pytest.param("https://login.partner.microsoftonline.cn", EVIL, id="China"),
        *(pytest.param(f"https://{host}", EVIL, id=f"msal's {host}") for host in sorted(LOGIN_HOSTS)),
        *(pytest.param(f"https://tenant.{host}", EVIL, id=f"msal's {host}") for host in WELL_KNOWN_B2C_HOSTS),
        pytest.param("https://login%2emicrosoftonline.com", EVIL, id="percent-encoded"),
        pytest.param("https://login\u3002microsoftonline\u3002com", EVIL, id="ideographic dots"),
        pytest.param(EVIL, "https://management.azure.com", id="audience"),
        pytest.param(EVIL, "https://MANAGEMENT.azure.com./", id="audience in disguise"),
        pytest.param(EVIL, "https://management.azure.com:8443/x", id="audience with a port"),
        pytest.param(EVIL, "https://user@management.azure.com", id="audience with a user"),
        pytest.param(EVIL, "management.azure.com", id="audience without a scheme"),
        pytest.param(EVIL, "https://management.core.windows.net/", id="older audience"),
        pytest.param(EVIL, "https://graph.microsoft.com", id="Graph"),
        pytest.param(EVIL, "https://management.core.usgovcloudapi.net", id="Government's audience"),
        pytest.param(EVIL, "https://management.chinacloudapi.cn", id="China's audience"),
    ],
)
@pytest.mark.parametrize(
    "origin",
    [EVIL, "https://management.azure.com.evil.example", "https://management.azure.com:8443", "https://x.azure.com"],
)
def test_nobody_else_may_name_the_login_host_or_audience_of_a_built_in_cloud(
    origin: str, login: str, audience: str
) -> None:
    with pytest.raises(UnexpectedAnswerError):
        cloud_from_metadata(origin, metadata(login, audience))
    with pytest.raises(UnexpectedAnswerError):
        cloud_from_metadata(origin, metadata(login, EVIL, audience))


def test_one_built_in_cloud_may_not_name_the_login_host_of_another() -> None:
    with pytest.raises(UnexpectedAnswerError, match=r"belongs to AzureCloud"):
        cloud_from_metadata(
            "https://management.chinacloudapi.cn", metadata("https://login.microsoftonline.com", "https://x.example")
        )


@pytest.mark.parametrize(
    ("host", "owner"),
    [
        ("login.microsoftonline.com", "AzureCloud"),
        ("https://x.management.azure.com:1/y", "AzureCloud"),
        ("login.microsoftonline.us", "AzureUSGovernment"),
        ("login.chinacloudapi.cn", "AzureChinaCloud"),
        ("login.sovcloud-identity.fr", "https://management.sovcloud-api.fr"),
        ("login.microsoftonline.de", "https://management.microsoftazure.de"),
        ("database.windows.net", "AzureCloud"),
        ("notmicrosoftonline.com", None),
        ("microsoftonline.com.evil.example", None),
        ("evil.example/login.microsoftonline.com", None),
        ("https://[login.microsoftonline.com", None),
        ("", None),
    ],
)
def test_which_built_in_cloud_a_host_belongs_to(host: str, owner: str | None) -> None:
    assert owner_of(host) == owner


@given(arbitrary_json | st.builds(metadata, arbitrary_json, arbitrary_json, portal=arbitrary_json))
@example(metadata(STACK_LOGIN, "["))
@example(metadata(STACK_LOGIN, "\u2100"))
def test_no_document_crashes_the_reading_of_metadata(document: object) -> None:
    try:
        cloud = cloud_from_metadata(STACK, document)
    except UnexpectedAnswerError:
        return
    assert cloud.resource_manager == STACK


@given(st.text(min_size=1))
@example("//[")
def test_no_audience_crashes_the_reading_of_metadata(audience: str) -> None:
    try:
        cloud = cloud_from_metadata(STACK, metadata(STACK_LOGIN, audience))
    except UnexpectedAnswerError:
        return
    assert cloud.audience
    assert cloud.login == STACK_LOGIN


VAULTS = "vault.local.azurestack.external"


@pytest.mark.parametrize(
    ("cloud", "suffix"),
    [
        ("AzureCloud", "vault.azure.net"),
        ("AzureUSGovernment", "vault.usgovcloudapi.net"),
        ("AzureChinaCloud", "vault.azure.cn"),
        ("sandbox", "vault.sandbox.invalid"),
    ],
)
def test_each_cloud_has_its_vaults(cloud: str, suffix: str) -> None:
    assert CLOUDS[cloud].is_vault(f"https://ops.{suffix}")
    others = {other.vault_suffix for other in CLOUDS.values()} - {suffix}
    assert not any(CLOUDS[cloud].is_vault(f"https://ops.{other}") for other in others)


@pytest.mark.parametrize(
    "url",
    [
        "https://vault.azure.net",
        "https://a.vault.azure.net",
        "https://ops.vault.azure.net.evil.example",
        "https://ops.vault.azure.net:8443",
        "https://evil.ops.vault.azure.net",
        "https://opsvault.azure.net",
        "https://-ops.vault.azure.net",
        "https://user@ops.vault.azure.net",
        "http://ops.vault.azure.net",
        "https://evil.example\\.ops.vault.azure.net",
        "ops.vault.azure.net",
        "",
    ],
)
def test_nothing_else_is_a_vault(url: str) -> None:
    assert not BUILT_IN["AzureCloud"].is_vault(url)


@pytest.mark.parametrize(
    ("suffix", "found"),
    [
        (VAULTS, VAULTS),
        (f".{VAULTS}", VAULTS),
        (f"{VAULTS}:8443", f"{VAULTS}:8443"),
        (None, None),
        ("", None),
        (7, None),
        ("example", None),
        ("[::1]", None),
        ("user@vault.example", None),
        ("vault.example?x", None),
        ("vault.azure.net", None),
        (".vault.usgovcloudapi.net", None),
    ],
)
def test_the_domain_of_vaults_in_metadata_is_the_clouds_own(suffix: object, found: str | None) -> None:
    cloud = cloud_from_metadata(STACK, metadata(suffixes={"keyVaultDns": suffix}))
    assert cloud.vault_suffix == found
    assert cloud.is_vault(f"https://ops.{found}") is (found is not None)


@pytest.mark.parametrize("suffixes", [None, [], "vault.example", {}])
def test_without_a_domain_of_vaults_there_are_none(suffixes: object) -> None:
    cloud = cloud_from_metadata(STACK, metadata(suffixes=suffixes))
    assert cloud.vault_suffix is None
    assert not cloud.is_vault("https://ops.None")


# --- Microsoft Graph --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        ("https://graph.stack.example/", "https://graph.stack.example"),
        ("https://graph.microsoft.com/", None),  # Another cloud's, whose tokens it could so collect.
        ("https://microsoftgraph.chinacloudapi.cn", None),
        ("http://graph.stack.example", None),
        ("graph.stack.example", None),
        (7, None),
        (None, None),
    ],
)
def test_the_graph_of_another_cloud(resource: object, found: str | None) -> None:
    assert cloud_from_metadata(STACK, metadata(microsoftGraphResourceId=resource)).graph == found


def test_each_built_in_cloud_has_its_own_graph() -> None:
    graphs = [cloud.graph for cloud in CLOUDS.values()]
    assert None not in graphs
    assert len(set(graphs)) == len(graphs)
    for name, cloud in BUILT_IN.items():
        assert owner_of(str(cloud.graph)) == name
