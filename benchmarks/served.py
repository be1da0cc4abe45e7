"""A served sandbox on loopback, and what a client needs to sign in to it."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pallink.cli.commands.sandbox_fleet import write_fleet
from pallink.sandbox import Request, Response, Sandbox
from pallink.sandbox.http.server import SandboxServer

TENANT, CLIENT, SECRET = (
    "contoso.onmicrosoft.com",
    "6be1d7c7-4712-4123-a241-8b8918c455f9",
    "sandbox-onboarding-secret",
)
PARTNER = "719878"
CONSULTANT = "invoices@contoso.com"  # The sandbox's default account, which approves device codes.
OWN_TENANTS = (TENANT, "fabrikam.onmicrosoft.com")  # Where it is without generated tenants.
APPLICATION = "c5ce5ce2-aa0c-4851-93c1-7ffe11c06a4a"
WORKLOADS = "/providers/Microsoft.Management/managementGroups/workloads"

_APPLICATION_VARIABLES = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
# What a sign-in leaves in az's folder.
_TOKENS_OF_AZ = ("azureProfile.json", "msal_*_cache.*", "service_principal_entries.*")


class WatchedSandbox(Sandbox):
    """A sandbox that records the method and path of each request.

    Attributes:
        requested: "METHOD /path" for each request, in order.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.requested: list[str] = []

    def handle(self, request: Request) -> Response:
        """Record the request, and handle it as the sandbox does."""
        self.requested.append(f"{request.method} {urlsplit(request.url).path}")
        return super().handle(request)


@dataclass
class Served:
    """A served sandbox, and the environment in which an application signs in to it.

    Attributes:
        sandbox: The sandbox.
        origin: Its URL, without a path.
        environment: The variables of a client.
    """

    sandbox: WatchedSandbox
    origin: str
    environment: dict[str, str]

    def fresh(self, delay: int, subscriptions: int = 0) -> None:
        """Reset the sandbox: no link, no valid token.

        Args:
            delay: Milliseconds that each response takes longer.
            subscriptions: The number of subscriptions to generate, on which the application is Reader.
        """
        self.sandbox.reset()
        for pattern in _TOKENS_OF_AZ:
            for path in Path(self.environment["AZURE_CONFIG_DIR"]).glob(pattern):
                path.unlink()
        self.sandbox.set("response-delay", str(delay))
        if subscriptions:
            # The application must see them all.
            self.sandbox.assign(principal_id=APPLICATION, role="Reader", scope=WORKLOADS)
            self.sandbox.grow(subscriptions)
        self.sandbox.requested.clear()

    def fresh_fleet(self, delay: int, accounts: int, file: Path) -> None:
        """Reset the sandbox, and generate applications in 40 tenants with their fleet file.

        Args:
            delay: Milliseconds that each response takes longer.
            accounts: How many applications.
            file: The fleet file to write.
        """
        self.fresh(0)
        self.sandbox.grow(applications=accounts, tenants=40)
        write_fleet(file, self.sandbox.generated_accounts())
        self.sandbox.set("response-delay", str(delay))
        self.sandbox.requested.clear()

    def as_user(self) -> dict[str, str]:
        """Return the variables of a client without those of the application: it uses a stored sign-in."""
        return {name: value for name, value in self.environment.items() if name not in _APPLICATION_VARIABLES}

    def limit_as_documented(self) -> None:
        """Limit requests as Azure does, and let the sandbox approve device codes.

        One token request at a time of one application in one tenant, and Resource Manager's token buckets.
        """
        self.sandbox.set("token-limit", "one-at-a-time")
        self.sandbox.set("resource-manager-limit", "documented")
        self.sandbox.set("device-code-answer", "approved")

    def fresh_sign_in(self, delay: int, login: Callable[[], object]) -> None:
        """Replace the stored sign-in: there is a refresh token, and an access token for the home tenant only.

        Args:
            delay: Milliseconds that each response takes longer afterwards.
            login: Signs in, and stores that.
        """
        self.sandbox.set("response-delay", "0")
        shutil.rmtree(self.environment["PALLINK_HOME"], ignore_errors=True)
        login()
        self.sandbox.set("response-delay", str(delay))
        self.sandbox.requested.clear()


def generated_tenants(count: int) -> list[str]:
    """Return the domains of the first generated tenants."""
    return [f"tenant-{number:04}.example" for number in range(1, count + 1)]


def plain_environment() -> dict[str, str]:
    """Return this process's environment without the variables that would affect a measurement."""
    unwanted = ("PALLINK_", "AZURE_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


@contextmanager
def served() -> Iterator[Served]:
    """Serve a new sandbox for the duration of the block."""
    with tempfile.TemporaryDirectory() as folder:
        sandbox = WatchedSandbox(Path(folder) / "sandbox")
        with SandboxServer(sandbox) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            environment = plain_environment() | {
                "AZURE_TENANT_ID": TENANT,
                "AZURE_CLIENT_ID": CLIENT,
                "AZURE_CLIENT_SECRET": SECRET,
                "REQUESTS_CA_BUNDLE": str(server.authority),
                "PALLINK_CACHE_HOME": str(Path(folder) / "cache"),
                "PALLINK_HOME": str(Path(folder) / "home"),
                # az's own settings. Without the second it refuses login hosts that Microsoft does not know.
                "AZURE_CONFIG_DIR": str(Path(folder) / "az"),
                "AZURE_CORE_INSTANCE_DISCOVERY": "false",
                "AZURE_CORE_COLLECT_TELEMETRY": "0",
            }
            yield Served(sandbox, server.origin, environment)
            server.stop()
            thread.join()
