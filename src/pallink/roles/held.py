"""Read what an account holds on several scopes, concurrently."""

from collections.abc import Sequence
from contextlib import closing
from functools import partial

from pallink.concurrency import as_completed
from pallink.errors import AccessDeniedError, PallinkError
from pallink.roles.assignments import RoleAssignment
from pallink.roles.grant import Principal
from pallink.roles.grant_write import Grants
from pallink.roles.scopes import Scope

# Resource Manager throttles each subscription on its own; the transport keeps 32 connections.
_MAX_WORKERS = 30


def read_held(
    grants: Grants, principal: Principal, scopes: Sequence[Scope], *, is_complete: bool
) -> tuple[list[tuple[Scope, list[RoleAssignment]]], tuple[str, ...]]:
    """Return what an account holds on each scope, and warnings of what could not be read.

    Args:
        grants: Where the role assignments are read from.
        principal: The account.
        scopes: The scopes.
        is_complete: Whether a scope that the administrator may not read is an error; otherwise it is a warning, as long
            as another one may be read.

    Raises:
        PallinkError: The role assignments could not be read.
    """
    found: dict[int, list[RoleAssignment]] = {}
    refused: dict[int, PallinkError] = {}
    job = partial(grants.held, principal, inside=True)
    with closing(as_completed(job, scopes, workers=_MAX_WORKERS)) as outcomes:
        for index, outcome in outcomes:
            if isinstance(outcome, AccessDeniedError) and not is_complete:
                refused[index] = outcome
            elif isinstance(outcome, PallinkError):
                raise outcome
            else:
                found[index] = outcome
    if refused and not found:
        raise refused[min(refused)]
    warnings = tuple(refused[index].message for index in sorted(refused))
    return [(scopes[index], found[index]) for index in sorted(found)], warnings
