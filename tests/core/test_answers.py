"""What an answer may be before anything reads it."""

import functools
import gzip
import zlib
from io import BytesIO

import pytest
import requests
from hypothesis import given, strategies as st
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from pallink.http.response_limits import (
    MAX_BODY_BYTES,
    MAX_JSON_DEPTH,
    UnusableResponse,
    depth,
    normalize_headers,
    read_body,
    seconds_of,
)

# Without the time of day, which would give the tests another name in each worker.
_packed = functools.partial(gzip.compress, mtime=0)
ENCODINGS = st.sampled_from(["", "identity", "gzip", "x-gzip", "deflate", "br", "gzip, gzip", "\x1b"])


def answer(body: bytes, status: int = 200, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = HTTPResponse(BytesIO(body), named, status, preload_content=False, decode_content=False)
    request = requests.Request("GET", "https://management.example/").prepare()
    return HTTPAdapter().build_response(request, raw)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"{}", ""),
        (b"\xef\xbb\xbf{}", "identity"),
        (_packed(b"{}"), "gzip"),
        (_packed(b"{}"), "X-GZIP"),
        (_packed(b"{") + _packed(b"}"), "gzip"),
        (_packed(b"{}") + bytes(100_000), "gzip"),
        (_packed(b"{}") + b"rest" + _packed(b"more"), "gzip"),
        (zlib.compress(b"{}"), "deflate"),
        (zlib.compress(b"{}") + b"rest", "deflate"),
    ],
)
def test_a_body_is_read_whole_and_unpacked(body: bytes, encoding: str) -> None:
    response = answer(body, Content_Encoding=encoding)
    read_body(response)
    assert (response.content, response.text) == (b"{}", "{}")


@pytest.mark.parametrize(
    ("body", "encoding", "cause"),
    [
        (b" " * (MAX_BODY_BYTES + 1), "", "longer than 4 MB"),
        (_packed(b" " * (MAX_BODY_BYTES + 1)), "gzip", "longer than 4 MB"),
        (b"{}", "gzip", "damaged"),
        (_packed(b"{}")[:-4], "gzip", "damaged"),
        (_packed(b"{}") + _packed(b"{}")[:9], "gzip", "damaged"),
        (_packed(b" " * MAX_BODY_BYTES) + _packed(b" "), "gzip", "longer than 4 MB"),
        (_packed(b" ") * 2_000, "gzip", "damaged"),
        (b"-139989716168393", "deflate", "damaged"),
        (b"{}", "br", "not asked for"),
        (_packed(_packed(b"{}")), "gzip, gzip", "not asked for"),
        (b"\xff{}", "", "not UTF-8"),
        ("{}".encode("utf-16"), "", "not UTF-8"),
        (b"[" * (MAX_JSON_DEPTH + 1), "", "nested"),
        (b'{"a":' * 100_000, "", "nested"),
    ],
)
def test_what_cannot_be_used_says_why(body: bytes, encoding: str, cause: str) -> None:
    with pytest.raises(UnusableResponse, match=cause):
        read_body(answer(body, Content_Encoding=encoding))
    failed = answer(body, 403, Content_Encoding=encoding)
    read_body(failed)
    assert (failed.status_code, failed.content) == (403, b"")


@given(body=st.binary(max_size=40), encoding=ENCODINGS, status=st.sampled_from([200, 301, 403, 500]))
def test_reading_ends_whatever_it_is_said_to_be(body: bytes, encoding: str, status: int) -> None:
    try:
        read_body(answer(body, status, Content_Encoding=encoding))
    except UnusableResponse:
        assert status < 400


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("-1", 0),
        ("1e308", 1e308),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 60),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0),
        ("Fri, 99 Foo 0000 99:99:99 +9999", None),
    ],
)
def test_how_long_to_wait(wait: str, seconds: float | None) -> None:
    assert seconds_of(wait, now=40) == seconds


@given(st.text())
def test_any_wait_can_be_read(wait: str) -> None:
    found = seconds_of(wait)
    assert found is None or found >= 0


@pytest.mark.parametrize(
    ("name", "value", "settled"),
    [
        ("Content-Type", "application/json; charset=utf-16", "application/json"),
        ("Content-Type", "application/problem+json", "application/problem+json"),
        ("Content-Type", "text/html; charset=idna", "text/html"),
        ("Content-Type", "application/xml", "text/plain"),
        ("Retry-After", "1e308", "1000000"),
        ("Retry-After", "7", "7"),
        ("Retry-After", "nan", None),
        ("x-ms-retry-after-ms", "Thu, 01 Jan 1970 00:01:40 GMT", None),
        ("Server", "anything", "anything"),
    ],
)
def test_headers_are_put_in_order(name: str, value: str, settled: str | None) -> None:
    headers = requests.structures.CaseInsensitiveDict({name: value})
    normalize_headers(headers)
    assert headers.get(name) == settled


@pytest.mark.parametrize(
    ("body", "deep"),
    [
        (b"[" * 100 + b"]" * 100, 100),
        (b'["' + b"[" * 100 + b'"]', 1),
        (b'["\\"' + b"[" * 100 + b'"]', 1),
        (b"[" + b"{}," * 100 + b"{}]", 2),
        (b'"' + b"[" * 100, 0),
    ],
)
def test_how_deep_json_is_nested(body: bytes, deep: int) -> None:
    assert depth(body) == deep
