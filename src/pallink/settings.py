"""The settings of a run, from options, variables or the Python API."""

import re
import shlex
from dataclasses import dataclass, field
from enum import StrEnum

from pallink.account import home_name, is_guid
from pallink.clouds import CLOUDS, parse_cloud
from pallink.emulator import Emulator
from pallink.errors import UsageError

_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+", re.IGNORECASE | re.ASCII)

DEFAULT_CLOUD = "AzureCloud"
DEFAULT_TIMEOUT = 120


class RoleCheck(StrEnum):
    """What to do about a missing Reader role: fail, warn, or do not check."""

    REQUIRE = "require"
    WARN = "warn"
    SKIP = "skip"


def check_account(name: str, option: str, variable: str | None = None) -> None:
    """Refuse what cannot name an account.

    Args:
        name: What should be a UPN, an object ID or a client ID.
        option: The option that takes it.
        variable: The variable that takes it too.

    Raises:
        UsageError: It is empty, or neither has an `@` nor is a GUID.
    """
    if not name.strip():
        raise UsageError("the account is empty", remedy=f"give a UPN, an object ID or a client ID with {option}")
    if "@" not in name and not is_guid(name.strip()):
        raise UsageError(
            f"{name!r} is not an account",
            cause="an account is named by its UPN, as in invoices@contoso.com, its object ID or its client ID",
            remedy=f"correct {option} or {variable}" if variable else f"correct {option}",
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """The cloud, the account that must sign in and how, and the time-out.

    Attributes:
        cloud: The name of a built-in cloud, `sandbox`, or the `https://` URL of a Resource Manager.
        account: The UPN, object ID or client ID of the account that must sign in.
        tenant: The ID (GUID) or a domain of the tenant to sign in to.
        client_id: The client ID of the application to sign in as; for a user, of the program that signs in.
        auth: The sign-in method; None to choose it from the environment.
        timeout: Seconds for the whole command, including retries and waits.
        home_account_id: `Account.home_account_id` of the account that must sign in, where an earlier sign-in showed it.

    Raises:
        UsageError: A setting is invalid.
    """

    cloud: str = DEFAULT_CLOUD
    account: str | None = None
    tenant: str | None = None
    client_id: str | None = None
    auth: str | None = None
    timeout: float = field(default=DEFAULT_TIMEOUT)
    home_account_id: str | None = None

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
        if self.account is not None:
            check_account(self.account, "--account", "PALLINK_ACCOUNT")
        if self.account is not None and (home := home_name(self.account)):
            raise UsageError(
                f"{self.account!r} is the name of a guest, which does not sign in",
                cause="guests sign in with the name that they have in their home tenant",
                remedy=f"use --account {home}, and --tenant for the tenant that it is a guest of",
            )
        if not self.timeout > 0:
            raise UsageError(
                "--timeout must be greater than 0",
                cause=f"it is {self.timeout:g} seconds",
                remedy="correct --timeout or PALLINK_TIMEOUT",
            )

    @property
    def emulator(self) -> Emulator | None:
        """What differs where the cloud runs inside pallink; None for a real one."""
        cloud = CLOUDS.get(self.cloud)
        return cloud.emulator if cloud else None

    def command(self, *words: str) -> str:
        """Return a pallink command line for the same cloud, account, tenant and sign-in method, ready to paste.

        An option among the words takes the place of this run's.
        """
        line = ["pallink", *words]
        for option, value, default in (
            ("--cloud", self.cloud, DEFAULT_CLOUD),
            ("--account", self.account, None),
            ("--tenant", self.tenant, None),
            ("--client-id", self.client_id, None),
            ("--auth", self.auth, None),
        ):
            if value not in (None, default) and option not in words:
                line += [option, str(value)]
        return shlex.join(line)
