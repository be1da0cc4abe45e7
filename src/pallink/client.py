"""What a session works with: a signed-in account, and what can be asked on its behalf."""

from typing import Protocol

from pallink.account import Account
from pallink.clouds import Cloud
from pallink.concurrency import run_detached
from pallink.errors import RequestTrace
from pallink.links.model import Link, Step
from pallink.links.write import PartnerLinks
from pallink.roles.check import Roles


class Connection(Protocol):
    """A signed-in account and what can be asked on its behalf."""

    @property
    def cloud(self) -> Cloud:
        """Where."""

    @property
    def account(self) -> Account:
        """Who."""

    @property
    def method(self) -> str:
        """How it signed in."""

    @property
    def stored(self) -> bool:
        """Whether by a sign-in that `pallink login` kept."""

    @property
    def expires_on(self) -> str | None:
        """When its token ends, ISO 8601."""

    @property
    def links(self) -> PartnerLinks:
        """Its link."""

    @property
    def roles(self) -> Roles:
        """Its roles."""

    def close(self) -> None:
        """Close the connections to the service."""


class DetachedLinks:
    """Links whose requests are waited for apart, so that Ctrl-C need not wait for them."""

    def __init__(self, links: PartnerLinks) -> None:
        self._links = links

    def read(self) -> Link | None:
        """The link as it is; see `PartnerLinks`."""
        return run_detached(self._links.read)

    def send(self, step: Step) -> Link | RequestTrace:
        """Send one write; see `PartnerLinks`."""
        return run_detached(lambda: self._links.send(step))
