"""An emulator of Entra ID: sign-in, tokens, managed identities.

endpoints              routes requests: discovery, authorize, device code and token endpoints
authorize              the authorize endpoint
device_codes           the device code flow
grants                 the token endpoint
client_authentication  client secrets and client assertions
federation             GitHub Actions, Azure Pipelines and Kubernetes as issuers of assertions
managed_identity       managed identities of a virtual machine (IMDS) and of App Service
refusals               sign-ins that fail by the account's state or by a setting
challenges             claims challenges
bearer                 the bearer token of a request to Resource Manager or Graph
tokens                 signed tokens and their claims
directory              look-ups: tenant, client, account, resource
errors                 errors with an AADSTS number
pages                  the HTML pages
browser                a browser for sign-ins in process
"""
