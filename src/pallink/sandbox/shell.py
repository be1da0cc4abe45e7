"""Lines to paste into a terminal, for programs that use the served sandbox in place of Azure."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from pallink.sandbox.names import Shell

_PARTNERS = "/providers/Microsoft.ManagementPartner/partners"
_VERSION = "api-version=2018-02-01"
_PARTNER = "719878"

_PYTHON = """\
import os
from azure.identity import ClientSecretCredential
from azure.mgmt.managementpartner import ACEProvisioningManagementPartnerAPI
origin = "{origin}"
credential = ClientSecretCredential(
    os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"],
    authority=origin, disable_instance_discovery=True)
client = ACEProvisioningManagementPartnerAPI(
    credential, base_url=origin, credential_scopes=[origin + "/.default"])
print(client.partner.update("{partner}").partner_name)
"""

_NODE = """\
import {{ ClientSecretCredential }} from "@azure/identity";
import {{ ACEProvisioningManagementPartnerAPI }} from "@azure/arm-managementpartner";
const origin = "{origin}", env = process.env;
const credential = new ClientSecretCredential(
  env.AZURE_TENANT_ID, env.AZURE_CLIENT_ID, env.AZURE_CLIENT_SECRET,
  {{ authorityHost: origin, disableInstanceDiscovery: true }});
const client = new ACEProvisioningManagementPartnerAPI(
  credential, {{ endpoint: origin, credentialScopes: origin + "/.default" }});
console.log((await client.partner.update("{partner}")).partnerName);
"""


@dataclass(frozen=True, slots=True)
class Section:
    """Lines for one program.

    Attributes:
        name: The name; `settings` comes first, and the other sections use what it sets.
        explanation: What the lines are for.
        lines: The lines.
    """

    name: str
    explanation: str
    lines: tuple[str, ...]


def sections(shell: Shell, origin: str, authority: Path) -> tuple[Section, ...]:
    """Return the lines for every program.

    Args:
        shell: The shell that runs them.
        origin: The origin that the sandbox is served at.
        authority: The file of the certificate authority.
    """
    write = _Writer(shell)
    settings = {"REQUESTS_CA_BUNDLE": str(authority), "NODE_EXTRA_CA_CERTS": str(authority)}
    azure_cli = {
        "AZURE_CONFIG_DIR": str(authority.parent / "az"),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
    }
    client_id, secret, tenant = map(write.variable, ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"))
    partner_url, link_url = f"{_PARTNERS}/{_PARTNER}?{_VERSION}", f"{_PARTNERS}?{_VERSION}"
    return (
        Section(
            "settings",
            "trust, and the application",
            (*(write.set(name, value) for name, value in settings.items()), write.sign_in),
        ),
        Section(
            "pallink", "this program", (f"pallink link {_PARTNER} --cloud {origin}", f"pallink show --cloud {origin}")
        ),
        Section(
            "az",
            "the Azure CLI, with a configuration of its own",
            (
                *(write.set(name, value) for name, value in azure_cli.items()),
                f"az cloud register --name sandbox --endpoint-resource-manager {origin}",
                "az cloud set --name sandbox",
                f'az login --service-principal --username "{client_id}" --password "{secret}" --tenant "{tenant}"',
                f'az rest --method patch --url "{partner_url}"',
                f'az rest --method get --url "{link_url}"',
            ),
        ),
        Section("curl", "or any other program that speaks HTTPS", write.curl(origin, authority, partner_url)),
        Section(
            "python",
            "with azure-identity and azure-mgmt-managementpartner",
            write.program(write.python, _PYTHON.format(origin=origin, partner=_PARTNER)),
        ),
        Section(
            "node",
            "with @azure/identity and @azure/arm-managementpartner",
            write.program("node '--input-type=module'", _NODE.format(origin=origin, partner=_PARTNER)),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    shell: Shell

    @property
    def python(self) -> str:
        return "python" if self.shell is Shell.POWERSHELL else "python3"

    @property
    def sign_in(self) -> str:
        """The line that sets the application's variables without showing the secret."""
        command = f"pallink sandbox env client-secret --shell {self.shell}"
        return (
            f"{command} | Out-String | Invoke-Expression" if self.shell is Shell.POWERSHELL else f'eval "$({command})"'
        )

    def variable(self, name: str) -> str:
        return f"$env:{name}" if self.shell is Shell.POWERSHELL else f"${name}"

    def set(self, name: str, value: str) -> str:
        return assignment(self.shell, name, value)

    def program(self, command: str, text: str) -> tuple[str, ...]:
        """Return the lines that pipe a program's source into its interpreter."""
        if self.shell is Shell.POWERSHELL:
            return ("$program = @'", *text.splitlines(), "'@", f"$program | {command}")
        return (f"{command} <<'END'", *text.splitlines(), "END")

    def curl(self, origin: str, authority: Path, partner_url: str) -> tuple[str, ...]:
        """Return the lines that get a token and update the link with it.

        In PowerShell `curl` may be an alias for Invoke-WebRequest, hence `curl.exe`; it also parses JSON itself.
        Windows' curl checks revocation, and the sandbox's authority publishes no list of revoked certificates.
        """
        token_url = f"{origin}/{self.variable('AZURE_TENANT_ID')}/oauth2/v2.0/token"
        fields = (
            "grant_type=client_credentials",
            f"client_id={self.variable('AZURE_CLIENT_ID')}",
            f"client_secret={self.variable('AZURE_CLIENT_SECRET')}",
            f"scope={origin}/.default",
        )
        data = " ".join(f'--data-urlencode "{field}"' for field in fields)
        if self.shell is Shell.POWERSHELL:
            trust = f"--ssl-revoke-best-effort --cacert '{_escape_single_quotes(str(authority))}'"
            return (
                f'$token = (curl.exe -sS {trust} {data} "{token_url}" | ConvertFrom-Json).access_token',
                f'curl.exe -sS {trust} -X PATCH -H "Authorization: Bearer $token" "{origin}{partner_url}"',
            )
        trust = f"--cacert {shlex.quote(str(authority))}"
        extract = 'sed \'s/.*"access_token":"\\([^"]*\\)".*/\\1/\''
        return (
            f'token=$(curl -sS {trust} {data} "{token_url}" | {extract})',
            f'curl -sS {trust} -X PATCH -H "Authorization: Bearer $token" "{origin}{partner_url}"',
        )


def assignment(shell: Shell, name: str, value: str) -> str:
    """Return the line that sets an environment variable."""
    if shell is Shell.POWERSHELL:
        return f"$env:{name} = '{_escape_single_quotes(value)}'"
    return f"export {name}={shlex.quote(value)}"


def _escape_single_quotes(value: str) -> str:
    return value.replace("'", "''")
