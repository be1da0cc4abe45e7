"""Gateway to Microsoft.ManagementPartner, API version 2018-02-01, over azure-mgmt-managementpartner."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from azure.core.exceptions import HttpResponseError, ServiceResponseTimeoutError
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI

from pallink.azure.errors import asking, body_of, code_of, retry_after_of, trace_of
from pallink.errors import PallinkError, RequestTrace, SandboxError, SignInError, UnexpectedAnswerError
from pallink.links.model import Action, Link, Step
from pallink.links.write import WriteFailure, WriteResponse

NOT_LINKED_CODE = "ManagementPartnerNotFound"

# The link is not in the state that the request needs.
_CONFLICT_CODES = {Action.CREATED: frozenset({"PartnerIdAlreadyLinked", "Conflict"})}
_CONFLICT_STATUSES = {Action.CREATED: frozenset({409})}
# "Not now", and statuses that a gateway gives on its own account: the service may have carried the request out.
_DOUBTFUL_STATUSES = frozenset({409, 429})
_LATE_STATUSES = frozenset({408, 504})
# A name of a partner has some tens of characters; a service that sends megabytes of one is none.
_MAX_TEXT = 1000
_REFUSING_STATUSES = frozenset({401, 403})
_FAULTS = 500

_DOING = {
    Action.CREATED: "creating the link",
    Action.UPDATED: "changing the link",
    Action.DELETED: "removing the link",
}


class ManagementPartner:
    """The link of the account that signed in. The API acts on the caller's identity alone.

    Args:
        client: makes a client of the SDK's, on the guarded transport.
        host: the Resource Manager's origin, for messages.
    """

    def __init__(self, client: Callable[[Callable[..., Any]], Any], host: str) -> None:
        self._client: ACEProvisioningManagementPartnerAPI = client(ACEProvisioningManagementPartnerAPI)
        self._host = host

    def read(self) -> Link | None:
        """The link as the service returns it, soft-deleted or not; None only on its own `ManagementPartnerNotFound`.

        Raises:
            PallinkError: anything else.
        """
        with asking("reading the link", self._host) as options:
            try:
                # cls decides what is returned.
                link: Link = self._client.partners.get(cls=_link, **options)  # type: ignore[assignment]
            except HttpResponseError as error:
                if code_of(error) == NOT_LINKED_CODE and error.status_code == 404:  # noqa: PLR2004
                    return None
                raise
        return link

    def send(self, step: Step) -> Link | RequestTrace:
        """Send one write, once, and return its answer; of a deletion, which has none, only its identifiers.

        Raises:
            WriteFailure: whether it took effect has to be read.
            PallinkError: it was not sent.
        """
        ready: list[Any] = []
        try:
            with asking(_DOING[step.action], self._host) as options:
                # Called once there is a token, right before the transport.
                return self._send(step, {**options, "raw_request_hook": ready.append})
        except PallinkError as failure:
            cause = failure.__cause__
            is_held_back = cause is None and not isinstance(failure, UnexpectedAnswerError)
            if not ready or is_held_back or isinstance(failure, SandboxError):
                raise  # It was not even sent.
            # A challenge that the sign-in could not meet: the service did nothing.
            is_refused = isinstance(failure, SignInError) and not isinstance(cause, HttpResponseError)
            said = WriteResponse.REFUSED if is_refused else _said(step.action, cause)
            wait = retry_after_of(cause.response) if isinstance(cause, HttpResponseError) and cause.response else None
            raise WriteFailure(failure, said, retry_after=wait) from failure

    def _send(self, step: Step, options: Mapping[str, Any]) -> Link | RequestTrace:
        if step.partner_id is None:
            raise AssertionError(f"nothing to send for {step}")
        # retry_total=0: azure-core would send a PUT, PATCH or DELETE again that may have taken effect.
        if step.action is Action.DELETED:
            deleted: RequestTrace = self._client.partner.delete(step.partner_id, retry_total=0, cls=_trace, **options)  # type: ignore[assignment]
            return deleted
        operation: Callable[..., Any] = (
            self._client.partner.create if step.action is Action.CREATED else self._client.partner.update
        )
        link: Link = operation(step.partner_id, retry_total=0, cls=_link, **options)
        return link


def _said(action: Action, error: BaseException | None) -> WriteResponse:
    """What the answer to a write means for the link; without one, and without the service's own word, nobody knows."""
    if isinstance(error, ServiceResponseTimeoutError):
        return WriteResponse.TIMED_OUT
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return WriteResponse.LOST
    status, code = error.status_code, code_of(error)
    if status in _CONFLICT_STATUSES.get(action, ()) or code in _CONFLICT_CODES.get(action, {NOT_LINKED_CODE}):
        return WriteResponse.CONFLICT
    if status in _REFUSING_STATUSES:
        return WriteResponse.REFUSED
    if status in _LATE_STATUSES:
        return WriteResponse.TIMED_OUT
    is_own_word = code is not None and 400 <= status < _FAULTS and status not in _DOUBTFUL_STATUSES  # noqa: PLR2004
    return WriteResponse.REFUSED if is_own_word else WriteResponse.LOST


def _link(pipeline_response: Any, _model: object, _headers: object) -> Link:
    """The link in an answer. Read from the JSON itself: the SDK's model drops the seventh digit of the times."""
    response = pipeline_response.http_response
    return replace(link_from_body(body_of(response)), trace=trace_of(response))


def _trace(pipeline_response: Any, _model: object, _headers: object) -> RequestTrace:
    return trace_of(pipeline_response.http_response)


def link_from_body(body: Mapping[str, Any]) -> Link:
    """The link that a 200 of the service describes (swagger: PartnerResponse).

    Raises:
        UnexpectedAnswerError: there is no partner ID or no state in it.
    """
    properties = body.get("properties")
    if not isinstance(properties, Mapping):
        raise _no_link("it has no properties")
    partner_id, state = _text(properties, "partnerId"), _text(properties, "state")
    if partner_id is None or state is None:
        raise _no_link("it names no partner ID or no state")
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
    # The swagger's example has the version as a string.
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def _no_link(cause: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        "the answer cannot be understood: it is no link",
        cause=cause,
        remedy="run the command with --debug and look at it",
    )
