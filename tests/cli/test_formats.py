"""`-o` and `--query`: what a program gets from every command, its errors included."""

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, strategies as st
from ruamel.yaml import YAML

from pallink.cli.usage_errors import detect_output_format
from pallink.error_object import build_error_object
from pallink.errors import PallinkError, RequestTrace
from pallink.fleet.result import Outcome
from pallink.output import OutputFormat
from pallink.output.rendering import render_json, render_jsonl, render_table, render_tsv, render_yaml
from pallink.sandbox import Sandbox, home
from pallink.sandbox.state.guest_policies import GuestPolicy
from tests.cli.commands import COMMANDS, words_for
from tests.exhaustive import combinations, joined
from tests.harness import Pallink, Traffic

pytestmark = pytest.mark.usefixtures("serve_ends")

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "reference" / "results.schema.json").read_text("utf-8"))


def validate(value: object, definition: str) -> None:
    schema = {"$ref": f"#/$defs/{definition}", "$defs": SCHEMA["$defs"]}
    # `jsonschema.validate` would check the schema each time, for longer than the command takes.
    jsonschema.Draft202012Validator(schema).validate(value)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["$defs"]) == {*COMMANDS, "role assign --fleet", "entry", "role entry", "error"}
    for definition in SCHEMA["$defs"].values():
        described = definition if "properties" in definition else definition["items"]
        for name, field in described["properties"].items():
            assert field.get("description") or definition["description"].endswith("sandbox show."), name


@pytest.mark.parametrize("is_linked", [True, False], ids=["linked", "not-linked"])
@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_prints_is_what_the_schema_says(
    pallink: Pallink, request: pytest.FixtureRequest, name: str, is_linked: bool
) -> None:
    if is_linked:
        request.getfixturevalue("linked")
    done = pallink(*words_for(name), "-o", "json")
    if done.stdout:
        validate(json.loads(done.stdout), name)
    if done.code:
        validate(json.loads(done.stderr), "error")
    assert done.code == 0 or not is_linked, done.stderr


FLEET = """
version: 1
defaults: {partner: "719878", tenant: contoso.onmicrosoft.com}
accounts:
  - account: invoices@contoso.com
  - {account: svc_approvers@contoso.com, state: unlinked}
  - account: owner@contoso.com
  - account: newhire@contoso.com
  - {account: payments@contoso.com, auth: device-code}
  - {client-id: 6be1d7c7-4712-4123-a241-8b8918c455f9, secret: env:MISSING}
"""


def test_the_entries_of_a_fleet_are_what_the_schema_says_however_they_end(in_sandbox: Pallink, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET, "utf-8")
    in_sandbox("link 719878 --account svc_approvers@contoso.com")
    in_sandbox("link 6183402 --account owner@contoso.com")
    outcomes = {}
    for command in ("plan", "apply --yes", "verify"):
        name, *options = command.split()
        done = in_sandbox("fleet", name, str(file), *options, "-o", "json")
        assert done.code == 8
        validate(done.json, f"fleet {name}")
        validate(json.loads(done.stderr), "error")
        outcomes[name] = [entry["outcome"] for entry in done.json["entries"]]
    compared = ["needs-replace", "failed", "needs-sign-in", "failed"]
    assert outcomes["plan"] == outcomes["apply"] == ["created", "deleted", *compared]
    assert outcomes["verify"] == ["unchanged", "unchanged", "differs", "differs", "needs-sign-in", "failed"]
    lines = in_sandbox("fleet", "verify", str(file), "-o", "jsonl").stdout.splitlines()
    assert len(lines) == 6
    for line in lines:
        validate(json.loads(line), "entry")


def test_what_a_run_did_is_what_the_schema_says(pallink: Pallink, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET, "utf-8")
    run = pallink("fleet", "apply", str(file), "--yes", "--cloud", "sandbox", "-o", "json").json["run"]
    found = pallink("fleet runs last -o json").json
    validate(found, "fleet runs")
    assert (found["run"], len(found["entries"])) == (run, 6)


def test_every_outcome_of_a_fleet_is_in_the_schema() -> None:
    assert SCHEMA["$defs"]["entry"]["properties"]["outcome"]["enum"] == [*map(str, Outcome)]
    for name in ("plan", "apply", "verify", "check"):
        totals = SCHEMA["$defs"][f"fleet {name}"]["properties"]["totals"]
        assert totals["required"] == ["accounts", *map(str, Outcome)]


def test_all_formats_say_the_same(in_sandbox: Pallink) -> None:
    in_sandbox("link 719878")
    expected = in_sandbox("check -o json").json
    lines = in_sandbox("check -o jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [expected]
    assert yaml.safe_load(in_sandbox("check -o yaml").stdout) == expected
    (line,) = in_sandbox("check -o tsv").stdout.splitlines()
    assert line.split("\t")[:5] == [expected[name] for name in list(expected)[:5]]
    assert json.loads(line.split("\t")[-1]) == expected["subscriptions"]
    assert in_sandbox("check -o none").stdout == ""


@pytest.mark.usefixtures("linked")
@pytest.mark.parametrize(
    ("query", "output", "expected"),
    [
        ("partnerId", "json", '"719878"\n'),
        ("partnerId", "jsonl", '"719878"\n'),
        ("partnerId", "yaml", "'719878'\n"),
        ("partnerId", "tsv", "719878\n"),
        ("partnerId", "table", "719878\n"),
        ("partnerId", "none", ""),
        ("partnerName", "yaml", "Mekorma\n"),
        ("nothing", "json", "null\n"),
        ("nothing", "tsv", "\n"),
        ("[partnerId, partnerName]", "tsv", "719878\nMekorma\n"),
        ("[[partnerId, partnerName]]", "tsv", "719878\tMekorma\n"),
        ("{id: partnerId, name: partnerName}", "tsv", "719878\tMekorma\n"),
        ("{id: partnerId, name: partnerName}", "table", "id    719878\nname  Mekorma\n"),
        ("[{id: partnerId}, {name: partnerName}]", "table", "id      name\n719878\n        Mekorma\n"),
        ("[partnerId, partnerName]", "jsonl", '"719878"\n"Mekorma"\n'),
        ("state == 'Active'", "tsv", "true\n"),
    ],
)
def test_a_query_applies_before_the_format(in_sandbox: Pallink, query: str, output: str, expected: str) -> None:
    done = in_sandbox("show", "--query", query, "-o", output)
    assert (done.code, done.stdout) == (0, expected)


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ("", 1),
        ("partnerId.", 11),
        ("foo)", 4),
        ("(((", 4),
        ("a b", 3),
        ("`x", 1),
        ("'abc", 1),
        ("a.[0", 4),
        ("x | bogus(@)", 5),
        ("length(a, b)", 1),
        ("(" * 1500, 1501),
        ("a" * 3000, 2001),
    ],
)
def test_a_bad_query_is_refused_with_its_position_before_anything_is_sent(
    in_sandbox: Pallink, traffic: Traffic, query: str, position: int
) -> None:
    refused = in_sandbox("link", "719878", "--query", query)
    assert refused.code == 2
    assert f"error: invalid --query at position {position}: " in refused.stderr
    assert "Traceback" not in refused.stderr
    assert traffic.sent == []


def test_a_query_that_does_not_fit_says_that_the_job_is_done(in_sandbox: Pallink, traffic: Traffic) -> None:
    failed = in_sandbox("link", "719878", "--query", "length(version)")
    assert failed.code == 2
    assert "the command itself was carried out" in failed.stderr
    assert traffic.writes() == ["PUT"]
    # A verdict counts for more.
    assert in_sandbox("verify", "6183402", "--query", "length(version)").code == 5


ERRORS = [
    ("show --cloud sandbox", 3, "NotLinked"),
    ("verify 719878 --cloud sandbox --role-check warn --account newhire@contoso.com", 3, "NotLinked"),
    ("check --cloud sandbox --account newhire@contoso.com", 6, "ReaderRole"),
    ("show --cloud sandbox --account nobody@contoso.com", 4, "SignIn"),
    ("link abc --cloud sandbox", 2, "Usage"),
    ("lnk", 2, "Usage"),
    ("sandbox set nothing here", 2, "Usage"),
    ("show --cloud sandbox --query )", 2, "Usage"),
    ("unlink --cloud sandbox", 2, "Usage"),
]


# By default a format for people and one for programs.
@pytest.mark.parametrize(
    ("error", "output"),
    combinations(ERRORS, OutputFormat, default=lambda _error, output: output in {"table", "json"}),
    ids=joined,
)
def test_an_error_is_one_object_where_a_program_reads_objects(
    pallink: Pallink, error: tuple[str, int, str], output: OutputFormat
) -> None:
    words, code, kind = error
    failed = pallink(f"{words} -o {output}")
    assert failed.code == code
    if not output.has_error_objects:
        assert "error: " in failed.stderr
        return
    found = json.loads(failed.stderr)
    validate(found, "error")
    assert failed.stderr.count("\n") == 1
    assert (found["code"], found["exitCode"]) == (kind, code)
    if "newhire" in words and kind == "NotLinked":
        assert found["warnings"][0].startswith("the Reader role is missing: newhire@contoso.com does not have it")
    # Unless the options are wrong, the object says which cloud it is not.
    is_for_sandbox = "--cloud sandbox" in words and "--query" not in words
    assert ("this is pallink's embedded sandbox, not Azure" in found["warnings"]) is is_for_sandbox


def test_the_object_has_the_identifiers_for_support() -> None:
    trace = RequestTrace("c-1", "r-1", "Mon, 02 Jul 2018 00:00:00 GMT")
    error = PallinkError("wrong\x1b[31m\nnot shown", cause="why", remedy="do", command="pallink show", trace=trace)
    found = build_error_object(error)
    validate(found, "error")
    assert found["message"] == "wrong?[31m"
    assert (found["correlationId"], found["requestId"], found["time"]) == ("c-1", "r-1", trace.time)


def test_a_defect_is_an_object_too(in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pallink.session.not_linked_error", None)
    found = json.loads(in_sandbox("verify 719878 -o json").stderr)
    assert (found["code"], found["exitCode"]) == ("Defect", 1)


# By default the format for people: what is not needed is said to them.
@pytest.mark.parametrize(
    ("name", "output"), combinations(COMMANDS, OutputFormat, default=lambda _name, output: output == "table")
)
@pytest.mark.usefixtures("linked")
def test_quiet_leaves_stderr_empty_on_success(pallink: Pallink, name: str, output: str) -> None:
    done = pallink(*words_for(name), "--quiet", "-o", output)
    assert (done.code, done.stderr) == (0, "")


@pytest.mark.parametrize("output", list(OutputFormat))
def test_the_sandbox_says_what_it_is_whatever_the_format(in_sandbox: Pallink, output: str) -> None:
    assert in_sandbox(f"link 719878 -o {output}").stderr == "sandbox: this is pallink's embedded sandbox, not Azure\n"


@pytest.mark.parametrize("output", ["json", "jsonl"])
@pytest.mark.parametrize("command", ["tenants", "tenants --links", "whoami", "show --all-tenants"])
def test_commands_about_tenants_say_so_too(in_sandbox: Pallink, command: str, output: str) -> None:
    done = in_sandbox(f"{command} -o {output}")
    assert (done.code, done.stderr) == (0, "sandbox: this is pallink's embedded sandbox, not Azure\n")


@pytest.mark.parametrize(
    "command",
    [
        "login --auth device-code --no-input",
        "tenants --account none@contoso.com",
        "tenants --links",
        "fleet plan none.yaml",
        "show --all-tenants",
    ],
)
def test_an_error_of_any_command_says_so_once(in_sandbox: Pallink, command: str) -> None:
    Sandbox(home()).set_guest_policy(GuestPolicy.MFA, ["fabrikam.onmicrosoft.com"])
    failed = in_sandbox(f"{command} -o json")
    assert failed.code
    assert json.loads(failed.stderr)["warnings"] == ["this is pallink's embedded sandbox, not Azure"]


def test_who_is_asked_for_a_yes_knows_that_it_is_the_sandbox(in_sandbox: Pallink) -> None:
    done = in_sandbox("link 719878 -o json", tty=True, stdin="n\n")
    assert (done.code, done.stdout) == (130, "")
    assert done.stderr.splitlines()[0].endswith("this is pallink's embedded sandbox, not Azure")
    assert json.loads(done.stderr.partition("[y/N]: ")[2])["code"] == "Cancelled"


NASTY: dict[str, Any] = {"name": "a\tb\nc\x1b[31m\x9b\u202e→", "flag": True, "none": None, "list": [1, {"x": "y"}]}


def test_nothing_in_a_value_steers_a_terminal_or_breaks_a_line() -> None:
    for render in (render_json, render_jsonl, render_yaml, render_tsv):
        for ascii_only in (False, True):
            text = render(NASTY, ascii_only=ascii_only)
            assert not set(text) & set("\x1b\x9b\u202e")
            if ascii_only and render is not render_tsv:
                text.encode("ascii")
    assert (
        json.loads(render_json(NASTY)) == yaml.safe_load(render_yaml(NASTY)) == json.loads(render_jsonl(NASTY)) == NASTY
    )
    assert render_tsv([NASTY, NASTY]).count("\n") == 2
    assert render_tsv(NASTY).rstrip("\n").split("\t") == ["a b c?[31m??→", "true", "", '[1, {"x": "y"}]']
    assert "\x1b" not in render_table([NASTY]) + render_table(NASTY) + render_table(NASTY["name"])
    assert render_table([]) == ""


@pytest.mark.parametrize(
    ("arguments", "variable", "expected"),
    [
        ("-o json", "", "json"),
        ("-ojson", "", "json"),
        ("--output json", "", "json"),
        ("--output=yaml", "", "yaml"),
        ("-o json -o tsv", "", "tsv"),
        ("lnk", "jsonl", "jsonl"),
        ("-o table", "json", "table"),
        ("-o", "json", "table"),
        ("-o xml", "", "table"),
        ("", "", "table"),
    ],
)
def test_the_format_of_a_command_line_that_cannot_be_parsed(arguments: str, variable: str, expected: str) -> None:
    assert detect_output_format(arguments.split(), {"PALLINK_OUTPUT": variable}) == expected


def test_no_stream_at_all_is_no_reason_to_fail(in_sandbox: Pallink, monkeypatch: pytest.MonkeyPatch) -> None:
    del in_sandbox  # it has streams
    from pallink.cli.app import main  # noqa: PLC0415

    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert main(["whoami", "--cloud", "sandbox"]) == 0
    assert main(["show", "--cloud", "sandbox"]) == 3


@given(
    st.text("0123456789.eE+-xob_:~ynNaifT", max_size=8)
    | st.sampled_from(
        ["0719878", "1e3", "-.5", "0o17", "y", "No", "null", "~", ".inf", "2026-01-01", "", "<<", "=", " 1 "]
    )
)
def test_a_text_is_a_text_for_every_yaml_parser(text: str) -> None:
    rendered = render_yaml({"name": text, "list": [text]})
    assert yaml.safe_load(rendered) == {"name": text, "list": [text]}
    assert YAML(typ="safe", pure=True).load(rendered) == {"name": text, "list": [text]}


@pytest.mark.parametrize(
    "text", ["0719878", "1e3", "-1.5E2", "+.5", "0o17", "0x1F", "0b1", "y", "N", "yes", "1_000", "08_"]
)
def test_what_some_yaml_parser_reads_as_another_type_is_quoted(text: str) -> None:
    assert render_yaml(text) == f"'{text}'\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("\uff1d1", "'\uff1d1"),
        ("a=1", "a=1"),
        ("Contoso - Apps", "Contoso - Apps"),
        (-1, "-1"),
        (["=1"], '["=1"]'),
    ],
)
def test_no_text_is_a_formula_in_a_spreadsheet(value: object, shown: str) -> None:
    assert render_tsv({"name": value}) == f"{shown}\n"
