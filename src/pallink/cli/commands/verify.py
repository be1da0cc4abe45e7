"""The command `pallink verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pallink.cli.arguments import PartnerId, RoleCheckOption, Subscriptions
from pallink.cli.job import session, show
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.run import as_pallink_error
from pallink.errors import CancelledError
from pallink.links.model import LinkGoal, parse_partner_id
from pallink.output import Terminal
from pallink.settings import RoleCheck

if TYPE_CHECKING:
    from pallink.reports import Finding

app = new_app()


@command_with_options(app, options=CommonOptions)
def verify(
    options: CommonOptions,
    partner_id: PartnerId,
    *,
    role_check: RoleCheckOption = RoleCheck.WARN,
    subscription: Subscriptions = None,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", envvar="PALLINK_JUNIT", help="Write the verdict as JUnit XML too."),
    ] = None,
) -> None:
    """Fail unless the account is linked to this partner.

    For CI: reads only. Not linked: exit code 3. Linked to another partner: 5. A missing Reader role is a warning, or
    with --role-check require an error (6). In GitHub Actions and Azure Pipelines it annotates the run and adds to its
    summary.
    """
    # XML and temporary files are no other command's business.
    from pallink.reports import finding_from_error, finding_from_result, publish  # noqa: PLC0415

    def report(finding: "Finding") -> tuple[str, ...]:
        terminal = Terminal()
        return publish(
            [finding],
            junit_file=junit,
            environ=terminal.environ,
            write_line=terminal.tell,
            quiet=options.quiet,
        )

    try:
        goal = LinkGoal(parse_partner_id(partner_id))
        with session(options, "verify") as opened:
            result = opened.compare(goal, role_check=role_check, subscriptions=subscription or ())
    except (CancelledError, typer.Abort):
        raise  # no finding
    except Exception as raised:
        error = as_pallink_error(raised)
        error.warnings += report(finding_from_error(error, options.settings, partner_id))
        raise error from raised
    show(result, options, unquiet=report(finding_from_result(result)))
