"""Take the steps with azure-mgmt-managementpartner, synchronous. Prints one line of JSON per step."""

import json
import os
from collections.abc import Callable

from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI
from azure.mgmt.managementpartner.models import PartnerResponse


def report(step: str, call: Callable[[], PartnerResponse | None]) -> None:
    """Print the result of a call as one line of JSON."""
    try:
        link = call()
    except HttpResponseError as error:
        print(
            json.dumps({"step": step, "status": error.status_code, "code": error.error.code if error.error else None})
        )
        return
    print(json.dumps({"step": step, "result": link.serialize(keep_readonly=True) if link else None}))


def main() -> None:
    """Take the steps."""
    origin = os.environ["SANDBOX_ORIGIN"]
    credential = ClientSecretCredential(
        os.environ["AZURE_TENANT_ID"],
        os.environ["AZURE_CLIENT_ID"],
        os.environ["AZURE_CLIENT_SECRET"],
        authority=origin,
        disable_instance_discovery=True,
    )
    scopes = [f"{origin}/.default"]
    with ACEProvisioningManagementPartnerAPI(credential, base_url=origin, credential_scopes=scopes) as client:
        report("show, not linked", client.partners.get)
        report("create 719878", lambda: client.partner.create("719878"))
        report("show", client.partners.get)
        report("show 719878", lambda: client.partner.get("719878"))
        report("show 6183402", lambda: client.partner.get("6183402"))
        report("create 6183402, already linked", lambda: client.partner.create("6183402"))
        report("update 1234567, unknown", lambda: client.partner.update("1234567"))
        report("update 6183402", lambda: client.partner.update("6183402"))
        report("delete 6183402", lambda: client.partner.delete("6183402"))
        report("show, deleted", client.partners.get)
        print(json.dumps({"step": "operations", "result": {"count": len(list(client.operation.list()))}}))
    credential.close()


if __name__ == "__main__":
    main()
