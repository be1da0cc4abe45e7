"""What of a request and an answer may be shown, and what is cut out. No I/O.

Where there is a list of what is harmless, only that is shown: headers, parameters, what a sign-in sends and gets.
Elsewhere names that sound like secrets are cut, and everywhere whatever looks like a token or was cut once before.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from pallink.redact.secret_fields import HEADERS
from pallink.redact.secrets import CUT

_SHOWN_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "access-control-allow-origin",
        "age",
        "allow",
        "cache-control",
        "client-request-id",
        "connection",
        "content-encoding",
        "content-language",
        "content-length",
        "content-type",
        "date",
        "expires",
        "host",
        "metadata",
        "mise-correlation-id",
        "pragma",
        "request-id",
        "retry-after",
        "retry-after-ms",
        "return-client-request-id",
        "server",
        "strict-transport-security",
        "transfer-encoding",
        "user-agent",
        "vary",
        "via",
        "x-cache",
        "x-client-cpu",
        "x-client-os",
        "x-client-sku",
        "x-client-ver",
        "x-content-type-options",
        "x-ms-activity-vector",
        "x-ms-arm-service-request-id",
        "x-ms-client-request-id",
        "x-ms-correlation-request-id",
        "x-ms-date",
        "x-ms-error-code",
        "x-ms-failure-cause",
        "x-ms-operation-identifier",
        "x-ms-request-id",
        "x-ms-return-client-request-id",
        "x-ms-retry-after-ms",
        "x-ms-routing-request-id",
        "x-ms-version",
    }
)
_SHOWN_BEGINNING = "x-ms-ratelimit-remaining-"
# Shown as far as they hold nothing that is cut elsewhere.
_CLEANED_HEADERS = frozenset({"location", "www-authenticate", "proxy-authenticate", "link", "content-location"})

_SHOWN_PARAMETERS = frozenset(
    {
        "$expand",
        "$filter",
        "$top",
        "api-version",
        "audience",
        "client_assertion_type",
        "client_id",
        "code_challenge_method",
        "domain_hint",
        "error",
        "error_description",
        "error_subcode",
        "grant_type",
        "login_hint",
        "mi_res_id",
        "object_id",
        "prompt",
        "redirect_uri",
        "requested_token_use",
        "resource",
        "response_mode",
        "response_type",
        "scope",
        "serviceconnectionid",
        "tenant",
    }
)
_SHOWN_IN_SIGN_IN = _SHOWN_PARAMETERS | {
    "access_token_type",
    "cloud_graph_host_name",
    "cloud_instance_name",
    "correlation_id",
    "error_codes",
    "error_uri",
    "expires_in",
    "expires_on",
    "ext_expires_in",
    "interval",
    "issuer",
    "jwks_uri",
    "kerberos_endpoint",
    "message",
    "msgraph_host",
    "not_before",
    "rbac_url",
    "suberror",
    "tenant_region_scope",
    "tenant_region_sub_scope",
    "timestamp",
    "token_type",
    "trace_id",
    "verification_uri",
    "verification_url",
}
_SHOWN_ENDINGS = ("_endpoint", "_supported")

_SECRET_NAMES = re.compile(
    r"token|secret|passw|pwd|assertion|cookie|credential|signature|^authori[sz]ation$|client_?info|private|refresh"
    r"|api_?key|access_?key|(^|_|-)(key|sig|sas)$|verifier|connection_?string|device_?code|user_?code",
    re.IGNORECASE,
)
# The code of an error is a word; that of a sign-in is not.
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{1,60}[0-9]{0,8}", re.ASCII)

_PATTERNS = (
    # A JSON Web Token, or what is left of one.
    re.compile(r"eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]+)*"),
    re.compile(r"(?i)(?<=\bbearer )[A-Za-z0-9._~+/-]{16,}=*"),
    re.compile(r"(?i)(?<=\bbasic )[A-Za-z0-9+/=_-]{6,}"),
    # A user and a password in an address.
    re.compile(r"(?<=://)[^/\s?#\"'<>]*(?=@)"),
    # A parameter within a text.
    re.compile(
        r"(?i)(?<![a-z0-9_$-])((?:[a-z0-9_-]{0,40}?(?:token|secret|passw|assertion|cookie|client_info)[a-z0-9_-]{0,40}"
        r"|code|pwd|sig|state|session_state|nonce|device_code|user_code|code_verifier)=)[^&\s\"'<>]+"
    ),
)
_OPAQUE = re.compile(r"[A-Za-z0-9_~.+=-]{40,}")
_MIN = 6
_MAX_LENGTH = 20_000
_MAX_KNOWN = 1_000


class Redactor:
    """Cuts secrets out, and remembers each that it met, so that it is cut wherever else it stands.

    Args:
        known: secrets that are known beforehand, as those of the environment.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        for each in known:
            self.learn(each)

    def learn(self, secret: str) -> None:
        """Remember a secret; one of a few characters stands for too much else."""
        for line in {secret.strip(), *secret.split(maxsplit=20)[:20]}:
            if len(line) >= _MIN and len(self._known) < _MAX_KNOWN:
                self._known |= {line, quote(line, safe=""), quote_plus(line), json.dumps(line)[1:-1]}

    def text(self, text: str, *, opaque: bool = False) -> str:
        """A text without what is known, or looks like a token; `opaque` leaves what is merely long and unreadable.

        Of a very long text only the beginning is returned.
        """
        if len(text) > _MAX_LENGTH:
            # Nor the beginning of what would have been cut.
            text = text[:_MAX_LENGTH].rpartition(" ")[0] + " ..."
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, CUT)
        for pattern in _PATTERNS:
            text = pattern.sub(lambda match: (match[1] if match.re.groups else "") + CUT, text)
        return text if opaque else _OPAQUE.sub(lambda match: CUT if _is_opaque(match[0]) else match[0], text)

    def url(self, url: str) -> str:
        """An address without the values of parameters that are not known to be harmless, and without a fragment."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return self.text(url.partition("?")[0])
        self.learn(parts.password or "")
        query = "&".join(f"{name}={value}" for name, value in self.form(parts.query, _SHOWN_PARAMETERS))
        start = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
        fragment = f"#{CUT}" if parts.fragment else ""
        return self.text(f"{start}{parts.path}") + (f"?{query}" if query else "") + fragment

    def form(self, form: str, shown: frozenset[str] = _SHOWN_PARAMETERS) -> list[tuple[str, str]]:
        """The parameters of a query or a form, of which only harmless ones keep their values."""
        pairs = parse_qsl(form, keep_blank_values=True)
        for name, value in pairs:
            if name.lower() not in shown:
                self.learn(value)
        return [
            (self.text(name), self._harmless(value) if name.lower() in shown else CUT if value else "")
            for name, value in pairs
        ]

    def headers(self, headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Headers, of which only harmless ones keep their values."""
        pairs = [(str(name), str(value)) for name, value in headers]
        for name, value in pairs:
            if name.lower() in HEADERS:
                self.learn(value.partition(" ")[2] if "authorization" in name.lower() else value)
        for name, value in pairs:
            if name.lower() == "user-agent":
                # A platform's name is as long as a token.
                yield name, self.text(value, opaque=True)
            elif name.lower() in _SHOWN_HEADERS or name.lower().startswith(_SHOWN_BEGINNING):
                yield name, self.text(value)
            elif name.lower() in _CLEANED_HEADERS:
                yield name, self.url(value) if name.lower() != "www-authenticate" else self.text(value)
            else:
                yield self.text(name), CUT

    def json(self, value: Any, *, is_sign_in: bool) -> Any:  # noqa: ANN401 - any JSON
        """JSON without secrets.

        Args:
            value: parsed.
            is_sign_in: whether it belongs to a sign-in, where only what is known to be harmless is shown.
        """
        for secret in _secrets_in(value, is_sign_in=is_sign_in):
            self.learn(secret)
        return self._json(value, is_sign_in=is_sign_in)

    def _json(self, value: Any, *, is_sign_in: bool) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, Mapping):
            return {
                self.text(name): self._json(each, is_sign_in=is_sign_in)
                if _is_shown(name, each, is_sign_in=is_sign_in)
                else _cut(each)
                for name, each in value.items()
            }
        if isinstance(value, list):
            return [self._json(each, is_sign_in=is_sign_in) for each in value]
        return self._harmless(value) if isinstance(value, str) else value

    def _harmless(self, value: str) -> str:
        return self.url(value) if value.startswith(("https://", "http://")) else self.text(value)


def _is_shown(name: str, value: object, *, is_sign_in: bool) -> bool:
    """Whether the member of an object may be shown, as far as its name tells."""
    lower = name.lower()
    if is_sign_in:
        return lower in _SHOWN_IN_SIGN_IN or lower.endswith(_SHOWN_ENDINGS)
    if lower == "code":
        return isinstance(value, str) and _WORD.fullmatch(value) is not None
    return _SECRET_NAMES.search(name) is None


def _cut(value: object) -> object:
    """What stands in place of a value: nothing that was there before, but null and emptiness may be seen."""
    return value if value in (None, "", [], {}) else CUT


def _secrets_in(value: object, *, is_sign_in: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if _is_shown(name, each, is_sign_in=is_sign_in):
                yield from _secrets_in(each, is_sign_in=is_sign_in)
            else:
                yield from _texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _secrets_in(each, is_sign_in=is_sign_in)


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts_in(each)


def _is_opaque(run: str) -> bool:
    """Whether a long run of letters is nothing that a person wrote."""
    return any(map(str.isdigit, run)) and any(map(str.isupper, run)) and any(map(str.islower, run))
