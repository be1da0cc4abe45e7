"""Long lists come in pages, each with a link to the next one."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from pallink.sandbox.arm.routes import ArmCall, ArmError
from pallink.sandbox.state import settings

_TOKEN = "$skiptoken"  # noqa: S105 - A place in a list.


def page(call: ArmCall, items: Sequence[Any]) -> dict[str, Any]:
    """Returns the page of a list that a call asks for, as `value`, with the link to the next one if there is one.

    Raises:
        ArmError: It asks for a page that there is not.
    """
    query = call.call.request.query
    token = query.get(_TOKEN, "0")
    if not token.isdecimal() or int(token) > len(items):
        raise ArmError(400, "InvalidSkipToken", f"The skip token '{token}' is invalid.")
    end = int(token) + int(call.state.setting(settings.PAGE_SIZE))
    shown: dict[str, Any] = {"value": list(items[int(token) : end])}
    if end < len(items):
        request = call.call.request
        following = urlencode({**query, _TOKEN: str(end)}, safe="$")
        shown["nextLink"] = f"{request.origin}{request.path}?{following}"
    return shown
