"""Whatever is done to a link, in whatever order: it counts its writes and follows its rules."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings as hypothesis_settings, strategies as st

from tests.exhaustive import examples
from tests.sandbox.client import Client, document

LOCATION_IDS = ("719878", "6183402", "5127255")
INVALID_IDS = ("2087415", "1", "x")

calls = st.lists(
    st.tuples(st.sampled_from(["GET", "PUT", "PATCH", "DELETE"]), st.sampled_from(LOCATION_IDS + INVALID_IDS)),
    max_size=12,
)


class Model:
    """What the facts say about a link, in the fewest words."""

    def __init__(self) -> None:
        self.linked_to: str | None = None
        self.writes = 0

    def status(self, method: str, partner_id: str) -> int:
        """Applies a call, and returns the status that it has to have."""
        match method, self.linked_to:
            case "GET", linked_to:
                return 200 if linked_to == partner_id else 404
            case "PUT", linked_to:
                status = 400 if partner_id in INVALID_IDS else 409 if linked_to else 200
            case "PATCH", linked_to:
                status = 404 if not linked_to else 400 if partner_id in INVALID_IDS else 200
            case _, None:
                return 200
            case _, linked_to:
                status = 200 if linked_to == partner_id else 404
        if status == 200:
            self.writes += 1
            self.linked_to = None if method == "DELETE" else partner_id
        return status


@given(calls)
@hypothesis_settings(deadline=None, max_examples=examples(40))
def test_any_history(history: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as home:
        client = Client(Path(home))
        client.sandbox.set("get-after-delete", "deleted-link")
        caller, model = client.caller(), Model()
        created_time = None
        for method, partner_id in history:
            deleted = model.writes > 0 and not model.linked_to
            expected = model.status(method, partner_id)
            if not (method == "GET" and deleted):  # Then GET answers by what was linked last, which is tested below.
                assert caller.partners(method, partner_id).status == expected

            response = caller.partners("GET")
            if not model.writes:
                assert response.status == 404
                continue
            link = document(response)
            assert link["etag"] == link["properties"]["version"] == model.writes
            assert link["properties"]["state"] == ("Active" if model.linked_to else "Deleted")
            assert model.linked_to in {None, link["name"]}
            created_time = created_time or link["properties"]["createdTime"]
            assert link["properties"]["createdTime"] == created_time
