"""The command `pallink whoami`."""

from typing import TYPE_CHECKING, Annotated

import typer

from pallink.cli.job import session, show
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.clouds import SANDBOX
from pallink.output import Terminal, write_accounts
from pallink.signin import StoredSignIn
from pallink.signin.store import store_for

if TYPE_CHECKING:
    from pallink.result import AccountResult

app = new_app()


@command_with_options(app, options=CommonOptions)
def whoami(
    options: CommonOptions,
    *,
    every: Annotated[bool, typer.Option("--all", help="List the stored sign-ins, without signing in.")] = False,
) -> None:
    """Show which account signs in, and how. The partner API is not touched."""
    if every:
        stored = (*store_for("").all(), *store_for(SANDBOX).all())
        write_accounts([_result(sign_in) for sign_in in stored], options.output, Terminal(), options.query)
        return
    with session(options) as opened:
        result = opened.whoami()
    show(result, options)


def _result(stored: StoredSignIn) -> "AccountResult":
    from pallink.result import AccountResult  # noqa: PLC0415 - not needed for --help

    return AccountResult(
        cloud=stored.cloud,
        account=stored.account,
        account_kind=stored.kind,
        object_id=stored.object_id,
        tenant_id=stored.tenant_id,
        tenant_name=None,
        auth=stored.auth,
        stored=True,
    )
