"""The accounts that Tab offers."""

import re

import typer

from pallink.emulator import SANDBOX
from pallink.settings import DEFAULT_CLOUD, Settings

# Other characters mean something to some shell.
_PLAIN_NAME = re.compile(r"[\w.@+#-]+")


def complete_account(context: typer.Context) -> list[tuple[str, str]]:
    """Return the accounts of the stored sign-ins in the cloud of the command line, and those of the sandbox.

    Sends nothing. What cannot be read is not offered: an error would end up in the line that is being typed.

    Returns:
        Pairs of a name and a description.
    """
    try:
        accounts = _accounts(str(context.params.get("cloud") or DEFAULT_CLOUD))
    except Exception:  # noqa: BLE001 - see above
        return []
    return [(name, description) for name, description in accounts.items() if _PLAIN_NAME.fullmatch(name)]


def complete_sandbox_user() -> list[tuple[str, str]]:
    """Return the users of the sandbox, as `complete_account` does."""
    return [(name, description) for name, description in SANDBOX.accounts().items() if "@" in name]


def _accounts(cloud: str) -> dict[str, str]:
    from pallink.signin import filter_stored  # noqa: PLC0415 - every command line would pay for it
    from pallink.signin.store import store_for  # noqa: PLC0415

    settings = Settings(cloud)
    emulator = settings.emulator
    accounts = emulator.accounts() if emulator is not None else {}
    for stored in filter_stored(store_for(settings.cloud).all(), cloud=settings.cloud):
        accounts[stored.account] = f"signed in to {stored.tenant or stored.tenant_id}"
    return accounts
