"""Who signs in: the client secret, the sandbox's users, and the guard against anybody else."""

import json

import pytest

from tests.cli.people import Desk
from tests.core.samples import token_of, user_claims
from tests.harness import Pallink, Traffic

TENANT = "8fe81352-b317-4e31-9d5b-b42cafcd167c"
CLIENT_ID = "6be1d7c7-4712-4123-a241-8b8918c455f9"
OBJECT_ID = "c5ce5ce2-aa0c-4851-93c1-7ffe11c06a4a"
SECRET = "sandbox-onboarding-secret"


@pytest.fixture
def client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", SECRET)


@pytest.mark.usefixtures("client_secret")
def test_an_application_signs_in_with_its_secret_and_links(in_sandbox: Pallink) -> None:
    done = in_sandbox("link 719878 --auth client-secret -o json")
    assert done.code == 0
    assert (done.json["account"], done.json["accountKind"]) == (CLIENT_ID, "application")
    assert done.json["objectId"] == OBJECT_ID
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.usefixtures("client_secret")
def test_a_secret_in_the_environment_is_not_used_in_the_sandbox_unless_it_is_named(in_sandbox: Pallink) -> None:
    assert in_sandbox("whoami -o json").json["account"] == "invoices@contoso.com"


@pytest.mark.usefixtures("client_secret")
@pytest.mark.parametrize("account", [CLIENT_ID, CLIENT_ID.upper(), OBJECT_ID])
def test_an_application_answers_to_its_client_id_and_its_object_id(in_sandbox: Pallink, account: str) -> None:
    assert in_sandbox(f"link 719878 --auth client-secret --account {account}").code == 0


@pytest.mark.usefixtures("client_secret")
@pytest.mark.parametrize("command", ["link 719878", "show", "update 719878", "verify 719878", "check", "unlink --yes"])
def test_anyone_else_is_refused_before_the_partner_api_is_touched(
    in_sandbox: Pallink, traffic: Traffic, command: str
) -> None:
    refused = in_sandbox(f"{command} --auth client-secret --account invoices@contoso.com")
    assert refused.code == 4
    assert f"{CLIENT_ID} signed in, not invoices@contoso.com" in refused.stderr
    assert refused.stderr.endswith("\nhint: leave out --auth client-secret, which signs in an application\n")
    assert traffic.of_partners() == []


@pytest.mark.usefixtures("client_secret")
def test_another_tenant_than_the_required_one_is_refused(in_sandbox: Pallink, traffic: Traffic) -> None:
    refused = in_sandbox("link 719878 --auth client-secret --tenant cfea1764-3805-4abd-a169-4a8af158423d")
    assert refused.code == 4
    assert "AADSTS700016" in refused.stderr
    assert traffic.of_partners() == []


@pytest.mark.parametrize("account", ["invoices@contoso.com", "INVOICES@Contoso.com", "svc_approvers@contoso.com"])
def test_a_user_of_the_sandbox_is_chosen_by_name(in_sandbox: Pallink, account: str) -> None:
    found = in_sandbox(f"whoami --account {account} -o json")
    assert found.json["account"] == account.lower()


def test_a_user_of_the_sandbox_is_chosen_by_object_id(in_sandbox: Pallink) -> None:
    found = in_sandbox("whoami --account 13993e34-d56f-43ab-8bd7-cc9a9669780f -o json")
    assert found.json["account"] == "svc_approvers@contoso.com"


def test_the_client_id_of_the_program_means_no_user(in_sandbox: Pallink, traffic: Traffic) -> None:
    refused = in_sandbox("show --account 04b07795-8ddb-461a-bbee-02f9e1bf7b46")
    assert refused.code == 4
    assert traffic.of_partners() == []


def test_an_account_that_the_sandbox_does_not_know(in_sandbox: Pallink) -> None:
    refused = in_sandbox("link 719878 --account nobody@contoso.com")
    assert refused.code == 4
    assert "AADSTS50034" in refused.stderr
    assert "the account does not exist in this tenant" in refused.stderr


@pytest.mark.usefixtures("client_secret")
@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("AZURE_CLIENT_SECRET", "wrong", ("AADSTS7000215", "the client secret is wrong")),
        (
            "AZURE_CLIENT_ID",
            "11111111-2222-3333-4444-555555555555",
            ("AADSTS700016", "no application with this client ID"),
        ),
        ("AZURE_TENANT_ID", "nowhere.example.com", ("AADSTS90002", "the tenant does not exist")),
    ],
)
def test_a_refused_sign_in_says_why(
    in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: tuple[str, str]
) -> None:
    monkeypatch.setenv(variable, value)
    refused = in_sandbox("link 719878 --auth client-secret")
    assert refused.code == 4
    for part in expected:
        assert part in refused.stderr
    assert "request: correlation ID" in refused.stderr
    assert SECRET not in refused.stderr
    assert refused.stderr.count("\n") <= 5


NAMES = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")


@pytest.mark.parametrize(
    "given",
    [("AZURE_CLIENT_SECRET",), ("AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"), ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")],
)
def test_half_a_client_secret_names_the_missing_half(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...]
) -> None:
    for name in given:
        monkeypatch.setenv(name, CLIENT_ID)
    refused = pallink("link 719878")
    assert refused.code == 4
    first = refused.stderr.splitlines()[0]
    for name in NAMES:
        assert (name in first) is (name not in given)


@pytest.mark.parametrize("given", [(), ("AZURE_TENANT_ID",), ("AZURE_CLIENT_ID",)])
def test_a_tenant_or_a_client_id_alone_is_a_hint(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...]
) -> None:
    for name in given:
        monkeypatch.setenv(name, CLIENT_ID)
    refused = pallink("link 719878")
    assert refused.code == 4
    assert refused.stderr.startswith("error: not signed in\n")
    for name in NAMES:
        assert name in refused.stderr


def test_a_named_method_names_all_that_it_misses(in_sandbox: Pallink, traffic: Traffic) -> None:
    refused = in_sandbox("link 719878 --auth client-secret")
    assert refused.code == 4
    assert all(name in refused.stderr for name in NAMES)
    assert traffic.sent == []


def test_a_malformed_variable_is_refused_like_a_malformed_option(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(NAMES, ("con toso", CLIENT_ID, SECRET), strict=True):
        monkeypatch.setenv(name, value)
    refused = pallink("show")
    assert refused.code == 2
    assert "AZURE_TENANT_ID is not a valid tenant" in refused.stderr


QUESTION = "Link this account? [y/N]"


def test_a_write_without_an_account_asks_on_a_terminal(in_sandbox: Pallink, traffic: Traffic) -> None:
    done = in_sandbox("link 719878", tty=True, stdin="y\n")
    assert done.code == 0
    for part in ("invoices@contoso.com", "Contoso (8fe81352", "now none, then 719878", QUESTION):
        assert part in done.stderr
    assert QUESTION not in done.stdout
    assert traffic.writes() == ["PUT"]


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_any_other_answer_than_yes_changes_nothing(in_sandbox: Pallink, traffic: Traffic, answer: str) -> None:
    declined = in_sandbox("link 719878", tty=True, stdin=answer)
    assert declined.code == 130
    assert declined.stderr.endswith(("link: not changed\n", "nothing was changed\n"))
    assert traffic.writes() == []


@pytest.mark.parametrize("option", ["--yes", "--account invoices@contoso.com", "--no-input", "--dry-run"])
def test_nobody_is_asked_where_it_is_clear(in_sandbox: Pallink, option: str) -> None:
    done = in_sandbox(f"link 719878 {option}", tty=True)
    assert done.code == 0
    assert QUESTION not in done.stderr


def test_nobody_is_asked_where_nothing_is_to_be_written(in_sandbox: Pallink) -> None:
    in_sandbox("link 719878")
    assert "[y/N]" not in in_sandbox("link 719878", tty=True).stderr


def test_unlink_asks_on_a_terminal_even_with_an_account(in_sandbox: Pallink, traffic: Traffic) -> None:
    in_sandbox("link 719878")
    asked = in_sandbox("unlink --account invoices@contoso.com", tty=True, stdin="n\n")
    assert asked.code == 130
    assert "now 719878 (Mekorma), then none" in asked.stderr
    assert traffic.writes() == ["PUT"]
    assert in_sandbox("unlink --account invoices@contoso.com", tty=True, stdin="y\n").code == 0
    refused = in_sandbox("unlink --no-input", tty=True)
    assert refused.code == 2


@pytest.mark.parametrize(
    ("claims", "account"),
    [
        ({"unique_name": "live.com#invoices@contoso.com", "idp": "live.com"}, "invoices@contoso.com"),
        ({"upn": "strasse@contoso.com"}, "stra\u00dfe@contoso.com"),
        ({"upn": "svc@contoso.com"}, "\u017fvc@contoso.com"),
    ],
    ids=["personal account with the work name", "sharp s", "long s"],
)
def test_a_name_that_only_looks_alike_is_refused_before_the_partner_api_is_touched(
    desk: Desk, traffic: Traffic, claims: dict[str, str], account: str
) -> None:
    desk.az(prints=json.dumps({"accessToken": token_of(user_claims(**claims)), "expires_on": 4102444800}))
    refused = desk.run(f"link 719878 --auth azure-cli --account {account}")
    assert refused.code == 4, refused.stderr
    assert f"signed in, not {account}" in refused.stderr
    assert traffic.of_partners() == []
