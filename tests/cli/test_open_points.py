"""Where nobody has recorded what the service answers, pallink does its job with either answer."""

import pytest

from pallink.sandbox.state.settings import ALREADY_LINKED, DELETE_OTHER_ID, GET_AFTER_DELETE, VERSION_TYPE
from tests.harness import Pallink

SETTINGS = (ALREADY_LINKED, GET_AFTER_DELETE, DELETE_OTHER_ID, VERSION_TYPE)
OTHERS = {setting.name: next(value for value in setting.allowed if value != setting.default) for setting in SETTINGS}
# By default the sandbox as it is, and one in which every setting is another.
WORLDS = [
    pytest.param({}, id="defaults"),
    pytest.param(OTHERS, id="others"),
    *(
        pytest.param({setting.name: value}, id=f"{setting.name}={value}", marks=pytest.mark.exhaustive)
        for setting in SETTINGS
        for value in setting.allowed
        if value != setting.default
    ),
]


@pytest.mark.parametrize("settings", WORLDS)
def test_the_whole_life_of_a_link(pallink: Pallink, in_sandbox: Pallink, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        assert pallink("sandbox", "set", name, value).code == 0
    assert in_sandbox("show").code == 3
    assert in_sandbox("link 719878 -o json").json["action"] == "created"
    assert in_sandbox("link 719878 -o json").json["action"] == "unchanged"
    assert in_sandbox("link 6183402").code == 5
    assert in_sandbox("unlink 6183402 --yes").code == 5
    assert in_sandbox("update 6183402 -o json").json["action"] == "updated"
    assert in_sandbox("unlink --yes -o json").json["action"] == "deleted"
    assert in_sandbox("unlink --yes -o json").json["action"] == "unchanged"
    assert in_sandbox("show").code == 3
    assert in_sandbox("verify 719878").code == 3
    assert in_sandbox("update 719878").code == 3
    again = in_sandbox("link 719878 -o json")
    assert (again.json["action"], again.json["previousPartnerId"]) == ("created", None)
    assert again.json["version"] == 4
    assert again.stderr.count("warning") == 0


def test_a_cloud_without_the_provider_is_not_called_not_linked(pallink: Pallink, in_sandbox: Pallink) -> None:
    pallink("sandbox set provider absent")
    for command in ("show", "link 719878", "verify 719878", "update 719878", "unlink --yes", "check"):
        failed = in_sandbox(command)
        assert failed.code == 1, command
        assert "does not offer Partner Admin Link (InvalidResourceNamespace" in failed.stderr
