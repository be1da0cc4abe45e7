"""The tenants of an account, as a table and as objects. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from pallink.account import Account, AccountKind
from pallink.errors import SignInError
from pallink.fleet.result import EntryResult, Outcome
from pallink.output.rendering import render_table
from pallink.output.wrapping import count_columns, wrap
from pallink.redact.text import one_line
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
    """Return one line a tenant, with a heading; on a terminal that is too narrow for that, a few lines a tenant.

    Args:
        tenants: The tenants.
        results: What was read in each, by its ID; None if nothing was.
        columns: The width of the terminal; None: lines are as long as they are.
    """
    rows = [_row(tenant, results) for tenant in tenants]
    if not rows:
        return "the account is in no tenant\n"
    complete = [{**row, "ID": tenant.id} for tenant, row in zip(tenants, rows, strict=True)]
    table = render_table(complete)
    if columns is None or _width(table) < columns:
        return table
    without_ids = render_table(rows)
    if _width(without_ids) < columns:
        note = f"tenant IDs are not shown: they need {_width(table) + 1} columns, or -o json"
        return "".join([without_ids, "\n", *(f"{line}\n" for line in wrap(note.split(), columns - 1))])
    return "".join(f"{line}\n" for row in complete for line in _stacked(row, columns - 1))


def _width(table: str) -> int:
    return max(map(count_columns, table.splitlines()))


def _stacked(row: Mapping[str, object], width: int) -> Iterator[str]:
    """Yield the name of a tenant, and below it everything else."""
    yield from wrap(one_line(str(row["tenant"] or row["domain"] or row["ID"])).split(" "), width)
    for label, value in list(row.items())[1:]:
        # An ID fits on a line of 40 columns only if it is hardly indented.
        yield from wrap(one_line(f"{label}: {value}").split(" "), width, first="  ", indent="  ")


def _row(tenant: Tenant, results: Mapping[str, EntryResult] | None) -> dict[str, object]:
    result = (results or {}).get(tenant.id)
    return {
        "tenant": tenant.name or "",
        "account": _role(tenant, result),
        **({} if results is None else {"link": _link(tenant, result)}),
        "domain": tenant.default_domain or "",
    }


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
