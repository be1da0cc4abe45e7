"""What is known of the sandbox without loading it: command lines name it in their help."""

from enum import StrEnum

ORIGIN = "https://sandbox.invalid"
"""Where the sandbox is found in process. RFC 2606 reserves the top-level domain: the name never resolves."""

FAULTS = {
    "status": "another status answers, with a body and headers of your choice",
    "delay": "the answer comes later",
    "closed": "the connection is closed without an answer",
    "truncated": "the answer breaks off in the middle of its body",
    "wrong-json": "200 answers with JSON of another shape",
    "html": "200 answers with the page of a proxy",
    "redirect": "307 leads to another host",
    "expired-token": "Resource Manager says that the token has expired",
    "stale": "GET answers with the link as it was before the last write",
}
"""What can happen to a request, and what that is."""

METHODS = (
    "client-secret",
    "certificate",
    "workload-identity",
    "github",
    "azure-pipelines",
    "managed-identity",
    "app-service",
)
"""The ways to sign in by variables, for each of which `Sandbox.environment` makes them."""


class Shell(StrEnum):
    """Whom lines to paste are for."""

    SH = "sh"
    POWERSHELL = "powershell"
