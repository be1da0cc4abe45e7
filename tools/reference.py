"""Makes docs/reference.md out of the program: `python -m tools.reference`."""

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from typer.main import get_command

from pallink.cli.app import app
from pallink.cli.options import NAMES, OutputOptions
from pallink.exit_codes import ExitCode
from tools.program import ROOT, commands

PATH = ROOT / "docs" / "reference.md"
SCHEMA = ROOT / "docs" / "results.schema.json"

_OUTPUT_NAMES = {each.name for each in fields(OutputOptions)}

_HEAD = """\
# Command reference

Made from the program by `python -m tools.reference`; a test compares them. `pallink COMMAND --help` says the same. What
the commands are for, and how to put them together, is told in [first steps](first-steps.md) and
[scripts and CI](scripts-and-ci.md).

Options stand after the command. An option counts more than its variable, a variable more than the default. A Boolean
variable takes `1` or `true`. The fields of a result are those of `-o json`; `-o jsonl`, `yaml` and `tsv` have the same
ones in the same order. [results.schema.json](results.schema.json) has their types.
"""

_VARIABLES = """
## Variables without an option

| variable | meaning |
|---|---|
| `PALLINK_SANDBOX_HOME` | the folder of the sandbox's file, instead of the user's data folder |
| `PALLINK_CACHE_HOME` | the folder in which the endpoints of other clouds are kept for a day |
| `PALLINK_TRACEBACK` | with any value, a defect of pallink prints its traceback |
| `NO_COLOR`, `FORCE_COLOR`, `TERM=dumb` | no colour, or colour; in this order |
| `CI` | `PALLINK_CLOUD=sandbox` does not count: a left-over setting must not turn a build green |
| `GITHUB_ACTIONS`, `GITHUB_STEP_SUMMARY` | `verify` annotates the run and adds to its summary |
| `TF_BUILD`, `AGENT_TEMPDIRECTORY` | the same for Azure Pipelines |
| `REQUESTS_CA_BUNDLE`, `HTTPS_PROXY`, `NO_PROXY` | certificates to trust besides the operating system's; the proxy |
"""


def reference() -> str:
    """The text of docs/reference.md."""
    return "".join([_HEAD, *_sections()])


def _sections() -> Iterator[str]:
    schema = json.loads(SCHEMA.read_text("utf-8"))["$defs"]
    found = commands()
    for name, command in found.items():
        yield f"\n## pallink {name}\n\n"
        yield f"```text\npallink {name}{_usage(command)}\n```\n\n"
        yield _prose(command.help)
        own = [each for each in command.params if each.name not in NAMES]
        if own:
            yield f"\n{_table(own)}"
        yield f"\n{_which_options(command)}\n"
        if name in schema:
            yield f"\nIts result: {', '.join(f'`{field}`' for field in schema[name]['properties'])}.\n"
    longest = max(found.values(), key=lambda each: len(_common(each)))
    yield "\n## Common options\n\n"
    yield _table([each for each in _common(longest) if each.name not in _OUTPUT_NAMES])
    yield "\n## Output options\n\n"
    yield _table([each for each in _common(longest) if each.name in _OUTPUT_NAMES])
    yield "\n## pallink itself\n\n"
    yield _table(get_command(app).params)
    yield _VARIABLES
    yield "\n## Exit codes\n\nEach is told about in [exit codes](exit-codes.md).\n\n| code | meaning |\n|---|---|\n"
    yield "".join(f"| {code} | {code.meaning} |\n" for code in ExitCode)


def _common(command: Any) -> list[Any]:
    return [each for each in command.params if each.name in NAMES]


def _which_options(command: Any) -> str:
    names = {each.name for each in _common(command)}
    if names <= _OUTPUT_NAMES:
        return "Takes the [output options](#output-options)."
    return "Takes the [common options](#common-options) and the [output options](#output-options)."


def _usage(command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    shown = [each.name.upper() if each.required else f"[{each.name.upper()}]" for each in arguments]
    return "".join(f" {each}" for each in [*shown, "[OPTIONS]"])


def _prose(text: str) -> str:
    """A docstring's paragraphs, each in one line."""
    paragraphs = (" ".join(each.split()) for each in text.split("\n\n"))
    return "".join(f"{_cell(each)}\n\n" for each in paragraphs).rstrip("\n") + "\n"


def _table(parameters: list[Any]) -> str:
    lines = ["| | variable | default | meaning |", "|---|---|---|---|"]
    for each in parameters:
        if each.param_type_name == "argument":
            shown, default = f"`{each.name.upper()}`", "" if each.required else "none"
        else:
            value = "" if each.is_flag else f" {each.metavar or _choices(each)}"
            names = sorted(each.opts, key=len, reverse=True)
            shown = ", ".join([f"`{names[0]}{value}`", *(f"`{name}`" for name in names[1:])])
            default = "" if each.is_flag or each.default in (None, "") else f"`{_plain(each.default)}`"
        variable = f"`{each.envvar}`" if getattr(each, "envvar", None) else ""
        lines.append(f"| {_cell(shown)} | {variable} | {default} | {_cell(each.help or '')} |")
    return "\n".join(lines) + "\n"


def _choices(parameter: Any) -> str:
    choices = getattr(parameter.type, "choices", None)
    return "|".join(str(_plain(each)) for each in choices) if choices else str(parameter.type.name).upper()


def _plain(value: Any) -> Any:
    value = getattr(value, "value", value)
    return f"{value:g}" if isinstance(value, float) else value


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PATH.write_text(reference(), "utf-8")
