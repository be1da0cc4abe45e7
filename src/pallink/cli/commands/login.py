"""The command `pallink login`."""

import base64
import json
from typing import Annotated

import typer

from pallink.cli.job import is_about_sign_ins, progress, say_where, show
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.prompter import TerminalPrompter
from pallink.cli.supervisor import Execution
from pallink.deadline import Deadline
from pallink.errors import UsageError

app = new_app()


@command_with_options(app, options=CommonOptions)
def login(
    options: CommonOptions,
    *,
    plain_text: Annotated[
        bool,
        typer.Option(
            "--allow-plain-text-cache",
            envvar="PALLINK_ALLOW_PLAIN_TEXT_CACHE",
            help="Where tokens cannot be encrypted, keep them in a file that only you can read.",
        ),
    ] = False,
    claims: Annotated[
        str | None,
        typer.Option("--claims", metavar="BASE64", help="The claims that Azure requires, from an error."),
    ] = None,
) -> None:
    """Sign in, and keep the sign-in for later commands.

    Without --auth, signs in with the browser, or with a device code where no browser can be opened. Sign-ins of several
    accounts and tenants can be kept; --account and --tenant select one. Tokens are encrypted; passwords and secrets are
    never kept.
    """
    required_claims = None if claims is None else _decoded(claims)
    settings = options.settings
    is_about_sign_ins(options)
    if not options.output.has_error_objects:
        say_where(options)
    from pallink.azure.auth.login import login as sign_in  # noqa: PLC0415 - azure-identity costs 200 ms to import

    prompter = TerminalPrompter(options)
    deadline = Deadline(settings.timeout)
    with Execution.current().watching(deadline), progress(options):
        result = sign_in(settings, deadline, prompter, plain_text=plain_text, claims=required_claims)
    show(result, options)


def _decoded(claims: str) -> str:
    """Return the claims as JSON. Both alphabets of base64 are understood: Azure's header has either."""
    try:
        padded = claims.strip().replace("-", "+").replace("_", "/").rstrip("=")
        text = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True).decode("utf-8")
        if not isinstance(json.loads(text), dict):
            raise TypeError("not an object")  # noqa: TRY301 - refused with the others below
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(
            "--claims is not a JSON object in base64",
            remedy="paste the value that the error showed",
        ) from error
    return text
