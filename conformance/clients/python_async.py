"""azure-mgmt-managementpartner as it is, asynchronous over aiohttp. Prints each step's answer; run.py judges them."""

import asyncio
import json
import os
from collections.abc import Awaitable

from azure.core.exceptions import HttpResponseError
from azure.identity.aio import ClientSecretCredential
from azure.mgmt.managementpartner.aio import ACEProvisioningManagementPartnerAPI
from azure.mgmt.managementpartner.models import PartnerResponse


async def tell(step: str, call: Awaitable[PartnerResponse | None]) -> None:
    """Print what a call gives, as one line of JSON."""
    try:
        link = await call
    except HttpResponseError as error:
        print(
            json.dumps({"step": step, "status": error.status_code, "code": error.error.code if error.error else None})
        )
        return
    print(json.dumps({"step": step, **({"answer": link.serialize(keep_readonly=True)} if link else {"answer": None})}))


async def main() -> None:
    """Take the steps."""
    origin = os.environ["SANDBOX_ORIGIN"]
    # aiohttp trusts what azure-core is told to, and the operating system; it does not look at REQUESTS_CA_BUNDLE.
    authority = os.environ["REQUESTS_CA_BUNDLE"]
    credential = ClientSecretCredential(
        os.environ["AZURE_TENANT_ID"],
        os.environ["AZURE_CLIENT_ID"],
        os.environ["AZURE_CLIENT_SECRET"],
        authority=origin,
        disable_instance_discovery=True,
        connection_verify=authority,
    )
    scopes = [f"{origin}/.default"]
    client = ACEProvisioningManagementPartnerAPI(
        credential, base_url=origin, credential_scopes=scopes, connection_verify=authority
    )
    async with credential, client:
        await tell("show, not linked", client.partners.get())
        await tell("create 719878", client.partner.create("719878"))
        await tell("show", client.partners.get())
        await tell("show 719878", client.partner.get("719878"))
        await tell("show 6183402", client.partner.get("6183402"))
        await tell("create 6183402, linked already", client.partner.create("6183402"))
        await tell("update 1234567, nobody's", client.partner.update("1234567"))
        await tell("update 6183402", client.partner.update("6183402"))
        await tell("delete 6183402", client.partner.delete("6183402"))
        await tell("show, deleted", client.partners.get())
        operations = [each async for each in client.operation.list()]
        print(json.dumps({"step": "operations", "answer": {"count": len(operations)}}))


if __name__ == "__main__":
    asyncio.run(main())
