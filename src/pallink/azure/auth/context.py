"""What a credential is built with."""

from dataclasses import dataclass
from typing import Any

from azure.identity import TokenCachePersistenceOptions

from pallink.azure.transport import GuardedTransport
from pallink.clouds import Cloud
from pallink.deadline import Deadline
from pallink.signin.prompter import Prompter


@dataclass(frozen=True, slots=True)
class CredentialContext:
    """What a credential is built with, whatever the method.

    Attributes:
        cloud: where to sign in.
        transport: the one that everything is sent through.
        prompter: Shows and asks what a sign-in needs of the user.
        deadline: the time of the whole command.
        keep: the cache that the tokens go to and come from; None keeps them in memory.
    """

    cloud: Cloud
    transport: GuardedTransport
    prompter: Prompter
    deadline: Deadline
    keep: TokenCachePersistenceOptions | None = None

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
        if self.keep is not None:
            options["cache_persistence_options"] = self.keep
        return options
