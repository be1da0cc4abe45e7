"""The session of requests: what it takes from the environment."""

import os
from typing import Any

import pytest
import requests

from pallink.http.pool import new_pool

HOST = "https://management.azure.com"


def proxy_for(session: requests.Session, url: str, proxies: dict[str, str] | None = None) -> Any:
    found = session.merge_environment_settings(url, dict(proxies or {}), None, None, None)
    return found["proxies"].get("https")


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs for which requests looks through the environment."""
    seen: list[str] = []
    look_up = requests.sessions.get_environ_proxies

    def noted(url: str, **rest: Any) -> Any:
        seen.append(url)
        return look_up(url, **rest)

    monkeypatch.setattr(requests.sessions, "get_environ_proxies", noted)
    return seen


def test_the_environment_is_looked_through_once_for_each_host(
    monkeypatch: pytest.MonkeyPatch, lookups: list[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:8080")
    monkeypatch.setenv("NO_PROXY", "login.microsoftonline.com")
    session = new_pool()
    for path in ("/subscriptions", "/tenants"):
        assert proxy_for(session, HOST + path) == "http://proxy.test:8080"
        assert proxy_for(session, f"https://login.microsoftonline.com{path}") is None
    assert len(lookups) == 2


def test_what_a_request_says_of_proxies_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:8080")
    session = new_pool()
    assert proxy_for(session, HOST) == "http://proxy.test:8080"
    assert proxy_for(session, HOST, {"https": "http://another.test:8080"}) == "http://another.test:8080"
    assert proxy_for(session, HOST, {"no_proxy": "management.azure.com"}) is None
    assert proxy_for(session, HOST) == "http://proxy.test:8080"


def test_what_one_request_adds_is_not_the_next_ones() -> None:
    session = new_pool()
    session.merge_environment_settings(HOST, {}, None, None, None)["proxies"]["https"] = "http://added.test"
    assert proxy_for(session, HOST) is None


@pytest.mark.usefixtures("trusted")
def test_the_bundle_of_the_environment_is_used() -> None:
    session = new_pool()
    for _ in range(2):
        found = session.merge_environment_settings(HOST, None, None, None, None)
        assert found["verify"] == os.environ["REQUESTS_CA_BUNDLE"]
