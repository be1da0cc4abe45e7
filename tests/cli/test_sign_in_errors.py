"""Why a sign-in failed, in plain words: refused (4) or no answer (7), and what to do about it."""

import json
import re
import socket
import ssl
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3.exceptions

from pallink.sandbox import Sandbox
from pallink.sandbox.state.settings import SIGN_IN_ERROR
from pallink.signin.entra_codes import EXPLANATIONS
from pallink.signin.entra_errors import sign_in_error
from tests.cli.people import APPROVERS, INVOICES, Desk
from tests.cli.test_settling import Handle, answering
from tests.harness import Traffic

# Codes that people meet, and a sign-in that can meet them.
BY_METHOD = {
    "device-code": [
        "50034",
        "50053",
        "50055",
        "50057",
        "50076",
        "50079",
        "50126",
        "50158",
        "53000",
        "53003",
        "50105",
        "65001",
        "90072",
        "50020",
        "500213",
        "500571",
        "530003",
    ],
    "client-secret": ["7000215", "7000222", "7000112", "700016", "90002", "900023"],
    "certificate": ["700027", "700024"],
    "github": ["700213", "7002138", "70021", "500133"],
    "stored": ["50173", "70043", "530036", "700082"],
}
UNKNOWN = "90093"
CODES = [(code, method) for method, codes in BY_METHOD.items() for code in codes]


def refused_with(desk: Desk, code: str, method: str) -> Any:
    if method == "stored":
        desk.sandbox.set("token-lifetime", "60")
        assert desk.run(f"login --account {INVOICES} --allow-plain-text-cache").code == 0
        desk.sandbox.set("sign-in-error", code)
        return desk.run("link 719878 --yes")
    if method == "device-code":
        desk.sandbox.set("device-code-interval", "0")
        desk.sandbox.set("device-code-answer", "approved")
    else:
        desk.environment(method)
    desk.sandbox.set("sign-in-error", code)
    return desk.run(f"link 719878 --yes --auth {method}")


@pytest.mark.parametrize(("code", "method"), CODES)
def test_each_code_has_a_cause_and_a_remedy(desk: Desk, traffic: Traffic, code: str, method: str) -> None:
    refused = refused_with(desk, code, method)
    assert refused.code == 4, refused.stderr
    cause, remedy, _ = EXPLANATIONS[code]
    lines = [line for line in refused.stderr.splitlines() if not line.startswith("sandbox: ")]
    error = next(line for line in lines if line.startswith("error: "))
    assert f"AADSTS{code}: " in error
    assert "Trace ID" not in error
    assert f"cause: {cause}" in lines
    assert f"hint: {remedy}" in lines
    assert re.search(r"^request: correlation ID [0-9a-f-]{36}, request ID [0-9a-f-]{36}, time \d{4}-", lines[-1])
    assert "Traceback" not in refused.stderr
    assert traffic.of_partners() == []


def test_every_code_of_the_sandbox_is_under_test() -> None:
    assert {code for code, _ in CODES} == set(SIGN_IN_ERROR.allowed) - {"none", UNKNOWN}


# One code for each thing to do that none of the codes above leads to.
OTHERS = {
    explanation.remedy: code
    for code, explanation in reversed(list(EXPLANATIONS.items()))
    if explanation.remedy not in {EXPLANATIONS[known].remedy for known, _ in CODES}
}


@pytest.mark.parametrize("code", OTHERS.values())
def test_a_code_that_the_sandbox_does_not_know_has_a_cause_and_a_remedy(
    desk: Desk, traffic: Traffic, code: str
) -> None:
    desk.environment("client-secret")
    body = json.dumps({"error": "invalid_grant", "error_description": f"AADSTS{code}: No. Trace ID: 1"}).encode()
    traffic.fail("POST", "/oauth2/", answering(400, body))
    refused = desk.run("show --auth client-secret")
    assert refused.code == 4, refused.stderr
    cause, remedy, _ = EXPLANATIONS[code]
    assert f"error: the sign-in failed: AADSTS{code}: No\ncause: {cause}\nhint: {remedy}\n" in refused.stderr
    assert traffic.of_partners() == []


def test_an_unknown_code_shows_what_microsoft_says_first_line_only(desk: Desk) -> None:
    desk.environment("client-secret")
    desk.sandbox.set("sign-in-error", UNKNOWN)
    refused = desk.run("show --auth client-secret")
    assert refused.code == 4
    assert f"error: the sign-in failed: AADSTS{UNKNOWN}: " in refused.stderr
    assert "cause: this is an error of Entra ID that pallink does not know\n" in refused.stderr
    assert f"https://login.microsoftonline.com/error?code={UNKNOWN}\n" in refused.stderr
    assert "request: correlation ID" in refused.stderr
    several = sign_in_error({"error_description": "AADSTS99999: It is so.\r\nTrace ID: 1\r\nmore of it\x1b[2J"})
    assert several.message == "the sign-in failed: AADSTS99999: It is so"


def test_the_identifiers_are_found_in_the_text_where_there_is_no_field() -> None:
    identifier = "0f8fad5b-d9cb-469f-a165-70867728950e"
    text = f"AADSTS50034: No. Trace ID: {identifier} Correlation ID: {identifier} Timestamp: 2026-01-02 03:04:05Z"
    error = sign_in_error({"error_description": text})
    assert str(error.trace) == f"correlation ID {identifier}, request ID {identifier}, time 2026-01-02 03:04:05Z"


@pytest.mark.parametrize(
    ("account", "code"),
    [("needs_mfa@contoso.com", "50076"), ("blocked@contoso.com", "53003"), ("former@contoso.com", "50057")],
)
def test_accounts_of_the_sandbox_that_cannot_sign_in(desk: Desk, account: str, code: str) -> None:
    refused = desk.run(f"link 719878 --account {account}")
    assert refused.code == 4
    assert f"AADSTS{code}" in refused.stderr


@pytest.mark.parametrize(("answer", "code"), [("declined", "authorization_declined"), ("expired", "expired_token")])
def test_a_device_code_that_nobody_accepts(desk: Desk, traffic: Traffic, answer: str, code: str) -> None:
    desk.sandbox.set("device-code-interval", "0")
    desk.sandbox.set("device-code-answer", answer)
    refused = desk.run("link 719878 --yes --auth device-code")
    assert refused.code == 4, code
    assert "hint: try again" in refused.stderr
    assert traffic.of_partners() == []


def test_somebody_gives_up_in_the_browser(served_desk: Desk) -> None:
    served_desk.browser("Cancel")
    refused = served_desk.run("link 719878 --yes --auth browser")
    assert refused.code == 4
    assert "the sign-in failed" in refused.stderr


@pytest.mark.parametrize("method", ["client-secret", "certificate", "workload-identity", "github", "azure-pipelines"])
@pytest.mark.parametrize(("state", "said"), [("throttling", "throttles this account"), ("down", "is not available")])
def test_entra_id_that_throttles_or_is_down_is_no_refusal(
    desk: Desk, clock: Any, method: str, state: str, said: str
) -> None:
    desk.environment(method)
    desk.sandbox.set("entra-id", state)
    failed = desk.run(f"link 719878 --yes --auth {method}")
    assert failed.code == 7, failed.stderr
    assert f"Entra ID at https://sandbox.invalid {said}" in failed.stderr
    assert clock.waits, "it was not tried again"


def test_a_stored_sign_in_outlasts_an_entra_id_that_is_down(desk: Desk, clock: Any) -> None:
    desk.sandbox.set("token-lifetime", "60")
    assert desk.run(f"login --account {INVOICES} --allow-plain-text-cache").code == 0
    desk.sandbox.set("entra-id", "down")
    failed = desk.run("show")
    assert failed.code == 7, failed.stderr
    assert clock.waits
    desk.sandbox.set("entra-id", "up")
    assert desk.run("show").code == 3


def broken(error: Exception) -> Callable[..., requests.Response]:
    def fault(request: requests.PreparedRequest, handle: Handle) -> requests.Response:
        del request, handle
        raise error

    return fault


def certificate_error(code: int) -> requests.exceptions.SSLError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return requests.exceptions.SSLError(error)


@pytest.mark.parametrize(
    ("error", "cause", "remedy"),
    [
        (certificate_error(20), "its certificate is not trusted", "set REQUESTS_CA_BUNDLE"),
        (certificate_error(19), "its certificate is not trusted", "set REQUESTS_CA_BUNDLE"),
        (certificate_error(10), "its certificate has expired, or this machine's clock is wrong", "date and time"),
        (certificate_error(9), "its certificate is not valid yet, or this machine's clock is wrong", "date and time"),
        (certificate_error(62), "its certificate is for another host", "--cloud"),
        (
            requests.exceptions.ProxyError(urllib3.exceptions.ProxyError("no", OSError("refused"))),
            "the proxy does not respond",
            "HTTPS_PROXY",
        ),
        (
            requests.ConnectionError(socket.gaierror(-2, "Name or service not known")),
            "its name cannot be resolved",
            "DNS",
        ),
        (requests.ConnectionError(ConnectionRefusedError(111, "refused")), "it refuses the connection", "firewall"),
        (requests.ConnectTimeout("too slow"), "it timed out", "--timeout"),
    ],
)
@pytest.mark.parametrize("method", ["client-secret", "github"])
@pytest.mark.parametrize("timeout", ["120", "1"])
def test_no_answer_has_its_reason_whether_there_is_time_for_another_try_or_not(
    desk: Desk, traffic: Traffic, clock: Any, *, error: Exception, cause: str, remedy: str, method: str, timeout: str
) -> None:
    desk.environment(method)
    for _ in range(10):
        traffic.fail("GET", ".well-known", broken(error))
        traffic.fail("POST", "/oauth2/", broken(error))
    failed = desk.run(f"link 719878 --yes --auth {method} --timeout {timeout}")
    traffic._faults.clear()
    assert failed.code == 7, failed.stderr
    assert "error: https://sandbox.invalid cannot be reached" in failed.stderr
    assert f"cause: {cause}" in failed.stderr
    assert remedy in failed.stderr
    assert clock.now


@pytest.mark.parametrize(("code", "seconds"), [("700024", 3600), ("500133", -3600), ("7000215", 3600)])
def test_a_wrong_clock_is_told(desk: Desk, traffic: Traffic, code: str, seconds: int) -> None:
    desk.environment("client-secret")
    import time  # noqa: PLC0415

    body = json.dumps({"error": "invalid_client", "error_description": f"AADSTS{code}: No."}).encode()
    date = formatdate(time.time() - seconds, usegmt=True)
    traffic.fail("POST", "/oauth2/", answering(401, body, Date=date))
    refused = desk.run("show --auth client-secret")
    assert refused.code == 4
    direction = "ahead of" if seconds > 0 else "behind"
    assert f"this machine's clock is 60 minutes {direction} Entra ID's" in refused.stderr
    assert ("set this machine's clock" in refused.stderr) is (code != "7000215")


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", [b"<html>Sign in to the guest network</html>", b"", b"{}", b"[1]"])
def test_an_answer_of_something_else_is_no_sign_in_and_said_to_be_no_refusal(
    desk: Desk, traffic: Traffic, body: bytes, status: int
) -> None:
    desk.environment("workload-identity")
    traffic.fail("POST", "/oauth2/", answering(status, body, kind="text/html"))
    failed = desk.run("show --auth workload-identity")
    assert failed.code == 4, failed.stderr
    assert "failed: invalid response" in failed.stderr
    assert f"cause: status {status} with a body that is not Entra ID's, perhaps from a proxy\n" in failed.stderr
    assert "hint: check --cloud and the proxy\n" in failed.stderr


# --- Sessions that pallink did not start ------------------------------------------------------------------------------


def test_without_az_there_is_no_session_of_it(desk: Desk, tmp_path: Path) -> None:
    desk.patch.setenv("PATH", str(tmp_path))
    refused = desk.run("show --auth azure-cli")
    assert refused.code == 4
    assert "az is not installed" in refused.stderr


@pytest.mark.parametrize(
    ("prints", "said"),
    [
        ("ERROR: Please run 'az login' to setup account.", "Please run 'az login' to set up an account"),
        ("ERROR: AADSTS700082: The refresh token has expired.\nTrace ID: x", "AADSTS700082: The refresh token has"),
        ("ERROR: Subscription not found.", "Subscription not found."),
    ],
)
def test_a_session_of_az_that_does_not_work(desk: Desk, prints: str, said: str) -> None:
    desk.az(prints=prints, fails=True)
    refused = desk.run("show --auth azure-cli")
    assert refused.code == 4
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_az_prints_beside_a_token_is_not_shown(desk: Desk) -> None:
    desk.az(prints='{"accessToken": "eyJtop.secret.token", "expiresOn": "never"}')
    refused = desk.run("show --auth azure-cli --debug")
    assert refused.code == 4
    assert "eyJtop" not in refused.stderr


def test_a_machine_without_a_managed_identity(desk: Desk) -> None:
    desk.sandbox.set("managed-identity", "none")
    refused = desk.run("show --auth managed-identity")
    assert refused.code == 4, refused.stderr
    assert "cannot sign in with a managed identity: Identity not found" in refused.stderr
    assert "AZURE_CLIENT_ID" in refused.stderr


def test_a_machine_that_is_not_in_azure(desk: Desk, traffic: Traffic, clock: Any) -> None:
    for _ in range(3):
        traffic.fail("GET", "/metadata/identity", broken(requests.ConnectTimeout("nobody there")))
    refused = desk.run("show --auth managed-identity")
    assert refused.code == 4, refused.stderr
    assert "its token service did not respond" in refused.stderr
    assert clock.waits


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"MSI_ENDPOINT": "http://localhost:4/x", "MSI_SECRET": "s"}, "MSI_SECRET is set"),
        ({"MSI_ENDPOINT": "http://evil.example/x"}, "evil.example is not on this machine"),
        ({"IDENTITY_ENDPOINT": "http://localhost:4/x"}, "IDENTITY_ENDPOINT is set"),
        (
            {"IDENTITY_ENDPOINT": "https://localhost:4/x", "IDENTITY_HEADER": "h", "IDENTITY_SERVER_THUMBPRINT": "t"},
            "IDENTITY_SERVER_THUMBPRINT is set",
        ),
        (
            {"IDENTITY_ENDPOINT": "http://evil.example/x", "IMDS_ENDPOINT": "http://evil.example"},
            "evil.example is not on this machine",
        ),
        ({"IDENTITY_ENDPOINT": "http://evil.example/x", "IDENTITY_HEADER": "h"}, "evil.example is not on this machine"),
        ({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://evil.example"}, "evil.example is not on this machine"),
        (
            {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://169.254.evil.example"},
            "169.254.evil.example is not on this machine",
        ),
        ({"IDENTITY_ENDPOINT": "http://[::1", "IDENTITY_HEADER": "h"}, "(none) is not on this machine"),
    ],
)
def test_other_addresses_of_managed_identities_are_refused(
    desk: Desk, traffic: Traffic, variables: dict[str, str], said: str
) -> None:
    for name, value in variables.items():
        desk.patch.setenv(name, value)
    refused = desk.run("show --auth managed-identity")
    assert refused.code == 4, refused.stderr
    assert said in refused.stderr
    assert traffic.sent == []


# --- The tokens of CI systems -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "token"), [("github", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"), ("azure-pipelines", "SYSTEM_ACCESSTOKEN")]
)
def test_a_ci_system_that_hands_out_no_token(desk: Desk, auth: str, token: str) -> None:
    desk.environment(auth)
    desk.patch.setenv(token, "a-wrong-token")
    refused = desk.run(f"show --auth {auth} --debug")
    assert refused.code == 4, refused.stderr
    assert "did not issue the job's OIDC token: status 401" in refused.stderr
    assert "a-wrong-token" not in refused.stderr


@pytest.mark.parametrize(
    ("auth", "variable"), [("github", "ACTIONS_ID_TOKEN_REQUEST_URL"), ("azure-pipelines", "SYSTEM_OIDCREQUESTURI")]
)
@pytest.mark.parametrize(
    "url", ["http://ci.example/token", "ftp://ci.example", "nonsense", "https://user:pw@ci.example/"]
)
def test_the_address_for_a_jobs_token_must_be_https(
    desk: Desk, traffic: Traffic, auth: str, variable: str, url: str
) -> None:
    desk.environment(auth)
    desk.patch.setenv(variable, url)
    refused = desk.run(f"show --auth {auth}")
    assert refused.code == 4, refused.stderr
    assert f"{variable} is not an https:// URL" in refused.stderr
    assert traffic.sent == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_ci_system_that_is_down_is_no_refusal(desk: Desk, traffic: Traffic, clock: Any, status: int) -> None:
    desk.environment("github")
    for _ in range(20):
        traffic.fail("GET", "/github-actions/", answering(status, b"{}"))
    failed = desk.run("show --auth github")
    traffic._faults.clear()
    assert failed.code == 7, failed.stderr
    assert "GitHub Actions's OIDC service" in failed.stderr
    assert clock.waits


def test_a_redirect_of_the_oidc_service_is_not_followed(desk: Desk, traffic: Traffic) -> None:
    desk.environment("github")
    traffic.fail("GET", "/github-actions/", answering(302, b"", Location="https://evil.example/"))
    assert desk.run("show --auth github").code == 4
    assert len(traffic.sent) == 1


def test_a_token_that_runs_out_in_mid_run_is_renewed(desk: Desk, traffic: Traffic) -> None:
    desk.environment("client-secret")
    desk.sandbox.set("token-lifetime", "60")
    done = desk.run("link 719878 --auth client-secret")
    assert done.code == 0, done.stderr
    assert len([path for _, path in traffic.sent if path.endswith("/token")]) > 1


def test_a_renewed_token_of_somebody_else_is_refused(
    desk: Desk, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.az(INVOICES)
    said = desk.folder / "az-says.txt"
    said.write_text(json.dumps({**json.loads(said.read_text()), "expires_on": 1}))
    handle = Sandbox.handle

    def then_somebody_else(self: Sandbox, request: Any) -> Any:
        monkeypatch.setattr(Sandbox, "handle", handle)
        desk.az(APPROVERS)
        return handle(self, request)

    monkeypatch.setattr(Sandbox, "handle", then_somebody_else)
    refused = desk.run(f"link 719878 --auth azure-cli --account {INVOICES}")
    assert refused.code == 4, refused.stderr
    assert f"the sign-in changed from {INVOICES} to {APPROVERS}" in refused.stderr
    assert traffic.writes() == []


def test_what_no_sign_in_mends_prints_no_command_to_sign_in(desk: Desk) -> None:
    """Entra ID calls it `interaction_required` all the same."""
    desk.sandbox.set("sign-in-error", "50105")
    refused = desk.run(f"show --account {INVOICES}")
    assert refused.code == 4, refused.stderr
    assert "hint: have an administrator assign it under Enterprise applications" in refused.stderr
    assert "pallink login" not in refused.stderr


def test_what_blocks_a_device_code_may_block_nothing_else(desk: Desk) -> None:
    refused = refused_with(desk, "53003", "device-code")
    assert "hint: use the browser if only device codes are blocked, or ask the tenant's administrator" in refused.stderr
