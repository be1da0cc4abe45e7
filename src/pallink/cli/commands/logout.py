"""The command `pallink logout`."""

from typing import Annotated

import typer

from pallink.cli.job import is_about_sign_ins
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.prompter import TerminalPrompter
from pallink.output import Terminal, write_value
from pallink.redact.text import one_line
from pallink.signin import StoredSignIn, ambiguous_sign_in, filter_stored
from pallink.signin.store import SignInStore, all_stores, store_for

app = new_app()


@command_with_options(app, options=CommonOptions)
def logout(
    options: CommonOptions,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every stored sign-in, in every cloud.")] = False,
) -> None:
    """Remove a stored sign-in, with all its tokens.

    If several are stored, --cloud, --account and --tenant select one.
    """
    is_about_sign_ins(options)
    if every:
        stores = all_stores()
        selected = [stored for store in stores for stored in store.all()]
    else:
        stores = [store_for(options.settings.cloud)]
        selected = _select(stores[0], options)
    from pallink.azure.auth import login as login_logout  # noqa: PLC0415 - azure-identity costs 200 ms to import

    login_logout.logout(selected)
    if every:
        for store in stores:
            login_logout.remove_left_overs(store)
    for cloud in {stored.cloud for stored in selected}:
        store = store_for(cloud)
        if store.is_emulated and not store.all():
            store.mark_signed_out()
    terminal = Terminal()
    removed = [{"cloud": stored.cloud, "account": stored.account, "tenantId": stored.tenant_id} for stored in selected]
    write_value({"signedOut": removed}, options.output, terminal, options.query, table=lambda: None)
    if not options.quiet:
        for stored in selected:
            terminal.say("signed out", one_line(str(stored)))
        if not selected:
            terminal.say("signed out", "no such sign-in was stored")


def _select(store: SignInStore, options: CommonOptions) -> list[StoredSignIn]:
    settings = options.settings
    candidates = filter_stored(
        store.all(),
        cloud=settings.cloud,
        account=settings.account,
        tenant=settings.tenant,
        client_id=settings.client_id,
    )
    if len(candidates) <= 1:
        return list(candidates)
    prompter = TerminalPrompter(options)
    if not prompter.can_prompt:
        raise ambiguous_sign_in(candidates, settings, "logout")
    return [prompter.select_sign_in(candidates)]
