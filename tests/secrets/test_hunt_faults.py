"""Whatever goes wrong, even a service that repeats what it was shown: no secret in what is said of it."""

import json
import logging
import re
import sqlite3
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import cycle, islice
from typing import NamedTuple
from urllib.parse import quote, unquote

import pytest

from pallink import connect
from pallink.errors import PallinkError
from pallink.sandbox import Request, Response
from pallink.sandbox.faults import FaultKind, FaultRule
from pallink.sandbox.http.adapter import SandboxAdapter
from tests.exhaustive import combinations
from tests.secrets.ground import Ground
from tests.secrets.watch import Usual, secrets_of

IN_SANDBOX = ["--cloud", "sandbox"]


class Point(NamedTuple):
    """A request that a command sends: its method, a part of its path, and what leads to it."""

    method: str
    path: str
    command: str
    sign_in: str = "sandbox-user"
    prepare: str | None = None


WRITE = "--role-check skip --yes"
POINTS = [
    Point("GET", "/authorize", "whoami"),
    Point("POST", "/oauth2/v2.0/token", "whoami"),
    Point("GET", "openid-configuration", "whoami", "client-secret"),
    Point("POST", "/oauth2/v2.0/token", "whoami", "client-secret"),
    Point("POST", "/oauth2/v2.0/token", "whoami", "certificate"),
    Point("POST", "/oauth2/v2.0/token", "whoami", "workload-identity"),
    Point("GET", "/github-actions/idtoken", "whoami", "github"),
    Point("POST", "/oauth2/v2.0/token", "whoami", "github"),
    Point("POST", "/azure-pipelines/oidctoken", "whoami", "azure-pipelines"),
    Point("POST", "/oauth2/v2.0/token", "whoami", "azure-pipelines"),
    Point("GET", "/metadata/identity", "whoami", "managed-identity"),
    Point("GET", "/msi/token", "whoami", "app-service"),
    Point("POST", "/devicecode", "whoami", "device-code"),
    Point("POST", "/oauth2/v2.0/token", "whoami", "device-code"),
    Point("GET", "/tenants", "show", prepare=f"link 719878 {WRITE}"),
    Point("GET", "/subscriptions", "check"),
    Point("GET", "roleAssignments", "check"),
    Point("GET", "roleEligibility", "check --account auditor@contoso.com"),
    Point("GET", "/partners", "verify 719878", prepare=f"link 719878 {WRITE}"),
    Point("GET", "/partners", "show", "azure-cli"),
    Point("PUT", "/partners/", f"link 719878 {WRITE}"),
    Point("PATCH", "/partners/", f"update 6183402 {WRITE}", prepare=f"link 719878 {WRITE}"),
    Point("DELETE", "/partners/", "unlink --yes", prepare=f"link 719878 {WRITE}"),
]


def name_of(value: object) -> str | None:
    """Return the ID of a parameter; None where pytest finds one."""
    if isinstance(value, Point):
        return f"{value.method} {value.path.rpartition('/')[2]} {value.sign_in}"
    name = getattr(value, "__name__", None)
    return name if isinstance(name, str) else None


# What the default run looks at: the request that shows a secret, the one that shows a token, and a write.
DEFAULT_POINTS = [
    point
    for point in POINTS
    if (point.method, point.path, point.sign_in) == ("POST", "/oauth2/v2.0/token", "client-secret")
    or point.command.startswith(("verify", "link"))
]


def is_default(point: Point, *_: object) -> bool:
    return point in DEFAULT_POINTS


# How a service may write what it repeats: the forms that SECURITY.md promises to recognise, one at a time.
WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded, lower case": lambda text: re.sub("%..", lambda each: each[0].lower(), quote(text, safe="")),
    "far behind": lambda text: f"{'.' * (495 - len(text) // 3)}{text}",
    "as an object of JSON": lambda text: json.dumps({"shown": {"authorization": text}}, ensure_ascii=False),
}


def arm(text: str, request: Request, usual: Usual) -> Response:
    """An error of Resource Manager's."""
    del request, usual
    body = {"error": {"code": f"Echo {text}", "message": f"You sent {text}"}, "code": text, "message": text}
    return Response(400, {"Content-Type": "application/json"}, json.dumps(body).encode())


def refusal(text: str, request: Request, usual: Usual) -> Response:
    """A refusal, whose headers tell too."""
    del request, usual
    told = text if text.isascii() else quote(text, safe="")
    headers = dict.fromkeys(
        (
            "x-ms-correlation-request-id",
            "x-ms-request-id",
            "client-request-id",
            "request-id",
            "Date",
            "Retry-After",
            "X-Echo",
        ),
        told,
    )
    headers["WWW-Authenticate"] = f'Bearer realm="{told}", error="invalid_token", error_description="{told}"'
    headers["Set-Cookie"] = f"session={told}; Secure"
    headers["Content-Type"] = f"application/json; note={told}"
    return Response(403, headers, json.dumps({"error": {"code": "Forbidden", "message": text}}).encode())


def challenge(text: str, request: Request, usual: Usual) -> Response:
    """A claims challenge that asks for what was shown."""
    del request, usual
    claims = b64encode(json.dumps({"access_token": {"acrs": {"value": text}}}).encode()).decode()
    header = f'Bearer realm="", error="insufficient_claims", claims="{claims}"'
    return Response(401, {"WWW-Authenticate": header, "Content-Type": "application/json"}, b"{}")


def oauth(text: str, request: Request, usual: Usual) -> Response:
    """An error of Entra ID's."""
    del request, usual
    description = f"AADSTS7000215: Invalid client secret provided: {text}\r\nTrace ID: {text} Correlation ID: {text}"
    body = {"error": "invalid_client", "error_description": description, "error_codes": [7000215]}
    body |= dict.fromkeys(("trace_id", "correlation_id", "timestamp", "error_uri", "suberror", "claims"), text)
    return Response(401, {"Content-Type": "application/json"}, json.dumps(body).encode())


def redirect(text: str, request: Request, usual: Usual) -> Response:
    """A redirect to another host."""
    del request, usual
    shown = quote(unquote(text))
    return Response(307, {"Location": f"https://elsewhere.invalid/{shown}?shown={shown}"})


def page(text: str, request: Request, usual: Usual) -> Response:
    """A page of a proxy's."""
    del request, usual
    return Response(200, {"Content-Type": "text/html"}, f"<html>{text}</html>".encode())


def unready(text: str, request: Request, usual: Usual) -> Response:
    """A gateway that is not ready."""
    del request, usual
    return Response(503, {"Content-Type": "text/plain", "Retry-After": "1"}, text.encode())


def success(text: str, request: Request, usual: Usual) -> Response:
    """An answer as usual, but for its names."""
    del request
    response = usual()
    try:
        body = json.loads(response.body)
    except ValueError:
        return response

    def renamed(value: object) -> object:
        if isinstance(value, dict):
            names = {"partnerName", "displayName", "defaultDomain", "roleName", "upn", "message", "state"}
            return {name: text if name in names else renamed(each) for name, each in value.items()}
        return [renamed(each) for each in value] if isinstance(value, list) else value

    return Response(response.status, response.headers, json.dumps(renamed(body)).encode())


def next_page(text: str, request: Request, usual: Usual) -> Response:
    """A list that goes on at another host."""
    del request, usual
    shown = quote(unquote(text))
    body = {"value": [], "nextLink": f"https://elsewhere.invalid/{shown}?page={shown}"}
    return Response(200, {"Content-Type": "application/json"}, json.dumps(body).encode())


ECHOES: list[Callable[[str, Request, Usual], Response]] = [
    arm,
    refusal,
    challenge,
    oauth,
    redirect,
    page,
    unready,
    success,
    next_page,
]


def lead_to(ground: Ground, point: Point) -> list[str]:
    """The words of the command that sends the request, with everything prepared for it."""
    auth = ground.prepare(point.sign_in)
    ground.desk.patch.setenv("GITHUB_ACTIONS", "true")
    ground.desk.patch.setenv("GITHUB_STEP_SUMMARY", str(ground.folder / "summary.md"))
    words = [*point.command.split(), *IN_SANDBOX, *auth]
    if point.command.startswith("verify"):
        words += ["--junit", str(ground.folder / "verdict.xml")]
    return words


def begin_again(ground: Ground, point: Point) -> None:
    """The links that the command begins with."""
    ground.watch.usual()
    with closing(sqlite3.connect(ground.folder / "sandbox" / "sandbox.sqlite3", isolation_level=None)) as connection:
        if ground.links is None:
            if point.prepare:
                assert ground.desk.run(f"{point.prepare} --account invoices@contoso.com").code == 0
            ground.links = connection.execute("SELECT * FROM link").fetchall()
            return
        connection.execute("DELETE FROM link")
        connection.executemany("INSERT INTO link VALUES (?, ?, ?, ?, ?, ?, ?)", ground.links)


def is_echo_default(echo: Callable[[str, Request, Usual], Response], point: Point) -> bool:
    """Return whether it is a response in the place that sends such ones: a login host, the partner API, or a write."""
    match point.method:
        case "POST":
            return is_default(point) and echo in {oauth, redirect, page}
        case "PUT":
            return echo is arm
        case _:
            return is_default(point) and echo not in {oauth, redirect, page}


@pytest.mark.parametrize(("echo", "point"), combinations(ECHOES, POINTS, default=is_echo_default), ids=name_of)
def test_a_service_that_repeats_what_it_was_shown(
    ground: Ground, point: Point, echo: Callable[[str, Request, Usual], Response]
) -> None:
    if echo is challenge and point.sign_in == "azure-cli":
        pytest.skip("azure-identity repeats a challenge in base64, which is no form that SECURITY.md promises")
    words = lead_to(ground, point)
    # Three of the ways to write, others for each answer and request, so that all of them meet all of those.
    first = ECHOES.index(echo) + POINTS.index(point)
    for number, written in enumerate(islice(cycle(WRITTEN.values()), first, first + 3)):

        def otherwise(request: Request, usual: Usual, *, written: Callable[[str], str] = written) -> Response:
            shown = sorted(secrets_of(request)) or [ground.secrets["client secret"]]
            return echo(" and ".join(map(written, shown)), request, usual)

        begin_again(ground, point)
        ground.watch.otherwise(point.method, point.path, otherwise)
        done = ground.run(*words, "--debug", *(["-o", "json"] if number % 2 else []))
        assert done.code != 130
        assert ground.watch.met, "the request was not sent"


def rules() -> list[FaultRule]:
    """One rule of each kind, once and always."""
    kinds = [
        {"kind": kind, "status": 500 if kind is FaultKind.STATUS else None, "delay": 0.001 * (kind is FaultKind.DELAY)}
        for kind in FaultKind
    ]
    kinds += [{"kind": FaultKind.STATUS, "status": status} for status in (400, 401, 403, 404, 409, 429, 503)]
    once = [FaultRule(**each) for each in kinds]  # type: ignore[arg-type]
    return once + [replace(each, times=None) for each in once if each.status in (None, 500, 429)]


# The certificate's request is the same as the secret's but for its form, and takes a key that is slow to open.
@pytest.mark.parametrize(
    "point",
    combinations(
        (point for point in POINTS if point.sign_in != "certificate"), default=lambda point: point == DEFAULT_POINTS[0]
    ),
    ids=name_of,
)
def test_every_fault_of_the_sandbox(ground: Ground, point: Point) -> None:
    words = lead_to(ground, point)
    for number, rule in enumerate(rules()):
        begin_again(ground, point)
        ground.desk.sandbox.add_fault(replace(rule, method=point.method, path=f"*{point.path}*"))
        done = ground.run(*words, "--debug", *(["-o", "json"] if number % 2 else []))
        assert done.code != 130
        ground.desk.sandbox.clear_faults()


DEFECTS: dict[str, Callable[[str], Exception]] = {
    "text": lambda text: RuntimeError(f"nobody foresaw {text}"),
    "key": AssertionError,
    "lines": lambda text: RuntimeError(f"nobody foresaw\n{text}\n"),
    "group": lambda text: ExceptionGroup(
        f"several {text}", [ValueError(text), TypeError(repr({"Authorization": text}))]
    ),
}


# By default every defect where a secret is shown, and elsewhere the one that has all of the others' traits.
@pytest.mark.parametrize(
    ("defect", "point"),
    combinations(
        DEFECTS,
        POINTS,
        default=lambda defect, point: point == DEFAULT_POINTS[0] or (defect == "group" and is_default(point)),
    ),
    ids=name_of,
)
def test_a_defect_whose_traceback_is_asked_for(ground: Ground, point: Point, defect: str) -> None:
    """As if something below the SDK had failed in a way that nobody foresaw, the request in its words."""
    words = lead_to(ground, point)
    begin_again(ground, point)
    met = []
    send = SandboxAdapter.send

    def fail(self: SandboxAdapter, request: object, *args: object, **rest: object) -> object:
        method, url = str(getattr(request, "method", "")), str(getattr(request, "url", ""))
        if method != point.method or point.path.lower() not in url.lower():
            return send(self, request, *args, **rest)  # type: ignore[arg-type]
        # So that the watch knows what is in the request.
        send(self, request, *args, **rest)  # type: ignore[arg-type]
        met.append(url)
        error = DEFECTS[defect](f"{getattr(request, 'headers', '')} {url} {getattr(request, 'body', '')!r}")
        error.add_note(f"while {getattr(request, 'headers', '')} was sent")
        raise error from LookupError(f"{getattr(request, 'body', '')!r}")

    ground.desk.patch.setattr(SandboxAdapter, "send", fail)
    output = "json" if defect in ("key", "group") else "table"
    done = ground.run(*words, "--debug", "-o", output)
    assert met
    # What fails below azure-identity comes out of it as a failed sign-in.
    assert done.code == 1 or (done.code == 4 and point.command.startswith("whoami"))
    if done.code == 1:
        assert "pallink has a defect" in done.stderr
        assert "Traceback" in done.stderr


WITHIN: dict[str, Callable[[dict[str, str]], str]] = {
    "pallink.azure.auth.credentials.account_from_token": lambda secrets: secrets["access token"],
    "pallink.session.Session._look": lambda secrets: secrets["client secret"],
    "pallink.cli.job.write_result": lambda secrets: secrets["certificate password"],
    "pallink.roles.check.ReaderCheck.report": lambda secrets: f"Bearer {secrets['access token']}",
    "pallink.azure.auth.certificate.load_pem_private_key": lambda secrets: secrets["certificate password"],
}


# By default every place with a defect that has all of the others' traits: several errors, and secrets in both.
@pytest.mark.parametrize(
    ("defect", "place"), combinations(DEFECTS, WITHIN, default=lambda defect, _place: defect == "group")
)
def test_a_defect_within_pallink_itself(ground: Ground, place: str, defect: str) -> None:
    """With what it has at hand in its words; locals are not printed, for a traceback has none."""
    auth = ground.prepare("certificate-encrypted")

    def fail(*_: object, **__: object) -> None:
        secrets = {kind: secret for secret, kind in ground.hunt.kinds.items()}
        raise DEFECTS[defect](WITHIN[place](secrets))

    ground.desk.patch.setattr(place, fail)
    words = ["verify", "719878", *IN_SANDBOX, *auth, "--debug", "--junit", str(ground.folder / "verdict.xml")]
    assert ground.run(*words).code != 0
    assert "access token" in ground.hunt.kinds.values() or "certificate" in place


@pytest.mark.parametrize("echo", combinations(ECHOES, default=lambda echo: echo in {arm, oauth}), ids=name_of)
def test_the_errors_and_the_log_of_the_python_interface(
    ground: Ground, echo: Callable[[str, Request, Usual], Response], caplog: pytest.LogCaptureFixture
) -> None:
    ground.prepare("client-secret")
    for point in (each for each in POINTS if each.sign_in == "client-secret" or each.path == "/partners"):
        ground.watch.usual()
        ground.watch.otherwise(
            point.method, point.path, lambda request, usual: echo(" ".join(secrets_of(request)), request, usual)
        )
        caplog.clear()
        logging.getLogger("pallink").propagate = True
        with caplog.at_level(logging.DEBUG, "pallink"):
            try:
                with connect(cloud="sandbox", auth="client-secret") as session:
                    said = str(session.show())
            except PallinkError as error:
                said = f"{error} {error.cause} {error.remedy} {error.command} {error.trace} {error.warnings}"
        if echo is not success:
            # What a result holds is the service's own: whoever shows it decides how.
            ground.hunt.look("an error of the Python interface", said)
        own = [record.getMessage() for record in caplog.records if record.name.startswith("pallink")]
        ground.hunt.look("the log of the Python interface", "\n".join(own))
