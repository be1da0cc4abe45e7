"""Which entries of a fleet a command is for: `--select`, `--exclude` and `--limit`. Pure."""

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

from pallink.errors import UsageError
from pallink.fleet.entry import Entry
from pallink.words import counted

_FIELDS: Mapping[str, Callable[[Entry], tuple[str, ...]]] = {
    "name": lambda entry: (entry.name,),
    "tag": lambda entry: entry.tags,
    "tenant": lambda entry: (entry.tenant, *([entry.tenant_domain] if entry.tenant_domain else ())),
}


def select_entries(
    entries: Sequence[Entry], select: Sequence[str] = (), exclude: Sequence[str] = (), limit: int | None = None
) -> tuple[Entry, ...]:
    """Return the entries that match one of `select` and none of `exclude`, in their order.

    Args:
        entries: The entries.
        select: `name=PATTERN`, `tag=PATTERN` or `tenant=PATTERN`, case ignored, `*` for any text; none: every entry.
        exclude: The same.
        limit: How many at most.

    Raises:
        UsageError: A criterion has another form, or no entry matches.
    """
    wanted = [_criterion(text, "--select") for text in select]
    unwanted = [_criterion(text, "--exclude") for text in exclude]
    chosen = [
        entry
        for entry in entries
        if (not wanted or any(matches(entry) for matches in wanted)) and not any(matches(entry) for matches in unwanted)
    ]
    if not chosen:
        criteria = {"--select": select, "--exclude": exclude}
        given = [f"{option} {text}" for option, texts in criteria.items() for text in texts]
        raise UsageError(
            f"no account of the fleet file matches {' '.join(given)}",
            cause=f"the fleet file has {counted(len(entries), 'account')}",
            remedy=f"correct {' or '.join(option for option, texts in criteria.items() if texts)}",
        )
    return tuple(chosen[:limit])


def _criterion(text: str, option: str) -> Callable[[Entry], bool]:
    field, separator, pattern = text.partition("=")
    values = _FIELDS.get(field)
    if values is None or not separator or not pattern:
        raise UsageError(
            f"{option} {text!r} is invalid",
            remedy=f"write it as name=NAME, tag=TAG or tenant=TENANT, as in {option} tag=approvals",
        )
    folded = pattern.casefold()
    return lambda entry: any(fnmatchcase(value.casefold(), folded) for value in values(entry))
