"""Every input that is refused: its message, its exit code, and that nothing was sent."""

import json
import os
import re
import shlex
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Pallink, Run, Traffic
from tools.program import commands

BAD_PARTNER_IDS = [
    "abc",
    "",
    "12",
    "1" * 20,
    " 719878 ",
    "\uff17\uff11\uff19\uff18\uff17\uff18",
    "719878/../x",
    "719878\n",
    "+719878",
    "0x719878",
]


def one_sentence(run: Run) -> str:
    """The error's sentence; an error has just one, and no traceback."""
    assert "Traceback" not in run.stderr
    lines = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, run.stderr
    return lines[0]


@pytest.mark.parametrize("command", ["link", "update", "unlink", "verify"])
@pytest.mark.parametrize("partner_id", BAD_PARTNER_IDS)
def test_what_is_no_partner_id(in_sandbox: Pallink, traffic: Traffic, command: str, partner_id: str) -> None:
    refused = in_sandbox(command, partner_id)
    assert refused.code == 2
    assert "is not a partner ID: it has 5 to 10 digits" in one_sentence(refused)
    assert traffic.sent == []
    assert refused.stdout == ""


@pytest.mark.parametrize("command", ["link", "update", "unlink", "verify"])
@pytest.mark.parametrize("partner_id", ["-1", "-5", "-719878", "--719878", "-12345678901"])
def test_a_negative_partner_id(in_sandbox: Pallink, traffic: Traffic, command: str, partner_id: str) -> None:
    refused = in_sandbox(command, partner_id)
    assert refused.code == 2
    assert f"{partner_id!r} is not a partner ID" in one_sentence(refused)
    assert (f"    pallink {command} 719878 --cloud sandbox" in refused.stderr) is partner_id.endswith("719878")
    assert traffic.sent == []


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("link -719878 719878", "    pallink link 719878\n"),
        ("link 719878 -719878 --dry-run", "    pallink link 719878 --dry-run\n"),
        ("link -- -719878", ""),
    ],
)
def test_a_hyphen_before_a_partner_id_is_to_be_left_out(pallink: Pallink, words: str, command: str) -> None:
    refused = pallink(words)
    assert refused.code == 2
    assert refused.stderr.endswith(f"hint: leave out the hyphen\n{command}")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("link", "error: missing argument PARTNER_ID"),
        ("link 719878 6183402", "error: got unexpected extra argument(s) (6183402)"),
        ("link 719878 --no-such", "error: no such option --no-such: did you mean --no-input?"),
        ("sandbox assign", "error: missing option --assignee-object-id ID"),
        ("sandbox grow -5", "error: invalid value for COUNT: '-5' begins with a hyphen"),
        ("sandbox serve -5", "error: no such option -5"),
        ("-5", "error: no such option -5"),
        ("status", "error: no such command 'status': did you mean show?"),
        ("create 719878", "error: no such command 'create': did you mean link?"),
        ("version", "error: no such command 'version': did you mean --version?"),
        ("sandbox status", "error: no such command 'status': did you mean show?"),
        ("fleet status", "error: no such command 'status': did you mean runs?"),
        ("sandbox nope", "error: no such command 'nope'"),
        ("--cloud", "error: option '--cloud' requires an argument: --cloud CLOUD"),
        ("--cloud=sandbox --tenant", "error: option '--tenant' requires an argument: --tenant ID|DOMAIN"),
        ("-o xml", "error: invalid value for --output: 'xml' is not one of table, json, jsonl, yaml, tsv, none"),
        ("--cloud sandbox", "error: missing command"),
        ("sandbox -q", "error: missing command"),
        ("-o jsn show", "error: invalid value for --output: 'jsn' is not one of table, json, jsonl, yaml, tsv, none"),
        ("--replace show", "error: no such option --replace"),
        ("lnk 719878", "error: no such command 'lnk': did you mean link or unlink?"),
        ("show -o xml", "error: invalid value for --output: 'xml' is not one of table, json, jsonl, yaml, tsv, none"),
        ("show --timeout soon", "error: invalid value for --timeout: 'soon' is not a valid number"),
        ("show --timeout 0", "error: --timeout must be greater than 0"),
        ("show --timeout -5", "error: --timeout must be greater than 0"),
        ("show --timeout nan", "error: --timeout must be greater than 0"),
        ("show --tenant con/toso", "error: 'con/toso' is not a tenant"),
        ("show --account invoices", "error: 'invoices' is not an account"),
        ("show --client-id contoso", "error: 'contoso' is not a client ID"),
        ("show --auth password", "error: unknown sign-in method 'password'"),
        ("show --quiet --debug", "error: --quiet cannot be combined with --verbose or --debug"),
        (
            "link 719878 --role-check maybe",
            "error: invalid value for --role-check: 'maybe' is not one of require, warn, skip",
        ),
        (
            "sandbox set already-linked 200",
            "error: invalid value '200' for already-linked: use one of '409 ",
        ),
        ("sandbox set nothing here", "error: unknown setting 'nothing': use one of already-linked, "),
    ],
)
def test_a_wrong_command_line(pallink: Pallink, words: str, sentence: str) -> None:
    refused = pallink(words)
    assert refused.code == 2
    assert one_sentence(refused).startswith(sentence)
    assert "hint: " in refused.stderr
    assert refused.stdout == ""


def test_a_wrong_value_of_a_variable_names_the_variable(pallink: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALLINK_TIMEOUT", "soon")
    refused = pallink("show")
    assert refused.code == 2
    assert one_sentence(refused) == "error: invalid value for PALLINK_TIMEOUT: 'soon' is not a valid number"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("version", "pallink --version"),
        ("status --cloud sandbox", "pallink show --cloud sandbox"),
        ("--cloud sandbox status", "pallink --cloud sandbox show"),
        ("--account status status", "pallink --account status show"),
        ("fleet --query status status", "pallink fleet --query status runs"),
        ("fleet resume last -q", "pallink fleet apply --resume last -q"),
        ("fleet resume", "pallink fleet apply --help"),
        ("craete 719878", "pallink --help"),
        ("verfy 719878 --account 'a b'", "pallink verify 719878 --account 'a b'"),
        ("fleet status", "pallink fleet runs"),
        ("sandbox status -o table", "pallink sandbox show -o table"),
        ("sandbox status -otable", "pallink sandbox show -otable"),
        ("role list --to x", "pallink role show --to x"),
        ("lnk 719878", "pallink --help"),
        ("--cloud sandbox", "pallink --help"),
        ("sandbox -q", "pallink sandbox --help"),
    ],
)
def test_the_command_that_is_meant_is_the_one_to_paste(pallink: Pallink, line: str, command: str) -> None:
    refused = pallink(*shlex.split(line))
    assert refused.code == 2
    assert refused.stderr.endswith(f"\n    {command}\n")


@pytest.mark.parametrize("line", ["sandbox help", "fleet help apply", "help fleet apply", "--cloud sandbox help link"])
def test_help_is_a_word_too(pallink: Pallink, line: str) -> None:
    shown = pallink(line)
    assert shown.code == 0
    command = " ".join(word for word in line.split() if word not in ("help", "--cloud"))
    command = command.replace("sandbox link", "link")
    assert shown.stdout == pallink(f"{command} --help").stdout


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("verify 719878", "--junit"),
        ("verify 719878 --all-tenants", "--junit"),
        *(
            (f"fleet {command} accounts.yaml", option)
            for command in ("apply", "verify", "check")
            for option in ("--junit", "--markdown", "--csv")
        ),
    ],
)
def test_a_report_needs_a_file(
    in_sandbox: Pallink, traffic: Traffic, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, words: str, option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, message in (("", "is empty"), ("-", "does not write to stdout")):
        refused = in_sandbox(*words.split(), option, name)
        assert refused.code == 2
        assert one_sentence(refused) == f"error: {option} {message}"
        assert f"hint: name a file with {option}" in refused.stderr
    assert traffic.sent == []
    assert not Path("-").exists()


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("show --account", "--account"),
        ("role assign --subscription x --yes --to", "--to"),
        ("role remove --subscription x --yes --to", "--to"),
        ("role show --to", "--to"),
    ],
)
def test_an_account_is_a_name_or_an_id(in_sandbox: Pallink, traffic: Traffic, words: str, option: str) -> None:
    empty = in_sandbox(*words.split(), " ")
    assert empty.code == 2
    assert one_sentence(empty) == "error: the account is empty"
    assert f"hint: give a UPN, an object ID or a client ID with {option}\n" in empty.stderr
    refused = in_sandbox(*words.split(), "..")
    assert refused.code == 2
    assert one_sentence(refused) == "error: '..' is not an account"
    assert f"hint: correct {option}" in refused.stderr
    assert traffic.sent == []


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("link --role-check", "link"),
        ("link 719878 --no-such", "link"),
        ("link", "link"),
        ("verify 719878 --cloud", "verify"),
        ("--cloud sandbox verify 719878 --account", "verify"),
        ("sandbox assign --role", "sandbox assign"),
        ("sandbox fault add", "sandbox fault add"),
        ("sandbox fault add status --status", "sandbox fault add"),
        ("sandbox nope", "sandbox"),
        ("nope", ""),
    ],
)
def test_the_help_that_is_named_is_the_commands_own(pallink: Pallink, line: str, command: str) -> None:
    refused = pallink(line)
    assert refused.code == 2
    assert refused.stderr.endswith(f"hint: see the help\n    {' '.join(f'pallink {command} --help'.split())}\n")


EVERY_COMMAND = commands()


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_a_missing_value_is_named_as_the_help_does(pallink: Pallink, name: str) -> None:
    shown = pallink(*name.split(), "--help").stdout
    for parameter in EVERY_COMMAND[name].params:
        if parameter.param_type_name != "option" or parameter.is_flag:
            continue
        for option in parameter.opts:
            refused = pallink(*name.split(), option)
            assert refused.code == 2
            (value,) = re.findall(rf"error: option '{option}' requires an argument: {option} (\S.*)", refused.stderr)
            assert f" {value}" in shown
            assert f"    pallink {name} --help" in refused.stderr


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_help_names_values_in_the_words_of_the_field(pallink: Pallink, name: str) -> None:
    shown = pallink(*name.split(), "--help").stdout
    assert not re.search(r"<(str|int|float|path)|\{|\bTEXT\b(?! +For status)", shown)


@pytest.mark.parametrize(
    "line",
    [
        "--cloud sandbox show",
        "--cloud=sandbox --account invoices@contoso.com -q show",
        "-o none --timeout 5 --no-input --cloud sandbox show",
    ],
)
def test_options_before_the_command_work(pallink: Pallink, in_sandbox: Pallink, line: str) -> None:
    in_sandbox("link 719878")
    assert pallink(line).code == 0


def test_options_before_the_command_are_options_of_the_command(pallink: Pallink) -> None:
    linked = pallink("--cloud sandbox --role-check skip --dry-run -o json link 719878")
    assert (linked.code, linked.json["dryRun"], linked.json["role"]) == (0, True, None)
    listed = pallink("-o json sandbox fault -q list")
    assert (listed.code, listed.json) == (0, {"faults": []})


@pytest.mark.parametrize(
    ("line", "same"),
    [("help", "--help"), ("help link", "link --help"), ("help sandbox set", "sandbox set --help"), ("-V", "--version")],
)
def test_help_and_version_by_other_names(pallink: Pallink, line: str, same: str) -> None:
    shown = pallink(line)
    assert (shown.code, shown.stderr) == (0, "")
    assert shown.stdout == pallink(same).stdout


@pytest.mark.parametrize(
    ("line", "variables"),
    [
        ("show -o JSON --cloud Sandbox", {}),
        ("verify 719878 -oJson --cloud SANDBOX --role-check Require", {}),
        ("show --output=JSON --cloud sandbox --auth Client-Secret", {}),
        ("show", {"PALLINK_OUTPUT": "JSON", "PALLINK_CLOUD": "Sandbox", "PALLINK_ROLE_CHECK": "WARN"}),
    ],
)
def test_upper_and_lower_case_of_choices_are_alike(
    pallink: Pallink, in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch, line: str, variables: dict[str, str]
) -> None:
    for name, value in zip(
        ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
        ("contoso.com", "6be1d7c7-4712-4123-a241-8b8918c455f9", "sandbox-onboarding-secret"),
        strict=True,
    ):
        monkeypatch.setenv(name, value)
    in_sandbox("link 719878")
    in_sandbox("link 719878 --auth client-secret")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert pallink(line).json["partnerId"] == "719878"


def test_the_error_of_a_command_line_in_json_in_any_case(pallink: Pallink) -> None:
    assert json.loads(pallink("link -o JSON").stderr)["code"] == "Usage"


@pytest.mark.parametrize(
    "line",
    ["login --auth browser", "login --auth browser --no-input", "show --auth browser"],
)
def test_a_hint_names_each_option_once(in_sandbox: Pallink, line: str) -> None:
    for command in re.findall(r"^    (pallink .*)$", in_sandbox(line).stderr, re.MULTILINE):
        options = [word for word in command.split() if word.startswith("--")]
        assert len(options) == len(set(options)), command


@pytest.mark.parametrize(
    ("cloud", "sentence"),
    [
        ("AzureMoon", "error: unknown cloud 'AzureMoon'"),
        ("", "error: unknown cloud ''"),
        ("http://management.example.com", "error: 'http://management.example.com' is not a cloud's URL"),
        (
            "https://user@management.example.com",
            "error: an address with a user name or a password in it is not a cloud's URL",
        ),
        (
            "https://user:pa/ssw0rd@host.example",
            "error: an address with a user name or a password in it is not a cloud's URL",
        ),
        ("user:pa@ssw0rd@host.example", "error: unknown cloud an address with a user name or a password in it"),
        ("ftp://management.example.com", "error: 'ftp://management.example.com' is not a cloud's URL"),
        ("https://", "error: 'https://' is not a cloud's URL"),
    ],
)
def test_what_is_no_cloud(pallink: Pallink, cloud: str, sentence: str) -> None:
    refused = pallink("show", "--cloud", cloud)
    assert refused.code == 2
    assert one_sentence(refused) == sentence
    assert "https://" in refused.stderr


@pytest.mark.parametrize("variable", ["CI", "GITHUB_ACTIONS", "TF_BUILD"])
def test_a_leftover_sandbox_setting_is_not_accepted_in_ci(
    pallink: Pallink, monkeypatch: pytest.MonkeyPatch, traffic: Traffic, variable: str
) -> None:
    monkeypatch.setenv("PALLINK_CLOUD", "sandbox")
    assert pallink("link 719878").code == 0
    before = list(traffic.sent)
    monkeypatch.setenv(variable, "true")
    refused = pallink("verify 719878")
    assert refused.code == 2
    assert refused.stderr == (
        "error: PALLINK_CLOUD=sandbox is not accepted in CI\n"
        f"cause: {variable} is set, and a leftover variable must not replace Azure with the sandbox\n"
        "hint: unset PALLINK_CLOUD, or use --cloud sandbox\n"
    )
    assert traffic.sent == before
    assert pallink("verify 719878 --cloud sandbox").code == 0


def _corrupt(home: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "sandbox.sqlite3").write_bytes(b"not a database, but long enough to be mistaken for one" * 50)


def _read_only(_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def read_only(database: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        # Whoever runs the tests as root may write to any file: SQLite itself has to refuse.
        return connect(f"{Path(database).as_uri()}?mode=ro", *args, **{**kwargs, "uri": True})

    monkeypatch.setattr(sqlite3, "connect", read_only)


@pytest.mark.skipif(os.name != "posix", reason="Windows has access lists instead of modes")
def test_a_sandbox_that_others_can_change_says_how_to_mend_it(in_sandbox: Pallink, tmp_path: Path) -> None:
    in_sandbox("link 719878")
    home = tmp_path / "sandbox"
    home.chmod(0o777)
    refused = in_sandbox("show")
    assert refused.code == 1
    assert "the sandbox cannot be used" in one_sentence(refused)
    (command,) = (line.strip() for line in refused.stderr.splitlines() if line.startswith("    chmod"))
    subprocess.run(shlex.split(command), check=True)
    assert in_sandbox("show").code == 0


@pytest.mark.parametrize("spoil", [_corrupt, _read_only])
def test_an_unusable_sandbox_file_says_how_to_reset_it(
    in_sandbox: Pallink, pallink: Pallink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any
) -> None:
    in_sandbox("link 719878")
    home = tmp_path / "sandbox"
    bystander = home / "notes.txt"
    bystander.write_text("mine")
    with monkeypatch.context() as patch:
        spoil(home, patch)
        before = (home / "sandbox.sqlite3").read_bytes()
        for command in ("link 719878", "show", "check", "whoami"):
            refused = in_sandbox(command)
            assert refused.code == 1, refused.stderr
            assert "the sandbox cannot be used" in one_sentence(refused)
            assert "pallink sandbox reset" in refused.stderr
            assert str(home) in refused.stderr
        assert (home / "sandbox.sqlite3").read_bytes() == before, "the file was touched without a reset"
        # Looking at a file that can only be read does no harm.
        assert pallink("sandbox show").code == (1 if spoil is _corrupt else 0)
    assert pallink("sandbox reset").code == 0
    assert bystander.read_text() == "mine"
    assert in_sandbox("show").code == 3


@pytest.mark.parametrize(
    "line",
    [
        "add 719878 --client-secret hunter2secret",
        "-o json add 719878 --client-secret=hunter2secret",
        "role add --to a@b.c --password hunter2secret",
        "link -719878 --client-secret hunter2secret",
        "add 719878 --api-key hunter2secret",
        "add 719878 --api-key=hunter2secret",
        "fleet resume --token=hunter2secret",
        "link -719878 --api-key hunter2secret",
    ],
)
def test_a_wrong_command_line_does_not_repeat_a_secret(pallink: Pallink, line: str) -> None:
    refused = pallink(line)
    assert refused.code == 2
    assert "hunter2secret" not in refused.stdout + refused.stderr
