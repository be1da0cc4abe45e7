"""The command `pallink update`."""

from typing import TYPE_CHECKING

from pallink.cli.arguments import DryRun, PartnerId, RoleCheckOption, Subscriptions, Yes
from pallink.cli.job import confirmation, session
from pallink.cli.lazy import new_app
from pallink.cli.options import CommonOptions, command_with_options
from pallink.cli.reporting import run_and_report
from pallink.links.model import UpdateGoal, parse_partner_id
from pallink.settings import RoleCheck

if TYPE_CHECKING:
    from pallink.result import WriteResult

app = new_app()


@command_with_options(app, options=CommonOptions)
def update(
    options: CommonOptions,
    partner_id: PartnerId,
    *,
    role_check: RoleCheckOption = RoleCheck.REQUIRE,
    subscription: Subscriptions = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Change an existing link to another partner.

    Not linked at all: exit code 3.
    """

    def write() -> "WriteResult":
        goal = UpdateGoal(parse_partner_id(partner_id))
        confirm = confirmation(options, yes=yes)
        with session(options, "update", writable=not dry_run, yes=yes) as opened:
            return opened.write(
                goal, role_check=role_check, subscriptions=subscription or (), dry_run=dry_run, confirm=confirm
            )

    run_and_report(write, options, "update", partner_id)
