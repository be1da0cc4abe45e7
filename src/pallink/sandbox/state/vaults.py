"""The emulated key vaults and their secrets; part of the world."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Secret:
    """One version of a secret.

    Attributes:
        name: The name.
        version: The version: 32 hexadecimal digits.
        value: The value.
        is_enabled: Whether it may be read.
    """

    name: str
    version: str
    value: str
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Vault:
    """A key vault.

    Attributes:
        name: The name, which is the first label of its host.
        readers: The object IDs of the accounts and groups that may read its secrets.
        secrets: Its secrets. Of several versions of one, the last is the current one.
    """

    name: str
    readers: frozenset[str]
    secrets: tuple[Secret, ...]

    def secret(self, name: str, version: str | None = None) -> Secret | None:
        """Return a version of a secret, by default the current one."""
        return next(
            (
                secret
                for secret in reversed(self.secrets)
                if secret.name.lower() == name.lower() and version in {None, secret.version}
            ),
            None,
        )
