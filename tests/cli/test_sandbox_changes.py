"""pallink sandbox assign, activate and grow."""

import pytest

from tests.harness import Pallink

NEWHIRE = "0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3"


def test_assign_takes_the_options_of_its_counterpart(pallink: Pallink, in_sandbox: Pallink) -> None:
    done = pallink(
        f"sandbox assign --assignee-object-id {NEWHIRE} --assignee-principal-type User --role Reader"
        " --scope /subscriptions/c042c020-0e10-4062-97d7-94b12521c369"
    )
    assert (done.code, done.stdout) == (0, "")
    assert f"{NEWHIRE} holds Reader at /subscriptions/c042c020" in done.stderr
    checked = in_sandbox("check --account newhire@contoso.com -o json")
    assert [each["name"] for each in checked.json["subscriptions"]] == ["Contoso Development"]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("assign --assignee-object-id nobody", "the sandbox has no account or group with the object ID 'nobody'"),
        (f"assign --assignee-object-id {NEWHIRE} --role Emperor", "the sandbox has no role named 'Emperor'"),
        (f"assign --assignee-object-id {NEWHIRE} --scope /x", "has no scope '/x'"),
        ("assign", "missing option"),
        (f"activate --assignee-object-id {NEWHIRE} --scope /", "is not eligible for the role 'Reader'"),
        ("grow -- -1", "invalid value"),
        ("grow many", "invalid value"),
    ],
)
def test_what_cannot_be_done(pallink: Pallink, command: str, sentence: str) -> None:
    refused = pallink(f"sandbox {command}")
    assert refused.code == 2
    assert sentence in refused.stderr
    assert len([line for line in refused.stderr.splitlines() if line.startswith("error: ")]) == 1


def test_grow(pallink: Pallink) -> None:
    assert "there are 14 subscriptions now, 10 of them generated" in pallink("sandbox grow 10").stderr
