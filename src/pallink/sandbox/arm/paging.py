"""Lists in pages, each with a link to the next."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from pallink.sandbox.arm.routes import ArmCall
from pallink.sandbox.http.errors import ApiError
from pallink.sandbox.state import settings

_TOKEN = "$skiptoken"  # noqa: S105 - A position in a list.


def page(call: ArmCall, items: Sequence[Any]) -> dict[str, Any]:
    """Return the requested page of a list, in `value`, and the URL of the next one, if any, in `nextLink`.

    Raises:
        ApiError: The skip token is invalid.
    """
    query = call.call.request.query
    token = query.get(_TOKEN, "0")
    if not token.isdecimal() or int(token) > len(items):
        raise ApiError(400, "InvalidSkipToken", f"The skip token '{token}' is invalid.")
    end = int(token) + int(call.state.setting(settings.PAGE_SIZE))
    document: dict[str, Any] = {"value": list(items[int(token) : end])}
    if end < len(items):
        request = call.call.request
        next_query = urlencode({**query, _TOKEN: str(end)}, safe="$")
        document["nextLink"] = f"{request.origin}{request.path}?{next_query}"
    return document
