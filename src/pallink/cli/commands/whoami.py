"""pallink whoami."""

from pallink.cli.job import session, show
from pallink.cli.options import CommonOptions


def whoami(options: CommonOptions) -> None:
    """Show which account signs in, and how. The partner API is not touched."""
    with session(options) as opened:
        result = opened.whoami()
    show(result, options)
