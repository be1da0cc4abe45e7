"""The SDK completes its model classes on first use, without a lock: pallink does it before there are threads."""

import subprocess
import sys

_READ = """
from pallink.azure import roles
from azure.mgmt.resource.subscriptions.models import Subscription, TenantIdDescription
from azure.mgmt.resource.subscriptions._utils.model_base import Model, _deserialize

complete = set(Model._calculated)
_deserialize(list[Subscription], [{
    "subscriptionId": "0", "state": "Enabled", "tags": {"a": "b"}, "managedByTenants": [{"tenantId": "1"}],
    "subscriptionPolicies": {"locationPlacementId": "Public", "quotaId": "Internal", "spendingLimit": "On"},
}])
_deserialize(list[TenantIdDescription], [{"tenantId": "1", "domains": ["contoso.com"], "tenantCategory": "Home"}])
print(sorted(Model._calculated - complete), len(complete))
"""


def test_what_is_read_completes_no_class_in_a_thread() -> None:
    done = subprocess.run([sys.executable, "-c", _READ], capture_output=True, text=True, check=True)
    assert done.stdout == "[] 4\n"
