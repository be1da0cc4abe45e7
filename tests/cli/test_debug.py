"""--debug: each request and answer without its secrets, and the timeline."""

import logging
import re
import subprocess
import sys

import pytest

from tests.cli.people import APPLICATION, BUILD_AGENT, INVOICES, SECRET, Desk
from tests.cli.test_settling import answering, lost_before
from tests.exhaustive import combinations
from tests.harness import Clock, Pallink, Traffic

ROW = re.compile(r"^[* ] +(\d+) +(\d+) +(\d+) +(\S+)  (.*)$", re.MULTILINE)
METHODS = ["client-secret", "certificate", "workload-identity", "github", "azure-pipelines", "managed-identity"]


def test_each_request_and_answer_is_shown(in_sandbox: Pallink) -> None:
    debug = in_sandbox("link 719878 --debug").stderr
    number = re.search(
        r"^\[(\d+)\] > PUT https://sandbox.invalid/.*/partners/719878\?api-version=2018-02-01$", debug, re.MULTILINE
    )
    assert number is not None
    said = [line for line in debug.splitlines() if line.startswith(f"[{number[1]}]")]
    assert f"[{number[1]}]   Authorization: [redacted]" in said
    assert any(re.fullmatch(rf"\[{number[1]}\] < 200 after \d+ ms", line) for line in said)
    assert f'[{number[1]}]       "partnerName": "Mekorma",' in said
    assert any("x-ms-correlation-request-id: " in line and "[redacted]" not in line for line in said)


def test_the_next_command_of_the_process_records_nothing(in_sandbox: Pallink) -> None:
    in_sandbox("show --debug")
    in_sandbox("show")
    assert not logging.getLogger("pallink.requests").isEnabledFor(logging.DEBUG)


def test_the_timeline_has_every_request_and_marks_the_critical_path(in_sandbox: Pallink, traffic: Traffic) -> None:
    debug = in_sandbox("link 719878 --debug").stderr
    rows = ROW.findall(debug)
    shown = sorted(re.sub(r"https://sandbox.invalid(.*) -> \d+$", r"\1", row[4]) for row in rows)
    assert shown == sorted(f"{method} {path}" for method, path in traffic.sent)
    assert len(rows) == len(traffic.sent) == 7
    header = re.search(
        r"^timeline: 7 requests in \d+ ms; critical path \(\*\): (\d) in a row, \d+ ms$", debug, re.MULTILINE
    )
    assert header is not None
    # Which of those that are sent at once is the last to end is up to the machine: the ends of the path are not.
    path = re.findall(r"^\* .*  (\S+ \S+) -> \d+$", debug, re.MULTILINE)
    assert len(path) == int(header[1])
    assert path[0].endswith("/authorize")
    assert path[1].endswith("/token")
    assert path[-1].startswith("PUT ")


def test_retries_and_the_waits_before_them_are_in_it(in_sandbox: Pallink, traffic: Traffic, clock: Clock) -> None:
    traffic.fail("GET", "/partners", answering(429, b"{}", Retry_After="7"))
    traffic.fail("GET", "/partners", lost_before)
    debug = in_sandbox("show --debug").stderr
    assert 7.0 in clock.waits
    assert "waits 7.0 seconds" in debug
    assert re.search(r"^[* ] .* 7000 .* waits: Azure did not respond as it should; .* 7 seconds$", debug, re.MULTILINE)
    assert re.search(r"^[* ] .* GET .*/partners -> 429$", debug, re.MULTILINE)
    assert re.search(r"^[* ] .* GET .*/partners -> ServiceResponseError$", debug, re.MULTILINE)


# By default every method, and every command with one of them.
@pytest.mark.parametrize(
    ("method", "words"),
    combinations(
        METHODS,
        ["show", "link 719878", "check", "whoami"],
        default=lambda method, words: method == "client-secret" or words == "show",
    ),
)
def test_no_secret_is_in_it_whatever_the_sign_in(desk: Desk, method: str, words: str) -> None:
    desk.environment(method)
    account = BUILD_AGENT if method == "managed-identity" else APPLICATION
    debug = desk.run(f"{words} --auth {method} --debug --account {account}").stderr
    assert "timeline: " in debug
    for secret in (SECRET, "eyJ", "Bearer ", "code="):
        assert secret not in debug.replace("Bearer error", "").replace('"Bearer"', "")
    for value in desk.sandbox.environment(method, origin=desk.origin).values():
        if len(value) > 60 and not value.startswith("https://"):
            assert value not in debug


def test_the_sign_in_of_a_person_shows_no_code(desk: Desk) -> None:
    desk.reader_of_device_codes(INVOICES)
    debug = desk.run("show --auth device-code --debug").stderr
    assert re.search(r"^\[\d+\]     \"device_code\": \"\[redacted\]\",?$", debug, re.MULTILINE)
    assert re.search(r"^\[\d+\]     \"refresh_token\": \"\[redacted\]\",?$", debug, re.MULTILINE)


def test_login_ends_with_the_timeline_too(desk: Desk) -> None:
    desk.environment("client-secret")
    debug = desk.run("login --auth client-secret --debug --allow-plain-text-cache").stderr
    assert "timeline: " in debug
    assert f"client_id={APPLICATION}" in debug


def test_a_failing_command_has_its_timeline_before_the_error(in_sandbox: Pallink, traffic: Traffic) -> None:
    traffic.fail("GET", "/partners", answering(403, b'{"error": {"code": "AuthorizationFailed", "message": "no"}}'))
    done = in_sandbox("show --debug")
    assert done.code == 6
    assert done.stderr.index("timeline: ") < done.stderr.index("error: ")
    assert '"code": "AuthorizationFailed"' in done.stderr


def test_nothing_of_it_reaches_a_terminal_raw(in_sandbox: Pallink, traffic: Traffic) -> None:
    evil = '{"error": {"code": "X", "message": "\\u001b[31m\\u202e##vso[task.complete]"}}'
    traffic.fail("GET", "/partners", answering(400, evil.encode(), Server="\x9b31m##vso[task.x]", Via="\u202e"))
    debug = in_sandbox("show --debug").stderr
    assert "## vso[" in debug
    for each in ("\x1b", "\u202e", "\x9b", "##vso["):
        assert each not in debug


@pytest.mark.exhaustive
def test_without_debug_nothing_of_it_is_loaded() -> None:
    script = "import sys; from pallink.cli.app import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    for words, loaded in (("show", False), ("show --verbose", False), ("show --debug", True)):
        done = subprocess.run(
            [sys.executable, "-c", script, *words.split(), "--cloud", "sandbox"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ("pallink.debug" in done.stderr.splitlines()[-1].split()) is loaded
