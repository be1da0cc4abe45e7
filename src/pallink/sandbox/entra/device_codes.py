"""The device code flow (RFC 8628): a program shows a code, a person approves it elsewhere, the program polls."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from pallink.sandbox.call import Call
from pallink.sandbox.entra import errors as entra_errors, tokens
from pallink.sandbox.entra.directory import find_client, find_tenant, resource_of
from pallink.sandbox.entra.tokens import TokenType
from pallink.sandbox.http.messages import Response, json_response
from pallink.sandbox.state import settings
from pallink.sandbox.state.store import State
from pallink.sandbox.state.world import Account

PAGE = "oauth2/deviceauth"
"""Where people type the code, below the tenant `common`."""

_LIFETIME = 900  # Seconds, as Entra ID's.
_ALPHABET = "BCDFGHJKLMNPQRSTVWXYZ23456789"  # No vowels, no digits that look like letters.
_LENGTH = 9


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A code that people type, and what came of it.

    Attributes:
        user_code: The code.
        client_id: The program that shows it.
        tenant_id: Where it wants to sign in; None: in the tenant of whoever signs in.
        scope: What it asks for.
        expires_on: Seconds since the epoch.
        polled_on: When it last asked; seconds since the epoch.
        answer: None until somebody answers, then `approved`, `declined` or, once the tokens are out, `redeemed`.
        person: Object ID, at home, of whoever approved.
        has_mfa: Whether somebody was there to give a second factor; the sandbox by itself gives none.
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
    """Gives out a code.

    Raises:
        EntraError: There is no such tenant, program or resource.
    """
    world, form = call.state.world, call.request.form
    tenant = find_tenant(world, tenant_name)
    # Which tenant it will be, and so whether it knows the program, may be open until somebody has signed in.
    client = find_client(world, tenant or world.tenants[0], form.get("client_id", ""))
    resource_of(form.get("scope", ""), call.request.origin)
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
    """Returns an approved code and the person, at home, who approved it: for one time.

    Raises:
        EntraError: Nobody has answered yet, the answer was no, the code expired, or there is no such code.
    """
    code = _shown(call, form)
    chosen = call.state.setting(settings.DEVICE_CODE_ANSWER)
    if chosen == "expired" or call.timestamp >= code.expires_on:
        raise entra_errors.expired_device_code()
    if code.answer is None:
        code = _answer_by_setting(call, code, chosen)
    if code.answer == "declined":
        raise entra_errors.declined_device_code()
    person = code.person and call.state.world.person(code.person)
    if code.answer != "approved" or not person:
        raise entra_errors.invalid_code("device_code")
    _save(call.state, replace(code, answer="redeemed"), call.timestamp)
    return code, person


def approve(state: State, user_code: str, account: str | None, *, deny: bool, now: datetime) -> str:
    """Answers a code for a person; see `Sandbox.approve`.

    Raises:
        ValueError: The code is unknown, expired or answered, or the account is unknown.
    """
    name = "".join(user_code.split()).replace("-", "").upper()
    document = state.device_code(name)
    code = DeviceCode(**json.loads(document)) if document else None
    if code is None:
        raise ValueError(f"'{user_code}' is no code that the sandbox gave out")
    if now.timestamp() >= code.expires_on:
        raise ValueError(f"the code {name} has expired")
    if code.answer is not None:
        raise ValueError(f"the code {name} was answered before")
    hint = account or state.world.default_account
    person = state.world.person(hint)
    if person is None:
        raise ValueError(f"the sandbox has no user '{hint}'")
    answer = "declined" if deny else "approved"
    _save(state, replace(code, answer=answer, person=person.object_id, has_mfa=True), int(now.timestamp()))
    return person.name


def _shown(call: Call, form: Mapping[str, str]) -> DeviceCode:
    if "device_code" not in form:
        raise entra_errors.missing_parameter("device_code")
    try:
        claims = tokens.verify(form["device_code"], call.state.signing_key, TokenType.DEVICE)
    except tokens.InvalidTokenError:
        raise entra_errors.invalid_code("device_code") from None
    document = call.state.device_code(claims["user_code"])
    if document is None:  # Forgotten, long after it expired.
        raise entra_errors.expired_device_code()
    code = DeviceCode(**json.loads(document))
    if form.get("client_id", "").lower() != code.client_id:
        raise entra_errors.invalid_code("device_code")
    return code


def _answer_by_setting(call: Call, code: DeviceCode, chosen: str) -> DeviceCode:
    """Returns the code as the setting answers it; notes that the program asked where somebody has to answer.

    Raises:
        EntraError: Nobody has answered yet.
    """
    if chosen in {"approved", "declined"}:
        person = call.state.world.person(call.state.world.default_account)
        return replace(code, answer=chosen, person=person.object_id if person else None)
    _save(call.state, replace(code, polled_on=call.timestamp), call.timestamp)
    if call.timestamp < code.polled_on + _interval(call.state):
        raise entra_errors.pending_device_code("slow_down")
    raise entra_errors.pending_device_code("authorization_pending")


def _interval(state: State) -> int:
    return int(state.setting(settings.DEVICE_CODE_INTERVAL))


def _save(state: State, code: DeviceCode, now: int) -> None:
    state.save_device_code(code.user_code, json.dumps(asdict(code)), expires_on=code.expires_on, now=now)
