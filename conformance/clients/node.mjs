// @azure/arm-managementpartner and @azure/identity as they are. Prints each step's answer; run.py judges them.

import { ClientSecretCredential } from "@azure/identity";
import { ACEProvisioningManagementPartnerAPI } from "@azure/arm-managementpartner";

const { SANDBOX_ORIGIN: origin, AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET } = process.env;
const credential = new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, {
  authorityHost: origin,
  disableInstanceDiscovery: true,
});
const client = new ACEProvisioningManagementPartnerAPI(credential, {
  endpoint: origin,
  credentialScopes: `${origin}/.default`,
});

async function tell(step, call) {
  try {
    const answer = (await call()) ?? null;
    console.log(JSON.stringify({ step, answer }));
  } catch (error) {
    if (!error.statusCode) throw error;
    console.log(JSON.stringify({ step, status: error.statusCode, code: error.code ?? null }));
  }
}

await tell("show, not linked", () => client.partners.get());
await tell("create 719878", () => client.partner.create("719878"));
await tell("show", () => client.partners.get());
await tell("show 719878", () => client.partner.get("719878"));
await tell("show 6183402", () => client.partner.get("6183402"));
await tell("create 6183402, linked already", () => client.partner.create("6183402"));
await tell("update 1234567, nobody's", () => client.partner.update("1234567"));
await tell("update 6183402", () => client.partner.update("6183402"));
await tell("delete 6183402", () => client.partner.delete("6183402"));
await tell("show, deleted", () => client.partners.get());
let count = 0;
for await (const _ of client.operation.list()) count += 1;
console.log(JSON.stringify({ step: "operations", answer: { count } }));
