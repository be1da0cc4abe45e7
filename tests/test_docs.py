"""The documentation is the program's: nothing that the program has is without its place, and nothing else is told."""

import json
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pallink.exit_codes import ExitCode
from pallink.roles import Verdict
from tests.exhaustive import combinations
from tests.harness import Pallink, Run
from tools import pictures, reference, troubleshooting
from tools.program import ROOT, SOURCE, commands, messages

PATHS = sorted((ROOT / "docs").rglob("*.md"))
DOCS = {path.name: path.read_text("utf-8") for path in PATHS}
README = (ROOT / "README.md").read_text("utf-8")
PAGES = {name: (ROOT / name).read_text("utf-8") for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")} | {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in PATHS
}

bash_only = pytest.mark.skipif(sys.platform == "win32", reason="lines for bash")


def test_the_reference_is_what_the_program_says() -> None:
    assert DOCS["commands.md"] == reference.reference(), "run python -m tools.reference"


def test_every_command_and_every_option_is_in_the_reference() -> None:
    for name, command in commands().items():
        assert f"\n## pallink {name}\n" in DOCS["commands.md"]
        for parameter in command.params:
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                assert f"`{option}" in DOCS["commands.md"], (name, option)


def test_every_command_is_in_the_readme() -> None:
    for name in commands():
        group, _, below = name.partition(" ")
        assert f"pallink {group}" in README
        assert not below or f"`{below}`" in README or f"pallink {name}" in README, name


def test_every_exit_code_has_its_place() -> None:
    for code in ExitCode:
        row = f"| {code} | {code.meaning} |"
        assert row in DOCS["exit-codes.md"]
        assert f"- **{code}**:" in DOCS["exit-codes.md"]


def test_every_error_has_an_entry_with_its_exit_code() -> None:
    assert troubleshooting.missing() == [], "python -m tools.troubleshooting prints what is missing"
    for message in messages():
        entry = troubleshooting.entries().get(message.text)
        if entry is None:
            assert message.text in troubleshooting.SAID_BY_VARIABLES
            continue
        (sentence,) = re.findall(r"\n\n(Exit code .*?)[.:]\s", entry + "\n", re.DOTALL)
        codes = {int(each) for each in re.findall(r"\b(\d+)\b", sentence.partition(" for ")[0])}
        assert message.exit_code in codes, message


# What the command line's own library says, the sandbox's own words; and warnings.
SAID_BY_OTHERS = {
    "the account … is not eligible for the role … at …",
    "the sandbox has no … named …",
    "the sandbox has no account or group with the object ID …",
    "the sandbox has no application with the client ID …",
    "the tenant … has no scope …",
    "the tenant … has no enabled subscription",
    "the sandbox has no application that can sign in with …",
    "unknown sign-in method …: use one of …",
    "the device code … is unknown",
    "the device code … has expired",
    "the device code … was already used",
    "the sandbox has no user …",
    "missing option …",
    "missing argument …",
    "got unexpected extra …",
    "no such command …",
    "option … requires an argument: …",
    "option … does not take a value",
    "invalid value for …: …",
    "unknown setting …: use one of …",
    "invalid value … for …: use one of …",
    "another process linked the account to … again; that link was not changed",
    "another process linked … while this command ran; that link was replaced",
    "the link went from version … to … in one write: another process changed it in between",
    "no response confirmed it: reading showed that the link was …, by this command or another process",
    "a request timed out, and Azure may still carry it out: check the link again later",
    "the JUnit report could not be written to …",
    "missing command",
}


def test_no_entry_is_about_an_error_that_there_is_not() -> None:
    assert set(troubleshooting.entries()) - SAID_BY_OTHERS == {each.text for each in messages()} - {"…"}


def test_every_code_of_an_error_object_is_told() -> None:
    # Where the class is known, its code is its name (`PallinkError.code`).
    for kind in {each.kind for each in messages()}:
        assert f"`{kind.removesuffix('Error')}`" in DOCS["scripts-and-ci.md"], kind


def test_every_verdict_is_in_the_schema() -> None:
    schema = json.loads((ROOT / "docs" / "reference" / "results.schema.json").read_text("utf-8"))
    assert set(schema["$defs"]["show"]["properties"]["role"]["enum"]) == {*map(str, Verdict), None}


def test_every_variable_of_pallink_is_told() -> None:
    told = "".join(DOCS.values())
    for path in SOURCE.rglob("*.py"):
        for name in re.findall(r"(?<!_)PALLINK_[A-Z_]*[A-Z]", path.read_text("utf-8")):
            assert f"`{name}`" in told, f"{name} of {path.name}"


def test_every_page_is_found_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    assert "(docs/index.md)" in README
    for path in PATHS:
        assert path == index or f"({path.relative_to(index.parent).as_posix()})" in DOCS["index.md"]


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    for path in PATHS:
        assert navigation.count(f" {path.relative_to(ROOT).as_posix()}\n") == 1, path


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}, target


def test_the_picture_shows_what_one_sees() -> None:
    svg = pictures.PATH.read_text("utf-8")
    fresh = pictures.picture(pictures.transcript())
    assert pictures.words_in(svg) == pictures.words_in(fresh), "run python -m tools.pictures"


@pytest.mark.parametrize("name", ["first-run.svg", "inside.svg"])
def test_pictures_are_pictures_and_load_nothing_from_elsewhere(name: str) -> None:
    text = (ROOT / "docs" / "pictures" / name).read_text("utf-8")
    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - it is ours
    assert "url(http" not in text
    assert "<script" not in text


def lines_for_the_sandbox(text: str) -> list[str]:
    """Every line of a page's shell blocks that is for the sandbox and needs nothing installed first."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if "sandbox" in line and "pip install" not in line]


@bash_only
# By default the pages that a newcomer follows; each command on the others is one of theirs.
@pytest.mark.parametrize(
    "page",
    combinations(
        ["README.md", *(page for page in PAGES if page.startswith("docs/"))],
        default=lambda page: page in {"README.md", "docs/tutorial.md", "docs/reference/sandbox.md"},
    ),
)
def test_what_a_page_shows_for_the_sandbox_works_as_shown(
    page: str, pallink: Pallink, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # Each line has a shell of its own, and so not what an `export` above it sets.
    monkeypatch.setenv("ONBOARDING_SECRET", "sandbox-onboarding-secret")
    monkeypatch.setenv("PATH", path)
    monkeypatch.chdir(ROOT)

    def run(line: str) -> Run:
        program, *words = shlex.split(line)
        if program == "pallink" and not set(line) & set("|&;<>()$`*?#"):
            return pallink(*words)  # What needs no shell needs no process.
        done = subprocess.run(
            ["bash", "-c", line],  # noqa: S607
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    lines = lines_for_the_sandbox(PAGES[page])
    if lines and page != "docs/tutorial.md":
        # The README's first line has linked the account by then.
        run("pallink link 719878 --cloud sandbox")
    for line in lines:
        done = run(line)
        expected = 8 if "onboard.sh" in line else 0
        assert done.code == expected, (line, done.stderr)
        assert "Traceback" not in done.stderr


def test_every_pallink_line_on_every_page_names_a_command_and_options_that_exist() -> None:
    known = commands()
    for page, text in PAGES.items():
        for block in re.findall(r"```(?:sh|powershell)\n(.*?)```", text, re.DOTALL):
            for line in re.findall(r"^pallink (.*)$", block, re.MULTILINE):
                words = shlex.split(line.partition("||")[0], comments=True)
                if words == ["--version"]:
                    continue
                name = next((name for n in (3, 2, 1) if (name := " ".join(words[:n])) in known), None)
                assert name, (page, line)
                options = {option for parameter in known[name].params for option in parameter.opts}
                used = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
                assert used <= options, (page, line)
