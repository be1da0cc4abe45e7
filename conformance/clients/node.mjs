// Take the steps with the unmodified @azure/arm-managementpartner and @azure/identity. Prints one line of JSON per step.

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

async function report(step, call) {
  try {
    const result = (await call()) ?? null;
    console.log(JSON.stringify({ step, result }));
  } catch (error) {
    if (!error.statusCode) throw error;
    console.log(JSON.stringify({ step, status: error.statusCode, code: error.code ?? null }));
  }
}

await report("show, not linked", () => client.partners.get());
await report("create 719878", () => client.partner.create("719878"));
await report("show", () => client.partners.get());
await report("show 719878", () => client.partner.get("719878"));
await report("show 6183402", () => client.partner.get("6183402"));
await report("create 6183402, already linked", () => client.partner.create("6183402"));
await report("update 1234567, unknown", () => client.partner.update("1234567"));
await report("update 6183402", () => client.partner.update("6183402"));
await report("delete 6183402", () => client.partner.delete("6183402"));
await report("show, deleted", () => client.partners.get());
let count = 0;
for await (const _ of client.operation.list()) count += 1;
console.log(JSON.stringify({ step: "operations", result: { count } }));
