"""The GitHub Action and the Azure Pipelines template: their steps, run against the sandbox."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from junitparser import JUnitXml

from pallink.sandbox import Sandbox, home
from tests.exhaustive import combinations
from tests.runner import Ended, Runner, read_outputs

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="scripts for bash")

Act = Callable[..., Ended]


@pytest.fixture
def act(tmp_path: Path, python: Path) -> Act:
    """Runs the action against the sandbox, each time in a job of its own."""
    jobs = iter(range(100))

    def run(**inputs: str) -> Ended:
        temp = tmp_path / f"runner {next(jobs)}"
        temp.mkdir()
        runner = Runner(ROOT, temp, used={"actions/setup-python": {"python-path": str(python)}})
        # The sandbox's users sign in by name.
        return runner.run(**{"cloud": "sandbox", "auth": "", **inputs})

    return run


def test_all_is_installed_by_hash_but_pallink_which_comes_from_the_checkout(act: Act, tmp_path: Path) -> None:
    act(partner_id="719878")
    locked, own = (tmp_path / "pip.log").read_text().splitlines()
    assert locked.startswith("install ")
    assert locked.endswith(f"--require-hashes --only-binary :all: --requirement {ROOT / 'requirements.lock'}")
    assert own.startswith("install ")
    assert own.endswith(f"--no-deps --no-build-isolation --no-index {ROOT}")


def test_a_missing_link_fails_the_step_with_code_3(act: Act) -> None:
    ended = act(partner_id="719878", account="invoices@contoso.com")
    assert ended.code == 3
    report = ended.outputs.pop("report")
    assert ended.outputs == {"linked": "false", "partner-id": "", "partner-name": "", "exit-code": "3"}
    assert JUnitXml.fromfile(report).failures == 1
    assert ended.summary.startswith("## pallink verify: not as expected")
    assert "::error title=pallink verify%3A NotLinked::" in ended.log
    assert "\x1b" not in ended.log + ended.summary
    assert "hint: run the action with command: link" in ended.log
    assert "hint: run the action with command: link" in ended.summary
    assert "pallink link" not in ended.log + ended.summary


@pytest.mark.exhaustive
def test_link_then_verify(act: Act) -> None:
    linked = act(partner_id="719878", command="link", account="invoices@contoso.com", tenant="contoso.onmicrosoft.com")
    assert linked.code == 0
    assert linked.outputs == {
        "linked": "true",
        "partner-id": "719878",
        "partner-name": "Mekorma",
        "exit-code": "0",
        "report": "",
    }
    assert linked.summary.startswith("## pallink link: created")
    verified = act(partner_id="719878")
    assert (verified.code, verified.outputs["linked"]) == (0, "true")
    assert "linked as expected" in verified.summary
    elsewhere = act(partner_id="6183402")
    assert (elsewhere.code, elsewhere.outputs["linked"], elsewhere.outputs["partner-id"]) == (5, "false", "719878")
    shown = act(partner_id="6183402", command="show")
    assert (shown.code, shown.outputs["linked"], shown.outputs["partner-name"]) == (0, "false", "Mekorma")
    assert act(partner_id="719878", command="check").outputs["linked"] == "true"
    updated = act(partner_id="6183402", command="update", account="invoices@contoso.com")
    assert (updated.code, updated.outputs["partner-id"]) == (0, "6183402")


# By default an unknown account, and what looks like an option.
@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"account": "nobody@contoso.com"}, 4),
        ({"partner_id": "--help"}, 2),
        *(
            pytest.param(inputs, 2, marks=pytest.mark.exhaustive)
            for inputs in (
                {"partner_id": ""},
                {"partner_id": "abc"},
                {"auth": "password"},
                {"cloud": "AzureMoon"},
                {"tenant": "a b"},
            )
        ),
    ],
)
def test_what_could_not_be_found_out_is_not_called_not_linked(act: Act, inputs: dict[str, str], code: int) -> None:
    ended = act(**{"partner_id": "719878", **inputs})
    assert ended.code == code
    assert (ended.outputs["linked"], ended.outputs["exit-code"]) == ("", str(code))


# By default a command of pallink, and one for the shell.
@pytest.mark.parametrize(
    "command",
    combinations(
        ["unlink", "verify; touch stolen", "$(touch stolen)", "--help", "sandbox"],
        default=lambda command: command in {"unlink", "verify; touch stolen"},
    ),
)
def test_a_command_that_the_action_does_not_offer(act: Act, command: str) -> None:
    ended = act(partner_id="719878", command=command)
    assert ended.code == 2
    assert "it must be verify, link, update, show or check" in ended.log


# By default one of the options, which are passed alike, and what the script itself compares.
@pytest.mark.parametrize(
    "name",
    combinations(
        ["partner_id", "account", "tenant", "client_id", "command", "auth", "cloud"],
        default=lambda name: name in {"account", "command"},
    ),
)
def test_no_input_reaches_a_shell(act: Act, tmp_path: Path, name: str) -> None:
    stolen = tmp_path / "stolen"
    hostile = f"x'\"; touch {stolen}; $(touch {stolen}) `touch {stolen}`\n::error::y\nlinked=true"
    ended = act(**{"partner_id": "719878", name: hostile})
    assert ended.code != 0
    assert not stolen.exists()
    assert ended.outputs["linked"] in ("", "false")
    assert not any(line.startswith("::error::y") for line in ended.log.splitlines())


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Smith & Sons, Ltd.", "Smith & Sons, Ltd."),
        ("\x1b[31m\x9b2J\u202e\u2066\0\r\n::error::x", "?[31m?2J???"),
        ("a\nlinked=true\nlinked<<b\ntrue\nb", "a"),
        ("::stop-commands::x", ": :stop-commands::x"),
        ("##vso[task.complete]##[error]x", "## vso[task.complete]## [error]x"),
    ],
)
def test_names_from_elsewhere_are_harmless_in_outputs(tmp_path: Path, python: Path, raw: str, shown: str) -> None:
    printed = json.dumps({"partnerId": raw, "partnerName": raw})
    done = run_step(tmp_path, python, f"#!{sys.executable}\nprint({printed!r})\nraise SystemExit(5)\n", TF_BUILD="True")
    values = {"linked": "false", "partner-id": shown, "partner-name": shown, "exit-code": "5", "report": ""}
    assert read_outputs((tmp_path / "output").read_text("utf-8")) == values
    set_variable = "##vso[task.setvariable variable={};isoutput=true]{}\n"
    commands = [set_variable.format(name.replace("-", "_"), value) for name, value in values.items()]
    assert done.stdout == "".join([*commands, printed, "\n"])


def run_step(home: Path, python: Path, pallink: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a step with a program of its own in the place of pallink; its outputs are in the file `output`."""
    programs = home / "venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(python)
    (programs / "pallink").write_text(pallink)
    (programs / "pallink").chmod(0o755)
    environ = {"INPUT_PARTNER_ID": "719878", "PALLINK_ACTION_HOME": str(home), "GITHUB_OUTPUT": str(home / "output")}
    return subprocess.run(
        [str(ROOT / "action" / "run.sh")],
        env={**os.environ, **environ, **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


# Signals the step, then waits for the signal that the step passes on.
INTERRUPTED_PALLINK = f"""#!{sys.executable}
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGTERM}})
os.kill(os.getppid(), signal.SIGTERM)
signal.sigwait({{signal.SIGTERM}})
print('{{"partnerId": "719878"}}')
os._exit(130)
"""
CANCELLED = {
    # What runs as pallink, and the output.
    "as pallink starts": ("#!/bin/sh\nkill -TERM $PPID\nkill -TERM $$\n", ""),
    "while pallink runs": (INTERRUPTED_PALLINK, "true"),
}


@pytest.mark.parametrize("when", CANCELLED)
def test_a_job_that_is_cancelled_has_outputs(tmp_path: Path, python: Path, when: str) -> None:
    pallink, linked = CANCELLED[when]
    done = run_step(tmp_path, python, pallink)
    assert done.returncode == 130, done.stderr
    outputs = read_outputs((tmp_path / "output").read_text("utf-8"))
    assert (outputs["exit-code"], outputs["linked"]) == ("130", linked)
    assert done.stderr == ("" if linked else "error: interrupted\n")


@pytest.mark.parametrize(
    ("pallink", "code", "message"),
    [
        ("", 127, "error: pallink cannot be started: exec format error: "),
        ("#!/nowhere\n", 127, "error: pallink cannot be started: no such file or directory: "),
        ("#!/bin/sh\nkill -KILL $$\n", 137, "error: pallink was ended by signal 9\n"),
    ],
)
def test_a_pallink_that_does_not_run_has_outputs(
    tmp_path: Path, python: Path, pallink: str, code: int, message: str
) -> None:
    done = run_step(tmp_path, python, pallink)
    assert (done.returncode, done.stderr[: len(message)]) == (code, message)
    assert read_outputs((tmp_path / "output").read_text("utf-8"))["exit-code"] == str(code)


def test_outputs_that_cannot_be_written_do_not_change_the_exit_code(tmp_path: Path, python: Path) -> None:
    done = run_step(tmp_path, python, "#!/bin/sh\nexit 3\n", GITHUB_OUTPUT=str(tmp_path / "nowhere" / "output"))
    assert done.returncode == 3
    assert done.stderr.startswith("warning: the outputs cannot be written to ")


def test_azure_pipelines_gets_output_variables(act: Act, tmp_path: Path, python: Path) -> None:
    """The template's two scripts, with the environment that the agent gives them."""
    del act
    home = tmp_path / "agent" / "pallink"
    environ = {**os.environ, "CI": "true", "TF_BUILD": "True", "AGENT_TEMPDIRECTORY": str(home.parent)}
    environ |= {"PALLINK_ACTION_SOURCE": str(ROOT), "PALLINK_ACTION_HOME": str(home)}
    environ |= {"PALLINK_ACTION_PYTHON": str(python), "INPUT_CLOUD": "sandbox", "INPUT_PARTNER_ID": "719878"}

    def step(script: str) -> "subprocess.CompletedProcess[str]":
        path = str(ROOT / "action" / script)
        return subprocess.run([path], env=environ, capture_output=True, text=True, check=False)

    assert step("install.sh").returncode == 0
    missing = step("run.sh")
    assert missing.returncode == 3
    assert "##vso[task.setvariable variable=linked;isoutput=true]false\n" in missing.stdout
    assert "##vso[task.setvariable variable=exit_code;isoutput=true]3\n" in missing.stdout
    assert "##vso[task.uploadsummary]" in missing.stderr
    assert (home / "pallink-junit.xml").is_file()


def test_the_template_says_what_the_action_says() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    template = yaml.safe_load((ROOT / "azure-pipelines" / "pallink.yml").read_text("utf-8"))
    parameters = {each["name"] for each in template["parameters"]}
    # A service connection stands for the application there.
    assert {"partnerId", "account", "tenant", "command", "auth", "cloud"} <= parameters
    scripts = [each.get("inputs", {}) for each in template["steps"] if "task" in each]
    paths = [each.get("filePath") or each.get("scriptPath") for each in scripts]
    assert [each.rpartition("/")[2] for each in paths if each] == ["install.sh", "run.sh"]
    assert {"partner-id", "account", "tenant", "command", "auth"} <= set(action["inputs"])
    assert set(action["outputs"]) == {"linked", "partner-id", "partner-name", "exit-code", "report"}


def test_the_action_signs_in_by_the_oidc_token_of_the_job_and_no_secret(tmp_path: Path, python: Path) -> None:
    """As on GitHub: the runner's variables, the application's ID and the tenant as inputs, and auth as it stands."""
    temp = tmp_path / "runner"
    temp.mkdir()
    variables = dict(Sandbox(home()).environment("github"))
    inputs = {"tenant": variables.pop("AZURE_TENANT_ID"), "client_id": variables.pop("AZURE_CLIENT_ID")}
    assert set(variables) == {"GITHUB_ACTIONS", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"}
    runner = Runner(ROOT, temp, variables, used={"actions/setup-python": {"python-path": str(python)}})
    account = {"account": inputs["client_id"], "partner_id": "719878", "cloud": "sandbox"}
    linked = runner.run(**inputs, **account, command="link")
    assert (linked.code, linked.outputs["linked"]) == (0, "true"), linked.log
    assert runner.run(**inputs, **account).outputs["linked"] == "true"
    refused = runner.run(**inputs, **{**account, "account": "invoices@contoso.com"})
    assert (refused.code, refused.outputs["linked"]) == (4, "")
