"""The command `pallink link`."""

from typing import TYPE_CHECKING, Annotated

import typer

from pallink.cli.arguments import DryRun, PartnerId, RoleCheckOption, Subscriptions, Yes
from pallink.cli.job import confirmation, session
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.reporting import run_and_report
from pallink.links.model import LinkGoal, parse_partner_id
from pallink.settings import RoleCheck

if TYPE_CHECKING:
    from pallink.result import WriteResult

app = new_app()


@command_with_options(app, options=CommonOptions)
def link(
    options: CommonOptions,
    partner_id: PartnerId,
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Change the link where it is another partner's.")] = False,
    role_check: RoleCheckOption = RoleCheck.REQUIRE,
    subscription: Subscriptions = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Link the account to a partner.

    Signs in, checks the Reader role, reads the link, and creates it if there is none. Linked to that partner
    already: unchanged. Linked to another one: refused (exit code 5), unless --replace is given.
    """

    def write() -> "WriteResult":
        goal = LinkGoal(parse_partner_id(partner_id), replace)
        confirm = confirmation(options, yes=yes)
        with session(options, "link", writable=not dry_run, yes=yes) as opened:
            return opened.write(
                goal, role_check=role_check, subscriptions=subscription or (), dry_run=dry_run, confirm=confirm
            )

    run_and_report(write, options, "link", partner_id)
