"""The tenants of an account, as a table and as objects. Pure."""

from collections.abc import Mapping, Sequence

from pallink.account import Account, AccountKind
from pallink.errors import SignInError
from pallink.fleet.result import EntryResult, Outcome
from pallink.output.rendering import render_table
from pallink.result import Json
from pallink.tenants import Tenant


def tenant_as_dict(tenant: Tenant, account: Account, result: EntryResult | None) -> Json:
    """Return the flat object of a tenant: plain values, always the same fields in the same order.

    Args:
        tenant: The tenant.
        account: The account that listed it.
        result: What was read there; None if nothing was.
    """
    fields: Mapping[str, object] = result.fields if result is not None else {}
    is_read = result is not None and result.error is None
    kind = fields.get("accountKind") or tenant.account_kind
    own_object_id = account.object_id if tenant.id.casefold() == account.tenant_id.casefold() else None
    return {
        "tenantId": tenant.id,
        "tenantName": tenant.name,
        "defaultDomain": tenant.default_domain,
        "tenantCategory": tenant.category,
        "account": account.name,
        "accountKind": None if kind is None else str(kind),
        "objectId": fields.get("objectId") or own_object_id,
        "linkRead": is_read,
        "partnerId": fields.get("partnerId") if is_read else None,
        "partnerName": fields.get("partnerName") if is_read else None,
        "state": fields.get("state") if is_read else None,
        "error": result.as_dict()["error"] if result is not None else None,
    }


def render_tenants(
    tenants: Sequence[Tenant], results: Mapping[str, EntryResult] | None, columns: int | None = None
) -> str:
    """Return one line a tenant, with a heading; the IDs only where they fit.

    Args:
        tenants: The tenants.
        results: What was read in each, by its ID; None if nothing was.
        columns: How long a line may be; None: as long as it is.
    """
    rows = [_row(tenant, results) for tenant in tenants]
    if not rows:
        return "the account is in no tenant\n"
    table = render_table([{**row, "ID": tenant.id} for tenant, row in zip(tenants, rows, strict=True)])
    if columns is not None and max(map(len, table.splitlines())) >= columns:
        table = render_table(rows)
    return "".join(f"{_cut(line, columns)}\n" for line in table.splitlines())


def _row(tenant: Tenant, results: Mapping[str, EntryResult] | None) -> dict[str, object]:
    result = (results or {}).get(tenant.id)
    return {
        "tenant": tenant.name or "",
        "account": _role(tenant, result),
        **({} if results is None else {"link": _link(tenant, result)}),
        "domain": tenant.default_domain or "",
    }


def _cut(line: str, columns: int | None) -> str:
    # The last column stays empty: consoles of Windows add an empty line after it.
    return line if columns is None or len(line) < columns else f"{line[: columns - 4]}..."


def _role(tenant: Tenant, result: EntryResult | None) -> str:
    """Return what the account is in a tenant, in words."""
    if tenant.is_delegated:
        return "delegated"
    kind = (result.fields.get("accountKind") if result else None) or tenant.account_kind
    if kind is None:
        return "unknown"
    return "member" if kind == AccountKind.USER else str(kind)


def _link(tenant: Tenant, result: EntryResult | None) -> str:
    if result is None:
        return "in the managing tenant" if tenant.is_delegated else "not read"
    if result.outcome is Outcome.NEEDS_SIGN_IN:
        return "not read: needs a sign-in"
    if isinstance(result.error, SignInError) and result.error.prompt_helps is False:
        return "not read: blocked"
    if result.error is not None:
        return "not read"
    fields = result.fields
    return f"{fields['partnerId']} {fields.get('partnerName') or ''}".strip() if fields.get("partnerId") else "none"
