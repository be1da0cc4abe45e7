"""The command `pallink whoami`."""

from typing import Annotated

import typer

from pallink.cli.job import session, show
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.output import Terminal, write_accounts
from pallink.signin.store import all_stores

app = new_app()


@command_with_options(app, options=CommonOptions)
def whoami(
    options: CommonOptions,
    *,
    every: Annotated[bool, typer.Option("--all", help="List the stored sign-ins, without signing in.")] = False,
) -> None:
    """Show which account signs in, and how. Does not call the partner API."""
    if every:
        from pallink.result import AccountResult  # noqa: PLC0415 - help needs none

        kept = [sign_in for store in all_stores() for sign_in in store.all()]
        results = [AccountResult.of(sign_in, cloud=sign_in.cloud, auth=sign_in.auth, stored=True) for sign_in in kept]
        terminal = Terminal()
        write_accounts(results, options.output, terminal, options.query)
        if not kept and not options.quiet:
            terminal.say("note", "no sign-in is stored")
        return
    with session(options, "whoami") as opened:
        result = opened.whoami()
    show(result, options)
