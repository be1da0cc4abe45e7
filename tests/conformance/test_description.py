"""The sandbox beside conformance/openapi.yaml, in any order of calls and with any setting that changes its answers.

`python -m conformance --only schemathesis` does the same over HTTPS, with requests that nobody thought of.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from pallink.sandbox import Response
from pallink.sandbox.arm.management_partner import ROUTES
from pallink.sandbox.state.settings import ALREADY_LINKED, DELETE_OTHER_ID, GET_AFTER_DELETE
from tests.exhaustive import examples
from tests.sandbox.client import Caller, Client, parsed

DESCRIPTION = yaml.safe_load((Path(__file__).parents[2] / "conformance" / "openapi.yaml").read_text(encoding="utf-8"))
METHODS = {"get", "put", "patch", "delete"}

OPERATIONS = [(path, method) for path, item in DESCRIPTION["paths"].items() for method in sorted(METHODS & item.keys())]
CALLS = st.tuples(
    st.sampled_from(OPERATIONS),
    st.one_of(st.sampled_from(["719878", "6183402", "2087415", "1234567"]), st.text("0123456789", min_size=1)),
)
SETTINGS = st.fixed_dictionaries(
    {each.name: st.sampled_from(each.allowed) for each in (ALREADY_LINKED, DELETE_OTHER_ID, GET_AFTER_DELETE)}
)


def problems(path: str, method: str, response: Response) -> Iterator[str]:
    """Yields what an answer has that the description does not have among its answers."""
    described = DESCRIPTION["paths"][path][method]["responses"].get(str(response.status))
    if described is None:
        yield f"{response.status} is not described"
        return
    described = _resolved(described)
    for name, header in described["headers"].items():
        values = [value for key, value in response.headers.items() if key.lower() == name.lower()]
        if not values:
            yield f"the header {name} is missing"
        yield from (error.message for value in values for error in _errors(header["schema"], value))
    if "content" not in described:
        if response.body or "Content-Type" in response.headers:
            yield "there is a body"
        return
    yield from (
        error.message for error in _errors(described["content"]["application/json"]["schema"], parsed(response))
    )


def _resolved(item: dict[str, Any]) -> dict[str, Any]:
    return DESCRIPTION["components"]["responses"][item["$ref"].rpartition("/")[2]] if "$ref" in item else item


def _errors(schema: dict[str, Any], value: object) -> Iterator[Any]:
    whole = {**schema, "components": DESCRIPTION["components"]}  # Where its references lead.
    return Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value)


def call(caller: Caller, path: str, method: str, partner_id: str) -> Response:
    return caller.send(method.upper(), f"{path.replace('{partnerId}', partner_id)}?api-version=2018-02-01")


@settings(max_examples=examples(40), deadline=None)
@given(chosen=SETTINGS, calls=st.lists(CALLS, min_size=1, max_size=12))
def test_every_answer_is_described(chosen: dict[str, str], calls: list[tuple[tuple[str, str], str]]) -> None:
    with TemporaryDirectory() as folder:
        client = Client(Path(folder))
        for name, value in chosen.items():
            client.sandbox.set(name, value)
        caller = client.application()
        for (path, method), partner_id in calls:
            response = call(caller, path, method, partner_id)
            assert list(problems(path, method, response)) == [], (method, path, partner_id)


def test_every_route_is_described() -> None:
    described = {(path.lower().replace("{partnerid}", "{partner}"), method.upper()) for path, method in OPERATIONS}
    assert described == {(route.path, method) for route in ROUTES for method in route.methods}


@pytest.mark.parametrize("token", [None, "nonsense"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_a_missing_token_is_described(client: Client, path: str, method: str, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = f"{path.replace('{partnerId}', '719878')}?api-version=2018-02-01"
    response = client.send(method.upper(), url, headers=headers)
    assert response.status == 401
    assert list(problems(path, method, response)) == []


PARTNER = "/providers/Microsoft.ManagementPartner/partners/{partnerId}"


def test_an_answer_of_another_shape_is_noticed(client: Client) -> None:
    """The settings that leave the recorded shape are seen by the same checks: they can fail."""
    client.sandbox.set("version-type", "string")
    created = call(client.caller(), PARTNER, "put", "719878")
    assert list(problems(PARTNER, "put", created)) == ["'1' is not of type 'integer'"]
    client.sandbox.set("provider", "absent")
    missing = call(client.caller(), PARTNER, "get", "719878")
    assert "'code' is a required property" in list(problems(PARTNER, "get", missing))
    for response, problem in (
        (Response(201, created.headers, created.body), "201 is not described"),
        (
            Response(200, {"Content-Type": "application/json; charset=utf-8"}, created.body),
            "the header x-ms-request-id",
        ),
    ):
        assert any(each.startswith(problem) for each in problems(PARTNER, "put", response))
    assert list(problems(PARTNER, "delete", created)) == ["there is a body"]
