"""pallink check."""

from pallink.cli.job import session, show
from pallink.cli.options import CommonOptions


def check(options: CommonOptions) -> None:
    """Is this account ready to be linked?

    Reads only: who signed in, Reader on which subscriptions, the present link. Without Reader: exit code 6.
    """
    with session(options) as opened:
        result = opened.check()
    show(result, options)
