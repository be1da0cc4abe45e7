"""What Azure refuses for good: who has to do what, and no advice to repeat it."""

import json

import pytest

from pallink.sandbox import Sandbox, home
from pallink.sandbox.faults import FaultKind, FaultRule
from tests.harness import Clock, Pallink

CSP_PARTNER = (
    "The user does not have an account in this tenant, work with the administrator to add the account."
    " If you are a CSP partner logged in the customer tenant, you will not be able to link the Partner ID"
)


# Which status and code the service gives it is not recorded.
@pytest.mark.parametrize(("status", "code"), [(400, "BadRequest"), (403, "Forbidden"), (404, "UserNotFound")])
@pytest.mark.parametrize("command", ["show", "link 719878"])
def test_a_csp_partner_is_told_how_to_get_an_account(in_sandbox: Pallink, status: int, code: str, command: str) -> None:
    body = json.dumps({"error": {"code": code, "message": CSP_PARTNER}})
    rule = FaultRule(kind=FaultKind.STATUS, path="*/partners*", status=status, body=body, times=None)
    Sandbox(home()).add_fault(rule)
    refused = in_sandbox(command)
    assert refused.code == 6, refused.stderr
    assert f"Azure refuses the account ({code}: {CSP_PARTNER})" in refused.stderr
    assert "have the customer invite you as a guest" in refused.stderr
    assert "try again" not in refused.stderr


@pytest.mark.parametrize("status", [400, 404, 410])
@pytest.mark.parametrize("command", ["show", "link 719878"])
@pytest.mark.parametrize(
    ("body", "advice"),
    [(None, "do not retry"), ("<html>Not here</html>", "check --cloud and the proxy")],
    ids=["the service's own", "a page"],
)
def test_a_permanent_refusal_does_not_say_try_again(
    in_sandbox: Pallink, clock: Clock, *, status: int, command: str, body: str | None, advice: str
) -> None:
    method = "GET" if command == "show" else "PUT"
    Sandbox(home()).add_fault(
        FaultRule(
            kind=FaultKind.STATUS,
            method=method,
            path="*/partners*",
            status=status,
            body=body,
            headers=(("Content-Type", "text/html"),) if body else (),
            times=None,
        )
    )
    refused = in_sandbox(command)
    assert bool(clock.waits) is (body is not None and method == "PUT"), "only a lost response is waited for"
    assert "try again" not in refused.stderr
    if body is None or command == "show":
        assert refused.code == 1, refused.stderr
        assert advice in refused.stderr
