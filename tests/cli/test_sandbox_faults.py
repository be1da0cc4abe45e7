"""pallink sandbox fault: how the commands say it; what faults do is tested elsewhere."""

import json
import shlex

import pytest

from tests.harness import Pallink

CLOSED = "sandbox fault add closed --method put --path */partners/* --takes-effect"


def test_a_rehearsal_from_start_to_end(pallink: Pallink, in_sandbox: Pallink) -> None:
    added = pallink(CLOSED)
    assert (added.code, added.stdout) == (0, "")
    assert added.stderr == (
        "sandbox: fault 1: closed for PUT */partners/*, which takes effect, once; the connection is closed without a "
        "response\n"
    )
    assert pallink("sandbox fault list").stdout == "1  closed for PUT */partners/*, which takes effect, once  (met 0)\n"
    assert "\n  1: closed for PUT */partners/*, which takes effect, once\n" in pallink("sandbox show").stdout
    linked = in_sandbox("link 719878 -o json")
    assert (linked.code, linked.json["action"]) == (0, "created")
    assert pallink("sandbox fault list").stdout.endswith("(met 1)\n")
    cleared = pallink("sandbox fault clear")
    assert (cleared.code, cleared.stdout, cleared.stderr) == (0, "", "sandbox: cleared 1 fault\n")
    assert pallink("sandbox fault list").stdout == "none\n"


def test_every_option(pallink: Pallink) -> None:
    words = shlex.split(
        "sandbox fault add status --status 503 --method PATCH --path '/x/*' --nth 2 --always --takes-effect "
        "--delay 0.5 --body oops --header 'X-Proxy: a: b' --header Via:c --retry-after 7 -o json"
    )
    added = pallink(*words)
    assert added.code == 0
    assert added.json == {
        "number": 1,
        "kind": "status",
        "method": "PATCH",
        "path": "/x/*",
        "nth": 2,
        "times": None,
        "takesEffect": True,
        "delay": 0.5,
        "status": 503,
        "body": "oops",
        "headers": ["X-Proxy: a: b", "Via: c", "Retry-After: 7"],
        "location": None,
        "seen": 0,
    }
    redirect = pallink("sandbox fault add redirect --location https://attacker.invalid --times 3 -o json").json
    assert (redirect["number"], redirect["location"], redirect["times"]) == (2, "https://attacker.invalid", 3)
    listed = json.loads(pallink("sandbox fault list -o json").stdout)["faults"]
    assert listed == [added.json, redirect]
    assert pallink("sandbox fault clear 1 -o json").json == {"cleared": 1}
    assert [each["number"] for each in pallink("sandbox fault list -o json").json["faults"]] == [2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense"], "unknown fault 'nonsense'\nhint: use one of status, delay, closed,"),
        ([], "missing argument KIND"),
        (["status"], "invalid rule: status needs a status from 200 to 599"),
        (["status", "--status", "99"], "invalid rule: status needs a status from 200 to 599"),
        (["status", "--status", "x"], "invalid value for --status"),
        (["html", "--retry-after", "3"], "invalid rule: html takes no status, body or header"),
        (["status", "--status", "500", "--retry-after", "-1"], "invalid value for --retry-after"),
        (
            ["status", "--status", "500", "--header", "nonsense"],
            "invalid --header 'nonsense'\ncause: a header has a name, a colon and a value\n",
        ),
        (["status", "--status", "500", "--header", "A: b\nC: d"], "invalid rule: a header must be one line"),
        (["delay"], "invalid rule: delay needs a delay greater than 0"),
        (["delay", "--delay", "9999"], "invalid rule: the delay must be from 0 to 600 seconds"),
        (
            ["truncated", "--takes-effect"],
            "invalid rule: takes-effect is not supported with truncated",
        ),
        (["closed", "--method", "HEAD"], "invalid value for --method"),
        (["closed", "--nth", "0"], "invalid value for --nth"),
        (["closed", "--times", "0"], "invalid value for --times"),
        (["closed", "--location", "https://x.invalid"], "invalid rule: closed takes no location"),
    ],
)
def test_refused(pallink: Pallink, words: list[str], message: str) -> None:
    refused = pallink("sandbox", "fault", "add", *words)
    assert (refused.code, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"error: {message}")
    assert "pallink sandbox fault add" in refused.stderr.partition("hint:")[2]
    assert pallink("sandbox fault list").stdout == "none\n"


def test_clearing_what_there_is_not(pallink: Pallink) -> None:
    refused = pallink("sandbox fault clear 3")
    assert refused.code == 2
    assert refused.stderr == ("error: unknown fault 3\nhint: list the rules\n    pallink sandbox fault list\n")


def test_a_reset_clears_them(pallink: Pallink) -> None:
    assert pallink(CLOSED).code == 0
    assert pallink("sandbox reset").code == 0
    assert pallink("sandbox fault list").stdout == "none\n"
