"""An emulator of Azure Resource Manager.

resource_manager    authenticates a request, checks its api-version, and dispatches it
management_partner  Microsoft.ManagementPartner: partner links
authorization       Microsoft.Authorization: role definitions, assignments and eligibilities
subscriptions       tenants, subscriptions and resource groups
routes              what the providers share: routes and authenticated calls
paging              lists in pages
"""
