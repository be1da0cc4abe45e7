"""What pallink advises about an error."""

import pytest

from pallink.advice import Job, advise, advise_in_ci
from pallink.errors import (
    CancelledError,
    LinkedElsewhereError,
    NewSignIn,
    NotLinkedError,
    PallinkError,
    SignInError,
    UnsettledWriteError,
    UsageError,
)
from pallink.settings import Settings

UNSETTLED = UnsettledWriteError("x", cause="y")
ELSEWHERE = LinkedElsewhereError("x", linked_partner_id="1", wanted_partner_id="2")


@pytest.mark.parametrize("method", ["github", "azure-pipelines"])
@pytest.mark.parametrize("error", [NotLinkedError("x"), ELSEWHERE, UNSETTLED])
def test_a_command_that_signs_in_within_a_job_only_says_so(method: str, error: PallinkError) -> None:
    advised = advise(error, Job(Settings(auth=method), "verify", "719878"))
    assert f"--auth {method}" in str(advised.command)
    assert str(advised.remedy).endswith(", in a CI job")
    elsewhere = advise(error, Job(Settings(auth="browser"), "verify", "719878"))
    assert "CI job" not in str(elsewhere.remedy)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotLinkedError("x", command="c"), "run the action with command: link"),
        (ELSEWHERE, "with command: update"),
        (UNSETTLED.replace(command="c"), "run the action with command: show"),
        (CancelledError("x", remedy="check the link", command="c"), "run the action with command: show"),
    ],
)
def test_the_action_names_its_own_commands(error: PallinkError, said: str) -> None:
    advised = advise_in_ci(error, {"PALLINK_ACTION_HOME": "/job"})
    assert said in str(advised.remedy)
    assert advised.command is None
    assert advise_in_ci(advised, {"PALLINK_ACTION_HOME": "/job"}).remedy == advised.remedy
    assert advise_in_ci(error, {"GITHUB_ACTIONS": "true"}) is error


@pytest.mark.parametrize(
    ("error", "remedy", "command"),
    [
        (SignInError("x", remedy="y", command="pallink role assign"), "y", "pallink role assign"),
        (
            SignInError("x", remedy="leave out --no-input", command="pallink login").replace(needs_login=True),
            "sign in as an application, by a method that needs no prompt (input auth)",
            None,
        ),
        (
            SignInError("x", remedy="sign in again", command="az login", new_sign_in=NewSignIn.SAME),
            "sign in as an application, by a method that needs no prompt (input auth)",
            None,
        ),
        (
            SignInError("x", remedy="use the browser").replace(entra_code="53003"),
            "ask the tenant's administrator, who finds the policy in the sign-in log by the correlation ID",
            None,
        ),
        (SignInError("x", remedy="exempt the application", new_sign_in=NewSignIn.SAME), "exempt the application", None),
        (
            UsageError("x", remedy="name it with --account", command="pallink --no-input"),
            "name it with input account",
            None,
        ),
        (
            PallinkError("x", remedy="try again, or raise --timeout"),
            "try again, or raise PALLINK_TIMEOUT",
            None,
        ),
    ],
)
def test_what_can_be_done_in_the_action(error: PallinkError, remedy: str, command: str | None) -> None:
    advised = advise_in_ci(error, {"PALLINK_ACTION_HOME": "/job"})
    assert (advised.remedy, advised.command) == (remedy, command)
