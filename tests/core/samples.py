"""The accounts, partners and links that the tests of the core talk about."""

import base64
import json
from collections.abc import Mapping

from pallink.account import Account, AccountKind
from pallink.links.model import Link

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
OTHER_TENANT = "0f0f0f0f-0000-4000-8000-000000000001"
OBJECT = "ac9a0626-3ff0-46e2-9974-bbfba246f6dc"
OTHER_OBJECT = "0f0f0f0f-0000-4000-8000-000000000002"
CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

PARTNER = "719878"
OTHER_PARTNER = "5127255"

INVOICES = Account(
    AccountKind.USER,
    name="invoices@contoso.com",
    object_id=OBJECT,
    tenant_id=TENANT,
    client_id=CLIENT,
    names=frozenset({"invoices@contoso.com"}),
)
PIPELINE = Account(AccountKind.APPLICATION, name=CLIENT, object_id=OBJECT, tenant_id=TENANT, client_id=CLIENT)


def link_to(partner_id: str, *, state: str = "Active", version: int | None = 7) -> Link:
    """The link of `INVOICES` as the service would return it."""
    return Link(
        partner_id=partner_id,
        partner_name=f"Partner {partner_id}",
        tenant_id=TENANT,
        object_id=OBJECT,
        state=state,
        version=version,
    )


def token_of(claims: object) -> str:
    """An unsigned JSON Web Token that carries these claims."""
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def user_claims(**more: object) -> Mapping[str, object]:
    """The claims of a user's token for Resource Manager."""
    return {"tid": TENANT, "oid": OBJECT, "idtyp": "user", "appid": CLIENT, "scp": "user_impersonation"} | more


def _part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
