"""The command `pallink check`."""

from pallink.cli.arguments import Subscriptions
from pallink.cli.job import session, show
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options

app = new_app()


@command_with_options(app, options=CommonOptions)
def check(options: CommonOptions, *, subscription: Subscriptions = None) -> None:
    """Check whether the account is ready to be linked.

    Reads only: who signed in, Reader on which subscriptions and where it comes from, the present link. Without Reader:
    exit code 6. Where the roles could not be read because there was no response: 7.
    """
    with session(options, "check") as opened:
        result = opened.check(subscriptions=subscription or ())
    show(result, options)
