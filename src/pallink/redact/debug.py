"""What `--debug` may show of a request and a response.

Headers, parameters, and members of a sign-in response keep their values only if they are on a list of harmless ones.
Members of other JSON lose them if their names sound like secrets. In what remains, text that looks like a credential is
redacted, as are the active secrets.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pallink.redact.secrets import REDACTED, Secrets, redact_start

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
        "proxy-authenticate",
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
        "www-authenticate",
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
_SHOWN_PREFIX = "x-ms-ratelimit-remaining-"
# Their values are URLs, which are shown without what is secret in them.
_URL_HEADERS = frozenset({"content-location", "link", "location"})

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
_SHOWN_SUFFIXES = ("_endpoint", "_supported")

_SECRET_NAMES = re.compile(
    r"token|secret|passw|pwd|assertion|cookie|credential|signature|^authori[sz]ation$|client_?info|private|refresh"
    r"|api_?key|access_?key|(^|_|-)(key|sig|sas)$|verifier|connection_?string|device_?code|user_?code",
    re.IGNORECASE,
)
# An error code is a word; an authorization code is not.
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{1,60}[0-9]{0,8}", re.ASCII)

# What looks like a credential, beside the shapes that `redact` knows; a first group is kept.
_CREDENTIALS = (
    # A JSON Web Token, or part of one.
    re.compile(r"()eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]+)*"),
    re.compile(r"(?i)\b(bearer )[A-Za-z0-9._~+/-]{16,}=*"),
    # A parameter in a text.
    re.compile(
        r"(?i)(?<![a-z0-9_$-])((?:[a-z0-9_-]{0,40}?(?:token|secret|passw|assertion|cookie|client_info)[a-z0-9_-]{0,40}"
        r"|code|pwd|sig|state|session_state|nonce|device_code|user_code|code_verifier)=)[^&\s\"'<>]+"
    ),
)
_OPAQUE = re.compile(r"[A-Za-z0-9_~.+=-]{40,}")
_MAX_LENGTH = 20_000


def debug_text(text: str, *, allow_opaque: bool = False) -> str:
    """Return the text without secrets and what looks like one; only the beginning of a very long text.

    Args:
        text: What to show.
        allow_opaque: Whether a long run of letters and digits may be something else than a credential.
    """
    text = redact_start(text, _MAX_LENGTH + 1)
    if len(text) > _MAX_LENGTH:
        # Up to the last space: the first part of a credential might not look like one.
        text = text[:_MAX_LENGTH].rpartition(" ")[0] + " ..."
    for pattern in _CREDENTIALS:
        text = pattern.sub(rf"\1{REDACTED}", text)
    return text if allow_opaque else _OPAQUE.sub(lambda match: REDACTED if _is_opaque(match[0]) else match[0], text)


def debug_url(url: str) -> str:
    """Return the URL without its fragment, and with the values of harmless parameters only."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return debug_text(url.partition("?")[0])
    query = "&".join(f"{name}={value}" for name, value in debug_form(parts.query))
    origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    fragment = f"#{REDACTED}" if parts.fragment else ""
    return debug_text(f"{origin}{parts.path}") + (f"?{query}" if query else "") + fragment


def debug_form(form: str) -> list[tuple[str, str]]:
    """Return the names and values of a form or a query, of which only harmless ones keep their values."""
    return [
        (debug_text(name), _debug_value(value) if name.lower() in _SHOWN_PARAMETERS else REDACTED if value else "")
        for name, value in parse_qsl(form, keep_blank_values=True)
    ]


def debug_headers(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the names and values of headers, of which only harmless ones keep their values."""
    for name, value in headers:
        lower = name.lower()
        if lower == "user-agent":
            # The name of a platform is as long as a token.
            yield name, debug_text(value, allow_opaque=True)
        elif lower in _SHOWN_HEADERS or lower.startswith(_SHOWN_PREFIX):
            yield name, debug_text(value)
        elif lower in _URL_HEADERS:
            yield name, debug_url(value)
        else:
            yield debug_text(name), REDACTED


def debug_json(value: Any, *, is_sign_in: bool) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON without secrets. What one member loses is redacted in the others too.

    Args:
        value: The parsed JSON.
        is_sign_in: Whether it is part of a sign-in, of which only what is known to be harmless is shown.
    """
    hidden = Secrets(*_hidden_texts(value, is_sign_in=is_sign_in))

    def shown(value: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, Mapping):
            return {
                debug_text(hidden.redact(name)): shown(member)
                if _is_shown(name, member, is_sign_in=is_sign_in)
                else _placeholder(member)
                for name, member in value.items()
            }
        if isinstance(value, list):
            return [shown(item) for item in value]
        return _debug_value(hidden.redact(value)) if isinstance(value, str) else value

    return shown(value)


def _debug_value(value: str) -> str:
    return debug_url(value) if value.startswith(("https://", "http://")) else debug_text(value)


def _is_shown(name: str, value: object, *, is_sign_in: bool) -> bool:
    """Tell by its name whether a member of an object may be shown."""
    lower = name.lower()
    if is_sign_in:
        return lower in _SHOWN_IN_SIGN_IN or lower.endswith(_SHOWN_SUFFIXES)
    if lower == "code":
        return isinstance(value, str) and _WORD.fullmatch(value) is not None
    return _SECRET_NAMES.search(name) is None


def _placeholder(value: object) -> object:
    """Return what is shown in place of a hidden value: that it is null or empty may be seen."""
    return value if value in (None, "", [], {}) else REDACTED


def _hidden_texts(value: object, *, is_sign_in: bool, is_hidden: bool = False) -> Iterator[str]:
    """Yield the texts in those members that may not be shown."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            hides = is_hidden or not _is_shown(name, member, is_sign_in=is_sign_in)
            yield from _hidden_texts(member, is_sign_in=is_sign_in, is_hidden=hides)
    elif isinstance(value, list):
        for item in value:
            yield from _hidden_texts(item, is_sign_in=is_sign_in, is_hidden=is_hidden)
    elif isinstance(value, str) and is_hidden:
        yield value


def _is_opaque(run: str) -> bool:
    """Tell what a machine made from what a person wrote."""
    return any(map(str.isdigit, run)) and any(map(str.isupper, run)) and any(map(str.islower, run))
