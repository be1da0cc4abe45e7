"""pallink logout."""

from typing import Annotated

import typer

from pallink.cli.job import is_about_sign_ins
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.prompter import TerminalPrompter
from pallink.clouds import SANDBOX
from pallink.output import Terminal, write_value
from pallink.redact.text import one_line
from pallink.signin import StoredSignIn, matching, several_stored
from pallink.signin.store import SignInStore, store_for

app = new_app()


@command_with_options(app, options=CommonOptions)
def logout(
    options: CommonOptions,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every stored sign-in, in every cloud.")] = False,
) -> None:
    """Remove a stored sign-in, with all its tokens.

    --cloud, --account and --tenant say which one, where several are stored.
    """
    is_about_sign_ins(options)
    stores = [store_for(options.settings.cloud)]
    if every:
        stores = [store_for(""), store_for(SANDBOX)]
        chosen = [each for store in stores for each in store.all()]
    else:
        chosen = _chosen(stores[0], options)
    from pallink.azure.auth import login as login_logout  # noqa: PLC0415 - azure-identity costs 200 ms to import

    login_logout.logout(chosen)
    if every:
        for store in stores:
            login_logout.remove_left_overs(store)
    if any(each.cloud == SANDBOX for each in chosen) and not store_for(SANDBOX).all():
        store_for(SANDBOX).sign_out()
    terminal = Terminal()
    gone = [{"cloud": each.cloud, "account": each.account, "tenantId": each.tenant_id} for each in chosen]
    write_value({"signedOut": gone}, options.output, terminal, options.query, table=lambda: None)
    if not options.quiet:
        for each in chosen:
            terminal.say("signed out", one_line(str(each)))
        if not chosen:
            terminal.say("signed out", "no such sign-in was stored")


def _chosen(store: SignInStore, options: CommonOptions) -> list[StoredSignIn]:
    settings = options.settings
    found = matching(
        store.all(),
        cloud=settings.cloud,
        account=settings.account,
        tenant=settings.tenant,
        client_id=settings.client_id,
    )
    if len(found) <= 1:
        return list(found)
    person = TerminalPrompter(options)
    if not person.can_ask:
        raise several_stored(found, settings, "logout")
    return [person.pick(found)]
