"""Lines to paste into a terminal, for programs that work with the served sandbox as they do with Azure."""

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
    """Lines that belong together, and what they are for. Those of `name` `settings` come first: the others use them."""

    name: str
    explanation: str
    lines: tuple[str, ...]


def sections(shell: Shell, origin: str, authority: Path) -> tuple[Section, ...]:
    """Returns the lines for each program.

    Args:
        shell: Who reads them.
        origin: Where the sandbox is served.
        authority: The certificate authority's file.
    """
    write = _Writer(shell)
    settings = {"REQUESTS_CA_BUNDLE": str(authority), "NODE_EXTRA_CA_CERTS": str(authority)}
    azure_cli = {
        "AZURE_CONFIG_DIR": str(authority.parent / "az"),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
    }
    client_id, secret, tenant = map(write.variable, ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"))
    one, link = f"{_PARTNERS}/{_PARTNER}?{_VERSION}", f"{_PARTNERS}?{_VERSION}"
    return (
        Section(
            "settings", "trust, and the application", (*(write.set(*each) for each in settings.items()), write.sign_in)
        ),
        Section(
            "pallink", "this program", (f"pallink link {_PARTNER} --cloud {origin}", f"pallink show --cloud {origin}")
        ),
        Section(
            "az",
            "the Azure CLI, with a configuration of its own",
            (
                *(write.set(*each) for each in azure_cli.items()),
                f"az cloud register --name sandbox --endpoint-resource-manager {origin}",
                "az cloud set --name sandbox",
                f'az login --service-principal --username "{client_id}" --password "{secret}" --tenant "{tenant}"',
                f'az rest --method patch --url "{one}"',
                f'az rest --method get --url "{link}"',
            ),
        ),
        Section("curl", "or any other program that speaks HTTPS", write.curl(origin, authority, one)),
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
        """The line that sets the application's variables; the secret itself is printed for the shell alone."""
        command = f"pallink sandbox env client-secret --shell {self.shell}"
        return (
            f"{command} | Out-String | Invoke-Expression" if self.shell is Shell.POWERSHELL else f'eval "$({command})"'
        )

    def variable(self, name: str) -> str:
        return f"$env:{name}" if self.shell is Shell.POWERSHELL else f"${name}"

    def set(self, name: str, value: str) -> str:
        return assignment(self.shell, name, value)

    def program(self, command: str, text: str) -> tuple[str, ...]:
        """Returns the lines that feed a program's text to what runs it."""
        if self.shell is Shell.POWERSHELL:
            return ("$program = @'", *text.splitlines(), "'@", f"$program | {command}")
        return (f"{command} <<'END'", *text.splitlines(), "END")

    def curl(self, origin: str, authority: Path, one: str) -> tuple[str, ...]:
        """Returns the lines that get a token, and write with it.

        PowerShell has an alias `curl` for something else, and takes JSON apart by itself.
        """
        token_url = f"{origin}/{self.variable('AZURE_TENANT_ID')}/oauth2/v2.0/token"
        fields = (
            "grant_type=client_credentials",
            f"client_id={self.variable('AZURE_CLIENT_ID')}",
            f"client_secret={self.variable('AZURE_CLIENT_SECRET')}",
            f"scope={origin}/.default",
        )
        data = " ".join(f'--data-urlencode "{each}"' for each in fields)
        if self.shell is Shell.POWERSHELL:
            trust = f"--cacert '{_doubled(str(authority))}'"
            return (
                f'$token = (curl.exe -sS {trust} {data} "{token_url}" | ConvertFrom-Json).access_token',
                f'curl.exe -sS {trust} -X PATCH -H "Authorization: Bearer $token" "{origin}{one}"',
            )
        trust = f"--cacert {shlex.quote(str(authority))}"
        cut = 'sed \'s/.*"access_token":"\\([^"]*\\)".*/\\1/\''
        return (
            f'token=$(curl -sS {trust} {data} "{token_url}" | {cut})',
            f'curl -sS {trust} -X PATCH -H "Authorization: Bearer $token" "{origin}{one}"',
        )


def assignment(shell: Shell, name: str, value: str) -> str:
    """Returns the line that sets an environment variable."""
    if shell is Shell.POWERSHELL:
        return f"$env:{name} = '{_doubled(value)}'"
    return f"export {name}={shlex.quote(value)}"


def _doubled(value: str) -> str:
    return value.replace("'", "''")
