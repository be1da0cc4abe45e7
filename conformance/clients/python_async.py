"""Take the steps with azure-mgmt-managementpartner, asynchronous over aiohttp. Prints one line of JSON per step."""

import asyncio
import json
import os
from collections.abc import Awaitable

from azure.core.exceptions import HttpResponseError
from azure.identity.aio import ClientSecretCredential
from azure.mgmt.managementpartner.aio import ACEProvisioningManagementPartnerAPI
from azure.mgmt.managementpartner.models import PartnerResponse


async def report(step: str, call: Awaitable[PartnerResponse | None]) -> None:
    """Print the result of a call as one line of JSON."""
    try:
        link = await call
    except HttpResponseError as error:
        print(
            json.dumps({"step": step, "status": error.status_code, "code": error.error.code if error.error else None})
        )
        return
    print(json.dumps({"step": step, "result": link.serialize(keep_readonly=True) if link else None}))


async def main() -> None:
    """Take the steps."""
    origin = os.environ["SANDBOX_ORIGIN"]
    # aiohttp trusts `connection_verify` and the operating system; it does not read REQUESTS_CA_BUNDLE.
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
        await report("show, not linked", client.partners.get())
        await report("create 719878", client.partner.create("719878"))
        await report("show", client.partners.get())
        await report("show 719878", client.partner.get("719878"))
        await report("show 6183402", client.partner.get("6183402"))
        await report("create 6183402, already linked", client.partner.create("6183402"))
        await report("update 1234567, unknown", client.partner.update("1234567"))
        await report("update 6183402", client.partner.update("6183402"))
        await report("delete 6183402", client.partner.delete("6183402"))
        await report("show, deleted", client.partners.get())
        operations = [operation async for operation in client.operation.list()]
        print(json.dumps({"step": "operations", "result": {"count": len(operations)}}))


if __name__ == "__main__":
    asyncio.run(main())
