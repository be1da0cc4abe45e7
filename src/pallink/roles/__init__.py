"""Does an account hold Reader on a subscription? Role assignments in, verdict and remedy out. Pure.

- `actions`: what the patterns of a role's definition allow.
- `roles`, `assignments`: what is known of roles, and who holds them where.
- `verdicts`: what that amounts to.
- `choice`: which subscriptions have to pass.
- `remedies`: what to type when they do not.
"""

from pallink.roles.assignments import EligibleRole, RoleAssignment, Subscription
from pallink.roles.definitions import KNOWN_ROLES, Permission, Role, defined_role
from pallink.roles.remedies import Remedies, credit_advice, reader_error
from pallink.roles.subscriptions import names, select_subscriptions
from pallink.roles.verdicts import (
    ReaderReport,
    SubscriptionVerdict,
    Verdict,
    judge,
    not_visible,
    unreadable,
    with_eligible,
)

__all__ = [
    "KNOWN_ROLES",
    "EligibleRole",
    "Permission",
    "ReaderReport",
    "Remedies",
    "Role",
    "RoleAssignment",
    "Subscription",
    "SubscriptionVerdict",
    "Verdict",
    "credit_advice",
    "defined_role",
    "judge",
    "names",
    "not_visible",
    "reader_error",
    "select_subscriptions",
    "unreadable",
    "with_eligible",
]
