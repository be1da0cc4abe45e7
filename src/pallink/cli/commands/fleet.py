"""pallink fleet: many accounts from one file."""

from pathlib import Path
from typing import Annotated

import typer

from pallink.cli.lazy import new_app
from pallink.cli.options import OutputOptions, command_with_options
from pallink.errors import UsageError
from pallink.output import Terminal, write_value
from pallink.redact.text import one_line

app = new_app(help="Many accounts from one file.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Many accounts from one file."""


@command_with_options(app, options=OutputOptions)
def validate(
    options: OutputOptions,
    file: Annotated[
        Path, typer.Argument(help="The fleet file: .yaml, .yml or .csv.", metavar="FILE", show_default=False)
    ],
) -> None:
    """Check a fleet file without signing in, and list everything that is wrong with it.

    Sends nothing. With a problem: exit code 2.
    """
    from pallink.fleet.file import read_fleet  # noqa: PLC0415 - help does without it

    fleet = read_fleet(file)
    terminal = Terminal()
    tenants = {entry.tenant.casefold() for entry in fleet.entries}
    problems = [
        {"line": problem.line, "column": problem.column, "message": problem.message} for problem in fleet.problems
    ]
    value = {"file": str(file), "accounts": len(fleet.entries), "tenants": len(tenants), "problems": problems}

    def write_table() -> None:
        lines = [f"{file}:{problem.line}:{problem.column}: {problem.message}" for problem in fleet.problems]
        lines = lines or [f"valid: {_count(len(fleet.entries), 'account')} in {_count(len(tenants), 'tenant')}"]
        terminal.write("".join(f"{one_line(line)}\n" for line in lines))

    write_value(value, options.output, terminal, options.query, table=write_table)
    if problems:
        raise UsageError(
            f"the fleet file {file} has {_count(len(problems), 'problem')}",
            cause="nothing was sent",
            remedy="correct the file, and validate it again",
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
