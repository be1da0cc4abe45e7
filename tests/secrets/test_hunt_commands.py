"""Every command, by every way to sign in and in every format: no secret in what it prints, and none in a file."""

import os
import stat
from pathlib import Path

import pytest

from pallink.azure.auth import token_cache as token_store
from pallink.output import OutputFormat
from tests.cli.commands import COMMANDS, words_for
from tests.cli.people import APPROVERS, INVOICES
from tests.exhaustive import combinations
from tests.secrets.ground import METHODS, Ground

pytestmark = pytest.mark.usefixtures("no_keyring", "serve_ends")

JOBS = [
    "show",
    "link 719878 --role-check skip --yes",
    "verify 719878",
    "update 6183402 --role-check skip --yes",
    "verify 719878",
    "check",
    "whoami",
    "unlink --yes",
    "verify 719878",
    "login",
]
IN_SANDBOX = ["--cloud", "sandbox"]


# By default the way whose secret pallink itself reads.
@pytest.mark.parametrize("method", combinations(METHODS, default=lambda method: method == "client-secret"))
def test_every_way_to_sign_in(ground: Ground, method: str) -> None:
    auth = ground.prepare(method)
    ground.desk.patch.setenv("GITHUB_STEP_SUMMARY", str(ground.folder / "summary.md"))
    for number, job in enumerate(JOBS):
        words = [*job.split(), *IN_SANDBOX, *auth]
        if job.startswith("verify"):
            words += ["--junit", str(ground.folder / f"{number}.xml")]
            ground.desk.patch.setenv("GITHUB_ACTIONS", "true")
            ground.desk.patch.setenv("TF_BUILD", "True")
        # To open a file with a password takes its time.
        for logs in (["--debug"],) if method.startswith("certificate-") else ([], ["--debug"]):
            done = ground.run(*words, *logs)
            # Nothing keeps a sign-in here: login says so, before it signs in.
            assert done.code == 4 if job == "login" else done.code in (0, 3, 5, 6), done.stderr
    kinds = set(ground.hunt.kinds.values())
    assert "access token" in kinds
    assert (ground.folder / "summary.md").exists()


# By default the format and the log that hold everything.
@pytest.mark.parametrize(
    ("output", "log"),
    combinations(
        OutputFormat,
        ["", "--verbose", "--debug", "--quiet"],
        default=lambda output, log: output is OutputFormat.JSON and log == "--debug",
    ),
)
def test_every_command_in_every_format(ground: Ground, output: str, log: str) -> None:
    auth = ground.prepare("client-secret")
    # logout last: the sandbox's users sign in by themselves until then.
    for name in sorted(COMMANDS, key=lambda name: name == "logout"):
        if name == "sandbox reset":
            continue  # It would take the canaries out of the world.
        takes_auth = any(parameter.name == "auth" for parameter in COMMANDS[name].params)
        allowed = {"client secret", "OIDC request token"} if name in ("sandbox show", "sandbox env") else set()
        words = words_for(name)
        # Those that send nothing have no log.
        logs = [] if log in {"--verbose", "--debug"} and "--cloud" not in words else log.split()
        # Those that name an account are for another one.
        if takes_auth and "--account" not in words:
            words += auth
        done = ground.run(*words, "-o", output, *logs, allowed=allowed)
        # An application is in one tenant: there is nothing to discover.
        assert done.code in ((4,) if name == "fleet discover" else (0, 3, 5)), done.stderr


def test_what_the_sandbox_prints_to_sign_in_with_is_not_cut(ground: Ground) -> None:
    ground.prepare("client-secret")
    shown = ground.run("sandbox", "env", "client-secret", "-o", "json", allowed={"client secret"})
    assert shown.json["AZURE_CLIENT_SECRET"] == ground.secrets["client secret"]


def test_a_kept_sign_in_from_login_to_logout(ground: Ground) -> None:
    ground.keeps_tokens = True
    ground.desk.sandbox.set("token-lifetime", "60")
    for account in (INVOICES, APPROVERS):
        assert ground.run("login", *IN_SANDBOX, "--account", account, "--allow-plain-text-cache", "--debug").code == 0
    auth = ground.prepare("client-secret")
    assert ground.run("login", *IN_SANDBOX, *auth, "--allow-plain-text-cache", "--debug").code == 0
    for job in ("whoami", "link 719878 --yes", "show", "whoami --all"):
        done = ground.run(*job.split(), *IN_SANDBOX, "--account", INVOICES, "--debug")
        assert done.code == 0, done.stderr
    assert "refresh token" in ground.hunt.kinds.values()
    caches = list((ground.folder / "sandbox" / "sign-ins").glob("*.tokens"))
    assert ground.hunt.in_bytes(b"".join(path.read_bytes() for path in caches)), "the cache holds what it is there for"
    ground.look_at_files()
    assert ground.run("logout", "--all").code == 0
    ground.keeps_tokens = False
    assert not [path for path in caches if path.exists()]


def test_without_the_opt_in_no_token_is_kept(ground: Ground) -> None:
    done = ground.run("login", *IN_SANDBOX, "--account", INVOICES, "--debug")
    assert done.code == 4
    assert "refresh token" not in ground.hunt.kinds.values()
    assert not list(ground.folder.rglob("*.tokens"))


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps files by access lists")
def test_where_tokens_can_be_encrypted_the_file_holds_none(ground: Ground) -> None:
    """The operating system's part is played: what it is given is what would be encrypted, and the file a mere mark."""
    given: list[str] = []

    class Encrypted:
        """As msal-extensions' LibsecretPersistence: the content goes to the keyring, the file says when it changed."""

        def __init__(self, path: Path) -> None:
            self._path = path

        def save(self, content: str) -> None:
            given.append(content)
            self._path.touch()

        def load(self) -> str:
            return given[-1]

    ground.desk.patch.setattr(token_store, "_persistence", Encrypted)
    done = ground.run("login", *IN_SANDBOX, "--account", INVOICES, "-o", "json")
    assert done.code == 0, done.stderr
    assert done.json["stored"] is True
    assert any(ground.hunt.in_bytes(each.encode()) for each in given)
    kept = list((ground.folder / "sandbox" / "sign-ins").iterdir())
    assert {path.suffix for path in kept} == {".json", ".encrypted", ""}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept)


@pytest.mark.parametrize(
    "method",
    combinations(["browser", "client-secret", "managed-identity"], default=lambda method: method == "client-secret"),
)
def test_over_https(ground: Ground, served_desk: object, method: str) -> None:
    ground.desk.patch.setenv("NO_PROXY", "localhost,127.0.0.1")
    assert served_desk is ground.desk
    if method == "browser":
        ground.desk.browser(INVOICES)
    else:
        ground.desk.environment(method)
    for job in ("link 719878 --yes --role-check skip", "show", "verify 719878", "whoami", "check", "unlink --yes"):
        words = [*job.split(), "--cloud", ground.desk.cloud, "--auth", method, "--debug"]
        done = ground.run(*words)
        assert done.code in (0, 6), done.stderr
    assert "access token" in ground.hunt.kinds.values()
