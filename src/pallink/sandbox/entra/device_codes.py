"""The device code flow (RFC 8628): the client shows a code, the user approves it elsewhere, the client polls."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from pallink.sandbox.call import Call
from pallink.sandbox.entra import errors as entra_errors, tokens
from pallink.sandbox.entra.directory import find_client, find_resource, find_tenant
from pallink.sandbox.entra.tokens import TokenType
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import settings
from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import Account

PAGE = "oauth2/deviceauth"
"""The path of the page where users enter the code, below the tenant `common`."""

_LIFETIME = 900  # Seconds, as Entra ID's.
_ALPHABET = "BCDFGHJKLMNPQRSTVWXYZ23456789"  # No vowels, no digits that look like letters.
_LENGTH = 9


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A device code, and the state of its sign-in.

    Attributes:
        user_code: The code that the user enters.
        client_id: The client ID of the client that requested it.
        tenant_id: The tenant to sign in to; None means the user's home tenant.
        scope: The requested scope.
        expires_on: The expiry, in seconds since the epoch.
        polled_on: The time of the last poll, in seconds since the epoch.
        answer: None while pending, then `approved` or `declined`; `redeemed` once tokens were issued.
        person: The object ID, in the home tenant, of the user who approved or declined.
        has_mfa: Whether the user completed multifactor authentication.
    """

    user_code: str
    client_id: str
    tenant_id: str | None
    scope: str
    expires_on: int
    polled_on: int = 0
    answer: str | None = None
    person: str | None = None
    has_mfa: bool = False


def start(call: Call, tenant_name: str) -> Response:
    """Issue a device code.

    Raises:
        EntraError: The tenant, client or resource is unknown.
    """
    world, form = call.state.world, call.request.form
    tenant = find_tenant(world, tenant_name)
    # The tenant, and so whether it has the client, may be open until the user signs in.
    client = find_client(world, tenant or world.tenants[0], form.get("client_id", ""))
    find_resource(form.get("scope", ""), call.request.origin)
    user_code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    code = DeviceCode(
        user_code, client.id, tenant.id if tenant else None, form["scope"], expires_on=call.timestamp + _LIFETIME
    )
    _save(call.state, code, call.timestamp)
    page = f"{call.request.origin}/common/{PAGE}"
    return json_response(
        200,
        {
            "user_code": user_code,
            "device_code": tokens.sign({"user_code": user_code}, call.state.signing_key, TokenType.DEVICE),
            "verification_uri": page,
            "expires_in": _LIFETIME,
            "interval": _interval(call.state),
            "message": f"To sign in, use a web browser to open the page {page} and enter the code {user_code} to "
            "authenticate.",
        },
    )


def redeem(call: Call, form: Mapping[str, str]) -> tuple[DeviceCode, Account]:
    """Redeem an approved code, once.

    Returns:
        The code, and the account of the user who approved it, in the home tenant.

    Raises:
        EntraError: The code is pending, declined, expired or unknown.
    """
    code = _find_code(call, form)
    setting = call.state.setting(settings.DEVICE_CODE_ANSWER)
    if setting == "expired" or call.timestamp >= code.expires_on:
        raise entra_errors.expired_device_code()
    if code.answer is None:
        code = _complete_by_setting(call, code, setting)
    if code.answer == "declined":
        raise entra_errors.declined_device_code()
    user = code.person and call.state.world.user(code.person)
    if code.answer != "approved" or not user:
        raise entra_errors.invalid_grant("device_code")
    _save(call.state, replace(code, answer="redeemed"), call.timestamp)
    return code, user


def approve(state: State, user_code: str, account: str | None, *, deny: bool, now: datetime) -> str:
    """Approve or decline a code on behalf of a user; see `Sandbox.approve`.

    Raises:
        ValueError: The code is unknown, expired or already used, or the account is unknown.
    """
    normalized = "".join(user_code.split()).replace("-", "").upper()
    document = state.device_code(normalized)
    code = DeviceCode(**json.loads(document)) if document else None
    if code is None:
        raise ValueError(f"the device code '{user_code}' is unknown")
    if now.timestamp() >= code.expires_on:
        raise ValueError(f"the device code {normalized} has expired")
    if code.answer is not None:
        raise ValueError(f"the device code {normalized} was already used")
    account_name = account or state.world.default_account
    user = state.world.user(account_name)
    if user is None:
        raise ValueError(f"the sandbox has no user '{account_name}'")
    answer = "declined" if deny else "approved"
    _save(state, replace(code, answer=answer, person=user.object_id, has_mfa=True), int(now.timestamp()))
    return user.name


def _find_code(call: Call, form: Mapping[str, str]) -> DeviceCode:
    if "device_code" not in form:
        raise entra_errors.missing_parameter("device_code")
    try:
        claims = tokens.verify(form["device_code"], call.state.signing_key, TokenType.DEVICE)
    except tokens.InvalidTokenError:
        raise entra_errors.invalid_grant("device_code") from None
    document = call.state.device_code(claims["user_code"])
    if document is None:  # Deleted, long after it expired.
        raise entra_errors.expired_device_code()
    code = DeviceCode(**json.loads(document))
    if form.get("client_id", "").lower() != code.client_id:
        raise entra_errors.invalid_grant("device_code")
    return code


def _complete_by_setting(call: Call, code: DeviceCode, setting: str) -> DeviceCode:
    """Approve or decline a code as the setting says; where a user has to do it, record the poll.

    Raises:
        EntraError: The code is pending.
    """
    if setting in {"approved", "declined"}:
        user = call.state.world.user(call.state.world.default_account)
        return replace(code, answer=setting, person=user.object_id if user else None, has_mfa=True)
    _save(call.state, replace(code, polled_on=call.timestamp), call.timestamp)
    if call.timestamp < code.polled_on + _interval(call.state):
        raise entra_errors.pending_device_code("slow_down")
    raise entra_errors.pending_device_code("authorization_pending")


def _interval(state: State) -> int:
    return int(state.setting(settings.DEVICE_CODE_INTERVAL))


def _save(state: State, code: DeviceCode, now: int) -> None:
    state.save_device_code(code.user_code, json.dumps(asdict(code)), expires_on=code.expires_on, now=now)
