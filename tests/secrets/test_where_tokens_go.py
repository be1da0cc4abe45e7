"""Tokens and secrets go to the chosen cloud's own hosts, to each just what is its: over real HTTPS, with two hosts.

Beside these: metadata that is after tokens (tests/cli/test_clouds.py), OIDC addresses that are not https
(tests/cli/test_sign_in_errors.py), and each guard of the transport by itself (tests/cli/test_guards.py,
tests/core/test_guarded_transport.py).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from pallink.sandbox import Request, Response, Sandbox
from tests.cli.people import APPLICATION, CONTOSO, SECRET
from tests.exhaustive import combinations, joined
from tests.harness import Pallink
from tests.https_server import https_server
from tests.secrets.watch import environment_secrets, secrets_of

pytestmark = pytest.mark.usefixtures("trusted", "clock", "application")

PASSWORD = "Kx8~of-the-netrc-file"


@dataclass
class Hosts:
    """A cloud, and a host that is none of its.

    Attributes:
        asked: what the cloud was asked.
        answered: what it answered.
        elsewhere: what the other host was asked.
        otherwise: answers in place of the cloud, where it returns something.
    """

    origin: str = ""
    other: str = ""
    asked: list[Request] = field(default_factory=list)
    elsewhere: list[Request] = field(default_factory=list)
    otherwise: Callable[[Request, Response], Response | None] = lambda _, __: None

    @property
    def of_resource_manager(self) -> list[Request]:
        return [each for each in self.asked if each.header("Authorization")]


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AZURE_TENANT_ID": CONTOSO,
        "AZURE_CLIENT_ID": APPLICATION,
        "AZURE_CLIENT_SECRET": SECRET,
        "NO_PROXY": "localhost",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def hosts(authority: trustme.CA, tmp_path: Path) -> Iterator[Hosts]:
    made = Hosts()
    sandbox = Sandbox(tmp_path / "served")

    def answer(request: Request) -> Response:
        made.asked.append(request)
        usual = sandbox.handle(request)
        return made.otherwise(request, usual) or usual

    def other(request: Request) -> Response:
        made.elsewhere.append(request)
        return sandbox.handle(request)

    with https_server(answer, authority) as made.origin, https_server(other, authority) as made.other:
        yield made


WRITES = ["link 719878 --role-check skip", "update 719878 --role-check skip", "unlink --yes"]
READS = ["show", "verify 719878", "check", "whoami", "login"]


REQUESTS = [
    ("whoami", "GET", "openid-configuration"),
    ("whoami", "POST", "/token"),
    ("show", "GET", "/partners"),
    ("show", "GET", "/tenants"),
    ("check", "GET", "/subscriptions"),
    ("check", "GET", "roleassignments"),
    ("link 719878 --role-check skip", "PUT", "/partners"),
    ("update 6183402 --role-check skip", "PATCH", "/partners"),
    ("unlink --yes", "DELETE", "/partners"),
    ("show", "GET", "/metadata/endpoints"),
]


# By default the status that a client answers with the same request, body and all.
@pytest.mark.parametrize(
    ("request_of", "status"),
    combinations(REQUESTS, [301, 302, 303, 307, 308], default=lambda _request, status: status == 307),
    ids=joined,
)
def test_a_redirect_to_another_host_is_not_followed(
    pallink: Pallink, hosts: Hosts, request_of: tuple[str, str, str], status: int
) -> None:
    command, method, path = request_of
    if method in ("PATCH", "DELETE"):
        assert pallink(f"link 719878 --role-check skip --cloud {hosts.origin}").code == 0
    met = []

    def redirect(request: Request, _: Response) -> Response | None:
        if request.method != method or path not in request.path.lower():
            return None
        met.append(request)
        return Response(status, {"Location": f"{hosts.other}{request.path}"}, b"")

    hosts.otherwise = redirect
    pallink(f"{command} --cloud {hosts.origin}")
    assert met
    assert hosts.elsewhere == []


@pytest.mark.parametrize("path", ["/subscriptions", "roleassignments", "/tenants"])
def test_a_next_link_to_another_host_is_not_followed(pallink: Pallink, hosts: Hosts, path: str) -> None:
    def page(request: Request, usual: Response) -> Response | None:
        if path not in request.path.lower() or not request.header("Authorization"):
            return None
        body = {**json.loads(usual.body), "nextLink": f"{hosts.other}{request.path}?api-version=2022-12-01&page=2"}
        return Response(200, {"Content-Type": "application/json"}, json.dumps(body).encode())

    hosts.otherwise = page
    pallink(f"check --cloud {hosts.origin}")
    assert hosts.elsewhere == []


@pytest.mark.parametrize("command", [*READS, *WRITES])
def test_each_request_shows_just_what_belongs_there(pallink: Pallink, hosts: Hosts, command: str) -> None:
    pallink(f"{command} --cloud {hosts.origin}")
    shown = {request.path: secrets_of(request) for request in hosts.asked}
    for path, secrets in shown.items():
        kinds = set(secrets.values())
        if path.endswith("/oauth2/v2.0/token"):
            assert kinds == {"client secret"}
        elif any(part in path for part in ("/metadata/", "/.well-known/")):
            assert kinds == set()
        else:
            assert kinds == {"access token"}


@pytest.mark.parametrize("command", READS)
def test_a_command_that_reads_sends_nothing_but_get_to_resource_manager(
    pallink: Pallink, hosts: Hosts, command: str
) -> None:
    def register(request: Request, _: Response) -> Response | None:
        if "/partners" not in request.path.lower():
            return None
        body = b'{"error": {"code": "MissingSubscriptionRegistration", "message": "register it"}}'
        return Response(409, {"Content-Type": "application/json"}, body)

    for otherwise in (hosts.otherwise, register):
        hosts.otherwise = otherwise
        pallink(f"{command} --cloud {hosts.origin}")
    assert {each.method for each in hosts.of_resource_manager} <= {"GET"}
    assert {each.path.rpartition("/")[2] for each in hosts.asked if each.method == "POST"} <= {"token"}


def test_the_users_netrc_file_is_not_read(
    pallink: Pallink, hosts: Hosts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """requests takes passwords from there, and sends them in the place of a token."""
    for name in (".netrc", "_netrc"):
        path = tmp_path / "user" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"machine localhost login somebody password {PASSWORD}\n")
        path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "user" / ".netrc"))
    done = pallink(f"link 719878 --role-check skip --cloud {hosts.origin}")
    assert done.code == 0, done.stderr
    assert hosts.of_resource_manager
    assert not [each for each in hosts.asked if (each.header("Authorization") or "Bearer ").startswith("Basic")]


def test_no_cookie_is_kept_or_sent(pallink: Pallink, hosts: Hosts, tmp_path: Path) -> None:
    def with_cookies(_: Request, usual: Response) -> Response:
        return usual.with_headers({"Set-Cookie": f"session={PASSWORD}; Path=/; Max-Age=86400"})

    hosts.otherwise = with_cookies
    for command in ("link 719878 --role-check skip", "show"):
        done = pallink(f"{command} --debug --cloud {hosts.origin}")
        assert done.code == 0, done.stderr
        assert PASSWORD not in done.stdout + done.stderr
    assert not [each for each in hosts.asked if each.header("Cookie")]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]


@pytest.mark.parametrize("how", ["--cloud", "PALLINK_CLOUD"])
@pytest.mark.parametrize("url", ["https://somebody:{}@localhost:1", "https://{}@localhost:1", "http://u:{}@localhost"])
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_password_in_the_clouds_url_is_refused_and_not_repeated(
    pallink: Pallink, hosts: Hosts, monkeypatch: pytest.MonkeyPatch, *, how: str, url: str, output: str
) -> None:
    words = ["show", "-o", output]
    if how == "--cloud":
        words += ["--cloud", url.format(PASSWORD)]
    else:
        monkeypatch.setenv(how, url.format(PASSWORD))
    refused = pallink(*words)
    assert refused.code == 2
    assert "is not a cloud's URL" in refused.stderr
    assert PASSWORD not in refused.stdout + refused.stderr
    assert hosts.asked == []


def test_a_proxy_gets_its_password_and_its_error_does_not_tell_it(
    pallink: Pallink, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:{quote(PASSWORD)}@127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY")
    for output in ("table", "json"):
        failed = pallink("show", "--cloud", hosts.origin, "--debug", "-o", output)
        assert failed.code == 7
        assert "proxy" in failed.stderr
        assert PASSWORD not in failed.stdout + failed.stderr
    assert hosts.asked == []


def test_a_token_of_one_cloud_is_not_shown_to_another(pallink: Pallink, hosts: Hosts) -> None:
    given: set[str] = set()

    def note(_: Request, usual: Response) -> None:
        given.update(environment_secrets(usual))

    hosts.otherwise = note
    assert pallink(f"whoami --cloud {hosts.origin}").code == 0
    assert given
    assert pallink(f"whoami --cloud {hosts.other}").code == 0
    assert not given & {secret for request in hosts.elsewhere for secret in secrets_of(request)}
