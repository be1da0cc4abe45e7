"""pallink show."""

from pallink.cli import job
from pallink.cli.options import CommonOptions


def show(options: CommonOptions) -> None:
    """Show the account's link.

    Not linked: exit code 3.
    """
    with job.session(options) as opened:
        result = opened.show()
    job.show(result, options)
