"""The only package that imports `azure.*`: sign-in, transport, and the clients of the APIs.

client          signs in and creates the clients for links and roles
links           the account's link: Microsoft.ManagementPartner
roles           the tenant's name, subscriptions and role assignments
writes          a write that is sent once
vault           secrets of Key Vault, read as the account that runs pallink
auth            sign-in through azure-identity
transport       the transport below all of them, with its guards
cloud_metadata  the metadata of a cloud that is not built in
unreachable     why a request had no response
errors          turns exceptions of the SDK and of requests into errors of pallink
"""

import logging

# Without a handler, Python prints these libraries' warnings to stderr. pallink reports the errors itself.
for _name in ("azure", "msal"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
