"""Opens sessions: `connect` for programs, `open_session` for the commands and for fleets.

This is the Python API; the command line is one caller of it::

    import pallink

    with pallink.connect(cloud="sandbox", account="invoices@contoso.com") as session:
        result = session.link("719878")
        print(result.action, result.partner_name)
        verified = session.verify("719878")
        if verified.error is not None:  # not raised: a difference is a finding
            raise verified.error
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pallink.advice import Job, advising
from pallink.deadline import Deadline
from pallink.links.record import WriteRecord
from pallink.redact.environment import environment_secrets
from pallink.redact.secrets import Secrets
from pallink.session import Session
from pallink.settings import Settings
from pallink.signin.methods import SignIn
from pallink.signin.prompter import NonInteractive, Prompter

if TYPE_CHECKING:
    from pallink.azure.auth.sign_ins import RunSignIns
    from pallink.azure.connection import CloudConnection


def connect(
    *,
    cloud: str = "AzureCloud",
    account: str | None = None,
    tenant: str | None = None,
    client_id: str | None = None,
    auth: str | None = None,
    timeout: float = 120.0,
    writable: bool = True,
) -> Session:
    """Sign in and make sure that the right account did.

    Args:
        cloud: `AzureCloud`, `AzureUSGovernment`, `AzureChinaCloud`, `sandbox`, or a Resource Manager's `https://` URL.
        account: UPN, object ID or client ID of the account that must sign in.
        tenant: GUID or domain of the tenant.
        client_id: The application to sign in as, or through.
        auth: The sign-in method, as `--auth` takes it.
        timeout: Seconds for the sign-in, and for each job after it, retries and waits included.
        writable: Whether the session may write at all.

    Raises:
        UsageError: An argument is invalid.
        SignInError: The sign-in failed; `WrongAccountError` when another account signed in.
        UnreachableError: There was no response.
    """
    with Secrets(*environment_secrets(os.environ)).active():
        return open_session(Settings(cloud, account, tenant, client_id, auth, timeout), writable=writable)


def open_session(
    settings: Settings,
    *,
    writable: bool,
    command: str | None = None,
    prompter: Prompter | None = None,
    written: WriteRecord | None = None,
    deadline: Deadline | None = None,
    shared: "CloudConnection | None" = None,
    sign_in: SignIn | None = None,
    environ: Mapping[str, str] | None = None,
    is_for_all_tenants: bool = False,
    tenant_name: str | None = None,
    sign_ins: "RunSignIns | None" = None,
) -> Session:
    """Sign in as `connect` does, from settings that were checked before, and with a prompter.

    The session registers its secrets with those that are active.

    Args:
        settings: Which cloud, who, how.
        writable: Whether the session may write at all.
        command: The one command that the session is for, as in `link`; None: any.
        prompter: Who is asked where that is needed; None: nothing is asked.
        written: Where the session keeps what is known of its write; None: in a record of its own.
        deadline: The time for the sign-in and all jobs together; None: each has `settings.timeout` seconds.
        shared: The connections of several sessions; None: the session has its own.
        sign_in: How to sign in; None: it is chosen.
        environ: The variables that may state a sign-in; None: those of the process.
        is_for_all_tenants: Whether a stored sign-in of the user in any tenant will do.
        tenant_name: The tenant's display name, where it is known; None: it is read.
        sign_ins: The sign-ins of the run that the session belongs to; None: those of its connections.
    """
    # azure-identity and the SDK cost some 200 ms to import: they are loaded with the sign-in.
    from pallink.azure.client import connect as connect_client  # noqa: PLC0415
    from pallink.azure.egress import rules_for  # noqa: PLC0415

    with (deadline or Deadline(settings.timeout)).active(), advising(Job(settings, command or "show")):
        client = connect_client(
            settings,
            prompter or NonInteractive(),
            rules_for(command, writable=writable),
            shared=shared,
            sign_in=sign_in,
            environ=environ,
            is_for_all_tenants=is_for_all_tenants,
            sign_ins=sign_ins,
        )
    return Session(settings, client, written=written, deadline=deadline, tenant_name=tenant_name)
