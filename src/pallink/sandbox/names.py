"""Constants that the command line shows in its help, without loading the sandbox."""

from enum import StrEnum

ORIGIN = "https://sandbox.invalid"
"""The sandbox's origin in process. RFC 2606 reserves the top-level domain: the name never resolves."""

VAULT_SUFFIX = "vault.sandbox.invalid"
"""The domain of the sandbox's vaults in process: `NAME.vault.sandbox.invalid`."""

GRAPH_ORIGIN = "https://graph.sandbox.invalid"
"""The origin of the sandbox's Microsoft Graph in process."""

FAULTS = {
    "status": "the response has another status, with a body and headers of your choice",
    "delay": "the response is delayed",
    "closed": "the connection is closed without a response",
    "truncated": "the response breaks off in the middle of its body",
    "wrong-json": "the response is 200 with JSON of another shape",
    "html": "the response is 200 with the HTML page of a proxy",
    "redirect": "the response is a 307 redirect to another host",
    "expired-token": "Resource Manager rejects the token as expired",
    "stale": "GET returns the link as it was before the last write",
}
"""The faults by name, each with what happens to a request."""

METHODS = (
    "client-secret",
    "certificate",
    "workload-identity",
    "github",
    "azure-pipelines",
    "managed-identity",
    "app-service",
    "azure-arc",
    "cloud-shell",
)
"""The sign-in methods that `Sandbox.environment` returns variables for."""


class Shell(StrEnum):
    """The shell that lines to paste are written for."""

    SH = "sh"
    POWERSHELL = "powershell"
