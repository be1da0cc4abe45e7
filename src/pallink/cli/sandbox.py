"""pallink sandbox: look at, set, reset and serve the embedded stand-in for Azure, and sign in to it."""

import contextlib
import dataclasses
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from pallink.cli import sandbox_changes
from pallink.cli.run import run
from pallink.errors import UsageError, unusable_sandbox
from pallink.output import OutputFormat, Terminal, write_json
from pallink.sandbox import METHODS, ORIGIN, AccountOverview, Overview, Sandbox, SandboxStateError, home

_SHOW = "pallink sandbox show"

app = typer.Typer(
    help="Look at, set, reset and serve the embedded stand-in for Azure.", no_args_is_help=True, rich_markup_mode=None
)

for _change in (sandbox_changes.assign, sandbox_changes.activate, sandbox_changes.grow):
    app.command()(_change)


@app.command()
def show(
    output: Annotated[
        OutputFormat, typer.Option("--output", "-o", envvar="PALLINK_OUTPUT", help="How to write it.")
    ] = OutputFormat.TABLE,
) -> None:
    """Show the sandbox's world and settings."""

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
    """Start over with the world as it came.

    No links are left, every setting is at its default, and every token is void. Works on a corrupt file too.
    """

    def job() -> None:
        _sandbox().reset()
        Terminal().say("sandbox", f"reset: {_path()}")

    _run(job)


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(help="The setting; see pallink sandbox show.", show_default=False)],
    value: Annotated[str, typer.Argument(help="One of its values.", show_default=False)],
) -> None:
    """Choose how the sandbox answers.

    There are settings for what nobody has recorded of Azure, and for what goes wrong: pallink sandbox show lists them.
    """

    def job() -> None:
        try:
            _sandbox().set(name, value)
        except ValueError as error:
            raise UsageError(str(error).rstrip("."), remedy="see the settings", command=_SHOW) from error
        Terminal().say("sandbox", f"{name} is now {value!r}")

    _run(job)


@app.command()
def approve(
    code: Annotated[str, typer.Argument(help="The code that the sign-in shows.", show_default=False)],
    account: Annotated[
        str | None, typer.Option("--account", help="Who signs in; without it the sandbox's default account.")
    ] = None,
    deny: Annotated[bool, typer.Option("--deny", help="Say no.")] = False,
) -> None:
    """Answer a device code.

    As the person would who opens the sign-in page on another device.
    """

    def job() -> None:
        try:
            name = _sandbox().approve(code, account, deny=deny)
        except ValueError as error:
            raise UsageError(
                str(error), remedy="start the sign-in again for a new code, or see the accounts", command=_SHOW
            ) from error
        Terminal().say("sandbox", f"{name} {'declined' if deny else 'approved'} the sign-in")

    _run(job)


@app.command()
def serve(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Where to listen; 0: any port that is free.")
    ] = 0,
) -> None:
    """Serve the sandbox over HTTPS on this machine.

    It is there for browsers and other programs, until Ctrl-C. Its address goes to stdout, and to stderr what to paste
    into another terminal. It listens on 127.0.0.1 and nowhere else. Its certificate is signed by an authority of its
    own, which is made at the first use: clients have to be told to trust it.
    """

    def job() -> None:
        from pallink.sandbox.server import SandboxServer  # noqa: PLC0415

        try:
            server = SandboxServer(_sandbox(), port)
        except OSError as error:
            raise UsageError(
                f"cannot listen on port {port}: {(error.strerror or str(error)).lower()}",
                remedy="choose another port, or none for any that is free",
                command="pallink sandbox serve",
            ) from error
        terminal = Terminal()
        with server, _stopped_by_signals():
            terminal.say("sandbox", f"serving until Ctrl-C; its certificate authority is {server.authority}")
            terminal.say("sandbox", "in another terminal:")
            for line in (
                _assignment("REQUESTS_CA_BUNDLE", str(server.authority)),
                _setting_variables("client-secret"),
                f"pallink link 719878 --cloud {server.origin}",
            ):
                print(f"    {line}", file=terminal.stderr)
            terminal.stderr.flush()
            terminal.stdout.write(f"{server.origin}\n")
            terminal.stdout.flush()
            with contextlib.suppress(KeyboardInterrupt):
                server.serve_forever()
        terminal.say("sandbox", "stopped")

    _run(job)


@app.command()
def env(
    method: Annotated[str, typer.Argument(help=f"How to sign in: {', '.join(METHODS)}.", show_default=False)],
    origin: Annotated[
        str, typer.Option("--origin", help="The address that pallink sandbox serve printed; default: in process.")
    ] = ORIGIN,
    output: Annotated[
        OutputFormat, typer.Option("--output", "-o", envvar="PALLINK_OUTPUT", help="How to write it.")
    ] = OutputFormat.TABLE,
) -> None:
    """Print the variables to sign in with.

    The lines are for the shell to run. A certificate or a token file that they name is made in the sandbox's folder.
    What they hold opens nothing but this sandbox.
    """

    def job() -> None:
        try:
            variables = _sandbox().environment(method, origin=origin.rstrip("/"))
        except ValueError as error:
            raise UsageError(str(error).rstrip("."), command="pallink sandbox env --help") from error
        terminal = Terminal()
        if output is OutputFormat.JSON:
            write_json(variables, terminal)
            return
        for name, value in variables.items():
            terminal.stdout.write(f"{_assignment(name, value)}\n")
        terminal.stdout.flush()

    _run(job)


def _assignment(name: str, value: str) -> str:
    """Returns the line that sets a variable, in the shell that this system's users have."""
    if sys.platform == "win32":
        doubled = value.replace("'", "''")
        return f"$env:{name} = '{doubled}'"
    return f"export {name}={shlex.quote(value)}"


def _setting_variables(method: str) -> str:
    """Returns the line that has the shell of this system's users run what `pallink sandbox env` prints."""
    command = f"pallink sandbox env {method}"
    return f"{command} | Out-String | Invoke-Expression" if sys.platform == "win32" else f'eval "$({command})"'


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Lets SIGTERM do within the block what Ctrl-C does."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
            for line in _about(account):
                yield f"  {'':<{width}}  {line}"
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


def _about(account: AccountOverview) -> Iterator[str]:
    """What there is to say of an account beside its name."""
    if account.client_secret:
        yield f"client secret {account.client_secret}"
    for trusted in account.trusts:
        yield f"trusts {trusted}"
    if account.sign_in_error:
        yield f"refused with AADSTS{account.sign_in_error}"
    yield from account.roles or ("no role",)
