"""Clouds that run inside pallink instead of at Microsoft, and what differs there: today the embedded sandbox.

Besides it, only the sandbox's own commands and `cli/run.py` know the sandbox.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pallink.errors import SandboxError
from pallink.private_files import UnsafeFileError
from pallink.sandbox.names import GRAPH_ORIGIN, ORIGIN, VAULT_SUFFIX
from pallink.sandbox.state.errors import SandboxStateError

if TYPE_CHECKING:
    from requests import Session


@dataclass(frozen=True, slots=True)
class Emulator:
    """What differs in a cloud that runs inside pallink.

    Its users sign in without a prompt, and variables of the environment that state a sign-in count only with `--auth`.

    Attributes:
        name: The cloud's name.
        origin: The origin of its login host and its Resource Manager.
        vault_suffix: The domain of its key vaults.
        graph: The origin of its Microsoft Graph.
        notice: Said on stderr by each command that uses it.
        mount: Lets it serve the origin of a URL in a session of requests, in place of the network.
        home: Returns the folder of its files.
        command: The command that stands in for `az` and the portal.
        accounts: Returns the names of its accounts, and what each is; touches no file of the user's.
    """

    name: str
    origin: str
    vault_suffix: str
    graph: str
    notice: str
    mount: Callable[["Session", str], None]
    home: Callable[[], Path]
    command: str
    accounts: Callable[[], dict[str, str]]


def _mount(session: "Session", url: str) -> None:
    from pallink import sandbox  # noqa: PLC0415 - who works with Azure does not pay for the sandbox
    from pallink.sandbox.http.adapter import SandboxAdapter  # noqa: PLC0415

    session.mount("/".join(url.split("/")[:3]) + "/", SandboxAdapter(sandbox.Sandbox(sandbox.home()), explain_state))


def _home() -> Path:
    from pallink import sandbox  # noqa: PLC0415

    return sandbox.home()


def _accounts() -> dict[str, str]:
    from pallink.sandbox.state.world_file import initial_world, parse_world  # noqa: PLC0415

    # The initial world needs no lock, and has all accounts but generated ones, which are too many to offer.
    world = parse_world(initial_world())
    return {
        account.name: f"{account.kind} in {tenant.display_name}"
        for tenant in reversed(world.tenants)
        for account in tenant.accounts
    }


def explain_state(error: SandboxStateError) -> SandboxError:
    """Return the error for a sandbox whose file cannot be used."""
    if isinstance(error.__cause__, UnsafeFileError):
        return SandboxError(
            f"the sandbox cannot be used: {error}",
            cause="another user could put a certificate authority there that this machine would trust",
            remedy="let no other user change it, or set PALLINK_SANDBOX_HOME to another folder",
            command=error.__cause__.command,
        )
    return SandboxError(
        f"the sandbox cannot be used: {error}",
        cause=f"its file is {error.path}",
        remedy="make the folder writable, or start over with a new world (this removes the sandbox's links)",
        command="pallink sandbox reset",
    )


SANDBOX = Emulator(
    name="sandbox",
    origin=ORIGIN,
    vault_suffix=VAULT_SUFFIX,
    graph=GRAPH_ORIGIN,
    notice="this is pallink's embedded sandbox, not Azure",
    mount=_mount,
    home=_home,
    command="pallink sandbox",
    accounts=_accounts,
)
