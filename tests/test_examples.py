"""Every example: run against the sandbox where it can be run, else read as whoever uses it would."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tree_sitter_powershell
import yaml
from tree_sitter import Language, Parser

from pallink.signin import OFFERED_METHODS
from tests.harness import Pallink, Run
from tests.published_schemas import problems
from tools.program import commands

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
ACCOUNTS = EXAMPLES / "accounts.txt"

bash_only = pytest.mark.skipif(sys.platform == "win32", reason="scripts for bash")

Onboard = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(**more: str) -> dict[str, str]:
    """The environment of this test, with the tested pallink first on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, **more}


def run(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment(**environ), check=False
    )


@pytest.fixture(params=["sh", "ps1"])
def onboard(request: pytest.FixtureRequest) -> Onboard:
    """Runs the onboarding script of one of the shells."""
    shell = {"sh": "bash", "ps1": "pwsh"}[request.param]
    if shutil.which(shell) is None or (shell == "bash" and sys.platform == "win32"):
        pytest.skip(f"there is no {shell} here")
    return lambda *words: run(shell, str(EXAMPLES / f"onboard.{request.param}"), *words)


# It runs thirty processes; the other test of the script runs two.
@pytest.mark.exhaustive
def test_ten_accounts_of_which_two_fail_and_a_second_run_changes_nothing(onboard: Onboard) -> None:
    listed = [line for line in ACCOUNTS.read_text().splitlines() if not line.startswith("#")]
    assert len(listed) == 10
    run("pallink", "link", "6183402", "--account", "owner@contoso.com", "--cloud", "sandbox")
    before = run("pallink", "sandbox", "show", "-o", "json", "--query", "links").stdout

    first = onboard("719878", str(ACCOUNTS), "--cloud", "sandbox")
    assert first.returncode == 8
    assert first.stdout.count("created ") == 8
    assert first.stdout.endswith("8 linked, 2 failed\n")
    without_reader, elsewhere = first.stderr.splitlines()
    assert without_reader.startswith("newhire@contoso.com: exit code 6: the Reader role is missing")
    assert elsewhere.startswith("owner@contoso.com: exit code 5: linked to a different partner: 6183402 (Fourth Coffee")

    links = run("pallink", "sandbox", "show", "-o", "json", "--query", "links").stdout
    assert links.count('"719878"') == 8
    assert links != before
    second = onboard("719878", str(ACCOUNTS), "--cloud", "sandbox")
    assert (second.returncode, second.stderr) == (8, first.stderr)
    assert second.stdout.count("unchanged ") == 8
    assert run("pallink", "sandbox", "show", "-o", "json", "--query", "links").stdout == links


def test_odd_lists_and_wrong_command_lines(onboard: Onboard, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.txt"
    accounts.write_bytes(
        b"\xef\xbb\xbf# none\r\n\r\ninvoices@contoso.com contoso.onmicrosoft.com\r\n \r\npayroll@contoso.com"
    )
    done = onboard("719878", str(accounts), "--cloud", "sandbox")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("2 linked, 0 failed\n")
    wrong = onboard("abc", str(accounts), "--cloud", "sandbox")
    assert wrong.returncode == 2
    assert "'abc' is not a partner ID" in wrong.stderr
    assert onboard("719878", str(tmp_path / "missing.txt")).returncode == 2
    assert onboard("719878", str(tmp_path)).returncode == 2
    bare = onboard()
    assert (bare.returncode, bare.stdout) == (2, "")
    assert bare.stderr.startswith("usage: onboard.")


def test_options_reach_pallink_and_those_that_only_print_are_refused(onboard: Onboard, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.txt"
    accounts.write_text("invoices@contoso.com\n")
    short = onboard("719878", str(accounts), "--cloud", "sandbox", "-o", "json")
    assert (short.returncode, short.stderr) == (0, "")
    printing = onboard("719878", str(accounts), "--cloud", "sandbox", "-h")
    assert (printing.returncode, printing.stdout) == (2, "")
    assert printing.stderr.splitlines() == [
        "error: pallink link printed no result",
        "hint: leave out options such as --help",
    ]


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="there is no pwsh here")
def test_a_caller_that_stops_at_errors_does_not_stop_the_powershell_script(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.txt"
    accounts.write_text("newhire@contoso.com\ninvoices@contoso.com\n")
    line = f"& '{EXAMPLES / 'onboard.ps1'}' 719878 '{accounts}' --cloud sandbox; exit $LASTEXITCODE"
    done = run("pwsh", "-NoProfile", "-Command", f"$ErrorActionPreference = 'Stop'; {line}")
    assert done.returncode == 8
    assert done.stdout.endswith("1 linked, 1 failed\n")


def test_the_fleet_is_linked_to_two_partners_and_a_second_apply_changes_nothing(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBOARDING_SECRET", "sandbox-onboarding-secret")

    def fleet(command: str, name: str, *options: str) -> Run:
        return pallink("fleet", command, str(EXAMPLES / name), *options, "--cloud", "sandbox", "--quiet")

    assert fleet("verify", "fleet.yaml").code == 9
    guide = (ROOT / "docs" / "how-to" / "fleets.md").read_text("utf-8")
    planned = fleet("plan", "fleet.yaml").stdout
    assert planned.endswith("4 accounts: 4 to create\n")
    first = fleet("apply", "fleet.yaml", "--yes")
    assert (first.code, first.stderr) == (0, "")
    assert first.stdout.endswith("4 accounts: 4 created\n")
    assert fleet("apply", "fleet.csv", "--yes").stdout.endswith("4 accounts: 4 unchanged\n")
    verified = fleet("verify", "fleet.csv")
    assert verified.code == 0
    assert all(shown in guide for shown in (planned, first.stdout, verified.stdout)), "the guide shows other output"
    links = pallink("sandbox", "show", "-o", "json", "--query", "links").stdout
    assert (links.count('"719878"'), links.count('"6183402"')) == (3, 1)


def test_the_powershell_script_is_powershell_and_says_where_it_was_run() -> None:
    text = (EXAMPLES / "onboard.ps1").read_bytes()
    tree = Parser(Language(tree_sitter_powershell.language())).parse(text)
    assert not tree.root_node.has_error
    assert b"run with PowerShell 7.0 on Linux; not on Windows" in text


SCHEMAS = {
    "vendor.github-actions": ["action.yml"],
    "vendor.azure-pipelines": [
        "azure-pipelines/pallink.yml",
        "examples/azure-pipelines-fleet-nightly.yml",
        "examples/azure-pipelines-nightly.yml",
    ],
    "vendor.github-workflows": ["examples/github-fleet-nightly.yml", "examples/github-nightly.yml"],
}


@pytest.mark.parametrize(("schema", "paths"), SCHEMAS.items(), ids=list(SCHEMAS))
def test_yaml_is_what_its_published_schema_says(schema: str, paths: list[str]) -> None:
    # Azure's published schema has regular expressions that are only valid outside Unicode mode.
    azure = ("--data-transform", "azure-pipelines", "--regex-variant", "nonunicode") if "azure" in schema else ()
    assert problems(schema, *(ROOT / path for path in paths), options=azure) == ""


def test_every_yaml_file_has_a_schema() -> None:
    found = {each.relative_to(ROOT).as_posix() for each in (*ROOT.glob("*.yml"), *ROOT.glob("[!.]*/*.yml"))}
    # The site's is read, with warnings as errors, when the site is built.
    assert found - {"mkdocs.yml"} == {path for paths in SCHEMAS.values() for path in paths}


def test_the_github_workflow_uses_the_action_as_it_is() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    text = (EXAMPLES / "github-nightly.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["verify"]["permissions"]["id-token"] == "write"
    (step,) = [each for each in workflow["jobs"]["verify"]["steps"] if each.get("id") == "link"]
    assert set(step["with"]) <= set(action["inputs"])
    assert set(re.findall(r"steps\.link\.outputs\.([a-z-]+)", text)) <= set(action["outputs"])
    assert "secrets." not in text
    assert all("${{" not in each.get("run", "") for each in workflow["jobs"]["verify"]["steps"])
    assert all("outputs" not in str(step.get("env")) for step in workflow["jobs"]["verify"]["steps"])


def test_the_azure_pipeline_uses_the_template_as_it_is() -> None:
    template = yaml.safe_load((ROOT / "azure-pipelines" / "pallink.yml").read_text("utf-8"))
    text = (EXAMPLES / "azure-pipelines-nightly.yml").read_text("utf-8")
    pipeline = yaml.safe_load(text)
    (step,) = [each for each in pipeline["steps"] if "template" in each]
    assert step["template"] == "azure-pipelines/pallink.yml@pallink"
    known = {each["name"]: "default" in each for each in template["parameters"]}
    assert set(step["parameters"]) <= set(known)
    assert {name for name, has_default in known.items() if not has_default} <= set(step["parameters"])
    assert set(re.findall(r"pallink\.([a-z_]+)'", text)) <= {"linked", "partner_id", "partner_name", "exit_code"}
    assert "$(pallink." not in text, "a script would show a name from elsewhere"


def fleet_commands(node: object) -> Iterator[list[str]]:
    """Every pallink command of a script in a workflow or pipeline, as its words after `pallink`."""
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from fleet_commands(child)
    elif isinstance(node, str) and '/pallink" fleet' in node:
        yield shlex.split(node.partition('/pallink" ')[2])


@pytest.mark.parametrize("name", ["github-fleet-nightly.yml", "azure-pipelines-fleet-nightly.yml"])
def test_the_nightly_fleets_name_what_there_is(name: str) -> None:
    text = (EXAMPLES / name).read_text("utf-8")
    (words,) = fleet_commands(yaml.safe_load(text))
    assert words[:2] == ["fleet", "verify"]
    known = {option for parameter in commands()["fleet verify"].params for option in parameter.opts}
    assert {"--no-input", "--junit", "--csv"} <= {word for word in words if word.startswith("--")} <= known
    assert all((ROOT / path).exists() for path in re.findall(r"pallink/(action/[\w.]+)", text))
    (method,) = re.findall(r"`auth: ([a-z-]+)`", text)
    assert method in set(OFFERED_METHODS)
    assert "secrets." not in text
    assert not re.search(r"(?:run|bash|inlineScript): [^\n]*\$[{(]", text), "a script would show a name from elsewhere"


@pytest.mark.parametrize("name", ["onboard.sh", "onboard.ps1"])
def test_the_onboarding_scripts_point_to_fleets(name: str) -> None:
    assert "pallink fleet apply" in (EXAMPLES / name).read_text("utf-8")


@bash_only
@pytest.mark.parametrize("number", range(3), ids=["a user", "an application", "a fleet"])
def test_a_line_of_the_crontab_says_nothing_until_something_is_wrong(tmp_path: Path, number: int) -> None:
    lines = [line for line in (EXAMPLES / "pallink.cron").read_text().splitlines() if re.match(r"\d", line)]
    command = lines[number].split(maxsplit=5)[5]
    assert "%" not in command, "cron would end the line there"
    variables = tmp_path / "environment"
    variables.write_text(
        "AZURE_TENANT_ID=8fe81352-b317-4e31-9d5b-b42cafcd167c\nAZURE_CLIENT_ID=6be1d7c7-4712-4123-a241-8b8918c455f9\n"
        # In the sandbox, a sign-in with these variables is asked for.
        "AZURE_CLIENT_SECRET=sandbox-onboarding-secret\nPALLINK_AUTH=client-secret\n"
    )
    (tmp_path / "accounts.csv").write_text(
        "account;tenant;partner\ninvoices@contoso.com;contoso.onmicrosoft.com;719878\n"
    )
    environ = {"HOME": str(tmp_path), "PALLINK_ENVIRONMENT": str(variables), "PALLINK_CLOUD": "sandbox"}
    missing = run("sh", "-c", command, **environ)
    assert missing.returncode == (9 if "fleet" in command else 3)
    assert "error: not linked" in missing.stderr
    link = command.replace("fleet verify", "fleet apply --yes").replace("pallink verify", "pallink link")
    run("sh", "-c", link, **environ)
    fine = run("sh", "-c", command, **environ)
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, "", "")


def test_the_container_file_holds_no_secret_and_runs_as_nobody_special() -> None:
    lines = (EXAMPLES / "Containerfile").read_text().splitlines()
    instructions = [line.split()[0] for line in lines if re.match(r"[A-Z]+ ", line)]
    assert instructions == ["FROM", "COPY", "RUN", "USER", "ENTRYPOINT"]
    assert "USER pallink" in lines
    assert any(
        "--require-hashes --only-binary :all: --requirement /tmp/pallink/requirements.lock" in line for line in lines
    )
    assert any("--no-deps --no-build-isolation --no-index /tmp/pallink" in line for line in lines)


def test_every_example_is_one_of_those_above() -> None:
    here = Path(__file__).read_text("utf-8")
    for each in EXAMPLES.iterdir():
        stem = "onboard." if each.stem == "onboard" else each.name
        assert stem in here, each
