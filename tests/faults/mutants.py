"""Clients that are broken on purpose, in ways that such tools often are: the oracle has to catch every one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from pallink.azure import links as partner_links
from pallink.azure.links import ManagementPartner
from pallink.errors import PallinkError
from pallink.links.history import WriteFailure
from pallink.links.model import Action, Link, Step, UnlinkGoal, active

Break = Callable[[pytest.MonkeyPatch], None]


def sends_a_lost_put_again(patch: pytest.MonkeyPatch) -> None:
    """Send a write without a response again before reading, as azure-core does by itself."""
    send = ManagementPartner.send

    def blindly(self: ManagementPartner, step: Step) -> Any:
        try:
            return send(self, step)
        except WriteFailure:
            return send(self, step)

    patch.setattr(ManagementPartner, "send", blindly)


def takes_any_404_for_not_linked(patch: pytest.MonkeyPatch) -> None:
    """Go by the status alone, without the service's own error code."""
    _read_none(patch, lambda cause: isinstance(cause, ResourceNotFoundError))


def takes_401_for_not_linked(patch: pytest.MonkeyPatch) -> None:
    """Report a sign-in that has ended as a link that is gone."""
    _read_none(patch, lambda cause: isinstance(cause, HttpResponseError) and cause.status_code == 401)


def _read_none(patch: pytest.MonkeyPatch, is_none: Callable[[BaseException | None], bool]) -> None:
    read = ManagementPartner.read

    def none(self: ManagementPartner) -> Link | None:
        try:
            return read(self)
        except PallinkError as error:
            if is_none(error.__cause__):
                return None
            raise

    patch.setattr(ManagementPartner, "read", none)


def trusts_the_status_without_the_body(patch: pytest.MonkeyPatch) -> None:
    """Take a write with status 200 for done without looking at the body."""
    read = partner_links._link

    def trusting(pipeline_response: Any, model: object, headers: object) -> Link:
        request = pipeline_response.http_response.request
        if request.method == "GET":
            return read(pipeline_response, model, headers)
        return Link(partner_id=urlsplit(request.url).path.rpartition("/")[2])

    patch.setattr(partner_links, "_link", trusting)


def deletes_without_comparing(patch: pytest.MonkeyPatch) -> None:
    """Remove the link to any partner by `unlink 719878`."""

    def next_step(_goal: UnlinkGoal, current: Link | None) -> Step:
        linked = active(current)
        return Step(Action.UNCHANGED) if linked is None else Step(Action.DELETED, linked.partner_id)

    patch.setattr(UnlinkGoal, "next_step", next_step)


@dataclass(frozen=True)
class Mutant:
    """A broken client.

    Attributes:
        broken: Breaks it.
        command: The command line whose cells show it.
        methods: The methods of the requests that show it.
        fault: The fault that shows it.
        rule: The oracle's rule that it breaks.
    """

    broken: Break
    command: str
    methods: tuple[str, ...]
    fault: str
    rule: str

    def __str__(self) -> str:
        return self.broken.__name__


MUTANTS = (
    Mutant(sends_a_lost_put_again, "link 719878", ("PUT",), "closed", "single_write"),
    Mutant(takes_any_404_for_not_linked, "verify 719878", ("GET",), "404 page", "own_word"),
    Mutant(takes_401_for_not_linked, "verify 719878", ("GET",), "401", "own_word"),
    Mutant(trusts_the_status_without_the_body, "link 719878", ("PUT",), "200 empty", "agreement"),
    Mutant(deletes_without_comparing, "unlink 719878 --yes", ("GET", "DELETE"), "stale", "rightful_write"),
)
