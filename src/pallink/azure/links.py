"""The account's link: Microsoft.ManagementPartner, API version 2018-02-01, through azure-mgmt-managementpartner."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from azure.core.exceptions import HttpResponseError, ServiceResponseTimeoutError
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI

from pallink.azure.errors import body_of, code_of, explain_errors, retry_after_of
from pallink.errors import PallinkError, RequestTrace, SandboxError, SignInError, UnexpectedAnswerError
from pallink.http.errors import trace_of
from pallink.links.history import WriteFailure, WriteResponse
from pallink.links.model import Action, Link, Step

NOT_LINKED_CODE = "ManagementPartnerNotFound"

# Codes and statuses that say that the link is not in the state that the write needs.
_CONFLICT_CODES = {Action.CREATED: frozenset({"PartnerIdAlreadyLinked", "Conflict"})}
_CONFLICT_STATUSES = {Action.CREATED: frozenset({409})}
# A gateway may return these by itself: the service may have carried the write out.
_DOUBTFUL_STATUSES = frozenset({409, 429})
_TIMEOUT_STATUSES = frozenset({408, 504})
# Characters. Partner names have some tens; what sends more is not the service.
_MAX_TEXT = 1000
_REFUSED_STATUSES = frozenset({401, 403})
_MIN_CLIENT_ERROR = 400
_MIN_SERVER_ERROR = 500

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
        prepared: list[Any] = []
        try:
            with explain_errors(_OPERATIONS[step.action], self._host) as options:
                # The hook is called after the token was acquired, right before the transport sends.
                return self._send(step, {**options, "raw_request_hook": prepared.append})
        except PallinkError as failure:
            cause = failure.__cause__
            is_held_back = cause is None and not isinstance(failure, UnexpectedAnswerError)
            if not prepared or is_held_back or isinstance(failure, SandboxError):
                raise  # It was not sent.
            # A claims challenge that the sign-in could not meet: the service did nothing.
            is_refused = isinstance(failure, SignInError) and not isinstance(cause, HttpResponseError)
            response = WriteResponse.REFUSED if is_refused else _classify(step.action, cause)
            wait = retry_after_of(cause.response) if isinstance(cause, HttpResponseError) and cause.response else None
            raise WriteFailure(failure, response, retry_after=wait) from failure

    def _send(self, step: Step, options: Mapping[str, Any]) -> Link | RequestTrace:
        if step.partner_id is None:
            raise AssertionError(f"nothing to send for {step}")
        # retry_total=0: azure-core would repeat a PUT, PATCH or DELETE that may have taken effect.
        if step.action is Action.DELETED:
            deleted: RequestTrace = self._client.partner.delete(step.partner_id, retry_total=0, cls=_trace, **options)  # type: ignore[assignment]
            return deleted
        operation: Callable[..., Any] = (
            self._client.partner.create if step.action is Action.CREATED else self._client.partner.update
        )
        link: Link = operation(step.partner_id, retry_total=0, cls=_link, **options)
        return link


def _classify(action: Action, error: BaseException | None) -> WriteResponse:
    """Return what a failed write means for the link: `LOST` without a response or a code of the service's own."""
    if isinstance(error, ServiceResponseTimeoutError):
        return WriteResponse.TIMED_OUT
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return WriteResponse.LOST
    status, code = error.status_code, code_of(error)
    if status in _CONFLICT_STATUSES.get(action, ()) or code in _CONFLICT_CODES.get(action, {NOT_LINKED_CODE}):
        return WriteResponse.CONFLICT
    if status in _REFUSED_STATUSES:
        return WriteResponse.REFUSED
    if status in _TIMEOUT_STATUSES:
        return WriteResponse.TIMED_OUT
    is_client_error = _MIN_CLIENT_ERROR <= status < _MIN_SERVER_ERROR
    is_refused = code is not None and is_client_error and status not in _DOUBTFUL_STATUSES
    return WriteResponse.REFUSED if is_refused else WriteResponse.LOST


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
