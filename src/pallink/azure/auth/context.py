"""What a credential is built with."""

from dataclasses import dataclass, replace
from typing import Any

from msal import TokenCache  # type: ignore[import-untyped]

from pallink.azure.auth.sign_ins import RunSignIns
from pallink.azure.transport import GuardedTransport
from pallink.clouds import Cloud
from pallink.settings import Settings
from pallink.signin import SignInMethod
from pallink.signin.prompter import Prompter


@dataclass(frozen=True, slots=True)
class CredentialContext:
    """What a credential is built with.

    Attributes:
        cloud: Where to sign in.
        transport: What every request is sent through.
        prompter: Who shows a device code or opens the browser.
        settings: The options of this run, for the commands that a prompt shows.
        sign_ins: The sign-ins of the run.
        cache: Where azure-identity finds tokens and puts them; None lets it use one of its own, in memory.
        plain_text: Whether this run may keep tokens in a file that is not encrypted, for those commands.
    """

    cloud: Cloud
    transport: GuardedTransport
    prompter: Prompter
    settings: Settings
    sign_ins: RunSignIns
    cache: TokenCache | None = None
    plain_text: bool = False

    @property
    def device_code_command(self) -> str:
        """The command that signs in with a device code, and keeps the sign-in where this run would."""
        return replace(self.settings, auth=SignInMethod.DEVICE_CODE.value).command(*self._login_words)

    @property
    def account_command(self) -> str | None:
        """The command that names the account to sign in as, and keeps the sign-in likewise; None where this run did."""
        return None if self.settings.account else self.settings.command(*self._login_words, "--account", "NAME")

    @property
    def _login_words(self) -> tuple[str, ...]:
        return ("login", "--allow-plain-text-cache") if self.plain_text else ("login",)

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
            # Credentials over msal call it _cache, and those over azure-identity's own client cache.
            options |= {"_cache": self.cache, "cache": self.cache}
        return options
