"""The sign-ins of one run: a token cache that its sessions share, and a new sign-in that opens the other tenants."""

from collections import Counter
from typing import Any

import pytest

from pallink.azure.auth import token_cache
from pallink.azure.auth.sign_ins import RunSignIns
from pallink.concurrency import gather
from pallink.signin.store import store_for
from tests.cli.people import APPROVERS, INVOICES, Desk
from tests.fleet.files import totals


def token_requests(desk: Desk) -> int:
    return len([request for request in desk.seen if request.method == "POST"])


@pytest.fixture
def cache_calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the token caches that are read and written."""
    calls: Counter[str] = Counter()

    def count(name: str) -> None:
        real = getattr(token_cache, name)

        def counted(*args: Any, **options: Any) -> Any:
            calls[name] += 1
            return real(*args, **options)

        monkeypatch.setattr(token_cache, name, counted)

    count("load")
    count("save")
    return calls


def test_all_sessions_of_a_run_share_one_token_cache(served_consultant: Desk, cache_calls: Counter[str]) -> None:
    """It is read once, written once, and has a token for each tenant when the next run begins."""
    desk = served_consultant
    done = desk.run("link 719878 --all-tenants --yes -o json")
    assert (done.code, totals(done)) == (0, {"created": 5})
    assert (cache_calls["save"], token_requests(desk)) == (1, 4)
    cache_calls.clear()
    desk.seen.clear()
    assert desk.run("verify 719878 --all-tenants").code == 0
    assert (cache_calls["save"], token_requests(desk)) == (0, 0)


def test_a_cache_is_read_once_by_many_threads(desk: Desk, no_keyring: None, cache_calls: Counter[str]) -> None:  # noqa: ARG001
    for account in (INVOICES, APPROVERS):
        assert desk.run(f"login --account {account} --allow-plain-text-cache").code == 0
    cache_calls.clear()
    first, second = store_for("sandbox").all()
    sign_ins = RunSignIns()
    opened = gather(*[lambda stored=stored: sign_ins.open(stored) for stored in (first, second) * 8])
    assert {(stored.account, id(cache)) for stored, cache in opened} == {
        (stored.account, id(sign_ins.open(stored)[1])) for stored in (first, second)
    }
    assert cache_calls["load"] == 2, "each has a cache of its own, out of reach of the other"
