"""Entra ID: the documents, the browser, the token endpoint, and how each refuses."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from pallink.sandbox import ORIGIN
from tests.sandbox.client import (
    AZURE_CLI,
    CONTOSO,
    FABRIKAM,
    INVOICES,
    INVOICES_AS_GUEST,
    ONBOARDING,
    ONBOARDING_CLIENT,
    ONBOARDING_SECRET,
    REDIRECT_URI,
    SCOPE,
    Client,
    claims,
    document,
    entra_error_of,
    parsed,
)

LOOPBACK = "https://localhost:8443"


# --- Documents -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", [CONTOSO, CONTOSO.upper(), "contoso.com", "Contoso.OnMicrosoft.com"])
@pytest.mark.parametrize("version", ["", "/v2.0"])
def test_a_tenant_is_described_by_id_and_by_domain(client: Client, tenant: str, version: str) -> None:
    described = document(client.send("GET", f"/{tenant}{version}/.well-known/openid-configuration", origin=LOOPBACK))

    assert described["issuer"] == f"{LOOPBACK}/{CONTOSO}/v2.0"
    assert described["token_endpoint"] == f"{LOOPBACK}/{CONTOSO}/oauth2/v2.0/token"
    assert described["authorization_endpoint"] == f"{LOOPBACK}/{CONTOSO}/oauth2/v2.0/authorize"


@pytest.mark.parametrize("tenant", ["organizations", "common"])
def test_tenants_are_described_together(client: Client, tenant: str) -> None:
    described = document(client.send("GET", f"/{tenant}/v2.0/.well-known/openid-configuration"))

    assert described["issuer"] == f"{ORIGIN}/{{tenantid}}/v2.0"
    assert described["token_endpoint"] == f"{ORIGIN}/{tenant}/oauth2/v2.0/token"


def test_keys_are_told_to_nobody(client: Client) -> None:
    assert document(client.send("GET", f"/{CONTOSO}/discovery/v2.0/keys")) == {"keys": []}


def test_instance_discovery(client: Client) -> None:
    query = urlencode({"authorization_endpoint": f"{ORIGIN}/{CONTOSO}/oauth2/v2.0/authorize", "api-version": "1.1"})
    found = document(client.send("GET", f"/common/discovery/instance?{query}"))

    assert found["tenant_discovery_endpoint"] == f"{ORIGIN}/{CONTOSO}/v2.0/.well-known/openid-configuration"
    assert found["metadata"][0]["aliases"] == ["sandbox.invalid"]
    foreign = urlencode({"authorization_endpoint": "https://login.example/common/oauth2/v2.0/authorize"})
    response = client.send("GET", f"/common/discovery/instance?{foreign}")
    assert entra_error_of(response) == (400, "invalid_instance", 50049)


def test_an_unknown_tenant_is_refused_in_the_real_shape(client: Client) -> None:
    response = client.send(
        "GET",
        "/nobody.onmicrosoft.com/v2.0/.well-known/openid-configuration",
        headers={"Client-Request-Id": "0b9e33a2-0000-4000-8000-000000000000"},
    )

    assert entra_error_of(response) == (400, "invalid_tenant", 90002)
    error = parsed(response)
    assert error["correlation_id"] == "0b9e33a2-0000-4000-8000-000000000000"
    assert error["timestamp"] == "2026-03-14 15:09:26Z"
    assert error["error_uri"] == f"{ORIGIN}/error?code=90002"
    assert error["error_description"].startswith("AADSTS90002: Tenant 'nobody.onmicrosoft.com' not found.")
    assert error["error_description"].endswith(
        f" Trace ID: {error['trace_id']} Correlation ID: {error['correlation_id']} Timestamp: {error['timestamp']}"
    )


@pytest.mark.parametrize(
    ("tenant", "number"),
    [("11111111-2222-3333-4444-555555555555", 90002), ("nobody.example", 90002), ("contoso", 900023)],
)
def test_an_unknown_tenant_gives_no_token(client: Client, tenant: str, number: int) -> None:
    assert entra_error_of(client.application_token(tenant))[2] == number


@pytest.mark.parametrize("path", ["/", "/favicon.ico", f"/{CONTOSO}", f"/{CONTOSO}/oauth2/token", "//"])
def test_an_unknown_path_is_not_found(client: Client, path: str) -> None:
    assert client.send("GET", path).status == 404


def test_a_path_says_which_methods_it_takes(client: Client) -> None:
    refused = client.send("DELETE", f"/{CONTOSO}/oauth2/v2.0/token")
    assert (refused.status, refused.headers["Allow"]) == (405, "POST")


# --- Applications ----------------------------------------------------------------------------------------------------


def test_two_tokens_of_the_same_second_are_different(client: Client) -> None:
    first, second = (document(client.application_token())["access_token"] for _ in range(2))
    assert first != second
    assert claims(first) | {"uti": ""} == claims(second) | {"uti": ""}


def test_an_application_signs_in(client: Client) -> None:
    answer = document(client.application_token())

    assert set(answer) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    token = claims(answer["access_token"])
    assert (token["aud"], token["iss"]) == (ORIGIN, f"{ORIGIN}/{CONTOSO}/")
    assert (token["tid"], token["oid"], token["sub"]) == (CONTOSO, ONBOARDING, ONBOARDING)
    assert (token["idtyp"], token["appid"], token["ver"]) == ("app", ONBOARDING_CLIENT, "1.0")
    assert token["exp"] - token["iat"] == answer["expires_in"] == 3599
    assert not {"upn", "unique_name", "name"} & set(token)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_id": "11111111-2222-3333-4444-555555555555"}, (400, "unauthorized_client", 700016)),
        ({"client_id": AZURE_CLI}, (400, "unauthorized_client", 700016)),
        ({"scope": "https://graph.microsoft.com/.default"}, (400, "invalid_scope", 70011)),
        ({"scope": ORIGIN}, (400, "invalid_scope", 70011)),
        ({"scope": ""}, (400, "invalid_scope", 70011)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
    ],
)
def test_an_application_is_refused(client: Client, form: dict[str, str], expected: tuple[int, str, int]) -> None:
    assert entra_error_of(client.application_token(**form)) == expected


def test_client_ids_are_compared_without_their_case(client: Client) -> None:
    answer = document(client.application_token(client_id=ONBOARDING_CLIENT.upper()))
    assert claims(answer["access_token"])["appid"] == ONBOARDING_CLIENT
    code = client.authorize(client_id=AZURE_CLI.upper())["code"]
    assert client.redeem(code, client_id=AZURE_CLI.upper()).status == 200


def test_an_application_is_unknown_elsewhere_and_has_to_say_where(client: Client) -> None:
    assert entra_error_of(client.application_token(FABRIKAM)) == (400, "unauthorized_client", 700016)
    assert entra_error_of(client.application_token("organizations")) == (400, "invalid_request", 50059)


def test_what_is_missing_is_named(client: Client) -> None:
    form = {"grant_type": "client_credentials", "client_id": ONBOARDING_CLIENT, "scope": SCOPE}
    assert entra_error_of(client.ask_token(CONTOSO, **form)) == (401, "invalid_client", 7000218)
    for body in (b"", b"\xff\xfe=\xff"):
        response = client.send("POST", f"/{CONTOSO}/oauth2/v2.0/token", body=body)
        assert entra_error_of(response) == (400, "invalid_request", 900144)
        assert "'grant_type'" in parsed(response)["error_description"]
    without_code = {"grant_type": "authorization_code", "client_id": AZURE_CLI}
    assert "'code'" in parsed(client.ask_token(CONTOSO, **without_code))["error_description"]


@pytest.mark.parametrize(
    ("scope", "audience"),
    [
        (f"{ORIGIN}/.default", ORIGIN),
        (f"{ORIGIN}//.default", f"{ORIGIN}/"),
        ("https://management.azure.com/.default", "https://management.azure.com"),
        ("https://management.azure.com//.default", "https://management.azure.com/"),
        ("openid https://management.azure.com/.default profile", "https://management.azure.com"),
    ],
)
def test_the_scope_becomes_the_audience(client: Client, scope: str, audience: str) -> None:
    assert claims(document(client.application_token(scope=scope))["access_token"])["aud"] == audience


# --- People ----------------------------------------------------------------------------------------------------------


def test_the_default_account_signs_in_when_nobody_says_who(client: Client) -> None:
    answer = client.tokens()

    access, identity = claims(answer["access_token"]), claims(answer["id_token"])
    assert (access["tid"], access["oid"], access["idtyp"]) == (CONTOSO, INVOICES, "user")
    assert access["upn"] == access["unique_name"] == identity["preferred_username"] == "invoices@contoso.com"
    assert (access["appid"], access["name"]) == (AZURE_CLI, "Contoso Invoices")
    assert (identity["aud"], identity["iss"]) == (AZURE_CLI, f"{ORIGIN}/{CONTOSO}/v2.0")
    assert (identity["tid"], identity["oid"], identity["ver"]) == (CONTOSO, INVOICES, "2.0")
    assert client_info(answer) == {"uid": INVOICES, "utid": CONTOSO}
    assert SCOPE in answer["scope"].split()


def client_info(answer: dict[str, Any]) -> dict[str, str]:
    text = answer["client_info"]
    decoded: dict[str, str] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return decoded


@pytest.mark.parametrize("hint", ["svc_approvers@contoso.com", "SVC_Approvers@Contoso.com"])
def test_a_hint_chooses_the_account(client: Client, hint: str) -> None:
    assert claims(client.tokens(hint)["access_token"])["upn"] == "svc_approvers@contoso.com"


@pytest.mark.parametrize("hint", ["invoices@contoso.com", INVOICES, INVOICES_AS_GUEST, INVOICES.upper()])
def test_a_guest_has_another_object_id_and_no_upn(client: Client, hint: str) -> None:
    answer = client.tokens(hint, "fabrikam.onmicrosoft.com")

    token = claims(answer["access_token"])
    assert (token["tid"], token["oid"]) == (FABRIKAM, INVOICES_AS_GUEST)
    assert "upn" not in token
    assert token["unique_name"] == token["email"] == "invoices@contoso.com"
    assert token["idp"] == f"{ORIGIN}/{CONTOSO}/"
    assert client_info(answer) == {"uid": INVOICES, "utid": CONTOSO}  # The same person as at home.
    assert claims(client.tokens(hint)["access_token"])["oid"] == INVOICES


@pytest.mark.parametrize(
    ("tenant", "parameters", "error", "number"),
    [
        ("organizations", {"login_hint": "nobody@contoso.com"}, "login_required", 50034),
        ("organizations", {"login_hint": ONBOARDING}, "login_required", 50034),
        (FABRIKAM, {"login_hint": "newhire@contoso.com"}, "interaction_required", 50020),
        ("nobody.example", {}, "invalid_tenant", 90002),
        (CONTOSO, {"client_id": "11111111-2222-3333-4444-555555555555"}, "unauthorized_client", 700016),
        (CONTOSO, {"client_id": ""}, "invalid_request", 900144),
        (CONTOSO, {"scope": "openid"}, "invalid_scope", 70011),
        (CONTOSO, {"response_type": "token"}, "unsupported_response_type", 700051),
    ],
)
def test_the_redirect_tells_what_is_wrong(
    client: Client, tenant: str, parameters: dict[str, str], error: str, number: int
) -> None:
    answer = client.authorize(tenant, **parameters)

    assert answer["error"] == error
    assert answer["error_description"].startswith(f"AADSTS{number}: ")
    assert answer["state"] == "a state"
    assert "code" not in answer


@pytest.mark.parametrize("redirect_uri", ["", "javascript:alert(1)", "localhost", "http://localhost/\r\nX: y"])
def test_without_a_place_to_redirect_to_the_answer_is_an_error(client: Client, redirect_uri: str) -> None:
    query = urlencode({"client_id": AZURE_CLI, "redirect_uri": redirect_uri})
    status, error, _ = entra_error_of(client.send("GET", f"/common/oauth2/v2.0/authorize?{query}"))
    assert (status, error) == (400, "invalid_request")


def test_a_redirect_keeps_the_query_that_it_has(client: Client) -> None:
    query = urlencode({"client_id": AZURE_CLI, "redirect_uri": f"{REDIRECT_URI}/?a=b", "response_type": "code"})
    response = client.send("GET", f"/common/oauth2/v2.0/authorize?{query}&scope={SCOPE}")
    assert response.headers["Location"].startswith(f"{REDIRECT_URI}/?a=b&code=")


def test_a_code_is_good_for_one_use(client: Client) -> None:
    code, another = client.authorize()["code"], client.authorize()["code"]

    assert client.redeem(code).status == 200
    assert entra_error_of(client.redeem(code)) == (400, "invalid_grant", 54005)
    assert client.redeem(another).status == 200


def test_a_code_expires(client: Client) -> None:
    code = client.authorize()["code"]
    client.clock.advance(timedelta(minutes=10))
    assert entra_error_of(client.redeem(code)) == (400, "invalid_grant", 70008)


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ({"client_id": "1950a258-227b-4e31-a9cf-717495945fc2"}, 70000),
        ({"redirect_uri": "http://localhost:1"}, 500112),
        ({"code": "made up"}, 70000),
        ({"code": "a.b.c"}, 70000),
        ({"code": "é.é.é"}, 70000),
    ],
)
def test_a_code_is_bound_to_who_asked_for_it(client: Client, form: dict[str, str], number: int) -> None:
    code = client.authorize()["code"]

    assert entra_error_of(client.redeem(**{"code": code, **form})) == (400, "invalid_grant", number)
    assert client.redeem(code).status == 200


def test_a_code_may_want_its_verifier(client: Client) -> None:
    challenge = urlsafe_b64encode(hashlib.sha256(b"a verifier").digest()).rstrip(b"=").decode()
    code = client.authorize(code_challenge=challenge, code_challenge_method="S256")["code"]

    assert entra_error_of(client.redeem(code)) == (400, "invalid_grant", 501481)
    assert entra_error_of(client.redeem(code, code_verifier="another")) == (400, "invalid_grant", 501481)
    assert client.redeem(code, code_verifier="a verifier").status == 200


def test_the_id_token_repeats_the_nonce(client: Client) -> None:
    answer = document(client.redeem(client.authorize(nonce="a nonce")["code"]))
    assert claims(answer["id_token"])["nonce"] == "a nonce"


def test_an_application_that_people_use_has_to_show_its_secret(client: Client) -> None:
    code = client.authorize(CONTOSO, client_id=ONBOARDING_CLIENT)["code"]

    assert entra_error_of(client.redeem(code, client_id=ONBOARDING_CLIENT)) == (401, "invalid_client", 7000218)


def test_an_application_that_people_use_signs_them_in(client: Client) -> None:
    code = client.authorize(CONTOSO, client_id=ONBOARDING_CLIENT)["code"]

    answer = document(client.redeem(code, client_id=ONBOARDING_CLIENT, client_secret=ONBOARDING_SECRET))

    token = claims(answer["access_token"])
    assert (token["oid"], token["appid"], token["idtyp"]) == (INVOICES, ONBOARDING_CLIENT, "user")


def test_a_refresh_token_gives_new_tokens_in_every_tenant_of_the_account(client: Client) -> None:
    refresh_token = client.tokens()["refresh_token"]
    client.clock.advance(timedelta(days=89))
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": refresh_token}

    again = document(client.ask_token(**form))
    elsewhere = document(client.ask_token(FABRIKAM, **form, scope="https://management.azure.com/.default"))

    assert claims(again["access_token"])["oid"] == INVOICES
    assert claims(again["access_token"])["iat"] == int(client.clock.now.timestamp())
    assert claims(elsewhere["access_token"])["oid"] == INVOICES_AS_GUEST
    assert claims(elsewhere["access_token"])["aud"] == "https://management.azure.com"


def test_a_refresh_token_is_refused(client: Client) -> None:
    answer = client.tokens("newhire@contoso.com")
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": answer["refresh_token"]}

    assert entra_error_of(client.ask_token(FABRIKAM, **form)) == (400, "interaction_required", 50020)
    another_client = {**form, "client_id": ONBOARDING_CLIENT}
    assert entra_error_of(client.ask_token(**another_client)) == (400, "invalid_grant", 70000)
    no_refresh_token = {**form, "refresh_token": answer["access_token"]}
    assert entra_error_of(client.ask_token(**no_refresh_token)) == (400, "invalid_grant", 70000)
    client.clock.advance(timedelta(days=90))
    expired = client.ask_token(**form)
    assert entra_error_of(expired) == (400, "invalid_grant", 700082)
    assert b"issued on 2026-03-14T15:09:26.0000000Z and was inactive for 90.00:00:00." in expired.body


def test_a_refresh_token_is_replaced_at_each_use_and_stays_valid_until_its_end(client: Client) -> None:
    first = client.tokens()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI}
    client.clock.advance(timedelta(days=60))
    second = document(client.ask_token(**form, refresh_token=first))["refresh_token"]
    third = document(client.ask_token(**form, refresh_token=first))["refresh_token"]
    assert len({first, second, third}) == 3
    client.clock.advance(timedelta(days=60))
    assert entra_error_of(client.ask_token(**form, refresh_token=first))[2] == 700082
    document(client.ask_token(**form, refresh_token=second))


@pytest.mark.parametrize("account", ["invoices@contoso.com", INVOICES, INVOICES_AS_GUEST])
def test_revoked_sessions_end_every_refresh_token_so_far(client: Client, account: str) -> None:
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI}
    at_home = client.tokens()["refresh_token"]
    as_guest = document(client.ask_token(FABRIKAM, **form, refresh_token=at_home))["refresh_token"]
    of_another = client.tokens("svc_approvers@contoso.com")["refresh_token"]
    client.clock.advance(timedelta(minutes=1))

    assert client.sandbox.revoke_sessions(account) == "invoices@contoso.com"

    for refresh_token in (at_home, as_guest):
        for tenant in (CONTOSO, FABRIKAM):
            refused = client.ask_token(tenant, **form, refresh_token=refresh_token)
            assert entra_error_of(refused) == (400, "invalid_grant", 50173)
            assert b"issued on '2026-03-14T15:09:26.0000000Z'" in refused.body
            assert b"for this user is '2026-03-14T15:10:26.0000000Z'." in refused.body
    document(client.ask_token(**form, refresh_token=of_another))
    document(client.ask_token(**form, refresh_token=client.tokens()["refresh_token"]))


def test_answers_are_not_to_be_cached(client: Client) -> None:
    for response in (client.application_token(), client.application_token(client_secret="wrong")):
        assert "no-store" in response.headers["Cache-Control"]
        assert response.headers["x-ms-request-id"]
