"""What a developer would write in a quarter of an hour: the same requests as `pallink link`, one after the other.

Usage: plain_script.py ORIGIN PARTNER_ID [every]   (with AZURE_... and REQUESTS_CA_BUNDLE in the environment)

No checks, no settling, no messages. With `every` it reads the role assignments of all subscriptions and links nothing.
"""

import json
import sys
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.identity import EnvironmentCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI
from azure.mgmt.resource.subscriptions import SubscriptionClient

origin, partner_id, *rest = sys.argv[1:]
credential = EnvironmentCredential(authority=origin, disable_instance_discovery=True)
options: dict[str, Any] = {"base_url": origin, "credential_scopes": [f"{origin}/.default"]}
subscriptions = SubscriptionClient(credential, **options)
roles = AuthorizationManagementClient(credential, "", api_version="2022-04-01", **options)
partners = ACEProvisioningManagementPartnerAPI(credential, **options)

list(subscriptions.tenants.list())
visible = list(subscriptions.subscriptions.list())
for subscription in visible if rest else visible[:1]:
    list(roles.role_assignments.list_for_scope(f"subscriptions/{subscription.subscription_id}", filter="atScope()"))
try:
    print(json.dumps(partners.partners.get().as_dict(), indent=2))
except ResourceNotFoundError:
    if not rest:
        print(json.dumps(partners.partner.create(partner_id).as_dict(), indent=2))
