"""Ctrl-C at every request of every command, before the service has handled it and after."""

import json
from collections import Counter

import pytest
import requests

from tests.bench import OTHER, PARTNER, Asked, Bench, Send
from tests.exhaustive import combinations
from tests.interruption.oracle import command_to_look_with, stated_link, violations

COMMANDS = {
    f"link {PARTNER}": (),
    f"link {PARTNER} --replace": (OTHER,),
    f"update {PARTNER}": (OTHER,),
    "unlink --yes": (PARTNER,),
    f"unlink {PARTNER} --yes": (OTHER, PARTNER),
    f"link {PARTNER} --role-check skip": (OTHER, None),
    f"link {PARTNER} --dry-run": (),
    "unlink --dry-run": (PARTNER,),
    "show": (PARTNER,),
    f"verify {PARTNER}": (PARTNER,),
    "check": (PARTNER,),
    "whoami": (),
    "login --allow-plain-text-cache": (),
}


def is_default(command: str, output: str, when: str) -> bool:
    """Return whether it is one of a creation, a change, a removal and a read, with the output for people."""
    return (output, when) == ("table", "after") and command in {
        f"link {PARTNER}",
        f"update {PARTNER}",
        "unlink --yes",
        "show",
    }


@pytest.mark.parametrize(
    ("command", "output", "when"),
    combinations(COMMANDS, ["table", "json"], ["before", "after"], default=is_default),
)
def test_the_last_line_is_true(bench: Bench, command: str, output: str, when: str) -> None:
    bench.prepare(*COMMANDS[command])
    line = f"{command} -o {output}"
    undisturbed = bench.run(line)
    assert undisturbed.code == 0
    requests_of_the_command = Counter(undisturbed.requested)
    assert len(requests_of_the_command) >= 2
    for asked, count in requests_of_the_command.items():
        for number in range(1, count + 1):
            bench.prepare(*COMMANDS[command])
            seen: list[Asked] = []

            def interrupt(
                now: Asked,
                send: Send,
                seen: list[Asked] = seen,
                at: tuple[Asked, int] = (asked, number),
            ) -> requests.Response:
                seen.append(now)
                if (now, seen.count(now)) != at:
                    return send()
                if when == "after":
                    send()
                raise KeyboardInterrupt

            ending = bench.run(line, interrupt)
            assert list(violations(ending, bench.pallink)) == [], (asked, number)
            # A write that was checked is known, one that was not sent too: in doubt is only what lies between.
            expected = "unknown" if ending.has_written else "unchanged"
            assert stated_link(ending) == expected, (asked, number, ending.stderr)


@pytest.mark.parametrize("command", ["link 719878", "show"])
def test_the_object_of_an_interruption(bench: Bench, command: str) -> None:
    bench.prepare()

    def interrupt(asked: Asked, send: Send) -> requests.Response:
        if asked[0] == "PUT" or (command == "show" and "partners" in asked[1]):
            raise KeyboardInterrupt
        return send()

    found = json.loads(bench.run(f"{command} -o json", interrupt).stderr)
    assert (found["code"], found["exitCode"], found["message"]) == ("Cancelled", 130, "interrupted")
    assert found["warnings"] == ["this is pallink's embedded sandbox, not Azure"]
    if command == "show":
        assert (found["link"], found["cause"], found["command"]) == ("unchanged", "nothing was written", None)
    else:
        assert (found["link"], found["command"]) == ("unknown", "pallink show --cloud sandbox --auth client-secret")
        assert found["cause"] == "a write was in progress: the link may or may not have been changed"


def test_the_command_to_look_with_names_cloud_account_and_tenant(bench: Bench) -> None:
    bench.prepare()

    def interrupt(asked: Asked, send: Send) -> requests.Response:
        if asked[0] == "PUT":
            raise KeyboardInterrupt
        return send()

    where = "--account 6be1d7c7-4712-4123-a241-8b8918c455f9 --tenant contoso.onmicrosoft.com"
    ending = bench.run(f"link 719878 {where}", interrupt)
    assert command_to_look_with(ending) == f"pallink show --cloud sandbox {where} --auth client-secret"
    assert list(violations(ending, bench.pallink)) == []
