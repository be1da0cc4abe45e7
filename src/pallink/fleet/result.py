"""What a run did for one entry, and for all of them together. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pallink.account import is_guid
from pallink.error_object import build_error_object
from pallink.errors import (
    LinkedElsewhereError,
    NotLinkedError,
    PallinkError,
    SignInError,
    StalePlanError,
    UnsettledWriteError,
    WrongAccountError,
)
from pallink.fleet.entry import Entry
from pallink.links.record import LinkChange
from pallink.result import Json
from pallink.signin.methods import SignInMethod
from pallink.words import counted


class Outcome(StrEnum):
    """How an entry ended. The values of `outcome` in results."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    DIFFERS = "differs"
    NEEDS_REPLACE = "needs-replace"
    NEEDS_SIGN_IN = "needs-sign-in"
    STALE = "stale"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_RUN = "not-run"


DONE = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.DELETED})
"""The link is as the file says, or in a plan would be after an apply."""

CHANGES = DONE - {Outcome.UNCHANGED}
"""The link was changed, or in a plan would be."""

COMPARED = DONE | {Outcome.DIFFERS, Outcome.NEEDS_REPLACE}
"""The link was read and compared with the file."""

ATTENTION = (
    Outcome.UNKNOWN,
    Outcome.FAILED,
    Outcome.NEEDS_SIGN_IN,
    Outcome.NEEDS_REPLACE,
    Outcome.STALE,
    Outcome.DIFFERS,
    Outcome.NOT_RUN,
    Outcome.DELETED,
    Outcome.UPDATED,
    Outcome.CREATED,
    Outcome.UNCHANGED,
)
"""All outcomes, those first that need attention."""

_BY_KIND: Mapping[type[PallinkError], Outcome] = {
    LinkedElsewhereError: Outcome.NEEDS_REPLACE,
    NotLinkedError: Outcome.DIFFERS,
    StalePlanError: Outcome.STALE,
}

# With these a person signs in, with a prompt or beforehand.
_PERSONAL_METHODS = (None, SignInMethod.BROWSER, SignInMethod.DEVICE_CODE, SignInMethod.AZURE_CLI)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryResult:
    """What a run did for one entry.

    Attributes:
        entry: The entry.
        outcome: How it ended.
        fields: The fields of a result object, as far as they are known; the others are null.
        error: Why the entry is not as the file says; None if it is.
        link: What became of the link; None if the run writes none.
        warnings: What a person should know although nothing failed.
        seconds: How long it took.
    """

    entry: Entry
    outcome: Outcome
    fields: Mapping[str, object]
    error: PallinkError | None = None
    link: LinkChange | None = None
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0

    def as_dict(self) -> Json:
        """Return the flat object: plain values, always the same fields in the same order."""
        return {
            "name": self.entry.name,
            "outcome": self.outcome.value,
            "exitCode": int(self.error.exit_code) if self.error else 0,
            **dict.fromkeys(_FIELDS),
            **self.fields,
            "warnings": list(self.warnings),
            "error": build_error_object(self.error, self.link) if self.error else None,
        }


_FIELDS = (
    "cloud",
    "account",
    "accountKind",
    "objectId",
    "tenantId",
    "tenantName",
    "partnerId",
    "partnerName",
    "state",
    "version",
    "createdTime",
    "updatedTime",
    "id",
    "role",
)


def stated_fields(entry: Entry, cloud: str) -> Json:
    """Return the fields of a result that are known before anyone has signed in."""
    return {
        "cloud": cloud,
        "account": entry.account or entry.client_id,
        "tenantId": entry.tenant if is_guid(entry.tenant) else None,
        "tenantName": entry.tenant_name,
    }


def outcome_of_error(error: PallinkError, entry: Entry, change: LinkChange) -> Outcome:
    """Return how an entry ended that raised an error.

    Args:
        error: The error.
        entry: The entry.
        change: What became of the link.
    """
    if isinstance(error, UnsettledWriteError) or change is LinkChange.UNKNOWN:
        return Outcome.UNKNOWN
    if isinstance(error, SignInError) and entry.auth in _PERSONAL_METHODS and _is_mended_by_sign_in(error):
        return Outcome.NEEDS_SIGN_IN
    return next((outcome for kind, outcome in _BY_KIND.items() if isinstance(error, kind)), Outcome.FAILED)


def _is_mended_by_sign_in(error: SignInError) -> bool:
    """Return whether a new sign-in helps, which it does not for a disabled account, or another one than the entry's."""
    if isinstance(error, WrongAccountError):
        return False
    return bool(error.command or error.new_sign_in) if error.prompt_helps is None else error.prompt_helps


def count_entries(entries: Sequence[Entry]) -> str:
    """Return how many accounts the entries are about; where all are of one account, how many tenants."""
    is_one_account = len({entry.key[0] for entry in entries}) == 1
    # A single entry of a file is an account. No file names those of a command line.
    has_tenants = is_one_account and (len(entries) > 1 or not entries[0].line)
    return counted(len(entries), "tenant" if has_tenants else "account")


def count_results(results: Sequence[EntryResult]) -> str:
    """Return how many accounts the results are about, as `count_entries` does."""
    return count_entries([result.entry for result in results])


def count_outcomes(results: Iterable[EntryResult]) -> dict[str, int]:
    """Return the totals: how many accounts there are, and how many have each outcome."""
    counts = Counter(result.outcome for result in results)
    return {"accounts": counts.total(), **{outcome.value: counts[outcome] for outcome in Outcome}}
