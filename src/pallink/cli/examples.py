"""The examples in the help: two for each command and group, by its full name; the empty name is pallink itself."""

_ELIGIBLE = "5a0c8b7e-0b0e-4c53-9d43-2f9b7c1d6a01"
_SCOPE = "/subscriptions/0e3bd0a4-6f3c-4bd5-a8a5-5d0f53a30f1b"
_ASSIGNMENT = (
    "/subscriptions/738477cd-6b20-448f-9a34-9d5592cff509/providers/Microsoft.Authorization/roleAssignments/"
    "b29da052-d8df-4193-a987-46c088462638"
)

EXAMPLES: dict[str, tuple[str, str]] = {
    "": (
        "pallink link 719878 --account invoices@contoso.com",
        "pallink verify 719878 --account invoices@contoso.com",
    ),
    "link": (
        "pallink link 719878 --account invoices@contoso.com",
        "pallink link 719878 --tenant contoso.onmicrosoft.com --tenant fabrikam.onmicrosoft.com --dry-run",
    ),
    "show": (
        "pallink show --account invoices@contoso.com",
        "pallink show --query partnerId -o tsv",
    ),
    "update": (
        "pallink update 6183402 --account invoices@contoso.com",
        "pallink update 6183402 --dry-run",
    ),
    "unlink": (
        "pallink unlink --account invoices@contoso.com",
        "pallink unlink 719878 --yes",
    ),
    "verify": (
        "pallink verify 719878 --account invoices@contoso.com",
        "pallink verify 719878 --role-check require --junit pallink.xml",
    ),
    "check": (
        "pallink check --account invoices@contoso.com",
        'pallink check --subscription "Contoso Production"',
    ),
    "login": (
        "pallink login --account invoices@contoso.com",
        "pallink login --auth device-code --tenant contoso.onmicrosoft.com",
    ),
    "logout": (
        "pallink logout --account invoices@contoso.com",
        "pallink logout --all",
    ),
    "whoami": (
        "pallink whoami",
        "pallink whoami --all",
    ),
    "role": (
        'pallink role assign --to invoices@contoso.com --subscription "Contoso Production"',
        "pallink role show --to invoices@contoso.com",
    ),
    "role assign": (
        'pallink role assign --to invoices@contoso.com --subscription "Contoso Production"',
        "pallink role assign --fleet accounts.yaml --account owner@contoso.com",
    ),
    "role remove": (
        'pallink role remove --to invoices@contoso.com --subscription "Contoso Production"',
        f"pallink role remove --id {_ASSIGNMENT} --yes",
    ),
    "role show": (
        "pallink role show --to invoices@contoso.com",
        "pallink role show --to 6be1d7c7-4712-4123-a241-8b8918c455f9 -o json",
    ),
    "fleet": (
        "pallink fleet plan accounts.yaml",
        "pallink fleet apply accounts.yaml",
    ),
    "fleet plan": (
        "pallink fleet plan accounts.yaml",
        "pallink fleet plan accounts.yaml --out plan.json --detailed-exitcode",
    ),
    "fleet apply": (
        "pallink fleet apply accounts.yaml",
        "pallink fleet apply --resume last",
    ),
    "fleet verify": (
        "pallink fleet verify accounts.yaml",
        "pallink fleet verify accounts.csv --select tenant=contoso.onmicrosoft.com --junit pallink.xml",
    ),
    "fleet check": (
        "pallink fleet check accounts.yaml",
        "pallink fleet check accounts.yaml --select tag=approvals --junit pallink.xml",
    ),
    "fleet discover": (
        "pallink fleet discover 719878 customers.yaml",
        "pallink fleet discover 719878 customers.yaml --exclude-tenant lab.partner.example",
    ),
    "fleet runs": (
        "pallink fleet runs",
        "pallink fleet runs last -o json",
    ),
    "fleet validate": (
        "pallink fleet validate accounts.yaml",
        "pallink fleet validate accounts.csv -o json",
    ),
    "tenants": (
        "pallink tenants",
        "pallink tenants --links -o json",
    ),
    "sandbox": (
        "pallink sandbox show",
        "pallink link 719878 --cloud sandbox",
    ),
    "sandbox assign": (
        "pallink sandbox assign --assignee-object-id 0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3",
        "pallink sandbox assign --assignee-object-id 0ff5d39d-5d27-4f5c-9cbe-8fe3db2971e3 --role Contributor",
    ),
    "sandbox activate": (
        f"pallink sandbox activate --assignee-object-id {_ELIGIBLE} --scope {_SCOPE}",
        f"pallink sandbox activate --assignee-object-id {_ELIGIBLE} --scope {_SCOPE} --role Contributor",
    ),
    "sandbox grow": (
        "pallink sandbox grow --applications 1000 --tenants 40 --fleet-file rehearsal.yaml",
        "pallink sandbox grow --tenants 40 --guest invoices@contoso.com",
    ),
    "sandbox guest-policy": (
        "pallink sandbox guest-policy mfa tenant-0001.example tenant-0002.example",
        "pallink sandbox guest-policy none tenant-0001.example",
    ),
    "sandbox revoke-sessions": (
        "pallink sandbox revoke-sessions invoices@contoso.com",
        "pallink sandbox revoke-sessions invoices@contoso.com --quiet",
    ),
    "sandbox show": (
        "pallink sandbox show",
        "pallink sandbox show --query links -o json",
    ),
    "sandbox reset": (
        "pallink sandbox reset",
        "pallink sandbox reset --quiet",
    ),
    "sandbox set": (
        "pallink sandbox set provider absent",
        "pallink sandbox set response-delay 500",
    ),
    "sandbox approve": (
        "pallink sandbox approve ABCD-EFGH --account invoices@contoso.com",
        "pallink sandbox approve ABCD-EFGH --deny",
    ),
    "sandbox serve": (
        "pallink sandbox serve",
        "pallink sandbox serve --port 8443 --shell powershell",
    ),
    "sandbox env": (
        "pallink sandbox env client-secret",
        "pallink sandbox env certificate --shell powershell",
    ),
    "sandbox fault": (
        "pallink sandbox fault add closed --method PUT",
        "pallink sandbox fault clear",
    ),
    "sandbox fault add": (
        "pallink sandbox fault add closed --method PUT",
        "pallink sandbox fault add status --status 503 --path '*/partners/*' --times 2",
    ),
    "sandbox fault list": (
        "pallink sandbox fault list",
        "pallink sandbox fault list -o json",
    ),
    "sandbox fault clear": (
        "pallink sandbox fault clear",
        "pallink sandbox fault clear 1",
    ),
}
