"""People and machines that sign in to the sandbox, for the tests: each method with all that it needs."""

import json
import os
import sys
import webbrowser
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from msal import managed_identity as msal_managed_identity  # type: ignore[import-untyped]

from pallink.cli.prompter import TerminalPrompter
from pallink.sandbox import ORIGIN, Request, Response, Sandbox, home
from pallink.sandbox.entra.browser import Browser
from tests.harness import Pallink, Run
from tests.https_server import Raw, https_server, serve_sandbox
from tests.sandbox.client import Client

INVOICES = "invoices@contoso.com"
APPROVERS = "svc_approvers@contoso.com"
CONTOSO = "8fe81352-b317-4e31-9d5b-b42cafcd167c"
FABRIKAM = "cfea1764-3805-4abd-a169-4a8af158423d"
APPLICATION = "6be1d7c7-4712-4123-a241-8b8918c455f9"
SECRET = "sandbox-onboarding-secret"
BUILD_AGENT = "d793c792-e3f1-4fc6-9b92-3a226c6952cc"
PARTNER_LINK = "8f9a1347-d810-4f92-ba97-c4cdba4b6d5f"


@dataclass
class Desk:
    """A machine on which somebody uses pallink against one sandbox, in process or served over HTTPS.

    Attributes:
        seen: what a served sandbox was asked.
    """

    pallink: Pallink
    patch: pytest.MonkeyPatch
    folder: Path
    origin: str = ORIGIN
    seen: list[Request] = field(default_factory=list)

    @property
    def sandbox(self) -> Sandbox:
        return Sandbox(home())

    @property
    def cloud(self) -> str:
        return "sandbox" if self.origin == ORIGIN else self.origin

    def run(self, command: str, **rest: object) -> Run:
        return self.pallink(*command.split(), "--cloud", self.cloud, **rest)

    def environment(self, method: str) -> None:
        """What the method's variables have to say."""
        for name, value in self.sandbox.environment(method, origin=self.origin).items():
            self.patch.setenv(name, value)

    def azure_arc(self) -> None:
        """A machine with the agent of Azure Arc, whose keys are in the sandbox's folder: only there may they be."""
        self.environment("azure-arc")
        self.patch.setitem(msal_managed_identity._supported_arc_platforms_and_their_prefixes, sys.platform, str(home()))

    def browser(self, account: str | None = None) -> None:
        """A browser whose person chooses this account."""
        self.patch.setenv("BROWSER", "true")
        self.patch.setattr(webbrowser, "open", Browser(self.sandbox, account).open)

    def reader_of_device_codes(self, account: str | None = None, *, deny: bool = False) -> None:
        """Somebody who enters the code that pallink shows, as this account."""
        self.sandbox.set("device-code-interval", "0")
        show: Callable[..., None] = TerminalPrompter.show_device_code

        def read(person: TerminalPrompter, message: str, code: str) -> None:
            show(person, message, code)
            self.sandbox.approve(code, account, deny=deny)

        self.patch.setattr(TerminalPrompter, "show_device_code", read)

    def az(self, account: str = INVOICES, *, prints: str | None = None, fails: bool = False) -> None:
        """An `az` in whose session this account is signed in."""
        client = Client(Path(os.environ["PALLINK_SANDBOX_HOME"]))
        client.sandbox = self.sandbox
        token = client.tokens(account, origin=self.origin)["access_token"]
        answer = {"accessToken": token, "expires_on": 4102444800, "tokenType": "Bearer"}
        said = self.folder / "az-says.txt"
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        on_windows = sys.platform == "win32"
        program = f'@type "{said}"{" 1>&2 & exit /b 1" if fails else ""}\n'
        if not on_windows:
            program = f"#!/bin/sh\ncat '{said}' {'>&2; exit 1' if fails else ''}\n"
        # Moved into place: another thread of the command may be running az at this moment.
        for path, text in ((said, prints if prints is not None else json.dumps(answer)), (_az_in(folder), program)):
            draft = path.with_name(f"{path.name}.draft")
            draft.write_text(text)
            draft.chmod(0o755)
            draft.replace(path)
        self.patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def renamed(token: str, name: str) -> str:
    """Return a JSON Web Token in which the user has another name; its signature no longer matches."""
    header, payload, signature = token.split(".")
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims |= {claim: name for claim in ("upn", "unique_name", "preferred_username") if claim in claims}
    return f"{header}.{urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.{signature}"


def _az_in(folder: Path) -> Path:
    return folder / ("az.cmd" if sys.platform == "win32" else "az")


Instead = Callable[[Request], Response | Raw | None]


@contextmanager
def served(desk: Desk, instead: Instead = lambda _: None) -> Iterator[Desk]:
    """The same desk, with its sandbox at an HTTPS address that this machine trusts.

    What `instead` returns for a request is answered in place of the sandbox.
    """
    authority = trustme.CA()
    bundle = desk.folder / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    desk.patch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    sandbox = serve_sandbox(desk.sandbox, desk.seen)
    with https_server(lambda request: instead(request) or sandbox(request), authority) as origin:
        desk.origin = origin
        yield desk
