"""Asks for the tenants that entries are about: all of an account, and those that a domain names."""

import os
from collections.abc import Sequence
from dataclasses import replace

from pallink.account import is_guid
from pallink.api import open_session
from pallink.concurrency import as_completed
from pallink.deadline import Deadline
from pallink.errors import PallinkError
from pallink.fleet.entry import ALL_TENANTS, Entry
from pallink.fleet.fleet_run import RunOptions
from pallink.fleet.tenants import expand
from pallink.fleet.work import NoPrompts
from pallink.redact.environment import environment_secrets
from pallink.redact.secrets import Secrets
from pallink.settings import Settings
from pallink.signin.methods import SignInMethod
from pallink.signin.prompter import Prompter
from pallink.signin.tenants import check_covers_tenants
from pallink.tenants import Tenant


def with_all_tenants(
    entries: Sequence[Entry], options: RunOptions, prompter: Prompter | None = None
) -> tuple[Entry, ...]:
    """Return the entries with one for each tenant in place of those for all tenants; sends nothing if there are none.

    Each account that is in all of its tenants signs in once.

    Args:
        entries: The entries of a fleet file.
        options: How the fleet is run.
        prompter: Who is asked where an account has to sign in; None: nothing is asked.

    Raises:
        PallinkError: An account could not sign in, or its tenants could not be read.
        UsageError: An excluded tenant is none of the account's, or no tenant is left.
    """
    homes: dict[int, str | None] = {}

    def list_of(entry: Entry) -> tuple[Tenant, ...]:
        tenants, homes[entry.line] = list_tenants(entry, options, prompter)
        return tenants

    expanded = expand(entries, list_of, lambda entry: _settings(entry, options))
    return tuple(replace(entry, home_account_id=homes.get(entry.line)) for entry in expanded)


def list_tenants(
    entry: Entry, options: RunOptions, prompter: Prompter | None = None
) -> tuple[tuple[Tenant, ...], str | None]:
    """Return the tenants of an entry's account, and its home account ID, where it is known.

    Raises:
        PallinkError: The account could not sign in, or the tenants could not be read.
    """
    settings = _settings(entry, options)
    # What states a sign-in in the environment is the runner's, unless the entry names the method.
    environ = os.environ if entry.auth is SignInMethod.AZURE_CLI else {}
    try:
        with (
            Secrets(*environment_secrets(os.environ)).active(),
            open_session(
                settings,
                writable=False,
                command="tenants",
                prompter=prompter or NoPrompts(),
                environ=environ,
                is_for_all_tenants=True,
                sign_ins=options.sign_ins,
            ) as session,
        ):
            check_covers_tenants(session.sign_in, settings, os.environ)
            return session.tenants(), session.account.likely_home_account_id
    except PallinkError as error:
        where = f"line {entry.line} of the fleet file is about all tenants of {entry.account}"
        raise (error.with_cause(where) if entry.tenant == ALL_TENANTS else error) from None


def _settings(entry: Entry, options: RunOptions) -> Settings:
    auth = entry.auth.value if entry.auth is not None else None
    return Settings(options.cloud, entry.account, None, entry.client_id, auth, options.timeout)


def resolve_tenants(names: Sequence[str], options: RunOptions) -> tuple[Tenant, ...]:
    """Return the tenants that IDs and domains name, each once, in their order. Sends a request for each domain.

    A domain that cannot be resolved stands for a tenant of its own: the sign-in there says what is wrong with it.

    Args:
        names: The IDs and domains.
        options: How the fleet is run.
    """
    from pallink.azure.connection import CloudConnection  # noqa: PLC0415 - the SDK costs some 200 ms to import

    with (
        Secrets(*environment_secrets(os.environ)).active(),
        CloudConnection(options.cloud, connections=options.concurrency) as connection,
        Deadline(options.timeout).active(),
    ):
        found = dict(as_completed(connection.tenant_id, names, workers=options.concurrency))
    tenants: dict[str, Tenant] = {}
    for index, name in enumerate(names):
        tenant_id = found[index]
        tenant = Tenant(
            id=tenant_id if isinstance(tenant_id, str) else name, default_domain=None if is_guid(name) else name
        )
        tenants.setdefault(tenant.id.casefold(), tenant)
    return tuple(tenants.values())
