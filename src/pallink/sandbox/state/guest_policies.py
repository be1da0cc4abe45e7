"""What a tenant requires of its guests before Entra ID issues a token to them."""

from enum import StrEnum


class GuestPolicy(StrEnum):
    """A policy of one tenant. It applies to guests only, however they sign in."""

    NONE = "none"
    MFA = "mfa"
    TERMS_OF_USE = "terms-of-use"
    CONSENT = "consent"
    MANAGED_DEVICE = "managed-device"
    CROSS_TENANT_ACCESS = "cross-tenant-access"
    DISABLED = "guest-disabled"
    REMOVED = "guest-removed"
