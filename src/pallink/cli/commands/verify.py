"""pallink verify."""

from pallink.cli.arguments import PartnerId, RoleCheckOption, Subscriptions
from pallink.cli.job import session, show
from pallink.cli.options import CommonOptions
from pallink.linking import parse_partner_id
from pallink.reader_check import RoleCheck


def verify(
    options: CommonOptions,
    partner_id: PartnerId,
    *,
    role_check: RoleCheckOption = RoleCheck.WARN,
    subscription: Subscriptions = None,
) -> None:
    """Fail unless the account is linked to this partner.

    For CI: reads only. Not linked: exit code 3. Linked to another partner: 5. A missing Reader role is a warning, or
    with --role-check require an error (6).
    """
    parse_partner_id(partner_id)
    with session(options) as opened:
        result = opened.verify(partner_id, role_check=role_check, subscriptions=subscription or ())
    show(result, options)
