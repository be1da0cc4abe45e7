"""The account's link: Microsoft.ManagementPartner, API version 2018-02-01, through azure-mgmt-managementpartner."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI

from pallink.azure.errors import body_of, code_of, explain_errors
from pallink.azure.writes import classify, sent_once
from pallink.errors import RequestTrace, UnexpectedAnswerError
from pallink.http.errors import trace_of
from pallink.links.history import WriteResponse
from pallink.links.model import Action, Link, Step

NOT_LINKED_CODE = "ManagementPartnerNotFound"

# Codes and statuses that say that the link is not in the state that the write needs.
_CONFLICT_CODES = {Action.CREATED: frozenset({"PartnerIdAlreadyLinked", "Conflict"})}
_CONFLICT_STATUSES = {Action.CREATED: frozenset({409})}
# Characters. Partner names have some tens; what sends more is not the service.
_MAX_TEXT = 1000

_OPERATIONS = {
    Action.CREATED: "creating the link",
    Action.UPDATED: "changing the link",
    Action.DELETED: "removing the link",
}


class ManagementPartner:
    """Read and write the link of the signed-in account. The API acts on the caller's identity alone.

    Args:
        client: Creates a client of the SDK, given its class, on the guarded transport.
        host: The Resource Manager's origin, for messages.
    """

    def __init__(self, client: Callable[[Callable[..., Any]], Any], host: str) -> None:
        self._client: ACEProvisioningManagementPartnerAPI = client(ACEProvisioningManagementPartnerAPI)
        self._host = host

    def read(self) -> Link | None:
        """Return the link as the service has it, soft-deleted or not. None only for its `ManagementPartnerNotFound`.

        Raises:
            PallinkError: The link could not be read.
        """
        with explain_errors("reading the link", self._host) as options:
            try:
                # cls decides what the SDK returns.
                link: Link = self._client.partners.get(cls=_link, **options)  # type: ignore[assignment]
            except HttpResponseError as error:
                if code_of(error) == NOT_LINKED_CODE and error.status_code == 404:  # noqa: PLR2004
                    return None
                raise
        return link

    def send(self, step: Step) -> Link | RequestTrace:
        """Send a write once. Return the link in the response, or a deletion's identifiers: its response has no body.

        Raises:
            WriteFailure: The write was sent and failed. Only reading the link tells whether it took effect.
            PallinkError: The write was not sent.
        """
        with (
            sent_once(partial(_classify, step.action)) as once,
            explain_errors(_OPERATIONS[step.action], self._host) as options,
        ):
            return self._send(step, {**options, **once})

    def _send(self, step: Step, options: Mapping[str, Any]) -> Link | RequestTrace:
        if step.partner_id is None:
            raise AssertionError(f"nothing to send for {step}")
        if step.action is Action.DELETED:
            deleted: RequestTrace = self._client.partner.delete(step.partner_id, cls=_trace, **options)  # type: ignore[assignment]
            return deleted
        operation: Callable[..., Any] = (
            self._client.partner.create if step.action is Action.CREATED else self._client.partner.update
        )
        link: Link = operation(step.partner_id, cls=_link, **options)
        return link


def _classify(action: Action, error: BaseException | None) -> WriteResponse:
    """Return what a failed write means for the link."""
    if isinstance(error, HttpResponseError):
        is_conflict = error.status_code in _CONFLICT_STATUSES.get(action, ())
        if is_conflict or code_of(error) in _CONFLICT_CODES.get(action, {NOT_LINKED_CODE}):
            return WriteResponse.CONFLICT
    return classify(error)


def _link(pipeline_response: Any, _model: object, _headers: object) -> Link:
    """Return the link in a response, from the JSON itself: the SDK's model drops the seventh digit of the times."""
    response = pipeline_response.http_response
    return replace(link_from_body(body_of(response)), trace=trace_of(response))


def _trace(pipeline_response: Any, _model: object, _headers: object) -> RequestTrace:
    return trace_of(pipeline_response.http_response)


def link_from_body(body: Mapping[str, Any]) -> Link:
    """Return the link in the body of a 200 (swagger: PartnerResponse).

    Raises:
        UnexpectedAnswerError: The body has no partner ID or no state.
    """
    properties = body.get("properties")
    if not isinstance(properties, Mapping):
        raise _invalid_link("it has no properties")
    partner_id, state = _text(properties, "partnerId"), _text(properties, "state")
    if partner_id is None or state is None:
        raise _invalid_link("it has no partner ID or no state")
    return Link(
        partner_id=partner_id,
        partner_name=_text(properties, "partnerName"),
        tenant_id=_text(properties, "tenantId"),
        object_id=_text(properties, "objectId"),
        state=state,
        version=_integer(properties.get("version")),
        created_time=_text(properties, "createdTime"),
        updated_time=_text(properties, "updatedTime"),
        id=_text(body, "id"),
    )


def _text(mapping: Mapping[str, Any], name: str) -> str | None:
    value = mapping.get(name)
    return value[:_MAX_TEXT] if isinstance(value, str) and value else None


def _integer(value: object) -> int | None:
    # In the swagger's example the version is a string.
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def _invalid_link(cause: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        "invalid response: not a link", cause=cause, remedy="run again with --debug to see the response"
    )
