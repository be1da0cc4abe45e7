"""What the libraries send about themselves is what SECURITY.md says, and no more; and none of it is a secret."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from pallink.sandbox import Sandbox
from tests.cli.people import INVOICES, Desk
from tools.program import ROOT

pytestmark = pytest.mark.usefixtures("no_keyring", "clock")

# What HTTP and the services themselves want.
OF_THE_PROTOCOLS = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "metadata",
        "x-identity-header",
        "x-tfs-fedauthredirect",
    }
)


def documented() -> set[str]:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    listed = text.partition("<!-- headers -->")[2].partition("<!-- end -->")[0]
    names = [line.partition(": ")[0] for line in listed.splitlines() if line.startswith("- ")]
    return {name.lower() for line in names for name in re.findall(r"`([^`]+)`", line)}


def test_every_header_is_documented_and_nothing_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, set[str]] = {}
    handle: Callable[..., Any] = Sandbox.handle

    def watched(self: Sandbox, request: Any) -> Any:
        for name, value in request.headers.items():
            seen.setdefault(name.lower(), set()).add(value)
        return handle(self, request)

    monkeypatch.setattr(Sandbox, "handle", watched)
    desk.sandbox.set("token-lifetime", "60")
    assert desk.run(f"login --account {INVOICES} --allow-plain-text-cache").code == 0
    assert desk.run(f"check --account {INVOICES}").code == 0
    desk.reader_of_device_codes(INVOICES)
    assert desk.run(f"whoami --auth device-code --account {INVOICES}").code == 0
    for method in ("client-secret", "certificate", "github", "azure-pipelines", "managed-identity", "app-service"):
        with monkeypatch.context() as patch:
            desk.patch = patch
            desk.environment(method)
            auth = "managed-identity" if method == "app-service" else method
            assert desk.run(f"link 719878 --role-check skip --yes --auth {auth}").code == 0
    found = set(seen) - OF_THE_PROTOCOLS
    assert found == documented()
    for agent in seen["user-agent"]:
        assert re.match(r"(azsdk-python-|python-requests/|pallink/)", agent), agent
    for name in ("x-client-current-telemetry", "x-client-last-telemetry"):
        assert all(re.fullmatch(r"[\d|,;a-z_]*", value) for value in seen[name]), seen[name]
