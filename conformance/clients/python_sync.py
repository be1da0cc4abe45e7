"""azure-mgmt-managementpartner as it is, synchronous. Prints each step's answer; run.py judges them."""

import json
import os
from collections.abc import Callable

from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI
from azure.mgmt.managementpartner.models import PartnerResponse


def tell(step: str, call: Callable[[], PartnerResponse | None]) -> None:
    """Print what a call gives, as one line of JSON."""
    try:
        link = call()
    except HttpResponseError as error:
        print(
            json.dumps({"step": step, "status": error.status_code, "code": error.error.code if error.error else None})
        )
        return
    print(json.dumps({"step": step, **({"answer": link.serialize(keep_readonly=True)} if link else {"answer": None})}))


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
        tell("show, not linked", client.partners.get)
        tell("create 719878", lambda: client.partner.create("719878"))
        tell("show", client.partners.get)
        tell("show 719878", lambda: client.partner.get("719878"))
        tell("show 6183402", lambda: client.partner.get("6183402"))
        tell("create 6183402, linked already", lambda: client.partner.create("6183402"))
        tell("update 1234567, nobody's", lambda: client.partner.update("1234567"))
        tell("update 6183402", lambda: client.partner.update("6183402"))
        tell("delete 6183402", lambda: client.partner.delete("6183402"))
        tell("show, deleted", client.partners.get)
        print(json.dumps({"step": "operations", "answer": {"count": len(list(client.operation.list()))}}))
    credential.close()


if __name__ == "__main__":
    main()
