"""The command `pallink show`."""

from pallink.cli import job
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options

app = new_app()


@command_with_options(app, options=CommonOptions)
def show(options: CommonOptions) -> None:
    """Show the account's link.

    Not linked: exit code 3.
    """
    with job.session(options, "show") as opened:
        result = opened.show()
    job.show(result, options)
