"""An emulator of Entra ID and Azure Resource Manager over one SQLite file, for trials, training and tests.

`Sandbox.handle` takes a request and returns the response that the service would send, errors included. It is written
from Microsoft's documentation and recorded traffic, and imports nothing from the rest of pallink, so that the two can
disagree.

handler       the request handler that every transport calls
http          transports: an adapter for `requests`, and an HTTPS server on loopback
state         the emulated tenants, accounts, roles, partners and links, and the file that holds them
entra         Entra ID: sign-in, tokens, managed identities
arm           Azure Resource Manager: partner links, subscriptions, role assignments
graph         Microsoft Graph: users, groups and service principals
vault         Key Vault: secrets
call          the context of one request
throttling    the limits of Entra ID and Resource Manager
faults        rules that make requests fail
environments  environment variables to sign in with
certificates  keys and certificates
overview      the content of the sandbox, for display
shell         lines to paste into a terminal
names         constants that the command line needs without loading the rest
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pallink.sandbox.entra.managed_identity import IMDS_ORIGIN
    from pallink.sandbox.handler import Sandbox, home
    from pallink.sandbox.http.messages import Request, Response
    from pallink.sandbox.names import METHODS, ORIGIN
    from pallink.sandbox.overview import (
        AccountOverview,
        LinkOverview,
        Overview,
        PartnerOverview,
        SettingOverview,
        TenantOverview,
    )
    from pallink.sandbox.state.errors import SandboxStateError

__all__ = [
    "IMDS_ORIGIN",
    "METHODS",
    "ORIGIN",
    "AccountOverview",
    "LinkOverview",
    "Overview",
    "PartnerOverview",
    "Request",
    "Response",
    "Sandbox",
    "SandboxStateError",
    "SettingOverview",
    "TenantOverview",
    "home",
]

_MODULES = {
    "ORIGIN": "pallink.sandbox.names",
    "METHODS": "pallink.sandbox.names",
    "SandboxStateError": "pallink.sandbox.state.errors",
    "Sandbox": "pallink.sandbox.handler",
    "home": "pallink.sandbox.handler",
    "IMDS_ORIGIN": "pallink.sandbox.entra.managed_identity",
    "Request": "pallink.sandbox.http.messages",
    "Response": "pallink.sandbox.http.messages",
    "AccountOverview": "pallink.sandbox.overview",
    "LinkOverview": "pallink.sandbox.overview",
    "Overview": "pallink.sandbox.overview",
    "PartnerOverview": "pallink.sandbox.overview",
    "SettingOverview": "pallink.sandbox.overview",
    "TenantOverview": "pallink.sandbox.overview",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - Any public name.
    """Import a public name on first use: commands that work with Azure load nothing of the sandbox."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
