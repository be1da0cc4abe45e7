"""Whom Entra ID does not let in, when it does not answer at all, and when Resource Manager wants another token."""

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from pallink.sandbox import ORIGIN, Response
from pallink.sandbox.state.settings import SIGN_IN_ERROR
from tests.sandbox.client import AZURE_CLI, CONTOSO, SCOPE, Caller, Client, claims, document, entra_error_of, parsed
from tests.sandbox.test_client_authentication import github_answer, show

NUMBERS = [int(number) for number in SIGN_IN_ERROR.allowed if number != "none"]
PEOPLE = {50053, 50055, 50057, 50076, 50079, 50158, 53000, 65001, 530003}
IN_PERSON = {50020, 50034, 50126, 90072, 500213, 500571}
REFRESH = {50173, 70043, 530036, 700082}
SECRET = {7000215, 7000222}
ASSERTION = {70021, 500133, 700024, 700027, 700213, 7002138}
APPLICATIONS = {7000112}
EVERYBODY = {50105, 53003, 90002, 90093, 900023, 700016}


def test_every_number_that_people_meet_can_be_met() -> None:
    assert set(NUMBERS) == PEOPLE | IN_PERSON | REFRESH | SECRET | ASSERTION | APPLICATIONS | EVERYBODY


def number_of(response: Response) -> int | None:
    """The AADSTS number of a refusal; None of a token."""
    return None if response.status == 200 else entra_error_of(response)[2]


def in_person(client: Client) -> int | None:
    said = client.authorize()
    return int(said["error_description"][6:].partition(":")[0]) if "error" in said else None


def by_device_code(client: Client) -> int | None:
    body = f"client_id={AZURE_CLI}&scope={SCOPE}".encode()
    started = document(client.send("POST", "/organizations/oauth2/v2.0/devicecode", body=body))
    client.sandbox.approve(started["user_code"])
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": AZURE_CLI}
    return number_of(client.ask_token(**form, device_code=started["device_code"]))


def by_secret(client: Client) -> int | None:
    return number_of(client.application_token())


def by_assertion(client: Client) -> int | None:
    return number_of(show(client, document(github_answer(client))["value"]))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_meets_those_that_it_can_happen_to(client: Client, number: int) -> None:
    refresh_token = client.tokens()["refresh_token"]
    client.sandbox.set("sign-in-error", str(number))

    def by_refresh_token(client: Client) -> int | None:
        form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": refresh_token}
        return number_of(client.ask_token(**form))

    expected: dict[Callable[[Client], int | None], set[int]] = {
        in_person: PEOPLE | IN_PERSON | EVERYBODY,
        by_device_code: PEOPLE | IN_PERSON | EVERYBODY,
        by_refresh_token: PEOPLE | REFRESH | EVERYBODY,
        by_secret: SECRET | APPLICATIONS | EVERYBODY,
        by_assertion: ASSERTION | APPLICATIONS | EVERYBODY,
    }
    for sign_in, numbers in expected.items():
        assert sign_in(client) == (number if number in numbers else None)
    client.sandbox.set("sign-in-error", "none")
    assert by_secret(client) is None


@pytest.mark.parametrize(
    ("account", "number"),
    [("needs_mfa@contoso.com", 50076), ("blocked@contoso.com", 53003), ("former@contoso.com", 50057)],
)
def test_accounts_that_are_refused(client: Client, account: str, number: int) -> None:
    said = client.authorize(login_hint=account)
    assert said["error_description"].startswith(f"AADSTS{number}: ")


@pytest.mark.parametrize(
    ("client_id", "secret", "expected"),
    [
        ("e89d121c-5d20-482a-a647-8a587f12cc29", "sandbox-expired-secret", (401, "invalid_client", 7000222)),
        (
            "b79aad09-c6a2-4011-a420-3479bba46009",
            "sandbox-disabled-application-secret",
            (400, "unauthorized_client", 7000112),
        ),
    ],
)
def test_applications_that_are_refused(
    client: Client, client_id: str, secret: str, expected: tuple[int, str, int]
) -> None:
    assert entra_error_of(client.application_token(client_id=client_id, client_secret=secret)) == expected
    wrong = client.application_token(client_id=client_id, client_secret="wrong")
    assert entra_error_of(wrong)[2] == 7000215


def test_a_missing_second_factor_says_what_to_ask_for(client: Client) -> None:
    refresh_token = client.tokens()["refresh_token"]
    client.sandbox.set("sign-in-error", "50076")
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": refresh_token}
    error = parsed(client.ask_token(**form))
    assert (error["error"], error["suberror"]) == ("invalid_grant", "basic_action")
    assert json.loads(error["claims"])["access_token"]["acrs"]["value"] == "p1"


def test_a_person_can_give_the_second_factor(client: Client) -> None:
    chosen = {"login_hint": "needs_mfa@contoso.com", "sandbox_account": "needs_mfa@contoso.com"}
    answer = document(client.redeem(client.authorize(**chosen)["code"]))
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": answer["refresh_token"]}
    again = document(client.ask_token(**form))  # Remembered by the refresh token.
    assert claims(again["access_token"])["amr"] == ["pwd", "mfa"]


# --- Entra ID does not answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "status", "retry_after"), [("throttling", 429, "10"), ("down", 503, None)])
def test_entra_id_does_not_answer(client: Client, value: str, status: int, retry_after: str | None) -> None:
    caller = client.caller()
    client.sandbox.set("entra-id", value)
    for response in (
        client.application_token(),
        client.send("GET", f"/{CONTOSO}/v2.0/.well-known/openid-configuration"),
        client.send("GET", "/common/oauth2/deviceauth"),
    ):
        assert (response.status, response.headers.get("Retry-After")) == (status, retry_after)
        assert response.headers["Content-Type"] == "text/html"
    assert caller.partners("PUT", "719878").status == 200


# --- Resource Manager wants another token ----------------------------------------------------------------------------


def challenge_of(response: Response) -> dict[str, Any]:
    """The claims of a challenge."""
    challenge = response.headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in challenge
    found: dict[str, Any] = json.loads(b64decode(challenge.partition('claims="')[2].partition('"')[0]))
    return found


def test_a_challenge_is_met_by_a_new_token(client: Client) -> None:
    client.sandbox.set("claims-challenge", "once")
    for form, ask in (
        ({}, client.application_token),
        ({"refresh_token": client.tokens()["refresh_token"]}, client.ask_token),
    ):
        fields = {"grant_type": "refresh_token", "client_id": AZURE_CLI, **form} if form else {}
        old = Caller(client, document(ask(**fields))["access_token"])
        # What azure-identity sends of its own accord is no answer.
        capable = document(ask(**fields, claims='{"access_token":{"xms_cc":{"values":["CP1"]}}}'))
        assert Caller(client, capable["access_token"]).partners("GET").status == 401

        refused = old.partners("GET")
        assert (refused.status, parsed(refused)["error"]["code"]) == (401, "TokenCreatedWithOutdatedPolicies")
        wanted = json.dumps(challenge_of(refused))

        new = Caller(client, document(ask(**fields, claims=wanted))["access_token"])
        assert new.partners("GET").status == 404
        client.sandbox.set("claims-challenge", "always")
        assert new.partners("GET").status == 401
        client.sandbox.set("claims-challenge", "once")


@pytest.mark.parametrize("status", ["401", "403"])
def test_a_write_needs_a_second_factor(client: Client, status: str) -> None:
    client.sandbox.set("mfa-for-writes", status)
    answer = client.tokens()
    caller = Caller(client, answer["access_token"])
    assert caller.partners("GET").status == 404
    for method in ("PUT", "PATCH", "DELETE"):
        refused = caller.partners(method, "719878")
        assert (refused.status, parsed(refused)["error"]["code"]) == (int(status), "RequestDisallowedByAzure")
    wanted = json.dumps(challenge_of(refused))
    # Nobody is there to give it: neither the refresh token nor a browser without a page gets further.
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": answer["refresh_token"]}
    assert entra_error_of(client.ask_token(**form, claims=wanted)) == (400, "invalid_grant", 50076)
    assert client.authorize(claims=wanted)["error_description"].startswith("AADSTS50076")
    # A person is.
    code = client.authorize(claims=wanted, sandbox_account="invoices@contoso.com")["code"]
    strong = document(client.redeem(code, claims=wanted))["access_token"]
    assert claims(strong)["acrs"] == ["p1"]
    assert Caller(client, strong).partners("PUT", "719878").status == 200
    assert client.application().partners("PUT", "719878").status == 200  # Applications are exempt.


@pytest.mark.parametrize("nonsense", ["{", "[]", '"a"', '{"access_token": 1}', "null"])
def test_claims_that_are_none_are_ignored(client: Client, nonsense: str) -> None:
    assert "acrs" not in claims(document(client.application_token(claims=nonsense))["access_token"])
    assert client.authorize(claims=nonsense)["code"]
    assert ORIGIN in claims(document(client.application_token(claims=nonsense))["access_token"])["iss"]
