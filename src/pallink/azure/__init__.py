"""The only package that imports `azure.*`: sign-in, transport, and the gateways to the two APIs.

connection          signs in and hands out the gateways
credentials         a chosen sign-in -> a credential of azure-identity
cloud_metadata      another Resource Manager's description of its cloud, cached
transport           the one transport below all of it, and its guards
failures            whatever azure-core, azure-identity or the SDK raise -> an error of pallink
partner_links       gateway to Microsoft.ManagementPartner
role_assignments    gateway to subscriptions, tenants and role assignments
"""

import logging

# Without a handler of their own, Python prints these libraries' warnings to stderr. pallink reports the errors itself.
for _name in ("azure", "msal"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
