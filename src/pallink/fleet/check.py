"""The entries of a fleet file, and everything that is wrong with it: pure.

What is checked here is what can be known without signing in: keys, values, what a sign-in method needs, and accounts
that are named twice.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from pallink.clouds import CLOUDS
from pallink.errors import UsageError
from pallink.fleet.document import Cell, Document, Problem, Row, describe_key
from pallink.fleet.entry import ALL_TENANTS, Entry, LinkState, SecretReference, SecretStore
from pallink.links.model import parse_partner_id
from pallink.settings import RoleCheck, Settings
from pallink.signin.methods import OFFERED_METHODS, SignInMethod

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# Any cloud's vault, or one of a served sandbox: which cloud it must be is known only when the secret is read.
_VAULTS = "|".join((*(re.escape(str(cloud.vault_suffix)) for cloud in CLOUDS.values()), r"vault\.localhost(:\d+)?"))
# Source: Microsoft's documentation of Key Vault, "Vault name and object name".
_VAULT_SECRET = re.compile(
    rf"https://[a-z][a-z0-9-]{{1,22}}[a-z0-9]\.({_VAULTS})/secrets/[a-z0-9-]{{1,127}}(/[0-9a-f]{{32}})?",
    re.ASCII | re.IGNORECASE,
)
_RULES: Mapping[str, str] = {
    "account": "a UPN, an object ID or a client ID; for a guest the name in the home tenant",
    "client-id": "a GUID",
    "tenant": "the ID (a GUID) or a domain of a tenant, as in contoso.onmicrosoft.com",
    "exclude-tenants": "IDs (GUIDs) or domains of tenants, as in contoso.onmicrosoft.com",
    "partner": "5 to 10 digits and nothing else, as in 719878",
}
# As Excel writes 719878 in a column of numbers: 7.19878E+05, or 719878.00.
_SPREADSHEET_NUMBER = re.compile(r"[0-9]+([.,][0-9]+)?(E\+?[0-9]+)?", re.ASCII | re.IGNORECASE)
_SECRET_KEYS = ("secret", "certificate", "certificate-password")

# What each method needs in the file, beside the tenant.
_NEEDS: Mapping[SignInMethod, tuple[str, ...]] = {
    SignInMethod.CLIENT_SECRET: ("client-id", "secret"),
    SignInMethod.CERTIFICATE: ("client-id", "certificate"),
    SignInMethod.WORKLOAD_IDENTITY: ("client-id",),
    SignInMethod.GITHUB: ("client-id",),
    SignInMethod.AZURE_PIPELINES: ("client-id",),
}
_BELONGS_TO: Mapping[str, SignInMethod] = {
    "secret": SignInMethod.CLIENT_SECRET,
    "certificate": SignInMethod.CERTIFICATE,
    "certificate-password": SignInMethod.CERTIFICATE,
}

# With these a user signs in, whom one sign-in lets into all tenants.
_USERS_METHODS = (None, SignInMethod.BROWSER, SignInMethod.DEVICE_CODE, SignInMethod.AZURE_CLI)


class _Tenants(StrEnum):
    """The values of `tenants`."""

    ALL = "all"


_Word = TypeVar("_Word", bound=StrEnum)


@dataclass
class _Reader:
    """Reads one row, and collects what is wrong with it."""

    cells: Mapping[str, Cell]
    place: Cell
    problems: list[Problem] = field(default_factory=list)

    def text(self, key: str) -> str | None:
        """Return a text, without the space around it; None if there is none."""
        cell = self.cells.get(key)
        if cell is None:
            return None
        if cell.items is not None or cell.is_nested:
            self.problems.append(cell.problem(f"{key} must be a string"))
            return None
        return cell.text.strip() or None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the items of a list; a single text is a list of one."""
        cell = self.cells.get(key)
        if cell is None:
            return ()
        if cell.is_nested:
            self.problems.append(cell.problem(f"{key} must be a string or a list of strings"))
            return ()
        items = (cell,) if cell.items is None else cell.items
        return tuple(item.text.strip() for item in items if item.text.strip())

    def word(self, key: str, words: Iterable[_Word]) -> _Word | None:
        """Return one of some words; None if there is none."""
        text, known = self.text(key), {str(word): word for word in words}
        if text is None:
            return None
        if text.casefold() not in known:
            self.problems.append(self.cells[key].problem(f"{key} must be one of {', '.join(known)}"))
        return known.get(text.casefold())

    def checked(self, key: str, check: Callable[[str], Any]) -> str | None:
        """Return a text that passes a check. It is in no message: a secret may stand in the wrong place."""
        text = self.text(key)
        return text if text is not None and self.check(key, text, check) else None

    def check(self, key: str, text: str, check: Callable[[str], Any]) -> bool:
        """Return whether a text passes a check."""
        try:
            check(text)
        except UsageError:
            self.problems.append(self.cells[key].problem(f"{key} must be {_RULES[key]}"))
            return False
        return True

    def partner_id(self) -> str | None:
        """Return the partner ID. YAML reads an unquoted one with a leading zero as another number."""
        cell, text = self.cells.get("partner"), self.text("partner")
        if cell is not None and text and text.isdecimal() and text.startswith("0") and not cell.is_quoted:
            self.problems.append(cell.problem(f'partner begins with a zero: write it as a string, "{text}"'))
            return None
        if cell is not None and text and not text.isdecimal() and _SPREADSHEET_NUMBER.fullmatch(text):
            message = f"partner must be 5 to 10 digits, not {text}: in a spreadsheet, format the column as text"
            self.problems.append(cell.problem(message))
            return None
        return self.checked("partner", parse_partner_id)

    def secret(self, key: str) -> SecretReference | None:
        """Return where a secret is kept. The value is in no message: it may be the secret itself."""
        text = self.text(key)
        if text is None:
            return None
        store, _, target = text.partition(":")
        if store not in set(SecretStore):
            message = f"{key} must be a reference: env:NAME, file:PATH or keyvault:URL (its value is not shown)"
        elif store == SecretStore.ENVIRONMENT and not _VARIABLE.fullmatch(target):
            message = f"{key}: env: takes the name of a variable, as in env:FABRIKAM_SECRET"
        elif store == SecretStore.FILE and not target:
            message = f"{key}: file: takes a path"
        elif store == SecretStore.KEY_VAULT and not _VAULT_SECRET.fullmatch(target):
            message = f"{key}: keyvault: takes the URL of a secret, as in https://NAME.vault.azure.net/secrets/NAME"
        else:
            return SecretReference(SecretStore(store), target)
        self.problems.append(self.cells[key].problem(message))
        return None


KEYS = (
    "name",
    "account",
    "tenant",
    "tenants",
    "exclude-tenants",
    "client-id",
    "auth",
    *_SECRET_KEYS,
    "partner",
    "state",
    "role-check",
    "subscription",
    "tags",
)
"""The keys of an entry, in the order of the documentation."""

_NO_DEFAULTS = frozenset({"name", "account"})


def check_document(document: Document) -> tuple[tuple[Entry, ...], tuple[Problem, ...]]:
    """Return the valid entries of a file, and all of its problems in the order of its lines."""
    problems = list(document.problems)
    defaults: Mapping[str, Cell] = {}
    misspelt = frozenset[str]()
    if document.defaults is not None:
        known = frozenset(KEYS) - _NO_DEFAULTS
        problems += _unknown_keys(document.defaults, known)
        misspelt = _misspelt_keys(document.defaults, known)
        defaults = document.defaults.cells
    unknown: dict[Problem, None] = {}
    entries, number = [], 0
    for number, row in enumerate(document.rows, 1):  # noqa: B007 - how many there are
        unknown |= dict.fromkeys(_unknown_keys(row, frozenset(KEYS)))
        entry, found = _read_entry(row, defaults, misspelt | _misspelt_keys(row, frozenset(KEYS)))
        problems += found
        if entry is not None:
            entries.append(entry)
    if not number and not document.problems:
        problems.append(Problem(1, 1, "the file names no account"))
    problems += [*unknown, *_duplicates(entries)]
    return tuple(entries), tuple(sorted(set(problems)))


def _unknown_keys(row: Row, known: frozenset[str]) -> list[Problem]:
    problems = []
    for key, place in row.keys.items():
        if key in known or not key:
            continue
        close = _close_key(key, known)
        suggestion = f"did you mean {close}?" if close else f"known are {', '.join(k for k in KEYS if k in known)}"
        problems.append(place.problem(f"unknown key {describe_key(key)}: {suggestion}"))
    return problems


@cache  # A column that is misspelt is so in each row.
def _close_key(key: str, known: frozenset[str]) -> str | None:
    return next(iter(get_close_matches(key, sorted(known), n=1)), None)


def _misspelt_keys(row: Row, known: frozenset[str]) -> frozenset[str]:
    """Return the known keys that a row's unknown ones are taken for."""
    close = (_close_key(key, known) for key in row.keys if key and key not in known)
    return frozenset(key for key in close if key is not None)


def _read_entry(row: Row, defaults: Mapping[str, Cell], misspelt: frozenset[str]) -> tuple[Entry | None, list[Problem]]:
    # A key without a value says nothing, and so leaves out what defaults say.
    cells = {key: cell for key, cell in {**_applicable(defaults, row), **row.cells}.items() if not cell.is_blank}
    reader = _Reader(cells, Cell(row.line, 1))
    account = reader.checked("account", lambda text: Settings(account=text))
    client_id = reader.checked("client-id", lambda text: Settings(client_id=text))
    tenant = reader.checked("tenant", lambda text: Settings(tenant=text))
    if reader.word("tenants", _Tenants) is not None:
        tenant = ALL_TENANTS
    excluded_tenants = reader.texts("exclude-tenants")
    for identifier in excluded_tenants:
        reader.check("exclude-tenants", identifier, lambda text: Settings(tenant=text))
    state = reader.word("state", LinkState) or LinkState.LINKED
    partner_id = reader.partner_id()
    secrets = {key: reader.secret(key) for key in _SECRET_KEYS}
    auth: SignInMethod | None = reader.word("auth", OFFERED_METHODS)
    if "auth" not in reader.cells:
        auth = next((method for key, method in _BELONGS_TO.items() if key in reader.cells), None)
    role_check = reader.word("role-check", RoleCheck) or RoleCheck.REQUIRE
    subscriptions, tags = reader.texts("subscription"), reader.texts("tags")
    name = reader.text("name")
    reader.problems += _missing(reader, misspelt, state, auth)
    reader.problems += _misplaced_tenants(reader, row, account, auth)
    if reader.problems or tenant is None or misspelt:
        return None, reader.problems
    return Entry(
        name=name or account or client_id or "",
        account=account,
        tenant=tenant,
        client_id=client_id,
        auth=auth,
        secret=secrets["secret"],
        certificate=secrets["certificate"],
        certificate_password=secrets["certificate-password"],
        partner_id=partner_id,
        state=state,
        role_check=role_check,
        subscriptions=subscriptions,
        tags=tags,
        excluded_tenants=excluded_tenants if tenant == ALL_TENANTS else (),
        line=row.line,
    ), []


def _applicable(defaults: Mapping[str, Cell], row: Row) -> Mapping[str, Cell]:
    """Return the defaults for an entry: one that states its tenants takes none of them from there."""
    stated = {key for key in ("tenant", "tenants") if key in row.cells and not row.cells[key].is_blank}
    return {key: cell for key, cell in defaults.items() if not (stated and key in ("tenant", "tenants"))}


def _misplaced_tenants(reader: _Reader, row: Row, account: str | None, auth: SignInMethod | None) -> list[Problem]:
    """Return what contradicts `tenants: all`, or needs it."""
    cells = reader.cells
    if "tenants" not in cells:
        is_in_vain = "exclude-tenants" in cells and "exclude-tenants" in row.cells
        return [cells["exclude-tenants"].problem("exclude-tenants requires tenants: all")] if is_in_vain else []
    messages = []
    if "tenant" in cells:
        messages.append("tenants cannot be combined with tenant: keep one of them")
    if auth not in _USERS_METHODS:
        messages.append(f"tenants: all is for users: auth {auth} signs in to one tenant")
    elif "account" not in cells:
        messages.append("tenants: all is for users: missing account")
    elif account is not None and "@" not in account:
        messages.append("with tenants: all, account must be the name that the user signs in with: IDs differ by tenant")
    return [cells["tenants"].problem(message) for message in messages]


def _missing(reader: _Reader, misspelt: frozenset[str], state: LinkState, auth: SignInMethod | None) -> list[Problem]:
    """Return what an entry lacks, or has in vain. A key that is misspelt is not missing too."""
    cells, place, messages = reader.cells, reader.place, []
    present = misspelt.union(cells)
    if present.isdisjoint({"account", "client-id"}):
        messages.append("missing account or client-id")
    if present.isdisjoint({"tenant", "tenants"}):
        messages.append("missing tenant: an ID or a domain")
    if "partner" not in present and state is LinkState.LINKED:
        messages.append("missing partner: a location ID")
    if auth is not None:
        messages += [f"missing {need}: auth {auth} requires it" for need in _NEEDS.get(auth, ()) if need not in present]
    problems = [place.problem(message) for message in messages]
    problems += [
        cells[key].problem(f"{key} belongs to auth {method}, and this entry has auth {auth}")
        for key, method in _BELONGS_TO.items()
        if key in cells and auth is not method
    ]
    return problems


def _duplicates(entries: Iterable[Entry]) -> list[Problem]:
    first: dict[tuple[str, str], Entry] = {}
    problems = []
    for entry in entries:
        earlier = first.setdefault(entry.key, entry)
        if earlier is entry:
            continue
        is_same = (earlier.partner_id, earlier.state) == (entry.partner_id, entry.state)
        place = "all tenants" if entry.tenant == ALL_TENANTS else entry.tenant
        told = (
            "with the same partner"
            if is_same
            else f"with {earlier.partner_id or 'no partner'}, here with {entry.partner_id or 'no partner'}"
        )
        problems.append(
            Problem(
                entry.line,
                1,
                f"{entry.account or entry.client_id} in {place} is in line {earlier.line} too, {told}",
            )
        )
    return problems
