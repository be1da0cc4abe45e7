"""An emulator of Azure Resource Manager.

resource_manager    authenticates a request, checks its api-version, and dispatches it
management_partner  Microsoft.ManagementPartner: partner links
authorization       Microsoft.Authorization: role definitions and eligibilities
role_assignments    Microsoft.Authorization: role assignments
subscriptions       tenants, subscriptions and resource groups
routes              what the providers share: routes and authenticated calls
scopes              what Microsoft.Authorization does at every scope
paging              lists in pages
"""
