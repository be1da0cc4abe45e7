"""Generate docs/reference/commands.md from the program: `python -m tools.reference`."""

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from typer.main import get_command

from pallink.cli.app import app
from pallink.cli.options import NAMES, OutputOptions
from pallink.exit_codes import ExitCode
from tools.program import ROOT, commands

PATH = ROOT / "docs" / "reference" / "commands.md"
SCHEMA = ROOT / "docs" / "reference" / "results.schema.json"

_OUTPUT_NAMES = {option.name for option in fields(OutputOptions)}

_HEAD = """\
# Command reference

Generated from the program by `python -m tools.reference`. `pallink COMMAND --help` prints the same, with
two examples. For what the commands are for and how to combine them, see [first steps](../tutorial.md) and
[scripts and CI](../how-to/scripts-and-ci.md).

Options go before or after the command. An option takes precedence over its variable, a variable over the default. A
Boolean variable takes `1` or `true`. The fields of a result are those of `-o json`; `-o jsonl`, `yaml` and `tsv` have
the same fields in the same order. [results.schema.json](results.schema.json) has their types.
"""

_VARIABLES = """
## Variables without an option

| variable | meaning |
|---|---|
| `PALLINK_HOME` | the folder of `sign-ins` and of `runs` of fleets, instead of the user's data and state folders |
| `PALLINK_SANDBOX_HOME` | the folder of the sandbox's file, instead of the user's data folder |
| `PALLINK_CACHE_HOME` | the folder in which the endpoints of other clouds are cached for a day |
| `PALLINK_TRACEBACK` | with any value, a defect of pallink prints its traceback |
| `NO_COLOR`, `FORCE_COLOR`, `TERM=dumb` | no colour, or colour; in this order of precedence |
| `CI`, `GITHUB_ACTIONS`, `TF_BUILD` | `PALLINK_CLOUD=sandbox` is refused: it would turn a build green |
| `GITHUB_ACTIONS`, `GITHUB_STEP_SUMMARY` | `verify` and what writes annotate the run and add to its summary |
| `TF_BUILD`, `AGENT_TEMPDIRECTORY` | the same for Azure Pipelines |
| `PALLINK_ACTION_HOME` | set by the GitHub Action and the Azure Pipelines template: hints name their inputs |
| `REQUESTS_CA_BUNDLE`, `HTTPS_PROXY`, `NO_PROXY` | certificates to trust besides the operating system's; the proxy |
"""


def reference() -> str:
    """Return the text of docs/reference/commands.md."""
    return "".join([_HEAD, *_sections()])


def _sections() -> Iterator[str]:
    schema = json.loads(SCHEMA.read_text("utf-8"))["$defs"]
    found = commands()
    for name, command in found.items():
        yield f"\n## pallink {name}\n\n"
        yield f"```text\npallink {name}{_usage(command)}\n```\n\n"
        yield _prose(command.help)
        own = [parameter for parameter in command.params if parameter.name not in NAMES]
        if own:
            yield f"\n{_table(own)}"
        yield f"\n{_which_options(command)}\n"
        if name in schema:
            yield f"\n{_result(schema[name])}\n"
    shared = max(map(_common, found.values()), key=len)
    yield "\n## Common options\n\n"
    yield _table([option for option in shared if option.name not in _OUTPUT_NAMES])
    yield "\n## Output options\n\n"
    yield _table([option for option in shared if option.name in _OUTPUT_NAMES])
    yield "\n## pallink itself\n\n"
    yield _table(get_command(app).params)
    yield _VARIABLES
    yield "\n## Exit codes\n\n[Exit codes](exit-codes.md) explains them.\n\n| code | meaning |\n|---|---|\n"
    yield "".join(f"| {code} | {code.meaning} |\n" for code in ExitCode)


def _result(schema: dict[str, Any]) -> str:
    def named(properties: dict[str, Any]) -> str:
        return ", ".join(f"`{field}`" for field in properties)

    if "properties" not in schema:
        return f"Its result is a list, each with {named(schema['items']['properties'])}."
    fields = named(schema["properties"]) or "the variables and their values"
    if "items" in schema:
        return f"Its result is a list, each with {named(schema['items']['properties'])}; for one: {fields}."
    return f"Its result: {fields}."


def _common(command: Any) -> list[Any]:
    return [parameter for parameter in command.params if parameter.name in NAMES]


def _which_options(command: Any) -> str:
    names = {option.name for option in _common(command)}
    if names <= _OUTPUT_NAMES:
        return "Takes the [output options](#output-options)."
    left_out = [f"`--{name.replace('_', '-')}`" for name in sorted(NAMES - names)]
    # The one command with a single common option has it in a sense of its own.
    except_for = f" except {', '.join(left_out)}," if left_out and "cloud" in names else ""
    return f"Takes the [common options](#common-options){except_for} and the [output options](#output-options)."


def _usage(command: Any) -> str:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    words = [argument.name.upper() if argument.required else f"[{argument.name.upper()}]" for argument in arguments]
    return "".join(f" {word}" for word in [*words, "[OPTIONS]"])


def _prose(text: str) -> str:
    """Return a docstring with one line per paragraph."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return "".join(f"{_cell(paragraph)}\n\n" for paragraph in paragraphs).rstrip("\n") + "\n"


def _table(parameters: list[Any]) -> str:
    lines = ["| | variable | default | meaning |", "|---|---|---|---|"]
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            shown, default = f"`{parameter.name.upper()}`", "" if parameter.required else "none"
        else:
            value = "" if parameter.is_flag else f" {parameter.metavar or _choices(parameter)}"
            names = sorted(parameter.opts, key=len, reverse=True)
            shown = ", ".join([f"`{names[0]}{value}`", *(f"`{name}`" for name in names[1:])])
            has_default = not parameter.is_flag and parameter.default not in (None, "")
            default = f"`{_plain(parameter.default)}`" if has_default else ""
        variable = f"`{parameter.envvar}`" if getattr(parameter, "envvar", None) else ""
        lines.append(f"| {_cell(shown)} | {variable} | {default} | {_cell(parameter.help or '')} |")
    return "\n".join(lines) + "\n"


def _choices(parameter: Any) -> str:
    choices = getattr(parameter.type, "choices", None)
    return "|".join(str(_plain(choice)) for choice in choices) if choices else str(parameter.type.name).upper()


def _plain(value: Any) -> Any:
    value = getattr(value, "value", value)
    return f"{value:g}" if isinstance(value, float) else value


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PATH.write_text(reference(), "utf-8")
