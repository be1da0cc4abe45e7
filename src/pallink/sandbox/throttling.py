"""Throttling by token buckets: a burst of requests passes, then as many as refill the bucket; the rest gets 429."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from pallink.sandbox.call import Call
from pallink.sandbox.state import settings
from pallink.sandbox.state.world import Tenant

_MINUTE = 60  # Seconds.
_ROUNDING = 1e-6  # A bucket that lacks no more than this for a request has it.


@dataclass(frozen=True, slots=True)
class Limit:
    """The size of a bucket.

    Attributes:
        burst: How many requests pass at once.
        refill: How many more pass each second.
    """

    burst: int
    refill: float


# Source of the first: Microsoft's documentation of Resource Manager, "Understand how Azure Resource Manager throttles
# requests". The second is for rehearsals: each link takes more than that.
_RESOURCE_MANAGER: Mapping[str, Mapping[str, Limit]] = {
    "documented": {"read": Limit(250, 25), "write": Limit(200, 10), "delete": Limit(200, 10)},
    "strict": {"read": Limit(3, 1), "write": Limit(1, 1), "delete": Limit(1, 1)},
}
_OPERATIONS = {"GET": "read", "DELETE": "delete"}


class ThrottledError(Exception):
    """There were too many requests.

    Attributes:
        retry_after: Seconds until the next one passes.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def check_token_request(call: Call, tenant: Tenant | None) -> None:
    """Check whether Entra ID accepts a token request: each application has a limit of its own in each tenant.

    Raises:
        ThrottledError: There were too many.
    """
    limit = _token_limit(call)
    if limit is not None:
        tenant_id = tenant.id if tenant else call.request.segments[0].lower()
        _take(call, f"token {tenant_id} {call.request.form.get('client_id', '').lower()}", limit)


def check_resource_request(call: Call, tenant_id: str, object_id: str) -> None:
    """Check whether Resource Manager accepts a request: each account has three limits, in each tenant.

    Raises:
        ThrottledError: There were too many reads, writes or deletes.
    """
    setting = call.state.setting(settings.RESOURCE_MANAGER_LIMIT)
    if setting != "none":
        operation = _OPERATIONS.get(call.request.method, "write")
        _take(call, f"{operation} {tenant_id} {object_id}", _RESOURCE_MANAGER[setting][operation])


def _token_limit(call: Call) -> Limit | None:
    setting = call.state.setting(settings.TOKEN_LIMIT)
    if setting == "none":
        return None
    if setting == "one-at-a-time":
        # A request is in flight for as long as its response is delayed.
        delay = int(call.state.setting(settings.RESPONSE_DELAY))
        return Limit(1, 1000 / delay) if delay else None
    return Limit(int(setting), int(setting) / _MINUTE)


def _take(call: Call, key: str, limit: Limit) -> None:
    """Take one request from a bucket.

    Raises:
        ThrottledError: The bucket is empty.
    """
    now = call.now.timestamp()
    level, filled_on = call.state.bucket(key) or (float(limit.burst), now)
    level = min(limit.burst, level + max(0.0, now - filled_on) * limit.refill)
    if level < 1 - _ROUNDING:
        raise ThrottledError(f"too many requests: {key}", max(1, ceil((1 - level) / limit.refill - _ROUNDING)))
    call.state.save_bucket(key, level - 1, now)
