"""Text from elsewhere may be megabytes that were made to take long: patterns are linear, and see only its beginning."""

import importlib
import inspect
import json
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

import pallink
from pallink.debug.exchange import format_response
from pallink.http.policy import Rule
from pallink.redact.debug import debug_text
from pallink.redact.secrets import Secrets, redact_start
from pallink.redact.text import one_line
from pallink.signin.entra_errors import sign_in_error
from tests.cli.test_settling import answering
from tests.exhaustive import combinations
from tests.harness import Pallink, Traffic

MEGABYTES = 4_000_000
# Between the 16 of a linear pattern and the 256 of a quadratic one, as far from both: no machine's speed comes near it.
LINEAR = 64
PIECES = ("a", "eyJ", "eyJ.x.", "eyJ.", "://a:", "basic YTo6", "\n", "  ", "::", "<script>", "</script ", "token=", "-")


@dataclass(frozen=True)
class Found:
    """A pattern of a module, and whether the module only matches it with whole texts."""

    place: str
    pattern: re.Pattern[str]
    whole: bool

    def look(self, text: str) -> object:
        return self.pattern.fullmatch(text) if self.whole else self.pattern.sub("", text)


def patterns() -> Iterator[Found]:
    """Yield every pattern of every module."""
    for info in pkgutil.walk_packages(pallink.__path__, "pallink."):
        if info.name == "pallink.__main__":
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            members = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else [value]
            for member in members:
                if isinstance(member, Rule):  # EgressPolicy matches it with a whole path.
                    yield Found(f"{info.name}.{name}", member.path, whole=True)
                elif isinstance(member, re.Pattern) and isinstance(member.pattern, str):
                    uses = set(re.findall(rf"\b{name}\.(\w+)\(", inspect.getsource(module)))
                    yield Found(f"{info.name}.{name}", member, whole=uses == {"fullmatch"})


FOUND = {found.pattern.pattern: found for found in patterns()}


def attacks(pattern: re.Pattern[str]) -> set[str]:
    """Return what to repeat: the words and signs of the pattern, and some pieces that hurt others."""
    source = pattern.pattern.replace(r"\s", " ").replace("\\", "")
    return {*re.findall(r"[A-Za-z0-9 ]+|.", source), *re.findall(r"[^\w()[\]*+?|.]+", source), *PIECES}


def growth(found: Found, attack: str, length: int = 1_000) -> float:
    """Return how many times longer 16 times the text takes: 16 for a linear pattern, 256 for a quadratic one.

    What disturbs the machine can only make it more: the short text counts at its fastest, the long one is tried once.
    """

    def look(length: int, tries: int) -> float:
        # Both without a match at the end and with what may be one.
        texts = [attack * (length // len(attack)) + end for end in ("\0", "=>")]
        times = []
        for _ in range(tries):
            start = time.perf_counter()
            for text in texts:
                found.look(text)
            times.append(time.perf_counter() - start)
        return min(times)

    return look(16 * length, tries=1) / look(length, tries=5)


def worst(found: Found) -> tuple[float, str]:
    """Return the attack that grows most; what the machine disturbed is measured again."""
    measured = ((growth(found, attack), attack) for attack in attacks(found.pattern))
    suspects = [attack for grows, attack in measured if grows > LINEAR]
    return max(((min(growth(found, attack) for _ in range(15)), attack) for attack in suspects), default=(0.0, ""))


# By default those that look for secrets: they see the longest texts.
@pytest.mark.parametrize(
    "found",
    combinations(FOUND.values(), default=lambda found: found.place.startswith("pallink.redact.")),
    ids=lambda found: found.place,
)
def test_every_pattern_is_linear(found: Found) -> None:
    grows, attack = worst(found)
    assert grows < LINEAR, f"{found} with {attack!r}"


@pytest.mark.parametrize(
    ("source", "attack", "whole"),
    [
        (r"\s*x", "  ", False),
        (r"eyJ[\w-]*\.eyJ", "eyJ", False),
        ("<!--.*?-->", "<!--", False),
        ("[a:]*:[a:]*", ":", True),
    ],
)
def test_a_quadratic_pattern_would_be_noticed(source: str, attack: str, *, whole: bool) -> None:
    found = Found("", re.compile(source), whole)
    assert attack in attacks(found.pattern)
    assert growth(found, attack, 250) > LINEAR


def test_all_patterns_are_found() -> None:
    places = {found.place for found in FOUND.values()}
    assert len(FOUND) > 35
    assert {"pallink.redact.secrets._JWT", "pallink.redact.debug._CREDENTIALS", "pallink.clouds._HOST"} <= places
    assert "pallink.azure.egress._ROLES" in places


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the texts that were searched for secrets."""
    lengths = [0]
    redact = Secrets.redact

    def noted(self: Secrets, text: str) -> str:
        lengths.append(len(text))
        return redact(self, text)

    monkeypatch.setattr(Secrets, "redact", noted)
    return lengths


def response(text: str, kind: str, *, is_sign_in: bool = False) -> list[str]:
    headers = [("Content-Type", kind)]
    return list(format_response(status=200, milliseconds=1, headers=headers, body=text.encode(), is_sign_in=is_sign_in))


SHOWN: dict[str, Callable[[str], object]] = {
    "a message": one_line,
    "a text": debug_text,
    "a page": lambda text: response(f"<p>{text}", "text/html"),
    "JSON": lambda text: response(json.dumps({text: text, "secret": text, "a": [text, text]}), "application/json"),
    "many members": lambda text: response(json.dumps([text[:5000]] * 800), "application/json"),
    "a sign-in": lambda text: response(json.dumps({"error_description": text}), "text/json", is_sign_in=True),
    "an error of Entra ID": lambda text: sign_in_error({"error": "x", "error_description": text}),
}


# By default a sign, the start of a token, a tag and a pair: what each place treats in its own way.
@pytest.mark.parametrize(
    ("where", "piece"),
    combinations(SHOWN, PIECES, default=lambda _, piece: piece in {"a", "eyJ", "<script>", "token="}),
)
def test_only_the_beginning_is_looked_at(where: str, piece: str, looked_at: list[int]) -> None:
    with Secrets("a secret of the session").active():
        SHOWN[where](piece * (MEGABYTES // len(piece)))
    assert max(looked_at) < 150_000
    assert sum(looked_at) < 800_000


@pytest.mark.parametrize("secret", ["x" * 40, "s=cr&t" * 2000, "eyJ0eXAi.eyJvaWQi" + "a" * 30_000 + ".c2ln"])
def test_a_secret_across_the_end_of_what_is_looked_at_is_not_shown(secret: str) -> None:
    secrets = Secrets(secret)
    for limit in (10, 500, 20_000):
        for before in (
            *range(0, 40_000, 997),
            *range(limit + 65_536 - len(secret), limit + 65_536, 1 + len(secret) // 9),
        ):
            text = "-" * max(before, 0) + secret + "-" * MEGABYTES
            shown = secrets.redact_start(text, limit)
            assert shown == secrets.redact(text[: before + len(secret) + limit])[: len(shown)]
            assert len(shown) == limit


def test_what_is_nearly_all_secret_shows_no_part_of_it() -> None:
    secret = "".join(map(chr, range(0x100, 0x100 + 4000)))
    shown = Secrets(secret).redact_start(secret * 1000, 500)
    assert not set(secret) & set(shown)
    assert redact_start("short", 3) == "sho"


def test_names_and_errors_of_megabytes_cost_a_command_nothing(
    in_sandbox: Pallink, traffic: Traffic, looked_at: list[int]
) -> None:
    huge = "eyJ" * (MEGABYTES // 3)
    link = {"properties": {"partnerId": "719878", "partnerName": huge[:300_000], "state": "Active", "version": 1}}
    subscription = {"subscriptionId": "738477cd-6b20-448f-9a34-9d5592cff509", "state": "Enabled", "displayName": huge}
    traffic.fail("GET", "/partners", answering(200, json.dumps(link).encode()))
    traffic.fail("GET", "/subscriptions", answering(200, json.dumps({"value": [subscription]}).encode()))
    shown = in_sandbox("check -o json")
    assert shown.code == 0
    assert len(shown.json["partnerName"]) == len(shown.json["subscriptions"][0]["name"]) == 1000
    traffic.fail(
        "GET", "/partners", answering(400, json.dumps({"error": {"code": huge[:99], "message": huge}}).encode())
    )
    assert in_sandbox("show -o yaml").code == 1
    assert max(looked_at) < 150_000


def test_a_role_assignment_of_megabytes_is_no_role(in_sandbox: Pallink, traffic: Traffic) -> None:
    scope = {"properties": {"scope": "/" * MEGABYTES, "roleDefinitionId": "x", "principalId": "x"}}
    traffic.fail("GET", "roleAssignments", answering(200, json.dumps({"value": [scope]}).encode()))
    done = in_sandbox("check -o json")
    assert (done.code, done.json["role"]) == (1, "unknown")
