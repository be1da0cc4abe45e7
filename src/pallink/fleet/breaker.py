"""When a run stops trying: a tenant, or everything, that fails the same way again and again. Pure."""

import re
from dataclasses import dataclass, field

from pallink.errors import PallinkError, ServiceError, SignInError, UnreachableError
from pallink.fleet.result import EntryResult, Outcome

MAX_FAILURES = 5
"""How often in a row a tenant, or the run from its beginning, fails the same way before it is stopped."""

_AADSTS = re.compile(r"AADSTS\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Streak:
    """Failures of the same kind in a row; no kind after anything else."""

    kind: tuple[str, str] | None = None
    length: int = 0

    def then(self, kind: tuple[str, str] | None) -> "_Streak":
        return _Streak(kind, self.length + 1 if kind == self.kind else 1)

    @property
    def is_too_long(self) -> bool:
        return self.kind is not None and self.length >= MAX_FAILURES


@dataclass
class Breaker:
    """Counts failures of the same kind in a row. Not thread-safe: one thread records and asks."""

    _tenants: dict[str, _Streak] = field(default_factory=dict)
    _stopped_tenants: dict[str, str] = field(default_factory=dict)
    # None once an entry ended in another way than those at the beginning of the run.
    _beginning: _Streak | None = field(default_factory=_Streak)
    _stopped: str | None = None

    def record(self, result: EntryResult) -> None:
        """Take note of how an entry ended."""
        tenant, error = result.entry.tenant.casefold(), result.error
        kind = _kind(error) if error is not None and result.outcome is Outcome.FAILED else None
        message = error.message if error is not None else ""
        self._tenants[tenant] = self._tenants.get(tenant, _Streak()).then(kind)
        if self._tenants[tenant].is_too_long:
            why = f"{MAX_FAILURES} accounts of this tenant in a row failed alike: {message}"
            self._stopped_tenants.setdefault(tenant, why)
        if self._beginning is None:
            return
        if not isinstance(error, UnreachableError | ServiceError) or self._beginning.kind not in (None, kind):
            self._beginning = None
            return
        self._beginning = self._beginning.then(kind)
        if self._beginning.is_too_long:
            self._stopped = f"the first {MAX_FAILURES} accounts failed alike: {message}"

    def reason_not_to_run(self, tenant: str) -> str | None:
        """Return why an entry of this tenant is not tried; None if it is."""
        return self._stopped or self._stopped_tenants.get(tenant.casefold())


def _kind(error: PallinkError) -> tuple[str, str] | None:
    """Return how an error is told from others; None for one that is about its account alone, as a missing role is."""
    if not isinstance(error, SignInError | UnreachableError | ServiceError):
        return None
    found = _AADSTS.search(f"{error.message} {error.cause or ''}")
    return error.code, found[0] if found else ""
