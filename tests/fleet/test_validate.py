"""pallink fleet validate: every problem of a file at once, each with its line and column, and nothing is sent."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pallink.fleet.file import read_fleet
from pallink.signin import OFFERED_METHODS
from tests.harness import Pallink
from tools.program import ROOT

CONTOSO = "tenant: contoso.onmicrosoft.com"
APPLICATION = "client-id: 6be1d7c7-4712-4123-a241-8b8918c455f9"
SCHEMA = json.loads((ROOT / "docs" / "reference" / "fleet.schema.json").read_text("utf-8"))
SECRET = "Kx8~verysecret-indeed"


def in_file(*entries: str, defaults: str = "") -> str:
    """A YAML file with these entries, the first in line 4."""
    return "\n".join(
        ["version: 1", f"defaults: {{{defaults}}}", "accounts:", *(f"  - {{{entry}}}" for entry in entries)]
    )


def problems(pallink: Pallink, folder: Path, text: str | bytes, name: str = "fleet.yaml") -> list[str]:
    """What `validate` lists for a file, as LINE:COLUMN: MESSAGE, after a look at everything else that it says."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    done = pallink("fleet", "validate", str(path))
    listed = done.stdout.splitlines()
    if done.code == 0:
        assert done.stderr == ""
        assert len(listed) == 1
        assert listed[0].startswith("valid: ")
        return []
    assert done.code == 2
    assert "Traceback" not in done.stderr
    assert f"error: the fleet file {path} has {len(listed)} problem" in done.stderr
    assert "hint: correct the file" in done.stderr
    return [line.removeprefix(f"{path}:") for line in listed]


ENTRIES = {
    "a user": (f"account: invoices@contoso.com, {CONTOSO}, partner: '719878'", []),
    "a number without quotes": (f"account: invoices@contoso.com, {CONTOSO}, partner: 719878", []),
    "an application": (f"{APPLICATION}, {CONTOSO}, partner: '719878', secret: 'env:A_SECRET'", []),
    "an application with a certificate": (
        f"{APPLICATION}, {CONTOSO}, partner: '719878', certificate: 'file:ops.pem', certificate-password: 'env:P'",
        [],
    ),
    "a secret in a vault": (
        f"{APPLICATION}, {CONTOSO}, partner: '719878', secret: 'keyvault:https://ops.vault.azure.net/secrets/contoso'",
        [],
    ),
    **{
        f"a secret in a vault at {host}": (
            f"{APPLICATION}, {CONTOSO}, partner: '719878', secret: 'keyvault:https://ops.{host}/secrets/a/{'0' * 32}'",
            [],
        )
        for host in (
            "vault.usgovcloudapi.net",
            "vault.azure.cn",
            "vault.sandbox.invalid",
            "vault.localhost",
            "vault.localhost:8443",
        )
    },
    "any link is removed": (f"account: invoices@contoso.com, {CONTOSO}, state: unlinked", []),
    "lists": (
        f"account: a@contoso.com, {CONTOSO}, partner: '719878', tags: [a, b], subscription: A, role-check: warn",
        [],
    ),
    "no account": (f"{CONTOSO}, partner: '719878'", ["4:1: missing account or client-id"]),
    "no tenant": (
        "account: invoices@contoso.com, partner: '719878'",
        ["4:1: missing tenant: an ID or a domain"],
    ),
    "no partner": (
        f"account: invoices@contoso.com, {CONTOSO}",
        ["4:1: missing partner: a location ID"],
    ),
    "an account without a value": (
        f"account: '', {CONTOSO}, partner: '719878'",
        ["4:1: missing account or client-id"],
    ),
    "an account and a client ID without a value": (
        f"account: ~, client-id: ' ', {CONTOSO}, partner: '719878'",
        ["4:1: missing account or client-id"],
    ),
    "a tenant without a value": (
        "account: a@contoso.com, tenant: , partner: '719878'",
        ["4:1: missing tenant: an ID or a domain"],
    ),
    "a partner without a value": (
        f"account: a@contoso.com, {CONTOSO}, partner: null",
        ["4:1: missing partner: a location ID"],
    ),
    "a secret without a value": (
        f"{APPLICATION}, {CONTOSO}, partner: '719878', auth: client-secret, secret: ''",
        ["4:1: missing secret: auth client-secret requires it"],
    ),
    "a key that is empty": (
        f"account: a@contoso.com, {CONTOSO}, partner: '719878', '': 719878",
        ["4:82: a key must be a string"],
    ),
    "a leading zero": (
        f"account: a@contoso.com, {CONTOSO}, partner: 0719878",
        ['4:72: partner begins with a zero: write it as a string, "0719878"'],
    ),
    "what Excel makes of a number": (
        f"account: a@contoso.com, {CONTOSO}, partner: 7.19878E+05",
        ["4:72: partner must be 5 to 10 digits, not 7.19878E+05: in a spreadsheet, format the column as text"],
    ),
    "a tenant that is no domain": (
        "account: a@contoso.com, tenant: contoso, partner: '719878'",
        ["4:38: tenant must be the ID (a GUID) or a domain of a tenant, as in contoso.onmicrosoft.com"],
    ),
    "a client ID that is none": (
        f"client-id: abc, {CONTOSO}, partner: '719878'",
        ["4:17: client-id must be a GUID"],
    ),
    "an unknown key": (
        f"account: a@contoso.com, {CONTOSO}, partner-id: '719878', partner: '719878'",
        ["4:63: unknown key 'partner-id': did you mean partner?"],
    ),
    "an unknown word": (
        f"account: a@contoso.com, {CONTOSO}, partner: '719878', state: gone",
        ["4:89: state must be one of linked, unlinked"],
    ),
    "a list where a text is meant": (
        f"account: [a, b], {CONTOSO}, partner: '719878'",
        ["4:15: account must be a string"],
    ),
    "a mapping where a text is meant": (
        f"account: a@contoso.com, {CONTOSO}, partner: '719878', tags: {{a: b}}",
        ["4:88: tags must be a string or a list of strings"],
    ),
    "a key twice": (
        f"account: a@contoso.com, account: b@contoso.com, {CONTOSO}, partner: '719878'",
        ["4:30: duplicate key 'account', first in line 4"],
    ),
    "a method without its inputs": (
        f"account: a@contoso.com, {CONTOSO}, partner: '719878', auth: client-secret",
        [
            "4:1: missing client-id: auth client-secret requires it",
            "4:1: missing secret: auth client-secret requires it",
        ],
    ),
    "an input of another method": (
        f"{APPLICATION}, {CONTOSO}, partner: '719878', auth: github, secret: 'env:A'",
        ["4:129: secret belongs to auth client-secret, and this entry has auth github"],
    ),
    "a secret in the file": (
        f"{APPLICATION}, {CONTOSO}, partner: '719878', secret: '{SECRET}'",
        ["4:115: secret must be a reference: env:NAME, file:PATH or keyvault:URL (its value is not shown)"],
    ),
    "a variable that is none": (
        f"{APPLICATION}, {CONTOSO}, partner: '719878', secret: 'env:{SECRET}'",
        ["4:115: secret: env: takes the name of a variable, as in env:FABRIKAM_SECRET"],
    ),
    "secrets in the wrong places": (
        f"account: a@contoso.com, client-id: '{SECRET}', tenant: '{SECRET}', partner: '{SECRET}', auth: '{SECRET}'",
        [
            "4:41: client-id must be a GUID",
            "4:74: tenant must be the ID (a GUID) or a domain of a tenant, as in contoso.onmicrosoft.com",
            "4:108: partner must be 5 to 10 digits and nothing else, as in 719878",
            f"4:139: auth must be one of {', '.join(OFFERED_METHODS)}",
        ],
    ),
    "a vault on another host": (
        f"{APPLICATION}, {CONTOSO}, partner: '719878', secret: 'keyvault:https://ops.vault.azure.net.evil.example/secrets/a'",
        ["4:115: secret: keyvault: takes the URL of a secret, as in https://NAME.vault.azure.net/secrets/NAME"],
    ),
}


@pytest.mark.parametrize("case", ENTRIES)
def test_what_an_entry_may_say(pallink: Pallink, tmp_path: Path, case: str) -> None:
    entry, expected = ENTRIES[case]
    text = in_file(entry)
    found = problems(pallink, tmp_path, text)
    assert found == expected
    assert SECRET not in "".join(found)


FILES: dict[str, tuple[str | bytes, list[str]]] = {
    "an empty file": ("", ["1:1: the file is empty: it needs version and accounts"]),
    "comments only": ("# nothing\n", ["1:1: the file is empty: it needs version and accounts"]),
    "a text": ("hello", ["1:1: the file must be a mapping with version and accounts"]),
    "no version": ("accounts: []\n", ["1:1: missing version: write version: 1 first"]),
    "another version": ("version: 2\naccounts: []\n", ["1:10: unknown version '2': this pallink reads version 1"]),
    "no accounts": ("version: 1\n", ["1:1: missing accounts: a list with one entry for each account"]),
    "accounts that are no list": ("version: 1\naccounts: {}\n", ["2:11: accounts must be a list"]),
    "an account that is a text": (
        "version: 1\naccounts: [a]\n",
        ["2:12: an account must be a mapping, as in {account: ..., tenant: ...}"],
    ),
    "an unknown key of the file": (
        f"version: 1\nentries: []\naccounts: [{{account: a@b.example, {CONTOSO}, state: unlinked}}]\n",
        ["2:1: unknown key 'entries': the file takes version, defaults, accounts"],
    ),
    "an unknown key of the defaults": (
        in_file(f"account: a@b.example, {CONTOSO}, state: unlinked", defaults="account: b"),
        ["2:12: unknown key 'account': known are tenant, tenants, exclude-tenants, client-id,"],
    ),
    "no account at all": ("version: 1\naccounts: []\n", ["1:1: the file names no account"]),
    "a key that is a list": (
        in_file(f"account: a@contoso.com, {CONTOSO}, partner: '719878', [partner]: 6183402"),
        ["4:82: a key must be a string"],
    ),
    "a tab": ("version: 1\naccounts:\n\t- account: a\n", ["3:1: invalid YAML: found character that cannot start any"]),
    "two documents": ("version: 1\n---\nversion: 1\n", ["2:1: a second document begins here: a fleet file has one"]),
    "an anchor bomb": (
        "version: 1\na: &a [x, x]\nb: &b [*a, *a]\naccounts: [*b]\n",
        ["3:8: aliases are not supported: put what several accounts have in common into defaults"],
    ),
    "nesting without end": ("accounts: " + "[" * 5000, ["1:16: nested too deeply"]),
    "not UTF-8": (b"version: 1\n# caf\xe9\n", ["2:6: the file is not UTF-8: save it as UTF-8 (in Excel: CSV UTF-8)"]),
    "UTF-16": ("version: 1".encode("utf-16"), ["1:1: the file is UTF-16: save it as UTF-8 (in Excel: CSV UTF-8)"]),
    "a control character": (b"version: 1\n\x01\n", ["2:1: invalid YAML: control characters are not allowed"]),
    "a control character after others than ASCII": (
        "# \u00e9\u00e9\u00e9\u00e9\n\0\n\n\n\n",
        ["2:1: invalid YAML: control characters are not allowed"],
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_what_a_file_may_be(pallink: Pallink, tmp_path: Path, case: str) -> None:
    text, expected = FILES[case]
    found = problems(pallink, tmp_path, text)
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


def test_a_key_that_is_misspelt_in_defaults_is_one_problem(pallink: Pallink, tmp_path: Path) -> None:
    text = in_file(f"account: a@b.example, {CONTOSO}", f"account: c@b.example, {CONTOSO}", defaults="parner: '719878'")
    (found,) = problems(pallink, tmp_path, text)
    assert found.endswith("unknown key 'parner': did you mean partner?")


def test_every_problem_is_listed_in_the_order_of_the_lines(pallink: Pallink, tmp_path: Path) -> None:
    text = in_file("tenant: x, partner: '1'", f"account: a@b.example, {CONTOSO}, state: unlinked", "acount: a")
    found = problems(pallink, tmp_path, text)
    assert [line.split(":")[0] for line in found] == sorted(line.split(":")[0] for line in found)
    assert len(found) == 6


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("partner: '719878'", "with the same partner"),
        ("partner: '6183402'", "with 719878, here with 6183402"),
        ("state: unlinked", "with 719878, here with no partner"),
    ],
)
def test_an_account_that_is_named_twice(pallink: Pallink, tmp_path: Path, second: str, told: str) -> None:
    text = in_file(
        f"account: a@b.example, {CONTOSO}, partner: '719878'",
        f"account: A@B.example, tenant: CONTOSO.onmicrosoft.com, {second}",
    )
    assert problems(pallink, tmp_path, text) == [
        f"5:1: A@B.example in CONTOSO.onmicrosoft.com is in line 4 too, {told}"
    ]


CSV: dict[str, tuple[str | bytes, list[str]]] = {
    "Excel's semicolons and BOM": (
        b"\xef\xbb\xbfaccount;tenant;partner\r\na@b.example;contoso.com;719878\r\n;;\r\n",
        [],
    ),
    "blanks, comments and quotes": (
        'Account , Tenant, partner,tags\n\n# a comment\n "a@b.example", contoso.com,719878,"x|y"\n',
        [],
    ),
    "quotes in comments": (
        'account,tenant,partner\n# old,"one\na@b.example,contoso.com,71\n# x,"\nc@b.example,contoso.com,72\n',
        [
            "3:3: partner must be 5 to 10 digits and nothing else, as in 719878",
            "5:3: partner must be 5 to 10 digits and nothing else, as in 719878",
        ],
    ),
    "a comment in a quoted cell": (
        'account,tenant,partner,tags\na@b.example,contoso.com,719878,"x\n# y"\nc@b.example,contoso.com,72,\n',
        ["4:3: partner must be 5 to 10 digits and nothing else, as in 719878"],
    ),
    "characters that end a line elsewhere": (
        "account,tenant,partner,tags\na@b.example,contoso.com,719878,x\u2028\x0by\nc@b.example,contoso.com,72,\n",
        ["3:3: partner must be 5 to 10 digits and nothing else, as in 719878"],
    ),
    "tabs": ("account\ttenant\tpartner\na@b.example\tcontoso.com\t0719878\n", []),
    "an empty file": ("\n\n", ["1:1: the file is empty: its first line names the columns"]),
    "no account": ("account,tenant\n", ["1:1: the file names no account"]),
    "an unknown column": (
        "account,tenant,partner,tennant\na@b.example,contoso.com,719878,\n",
        ["1:4: unknown key 'tennant': did you mean tenant?"],
    ),
    "a misspelt column": (
        "acount,tenant,partner\na@b.example,contoso.com,719878\nc@b.example,contoso.com,719878\n",
        ["1:1: unknown key 'acount': did you mean account?"],
    ),
    "a misspelt column beside another problem": (
        "account,tenant,parner\na@b.example,contoso.com,719878\nc@b.example,,719878\n",
        ["1:3: unknown key 'parner': did you mean partner?", "3:1: missing tenant"],
    ),
    "no partner": (
        "account,tenant,partner\na@b.example,contoso.com,\n",
        ["2:1: missing partner: a location ID"],
    ),
    "partners that a spreadsheet took for numbers": (
        "account;tenant;partner\na@b.example;contoso.com;7.19878E+05\nc@b.example;contoso.com;719878,00\n",
        [
            "2:3: partner must be 5 to 10 digits, not 7.19878E+05: in a spreadsheet, format the column as text",
            "3:3: partner must be 5 to 10 digits, not 719878,00: in a spreadsheet, format the column as text",
        ],
    ),
    "a column twice": (
        "account,tenant,partner,tenant\na@b.example,contoso.com,719878,contoso.com\n",
        ["1:4: duplicate column 'tenant'"],
    ),
    "too many cells": (
        "account,tenant,partner\na@b.example,contoso.com,719878,x\n",
        ["2:4: 4 cells, but only 3 columns"],
    ),
    "a wrong cell in a later line": (
        "account,tenant,partner\n# one\na@b.example,contoso.com,71\n",
        ["3:3: partner must be 5 to 10 digits and nothing else, as in 719878"],
    ),
    "a quote without an end": (
        'account,tenant,partner\n"a@b.example,contoso.com\n',
        ["2:1: invalid CSV: unexpected end"],
    ),
}


@pytest.mark.parametrize("case", CSV)
def test_csv(pallink: Pallink, tmp_path: Path, case: str) -> None:
    text, expected = CSV[case]
    found = problems(pallink, tmp_path, text, "fleet.csv")
    assert len(found) == len(expected), found
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("fleet.yaml", in_file(f"{APPLICATION}, {CONTOSO}, partner: '719878', secret: a,{SECRET}"), "4:117"),
        ("fleet.yaml", f"version: 1\n{SECRET}: 1\naccounts: []\n", "2:1"),
        ("fleet.yaml", in_file(f"account: a@b.example, {SECRET}: 1, {SECRET}: 2"), "4:28"),
        ("fleet.csv", f"{SECRET},{SECRET},719878\n{SECRET},contoso.com,719878\n", "1:2"),
    ],
)
def test_a_secret_where_a_key_belongs_is_not_shown(
    pallink: Pallink, tmp_path: Path, name: str, text: str, place: str
) -> None:
    """As one with a comma and without quotes, or in a CSV file without a heading."""
    found = problems(pallink, tmp_path, text, name)
    assert SECRET.casefold() not in "".join(found).casefold()
    assert any(line.startswith(f"{place}: ") and "(not shown: it may be part of a secret" in line for line in found)


def test_a_file_that_cannot_be_read(pallink: Pallink, tmp_path: Path) -> None:
    for name, message in {
        "none.yaml": "cannot be read: no such file or directory",
        "folder.yaml": "is not a file",
        "fleet.txt": "is not a fleet file",
    }.items():
        path = tmp_path / name
        if "folder" in name:
            path.mkdir()
        refused = pallink("fleet", "validate", str(path))
        assert refused.code == 2
        assert message in refused.stderr
        assert "hint: " in refused.stderr


@pytest.mark.skipif(os.name == "nt", reason="there are no FIFOs")
def test_a_pipe_does_not_keep_it_waiting(pallink: Pallink, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fleet.yaml")
    assert "is not a file" in pallink("fleet", "validate", str(tmp_path / "fleet.yaml")).stderr


def test_a_file_that_is_too_large(pallink: Pallink, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    refused = pallink("fleet", "validate", str(path))
    assert refused.code == 2
    assert "is too large" in refused.stderr


def test_programs_get_the_problems_as_an_object(pallink: Pallink, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(in_file("account: a"))
    done = pallink("fleet", "validate", str(path), "-o", "json")
    assert done.code == 2
    assert done.json["problems"][0] == {
        "line": 4,
        "column": 1,
        "message": "missing partner: a location ID",
    }


def test_the_examples_are_valid_and_the_same() -> None:
    in_yaml, in_csv = (read_fleet(ROOT / "examples" / name) for name in ("fleet.yaml", "fleet.csv"))
    assert in_yaml.problems == in_csv.problems == ()
    assert len(in_yaml.entries) == 4
    assert [replace(entry, line=0) for entry in in_yaml.entries] == [replace(entry, line=0) for entry in in_csv.entries]


def test_the_schema_says_the_same() -> None:
    import yaml  # noqa: PLC0415

    Draft202012Validator.check_schema(SCHEMA)
    validator = Draft202012Validator(SCHEMA)
    validator.validate(yaml.safe_load((ROOT / "examples" / "fleet.yaml").read_text("utf-8")))
    refused = {
        "an unknown key",
        "an unknown word",
        "a client ID that is none",
        "a secret in the file",
        "a variable that is none",
    }
    for case, (entry, expected) in ENTRIES.items():
        is_valid = validator.is_valid(yaml.safe_load(in_file(entry)))
        if case in refused:
            assert not is_valid, case
        elif not expected and case != "a number without quotes":
            assert is_valid, case
