"""What a response may be before anything reads it."""

import gzip
from io import BytesIO

import pytest
import requests
from hypothesis import given, strategies as st
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from pallink.http.response_limits import (
    MAX_BODY_BYTES,
    UnusableResponse,
    normalize_headers,
    read_response,
    retry_after_seconds,
)

ENCODINGS = st.sampled_from(["", "identity", "gzip", "x-gzip", "deflate", "br", "gzip, gzip", "\x1b"])


def make_response(body: bytes, status: int = 200, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = HTTPResponse(BytesIO(body), named, status, preload_content=False, decode_content=False)
    request = requests.Request("GET", "https://management.example/").prepare()
    return HTTPAdapter().build_response(request, raw)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"{}", ""), (b"\xef\xbb\xbf{}", "identity"), (b"{}", " Identity ")],
    ids=["plain", "byte order mark", "identity"],
)
def test_a_body_is_read_whole(body: bytes, encoding: str) -> None:
    response = make_response(body, Content_Encoding=encoding)
    read_response(response)
    assert (response.content, response.text) == (b"{}", "{}")


@pytest.mark.parametrize(
    ("body", "encoding", "cause"),
    [
        (b" " * (MAX_BODY_BYTES + 1), "", "longer than 4 MB"),
        (gzip.compress(b"{}", mtime=0), "gzip", "compressed, which was not requested"),
        (b"{}", "br", "compressed, which was not requested"),
        (b"\xff{}", "", "not UTF-8"),
        ("{}".encode("utf-16"), "", "not UTF-8"),
    ],
    ids=["too long", "gzip", "br", "not UTF-8", "UTF-16"],
)
def test_what_cannot_be_used_says_why(body: bytes, encoding: str, cause: str) -> None:
    with pytest.raises(UnusableResponse, match=cause):
        read_response(make_response(body, Content_Encoding=encoding))
    failed = make_response(body, 403, Content_Encoding=encoding)
    read_response(failed)
    assert (failed.status_code, failed.content) == (403, b"")


@given(body=st.binary(max_size=40), encoding=ENCODINGS, status=st.sampled_from([200, 301, 403, 500]))
def test_reading_ends_whatever_it_is_said_to_be(body: bytes, encoding: str, status: int) -> None:
    try:
        read_response(make_response(body, status, Content_Encoding=encoding))
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
    assert retry_after_seconds(wait, now=40) == seconds


@given(st.text())
def test_any_wait_can_be_read(wait: str) -> None:
    found = retry_after_seconds(wait)
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
