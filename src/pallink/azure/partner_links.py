"""Gateway to Microsoft.ManagementPartner, API version 2018-02-01, over azure-mgmt-managementpartner."""

from collections.abc import Callable, Mapping
from typing import Any

from azure.core.exceptions import AzureError, DeserializationError, HttpResponseError
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI

from pallink.azure.failures import body_of, code_of, explain, retry_after_of
from pallink.errors import UnexpectedAnswerError
from pallink.linking import Action, Link, Step
from pallink.writing import WriteFailure

NOT_LINKED_CODE = "ManagementPartnerNotFound"

# The service did nothing because the link is not in the state that the request needs.
_STATE_CODES = frozenset({"PartnerIdAlreadyLinked", "Conflict", NOT_LINKED_CODE})
_CONFLICT = 409
# The service may have carried the request out all the same.
_DOUBTFUL_STATUSES = frozenset({408, 429, 500, 502, 503, 504})

_DOING = {
    Action.CREATED: "creating the link",
    Action.UPDATED: "changing the link",
    Action.DELETED: "removing the link",
}


class ManagementPartner:
    """The link of the account that signed in. The API acts on the caller's identity alone.

    Args:
        client: the SDK's client, on the guarded transport.
        host: the Resource Manager's origin, for messages.
    """

    def __init__(self, client: ACEProvisioningManagementPartnerAPI, host: str) -> None:
        self._client = client
        self._host = host

    def read(self) -> Link | None:
        """The link as the service returns it, soft-deleted or not; None only on its own `ManagementPartnerNotFound`.

        Raises:
            PallinkError: anything else.
        """
        try:
            link: Link = self._client.partners.get(cls=_link)  # type: ignore[assignment]  # cls decides what is returned
        except (AzureError, DeserializationError) as error:
            if code_of(error) == NOT_LINKED_CODE and getattr(error, "status_code", None) == 404:  # noqa: PLR2004
                return None
            raise explain(error, doing="reading the link", host=self._host) from error
        return link

    def send(self, step: Step) -> Link | None:
        """Send one write, once, and return its answer (None for a deletion).

        Raises:
            WriteFailure: whether it took effect has to be read.
            PallinkError: the service refused it.
        """
        # retry_total=0: azure-core would send a PUT, PATCH or DELETE again that may have taken effect.
        try:
            if step.partner_id is None:
                raise ValueError(f"nothing to send for {step}")
            if step.action is Action.DELETED:
                self._client.partner.delete(step.partner_id, retry_total=0)
                return None
            operation: Callable[..., Any] = (
                self._client.partner.create if step.action is Action.CREATED else self._client.partner.update
            )
            link: Link = operation(step.partner_id, retry_total=0, cls=_link)
        except (AzureError, DeserializationError, UnexpectedAnswerError) as error:
            failure = explain(error, doing=_DOING[step.action], host=self._host)
            if not isinstance(error, HttpResponseError) or error.status_code is None or error.status_code < 300:  # noqa: PLR2004
                raise WriteFailure(failure, may_have_taken_effect=True) from error
            if error.status_code == _CONFLICT or code_of(error) in _STATE_CODES:
                raise WriteFailure(failure, may_have_taken_effect=False) from error
            if error.status_code in _DOUBTFUL_STATUSES:
                wait = retry_after_of(error.response)
                raise WriteFailure(failure, may_have_taken_effect=True, retry_after=wait) from error
            raise failure from error
        return link


def _link(pipeline_response: Any, _model: object, _headers: object) -> Link:
    """The link in an answer. Read from the JSON itself: the SDK's model drops the seventh digit of the times."""
    return link_from_body(body_of(pipeline_response.http_response))


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
    return value if isinstance(value, str) and value else None


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
