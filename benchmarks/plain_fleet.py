"""What a developer would write for many applications: the requests of `pallink fleet apply`, in threads.

Usage: plain_fleet.py ORIGIN FLEET_FILE [CONCURRENCY]   (with REQUESTS_CA_BUNDLE in the environment)

One transport and its connections are shared by all. No checks, no settling, no journal, no messages.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
import yaml
from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI
from azure.mgmt.resource.subscriptions import SubscriptionClient
from requests.adapters import HTTPAdapter

origin, path, *rest = sys.argv[1:]
concurrency = int(rest[0]) if rest else 16
session = requests.Session()
session.mount("https://", HTTPAdapter(pool_maxsize=4 * concurrency))
transport: Any = RequestsTransport(session=session, session_owner=False)
transport.open()


def link(entry: dict[str, str]) -> bool:
    """Link one application, and return whether it was not linked before."""
    kind, _, target = entry["secret"].partition(":")
    secret = (Path(path).parent / target).read_text().strip() if kind == "file" else target
    credential = ClientSecretCredential(
        entry["tenant"],
        entry["client-id"],
        secret,
        authority=origin,
        disable_instance_discovery=True,
        transport=transport,
    )
    options: dict[str, Any] = {
        "credential": credential,
        "base_url": origin,
        "credential_scopes": [f"{origin}/.default"],
        "transport": transport,
    }
    subscriptions = SubscriptionClient(**options)
    list(subscriptions.tenants.list())
    visible = list(subscriptions.subscriptions.list())
    roles = AuthorizationManagementClient(subscription_id="", api_version="2022-04-01", **options)
    list(roles.role_assignments.list_for_scope(f"subscriptions/{visible[0].subscription_id}", filter="atScope()"))
    partners = ACEProvisioningManagementPartnerAPI(**options)
    try:
        partners.partners.get()
    except ResourceNotFoundError:
        partners.partner.create(entry["partner"])
        return True
    return False


document = yaml.load(Path(path).read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe
entries = [document.get("defaults", {}) | entry for entry in document["accounts"]]
with ThreadPoolExecutor(concurrency) as threads:
    created = sum(threads.map(link, entries))
print(f"{created} of {len(entries)} created")
