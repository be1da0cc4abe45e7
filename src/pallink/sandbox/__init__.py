"""Entra ID and Azure Resource Manager in miniature, over one SQLite file: to try things out, to learn, to test.

`Sandbox.handle` answers a request as the services do, down to their errors; `pallink.sandbox.http.adapter` brings it
what the `requests` library sends, `pallink.sandbox.http.server` what comes over HTTPS, and
`pallink.sandbox.entra.browser` plays a person who signs in. The package is made from what Microsoft published and from
recorded traffic, and from nothing in the rest of pallink, so that the two can disagree.
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

_HOMES = {
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
    """Loads a public name when it is first used: whoever works with Azure needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
