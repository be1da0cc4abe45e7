"""Sign-ins of guests that the policy of a tenant refuses: some until the guest signs in there, some always."""

from collections.abc import Mapping

from pallink.sandbox.call import Call
from pallink.sandbox.entra import refusals
from pallink.sandbox.state.guest_policies import GuestPolicy
from pallink.sandbox.state.world import Account, AccountKind, Tenant

_AADSTS_NUMBERS: Mapping[GuestPolicy, int] = {
    GuestPolicy.MFA: 50076,
    GuestPolicy.TERMS_OF_USE: 50158,
    GuestPolicy.CONSENT: 65001,
    GuestPolicy.MANAGED_DEVICE: 530003,
    GuestPolicy.CROSS_TENANT_ACCESS: 500213,
    GuestPolicy.DISABLED: 500571,
    GuestPolicy.REMOVED: 50020,
}
_SATISFIED_IN_PERSON = frozenset({GuestPolicy.MFA, GuestPolicy.TERMS_OF_USE, GuestPolicy.CONSENT})


def check(call: Call, tenant: Tenant, account: Account, *, proved_in: str | None) -> None:
    """Check whether the tenant's policy refuses a sign-in.

    Args:
        call: The request.
        tenant: The tenant to sign in to.
        account: The account in this tenant.
        proved_in: The ID of the tenant in which the user completed a sign-in page; None if the user saw none. What was
            proved in one tenant counts in no other one: no tenant trusts the home tenant's MFA.

    Raises:
        EntraError: The sign-in is refused.
    """
    policy = tenant.guest_policy
    if policy is GuestPolicy.NONE or account.kind is not AccountKind.GUEST:
        return
    if policy in _SATISFIED_IN_PERSON and proved_in == tenant.id:
        return
    raise refusals.error_for(_AADSTS_NUMBERS[policy], account, call)
