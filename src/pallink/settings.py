"""What a caller may state about a run, whether by options or through the Python API."""

import re
import shlex
from dataclasses import dataclass, field
from enum import StrEnum

from pallink.account import is_guid
from pallink.clouds import parse_cloud
from pallink.errors import UsageError

_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+", re.IGNORECASE | re.ASCII)

DEFAULT_CLOUD = "AzureCloud"
DEFAULT_TIMEOUT = 120.0


class RoleCheck(StrEnum):
    """What a missing Reader role means."""

    REQUIRE = "require"
    WARN = "warn"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Settings:
    """Which cloud, who must sign in and how, and how long it may take.

    Attributes:
        cloud: a built-in cloud's name, `sandbox`, or the `https://` URL of a Resource Manager.
        account: UPN, object ID or client ID of the account that must sign in.
        tenant: GUID or domain of the tenant to sign in to.
        client_id: the application to sign in as, or through.
        auth: the sign-in method; None chooses by what the environment states.
        timeout: seconds for the whole command, retries and waits included.

    Raises:
        UsageError: one of them cannot be what it should be.
    """

    cloud: str = DEFAULT_CLOUD
    account: str | None = None
    tenant: str | None = None
    client_id: str | None = None
    auth: str | None = None
    timeout: float = field(default=DEFAULT_TIMEOUT)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cloud", parse_cloud(self.cloud))
        if self.tenant is not None and not (is_guid(self.tenant) or _DOMAIN.fullmatch(self.tenant)):
            raise UsageError(
                f"{self.tenant!r} is not a tenant",
                cause="a tenant is named by its ID (a GUID) or by one of its domains, as in contoso.onmicrosoft.com",
                remedy="correct --tenant, PALLINK_TENANT or AZURE_TENANT_ID",
            )
        if self.client_id is not None and not is_guid(self.client_id):
            raise UsageError(
                f"{self.client_id!r} is not a client ID",
                cause="a client ID is a GUID",
                remedy="correct --client-id, PALLINK_CLIENT_ID or AZURE_CLIENT_ID",
            )
        if self.account is not None and not self.account.strip():
            raise UsageError("the account is empty", remedy="give a UPN, an object ID or a client ID with --account")
        if not self.timeout > 0:
            raise UsageError(f"{self.timeout:g} seconds is no time", remedy="give --timeout more than 0 seconds")

    def command(self, *words: str) -> str:
        """A pallink command line for the same cloud, account, tenant and sign-in method, ready to paste."""
        line = ["pallink", *words]
        for option, value, default in (
            ("--cloud", self.cloud, DEFAULT_CLOUD),
            ("--account", self.account, None),
            ("--tenant", self.tenant, None),
            ("--client-id", self.client_id, None),
            ("--auth", self.auth, None),
        ):
            if value not in (None, default):
                line += [option, str(value)]
        return shlex.join(line)
