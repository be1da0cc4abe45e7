"""The only package that imports `azure.*`: sign-in, transport, and the gateways to the two APIs.

connection               the gateways for somebody who signed in
signing_in               finds the cloud, signs in, makes sure that it is the right account
login_logout             keeps a sign-in for later commands, and removes one
credentials              a chosen sign-in -> a credential of azure-identity -> one account and its token
application_credentials  ... by a secret, a certificate, or a token that somebody else vouches with
user_credentials         ... by a browser, a device code, or a sign-in that was kept
session_credentials      ... by the Azure CLI's session or a managed identity
certificate              the file of a certificate credential
means                    what a credential is built with
token_store              azure-identity's token caches of kept sign-ins
cloud_metadata           another Resource Manager's description of its cloud, cached
presented                which parts of a request and of an answer are secrets
transport                the one transport below all of it, and its guards
trust                    the certificates that it accepts
failures                 whatever azure-core, the SDK or requests raise -> an error of pallink
sign_in_failures         the same for what a credential raises
partner_links            gateway to Microsoft.ManagementPartner
role_assignments         gateway to subscriptions, tenants and role assignments
"""

import logging

# Without a handler of their own, Python prints these libraries' warnings to stderr. pallink reports the errors itself.
for _name in ("azure", "msal"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
