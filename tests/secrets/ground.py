"""The hunting ground: a machine on which every kind of secret is planted, and every place where one could turn up."""

import json
import logging
import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from pallink.sandbox.entra import managed_identity
from pallink.sandbox.state.store import Store
from tests.cli.people import APPLICATION, CONTOSO, INVOICES, Desk
from tests.cli.test_sign_in_bad_input import Papers
from tests.harness import Run
from tests.secrets.canaries import Hunt, canary
from tests.secrets.watch import Watch

# What rightly stands in a file. The world holds what its applications prove themselves with, and is public; the others
# are what the user gave to pallink, or told it to keep.
WORLD = frozenset({"client secret", "OIDC request token"})
INPUTS = {
    "application.pem": frozenset({"certificate key"}),
    "application.pfx": frozenset({"certificate key"}),
    "encrypted.pem": frozenset({"certificate key"}),
    "workload-identity-token": frozenset({"assertion", "OIDC token"}),
    "az-says.txt": frozenset({"access token"}),
}
TOKENS = frozenset({"access token", "refresh token", "ID token"})

METHODS = (
    "client-secret",
    "certificate",
    "certificate-pfx",
    "certificate-encrypted",
    "workload-identity",
    "github",
    "azure-pipelines",
    "managed-identity",
    "app-service",
    "device-code",
    "sandbox-user",
    "azure-cli",
)
"""Ways to sign in; `--auth` names the part before the hyphen of the certificates', and no `sandbox-user`."""

_AUTH = {
    "certificate-pfx": "certificate",
    "certificate-encrypted": "certificate",
    "app-service": "managed-identity",
    "sandbox-user": None,
}

KEY = rsa.generate_private_key(65537, 2048)


@dataclass
class Ground:
    """A machine with canaries.

    Attributes:
        desk: the machine.
        folder: everything that is written is below it.
        hunt: what is hunted for.
        watch: what passes the sandbox's door.
        secrets: the planted canaries by kind.
        keeps_tokens: whether somebody allowed tokens to be kept in plain text.
        links: what a test of faults begins with.
    """

    desk: Desk
    folder: Path
    hunt: Hunt
    watch: Watch
    secrets: dict[str, str] = field(default_factory=dict)
    keeps_tokens: bool = False
    links: list[Any] | None = None

    def plant(self) -> None:
        """Plant one canary of each kind, where such a secret belongs."""
        patch = self.desk.patch
        (self.folder / "tmp").mkdir()
        patch.setattr(tempfile, "tempdir", str(self.folder / "tmp"))
        for name in ("TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, str(self.folder / "tmp"))
        self.secrets = {
            "client secret": canary("client-secret"),
            "certificate password": canary("certificate-password"),
            "OIDC request token": ascii_canary("request-token"),
            "pipelines token": ascii_canary("access-token"),
            "identity header": ascii_canary("identity-header"),
            "proxy password": ascii_canary("proxy-password"),
        }
        for kind, secret in self.secrets.items():
            self.hunt.add("OIDC request token" if kind == "pipelines token" else kind, secret)
        self._change_world()
        patch.setattr(managed_identity, "IDENTITY_HEADER", self.secrets["identity header"])
        patch.setenv("AZURE_CLIENT_SECRET", self.secrets["client secret"])
        patch.setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", self.secrets["certificate password"])
        # In process nothing goes through a proxy; that it is set is enough for its password to be at hand.
        password = self.secrets["proxy password"].replace("%", "%25").replace("/", "%2F")
        patch.setenv("HTTPS_PROXY", f"http://somebody:{password}@127.0.0.1:9")
        for name in ("azure", "msal", "urllib3", "requests"):
            patch.setattr(logging.getLogger(name), "level", logging.DEBUG)
        patch.setenv("PALLINK_TRACEBACK", "1")

    def _change_world(self) -> None:
        def change(world: dict[str, Any]) -> None:
            for issuer in world["token_issuers"]:
                if "request_token" in issuer:
                    kind = "OIDC request token" if issuer["name"] == "github" else "pipelines token"
                    issuer["request_token"] = self.secrets[kind]
            for tenant in world["tenants"]:
                for application in tenant.get("applications", ()):
                    if application.get("client_id") == APPLICATION:
                        application["client_secret"] = self.secrets["client secret"]

        with Store(Path(os.environ["PALLINK_SANDBOX_HOME"])).transaction() as state:
            state.change_world(change)

    def prepare(self, method: str) -> list[str]:
        """Have the environment of a sign-in method, and return the options that name it."""
        desk = self.desk
        match method:
            case "certificate-pfx" | "certificate-encrypted":
                self._certificate(method)
            case "certificate":
                desk.environment("certificate")
                # azure-identity gets its content; the password belongs to another file.
                self._hunt_key((self.folder / "sandbox" / "application.pem").read_bytes())
            case "azure-cli":
                desk.az(INVOICES)
                said = json.loads((self.folder / "az-says.txt").read_text())
                self.hunt.add("access token", said["accessToken"])
            case "device-code":
                desk.reader_of_device_codes(INVOICES)
            case "sandbox-user":
                pass
            case _:
                desk.environment(method)
        if method == "workload-identity":
            self.hunt.add("assertion", (self.folder / "sandbox" / "workload-identity-token").read_text())
        # Those of a real account stay, whatever method is used.
        desk.patch.setenv("AZURE_CLIENT_SECRET", self.secrets["client secret"])
        auth = _AUTH.get(method, method)
        return [] if auth is None else ["--auth", auth]

    def _certificate(self, method: str) -> None:
        papers, password = Papers(KEY), self.secrets["certificate password"].encode()
        pem = papers.private() + papers.public
        self.desk.sandbox.register_certificate(APPLICATION, papers.public)
        name = "application.pfx" if method == "certificate-pfx" else "encrypted.pem"
        content = papers.pkcs12(password) if name.endswith("pfx") else papers.private(password) + papers.public
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        self._hunt_key(pem)
        patch = self.desk.patch
        patch.setenv("AZURE_TENANT_ID", CONTOSO)
        patch.setenv("AZURE_CLIENT_ID", APPLICATION)
        patch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(path))

    def _hunt_key(self, pem: bytes) -> None:
        """Its middle: the beginning is the same for all keys of its length."""
        lines = pem.decode().partition("PRIVATE KEY-----\n")[2].partition("-----END")[0].split("\n")
        self.hunt.add("certificate key", "".join(lines)[100:1000])

    def run(self, *words: str, allowed: Iterable[str] = (), **rest: Any) -> Run:
        """Run a command line and look at what it printed."""
        done = self.desk.pallink(*words, **rest)
        line = " ".join(word if len(word) < 60 else f"{word[:20]}..." for word in words)
        self.hunt.look(f"stdout of {line}", done.stdout, allowed=frozenset(allowed))
        self.hunt.look(f"stderr of {line}", done.stderr, allowed=frozenset(allowed))
        return done

    def look_at_files(self) -> None:
        """Look at every file below the folder, its name included."""
        for path in sorted(self.folder.rglob("*")):
            place = path.relative_to(self.folder).as_posix()
            self.hunt.look(f"the name {place}", place)
            if path.is_file() and not path.is_symlink():
                self.hunt.look(place, path.read_bytes(), allowed=self.allowed_in(path))

    def allowed_in(self, path: Path) -> frozenset[str]:
        """The kinds of secrets that belong into a file."""
        place = path.relative_to(self.folder)
        if place.parts[0] == "sandbox" and place.name == "sandbox.sqlite3":
            return WORLD
        if self.keeps_tokens and place.parts[:2] == ("sandbox", "sign-ins") and place.suffix == ".tokens":
            if os.name == "posix":
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
            return TOKENS
        return INPUTS.get(place.name, frozenset())


def ascii_canary(kind: str) -> str:
    """One that a header can hold."""
    return canary(kind).replace("é", "e").replace("'", "-").replace("<", "_").replace("&", "-")


def ground_at(desk: Desk, folder: Path, patch: pytest.MonkeyPatch, hunt: Hunt) -> Ground:
    """A ground with its canaries planted, and a watch at the door."""
    from pallink.sandbox import Sandbox  # noqa: PLC0415

    ground = Ground(desk, folder, hunt, Watch(hunt))
    usual = Sandbox.handle

    def handle(self: Any, request: Any) -> Any:
        return ground.watch.meet(request, lambda: usual(self, request))

    patch.setattr(Sandbox, "handle", handle)
    ground.plant()
    return ground
