"""pallink sandbox: show, set, reset and serve the embedded emulator of Azure, and sign in to it."""

import dataclasses
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from pallink import sandbox as embedded
from pallink.cli.commands import sandbox_changes, sandbox_faults
from pallink.cli.completion import complete_sandbox_user
from pallink.cli.field_names import camel_case
from pallink.cli.lazy import new_app
from pallink.cli.options import OutputOptions, command_with_options
from pallink.cli.supervisor import Execution
from pallink.errors import UsageError
from pallink.output import Terminal, write_value
from pallink.sandbox.names import METHODS, ORIGIN, Shell
from pallink.sandbox.state.settings import SETTINGS
from pallink.signin.store import store_for

_SHOW = "pallink sandbox show"
THIS_SHELL = Shell.POWERSHELL if sys.platform == "win32" else Shell.SH
"""The default shell of this operating system."""


app = new_app(help="Show, set, reset and serve the embedded emulator of Azure.", no_args_is_help=True)

for _change in (
    sandbox_changes.assign,
    sandbox_changes.activate,
    sandbox_changes.grow,
    sandbox_changes.guest_policy,
    sandbox_changes.revoke_sessions,
):
    command_with_options(app, options=OutputOptions)(_change)


app.add_typer(sandbox_faults.app, name="fault")


def _values(context: typer.Context) -> list[str]:
    """Return the values of the setting that the command line names, for completion."""
    return [value for setting in SETTINGS if setting.name == context.params.get("name") for value in setting.allowed]


@command_with_options(app, options=OutputOptions)
def show(options: OutputOptions) -> None:
    """Show the sandbox's tenants, accounts, partners, links, faults and settings."""
    overview = embedded.Sandbox(embedded.home()).describe()
    terminal = Terminal()
    write_value(
        _plain(dataclasses.asdict(overview)),
        options.output,
        terminal,
        options.query,
        table=lambda: terminal.write("".join(f"{line}\n" for line in _lines(overview))),
    )


@command_with_options(app, options=OutputOptions)
def reset(options: OutputOptions) -> None:
    """Restore the initial world.

    Removes all links and faults, sets every setting to its default, and voids every token. After pallink logout, its
    users sign in by themselves again. Works on a corrupt file too.
    """
    sandbox = embedded.Sandbox(embedded.home())
    sandbox.reset()
    # Its users sign in by themselves again after a logout.
    store = store_for("sandbox")
    if store.is_signed_out:
        with store.change():
            store.mark_signed_in()
    path = str(sandbox.describe().path)
    _done({"path": path}, f"reset: {path}", options)


@command_with_options(app, "set", options=OutputOptions)
def set_(
    options: OutputOptions,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The setting; see pallink sandbox show.",
            show_default=False,
            autocompletion=lambda: [setting.name for setting in SETTINGS],
        ),
    ],
    value: Annotated[
        str,
        typer.Argument(metavar="VALUE", help="One of its values.", show_default=False, autocompletion=_values),
    ],
) -> None:
    """Choose how the sandbox responds.

    Settings decide what is not known of Azure, and provoke errors; pallink sandbox show lists them.
    """
    try:
        embedded.Sandbox(embedded.home()).set(name, value)
    except ValueError as error:
        raise UsageError(str(error).rstrip("."), remedy="list the settings", command=_SHOW) from error
    _done({"name": name, "value": value}, f"{name} is now {value!r}", options)


@command_with_options(app, options=OutputOptions)
def approve(
    options: OutputOptions,
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code that the sign-in shows.", show_default=False)],
    account: Annotated[
        str | None,
        typer.Option(
            "--account",
            metavar="UPN",
            autocompletion=complete_sandbox_user,
            help="The account to sign in; by default the sandbox's default account.",
        ),
    ] = None,
    deny: Annotated[bool, typer.Option("--deny", help="Decline the sign-in.")] = False,
) -> None:
    """Approve or decline a device code.

    As the user would on the sign-in page, on another device.
    """
    try:
        name = embedded.Sandbox(embedded.home()).approve(code, account, deny=deny)
    except ValueError as error:
        raise UsageError(
            str(error), remedy="start the sign-in again for a new code, or list the accounts", command=_SHOW
        ) from error
    decision = "declined" if deny else "approved"
    _done({"account": name, "answer": decision}, f"{name} {decision} the sign-in", options)


@command_with_options(app, options=OutputOptions)
def serve(
    options: OutputOptions,
    port: Annotated[
        int,
        typer.Option(
            "--port", metavar="NUMBER", min=0, max=65535, help="The port to listen on; 0 for any that is free."
        ),
    ] = 0,
    shell: Annotated[
        Shell, typer.Option("--shell", case_sensitive=False, help="The shell of the printed commands.")
    ] = THIS_SHELL,
) -> None:
    """Serve the sandbox over HTTPS on this machine.

    Runs until Ctrl-C, for browsers and other programs. Prints the URL to stdout, and to stderr the commands to paste
    into another terminal: for pallink, az, curl, and the SDKs for Python and Node. Listens on 127.0.0.1 and ::1 only.
    The certificate is signed by the sandbox's own certificate authority, which is created on first use, and which
    clients have to trust.
    """
    from pallink.sandbox.http.server import SandboxServer  # noqa: PLC0415
    from pallink.sandbox.shell import sections  # noqa: PLC0415

    terminal = Terminal()

    def say(text: str) -> None:
        if not options.quiet:
            terminal.say("sandbox", text)

    try:
        server = SandboxServer(embedded.Sandbox(embedded.home()), port)
    except OSError as error:
        raise UsageError(
            f"cannot listen on port {port}: {(error.strerror or str(error)).lower()}",
            remedy="choose another port, or omit --port for any that is free",
            command="pallink sandbox serve",
        ) from error
    Execution.current().stop = server.stop
    with server:
        say(f"serving until Ctrl-C, with the certificate authority {server.authority}")
        if not options.quiet:
            say("to paste into another terminal, from the top:")
            for section in sections(shell, server.origin, server.authority):
                terminal.tell(f"\n# {section.name}: {section.explanation}")
                for line in section.lines:
                    terminal.tell(line)
            terminal.tell("")
        write_value(
            {"origin": server.origin, "authority": str(server.authority)},
            options.output,
            terminal,
            options.query,
            table=lambda: terminal.write(f"{server.origin}\n"),
        )
        server.serve_forever()
    say("stopped")


@command_with_options(app, options=OutputOptions)
def env(
    options: OutputOptions,
    method: Annotated[
        str, typer.Argument(metavar="METHOD", help=f"The sign-in method: {', '.join(METHODS)}.", show_default=False)
    ],
    origin: Annotated[
        str,
        typer.Option(
            "--origin", metavar="URL", help="The URL that pallink sandbox serve printed; by default in process."
        ),
    ] = ORIGIN,
    shell: Annotated[
        Shell, typer.Option("--shell", case_sensitive=False, help="The shell of the printed commands.")
    ] = THIS_SHELL,
) -> None:
    """Print the environment variables to sign in with.

    The output is for the shell to evaluate. A certificate or token file that it names is created in the sandbox's
    folder. The credentials work for this sandbox only.
    """
    try:
        variables = embedded.Sandbox(embedded.home()).environment(method, origin=origin.rstrip("/"))
    except ValueError as error:
        raise UsageError(str(error).rstrip("."), command="pallink sandbox env --help") from error
    from pallink.sandbox.shell import assignment  # noqa: PLC0415

    terminal = Terminal()
    lines = "".join(f"{assignment(shell, name, value)}\n" for name, value in variables.items())
    write_value(dict(variables), options.output, terminal, options.query, table=lambda: terminal.write(lines))


def _plain(value: object) -> object:
    """Return a value in JSON types, with field names in camel case."""
    if isinstance(value, dict):
        return {camel_case(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int) else str(value)


def _done(value: dict[str, str], sentence: str, options: OutputOptions) -> None:
    """Report what was done: a sentence on stderr, and the value on stdout with `-o json`."""
    terminal = Terminal()
    write_value(value, options.output, terminal, options.query, table=lambda: None)
    if not options.quiet:
        terminal.say("sandbox", sentence)


def _lines(overview: "embedded.Overview") -> Iterator[str]:
    """Yield the lines of `pallink sandbox show`."""
    yield f"file  {overview.path}"
    for tenant in overview.tenants:
        yield ""
        yield f"tenant {tenant.display_name}  {tenant.domain}  {tenant.id}"
        accounts = [account for account in overview.accounts if account.tenant_id == tenant.id]
        names = [account.name + (" (default)" if account.is_default else "") for account in accounts]
        width = max(map(len, names), default=0)
        for account, name in zip(accounts, names, strict=True):
            yield f"  {name:<{width}}  {account.kind}, object ID {account.object_id}"
            for line in _details(account):
                yield f"  {'':<{width}}  {line}"
    yield from _generated(overview)
    yield ""
    yield "partners"
    for partner in overview.partners:
        note = "" if partner.kind == "location" else f"  ({partner.kind} ID: cannot be linked to)"
        yield f"  {partner.id:<10}  {partner.name}{note}"
    yield ""
    yield "links"
    yield from _links(overview.links) if overview.links else ("  none",)
    yield ""
    yield "faults (pallink sandbox fault)"
    for fault in overview.faults:
        yield f"  {fault}"
    if not overview.faults:
        yield "  none"
    if overview.guest_policies:
        yield ""
        yield "guest policies (pallink sandbox guest-policy)"
        yield from (f"  {policy}" for policy in overview.guest_policies)
    yield ""
    yield "settings (pallink sandbox set NAME VALUE)"
    for setting in overview.settings:
        yield f"  {setting.name} = {setting.value!r}, of {', '.join(map(repr, setting.allowed))}"
        yield f"      {setting.explanation}"


def _generated(overview: "embedded.Overview") -> Iterator[str]:
    """Yield the lines about what was generated, which is too much to list."""
    counts = {name: count for name, count in dataclasses.asdict(overview.generated).items() if count}
    if counts:
        yield ""
        yield "generated (pallink sandbox grow; --fleet-file lists them)"
        yield from (f"  {sandbox_changes.counted(count, name)}" for name, count in counts.items())


def _links(links: Iterable["embedded.LinkOverview"]) -> Iterator[str]:
    """Yield a line for each link, but one for those of all generated accounts."""
    states = []
    for link in links:
        if link.is_generated:
            states.append(link.state)
        else:
            yield f"  {link.account} in {link.tenant}: {link.partner_id} ({link.partner_name}), {link.state}"
    if states:
        counts = ", ".join(f"{count} {state}" for state, count in Counter(states).items())
        yield f"  of generated accounts: {counts}"


def _details(account: "embedded.AccountOverview") -> Iterator[str]:
    """Yield the lines about an account, below its name."""
    if account.client_secret:
        yield f"client secret {account.client_secret}"
    for issuer in account.trusts:
        yield f"trusts {issuer}"
    if account.sign_in_error:
        yield f"refused with AADSTS{account.sign_in_error}"
    yield from account.roles or ("no role",)
