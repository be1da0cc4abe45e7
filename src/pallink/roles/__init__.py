"""Decide whether an account has Reader: role assignments in, verdict and remedy out; assign roles, and take them back.

Pure, but for `check`, `held` and `grant_write`.

actions          what the action patterns of a role definition allow
definitions      roles, and what is known of Azure's built-in ones
assignments      subscriptions, role assignments and eligible roles
subscriptions    which subscriptions have to pass
verdicts         what the assignments amount to
scopes           the scopes that the command line names
grant            what has to be done to give an account a role, or to take it back
remedies         the error or warning for a missing role, and the commands that fix it
refusals         the errors for what Azure refuses about role assignments
grant_write      sends what was planned, and settles it by reading
held             reads what an account holds on several scopes, concurrently
check            reads the roles of one account, concurrently
"""

from pallink.roles.assignments import EligibleRole, RoleAssignment, Subscription
from pallink.roles.definitions import KNOWN_ROLES, Permission, Role, role_from_definition
from pallink.roles.remedies import RoleCommands, diagnose_reader, reader_warnings, suggest_credit_role, with_rule
from pallink.roles.subscriptions import join_names, select_subscriptions
from pallink.roles.verdicts import (
    ReaderReport,
    SubscriptionVerdict,
    Verdict,
    add_eligible_roles,
    judge,
    judge_delegated,
    judge_invisible,
    judge_unreadable,
)

__all__ = [
    "KNOWN_ROLES",
    "EligibleRole",
    "Permission",
    "ReaderReport",
    "Role",
    "RoleAssignment",
    "RoleCommands",
    "Subscription",
    "SubscriptionVerdict",
    "Verdict",
    "add_eligible_roles",
    "diagnose_reader",
    "join_names",
    "judge",
    "judge_delegated",
    "judge_invisible",
    "judge_unreadable",
    "reader_warnings",
    "role_from_definition",
    "select_subscriptions",
    "suggest_credit_role",
    "with_rule",
]
