"""pallink sandbox: look at, set and reset the embedded stand-in for Azure."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from pallink.cli import sandbox_changes
from pallink.cli.run import run
from pallink.errors import UsageError, unusable_sandbox
from pallink.output import OutputFormat, Terminal, write_json
from pallink.sandbox import Overview, Sandbox, SandboxStateError, home

app = typer.Typer(
    help="Look at, set and reset the embedded stand-in for Azure.", no_args_is_help=True, rich_markup_mode=None
)

for _change in (sandbox_changes.assign, sandbox_changes.activate, sandbox_changes.grow):
    app.command()(_change)


@app.command()
def show(
    output: Annotated[
        OutputFormat, typer.Option("--output", "-o", envvar="PALLINK_OUTPUT", help="How to write it.")
    ] = OutputFormat.TABLE,
) -> None:
    """Show the sandbox's world: tenants, accounts, partners, links and settings."""

    def job() -> None:
        terminal = Terminal()
        overview = _sandbox().describe()
        if output is OutputFormat.JSON:
            write_json({**dataclasses.asdict(overview), "path": str(overview.path)}, terminal)
            return
        for line in _lines(overview):
            terminal.stdout.write(f"{line}\n")
        terminal.stdout.flush()

    _run(job)


@app.command()
def reset() -> None:
    """Start over with the world as it came: no links, every setting at its default. Works on a corrupt file too."""

    def job() -> None:
        _sandbox().reset()
        Terminal().say("sandbox", f"reset: {_path()}")

    _run(job)


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(help="The setting; see pallink sandbox show.", show_default=False)],
    value: Annotated[str, typer.Argument(help="One of its values.", show_default=False)],
) -> None:
    """Choose how the sandbox answers where nobody has recorded what Azure does."""

    def job() -> None:
        try:
            _sandbox().set(name, value)
        except ValueError as error:
            raise UsageError(
                str(error).rstrip("."), remedy="see the settings", command="pallink sandbox show"
            ) from error
        Terminal().say("sandbox", f"{name} is now {value!r}")

    _run(job)


def _sandbox() -> Sandbox:
    return Sandbox(home())


def _path() -> Path:
    return _sandbox().describe().path


def _run(job: Callable[[], None]) -> None:
    def with_sandbox_errors() -> None:
        try:
            job()
        except SandboxStateError as error:
            raise unusable_sandbox(str(error), error.path) from error

    run(with_sandbox_errors, verbose=False, debug=False)


def _lines(overview: Overview) -> Iterator[str]:
    """The world for a person to read, section by section."""
    yield f"file  {overview.path}"
    for tenant in overview.tenants:
        yield ""
        yield f"tenant {tenant.display_name}  {tenant.domain}  {tenant.id}"
        accounts = [each for each in overview.accounts if each.tenant_id == tenant.id]
        names = [each.name + (" (default)" if each.is_default else "") for each in accounts]
        width = max(map(len, names), default=0)
        for account, name in zip(accounts, names, strict=True):
            yield f"  {name:<{width}}  {account.kind}, object ID {account.object_id}"
            if account.client_secret:
                yield f"  {'':<{width}}  client secret {account.client_secret}"
            for role in account.roles or ("no role",):
                yield f"  {'':<{width}}  {role}"
    yield ""
    yield "partners"
    for partner in overview.partners:
        refused = "" if partner.kind == "location" else f"  ({partner.kind} ID: cannot be linked to)"
        yield f"  {partner.id:<10}  {partner.name}{refused}"
    yield ""
    yield "links"
    for link in overview.links:
        yield f"  {link.account} in {link.tenant}: {link.partner_id} ({link.partner_name}), {link.state}"
    if not overview.links:
        yield "  none"
    yield ""
    yield "settings (pallink sandbox set NAME VALUE)"
    for setting in overview.settings:
        yield f"  {setting.name} = {setting.value!r}, of {', '.join(map(repr, setting.allowed))}"
        yield f"      {setting.explanation}"
