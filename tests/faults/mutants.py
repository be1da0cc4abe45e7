"""Clients that are broken on purpose, each in a way that tools of this kind are: the oracle has to catch every one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from pallink.azure import links as partner_links
from pallink.azure.links import ManagementPartner
from pallink.errors import PallinkError
from pallink.links.model import Action, Link, Step, UnlinkGoal, active
from pallink.links.write import WriteFailure

Break = Callable[[pytest.MonkeyPatch], None]


def sends_a_lost_put_again(patch: pytest.MonkeyPatch) -> None:
    """As azure-core does by itself: what got no answer is sent once more, and nobody looks first."""
    send = ManagementPartner.send

    def blindly(self: ManagementPartner, step: Step) -> Any:
        try:
            return send(self, step)
        except WriteFailure:
            return send(self, step)

    patch.setattr(ManagementPartner, "send", blindly)


def takes_any_404_for_not_linked(patch: pytest.MonkeyPatch) -> None:
    """The status alone, without the service's own word."""
    _answer_none(patch, lambda cause: isinstance(cause, ResourceNotFoundError))


def takes_401_for_not_linked(patch: pytest.MonkeyPatch) -> None:
    """A sign-in that has ended, told as a link that is gone."""
    _answer_none(patch, lambda cause: isinstance(cause, HttpResponseError) and cause.status_code == 401)


def _answer_none(patch: pytest.MonkeyPatch, is_none: Callable[[BaseException | None], bool]) -> None:
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
    """A write that was answered with 200 counts as done, whatever the answer says."""
    read = partner_links._link

    def trusting(pipeline_response: Any, model: object, headers: object) -> Link:
        request = pipeline_response.http_response.request
        if request.method == "GET":
            return read(pipeline_response, model, headers)
        return Link(partner_id=urlsplit(request.url).path.rpartition("/")[2])

    patch.setattr(partner_links, "_link", trusting)


def deletes_without_comparing(patch: pytest.MonkeyPatch) -> None:
    """`unlink 719878` removes whatever link there is."""

    def next_step(_goal: UnlinkGoal, current: Link | None) -> Step:
        linked = active(current)
        return Step(Action.UNCHANGED) if linked is None else Step(Action.DELETED, linked.partner_id)

    patch.setattr(UnlinkGoal, "next_step", next_step)


@dataclass(frozen=True)
class Mutant:
    """A broken client.

    Attributes:
        broken: breaks it.
        command: the command line whose cells show it.
        methods: the requests among them.
        rule: the rule that it breaks.
    """

    broken: Break
    command: str
    methods: tuple[str, ...]
    rule: str

    def __str__(self) -> str:
        return self.broken.__name__


MUTANTS = (
    Mutant(sends_a_lost_put_again, "link 719878", ("PUT",), "single_write"),
    Mutant(takes_any_404_for_not_linked, "verify 719878", ("GET",), "own_word"),
    Mutant(takes_401_for_not_linked, "verify 719878", ("GET",), "own_word"),
    Mutant(trusts_the_status_without_the_body, "link 719878", ("PUT",), "agreement"),
    Mutant(deletes_without_comparing, "unlink 719878 --yes", ("GET", "DELETE"), "rightful_write"),
)
