"""Entra ID and Azure Resource Manager in miniature, over one SQLite file: to try things out, to learn, to test.

`Sandbox.handle` answers a request as the services do, down to their errors; `pallink.sandbox.adapter` brings it what
the `requests` library sends, `pallink.sandbox.server` what comes over HTTPS, and `pallink.sandbox.browser` plays a
person who signs in. The package is made from what Microsoft published and from recorded traffic, and from
nothing in the rest of pallink, so that the two can disagree.
"""

from pallink.sandbox.directory import ORIGIN
from pallink.sandbox.environments import METHODS
from pallink.sandbox.errors import SandboxStateError
from pallink.sandbox.handler import Sandbox, home
from pallink.sandbox.managed_identity import IMDS_ORIGIN
from pallink.sandbox.messages import Request, Response
from pallink.sandbox.overview import (
    AccountOverview,
    LinkOverview,
    Overview,
    PartnerOverview,
    SettingOverview,
    TenantOverview,
)

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
