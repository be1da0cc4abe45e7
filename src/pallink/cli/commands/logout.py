"""The command `pallink logout`."""

from collections.abc import Sequence
from typing import Annotated

import typer

from pallink.cli.job import is_about_sign_ins, progress, with_this_command
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.prompter import TerminalPrompter
from pallink.cli.supervisor import Execution
from pallink.deadline import Deadline
from pallink.output import Terminal, write_value
from pallink.redact.text import one_line
from pallink.signin import StoredSignIn, ambiguous_sign_in, filter_stored, tenant_id_by_name
from pallink.signin.store import SignInStore, all_stores, store_for

app = new_app()


@command_with_options(app, options=CommonOptions)
def logout(
    options: CommonOptions,
    *,
    every: Annotated[bool, typer.Option("--all", help="Remove every stored sign-in, in every cloud.")] = False,
) -> None:
    """Remove a stored sign-in, with all its tokens.

    If several are stored, --cloud, --account and --tenant select one.
    """
    is_about_sign_ins(options)
    if every:
        selected = {store: list(store.all()) for store in all_stores()}
    else:
        store = store_for(options.settings.cloud)
        selected = {store: _select(store, options)}
    from pallink.azure.auth import login as login_logout  # noqa: PLC0415 - azure-identity costs 200 ms to import

    for store, sign_ins in selected.items():
        login_logout.logout(store, sign_ins)
    signed_out = [stored for sign_ins in selected.values() for stored in sign_ins]
    terminal = Terminal()
    fields = [{"cloud": stored.cloud, "account": stored.account, "tenantId": stored.tenant_id} for stored in signed_out]
    write_value({"signedOut": fields}, options.output, terminal, options.query, table=lambda: None)
    if not options.quiet:
        for stored in signed_out:
            terminal.say("signed out", one_line(str(stored)))
        if not signed_out:
            where = "" if every else f" for {options.settings.cloud}; --cloud or --all selects others"
            terminal.say("note", f"no such sign-in is stored{where}")


def _select(store: SignInStore, options: CommonOptions) -> list[StoredSignIn]:
    settings = options.settings
    stored = filter_stored(store.all(), cloud=settings.cloud, account=settings.account, client_id=settings.client_id)
    tenant_id = _find_tenant_id(stored, options) if stored and settings.tenant else None
    candidates = filter_stored(stored, cloud=settings.cloud, tenant_id=tenant_id)
    if len(candidates) <= 1:
        return list(candidates)
    prompter = TerminalPrompter(options)
    if not prompter.can_prompt:
        raise with_this_command(ambiguous_sign_in(candidates, settings, "logout"))
    return [prompter.select_sign_in(candidates)]


def _find_tenant_id(stored: Sequence[StoredSignIn], options: CommonOptions) -> str | None:
    """Return the ID of the tenant to sign out of. Only a domain that no sign-in was stored for needs the network."""
    settings = options.settings
    if known := tenant_id_by_name(stored, settings.tenant or ""):
        return known
    from pallink.azure.auth.login import find_tenant_id  # noqa: PLC0415 - azure-identity costs 200 ms to import

    deadline = Deadline(settings.timeout)
    with Execution.current().watching(deadline), progress(options):
        return find_tenant_id(settings, deadline)
