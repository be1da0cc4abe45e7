"""What a credential is built with."""

from dataclasses import dataclass
from typing import Any

from azure.identity import TokenCachePersistenceOptions

from pallink.azure.transport import GuardedTransport
from pallink.clouds import Cloud
from pallink.signin.prompter import Prompter


@dataclass(frozen=True, slots=True)
class CredentialContext:
    """What a credential is built with.

    Attributes:
        cloud: Where to sign in.
        transport: What every request is sent through.
        prompter: Who shows a device code or opens the browser.
        cache: Where the tokens are kept; None keeps them in memory.
    """

    cloud: Cloud
    transport: GuardedTransport
    prompter: Prompter
    cache: TokenCachePersistenceOptions | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments that the credentials of azure-identity have in common."""
        options: dict[str, Any] = {
            "authority": self.cloud.login,
            "transport": self.transport,
            # It would ask login.microsoftonline.com whether the login host is one of Microsoft's. The built-in clouds'
            # are known here, another one's it does not know, and sovereign clouds may not reach that host.
            "disable_instance_discovery": True,
            "permit_redirects": False,
        }
        if self.cache is not None:
            options["cache_persistence_options"] = self.cache
        return options
