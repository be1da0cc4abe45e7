"""docs/reference/sandbox.md says what there is."""

from pathlib import Path

import pytest

from pallink.sandbox import METHODS, Sandbox
from pallink.sandbox.names import FAULTS
from pallink.sandbox.state.settings import SETTINGS, SIGN_IN_ERROR, Setting

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "sandbox.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_explained(setting: Setting) -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith(f"| `{setting.name}` |")]
    (row,) = [line for line in rows if setting.explanation in line]
    if setting is not SIGN_IN_ERROR:
        assert ", ".join(f"`{value}`" for value in setting.allowed) in row


def test_every_number_is_listed() -> None:
    listed = TEXT.replace("\n", " ")
    assert ", ".join(f"`{number}`" for number in SIGN_IN_ERROR.allowed[1:]) in listed


@pytest.mark.parametrize("method", METHODS)
def test_every_way_to_sign_in_is_listed(method: str) -> None:
    assert f"\n| `{method}` | `" in TEXT


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_explained(fault: str) -> None:
    assert f"\n| `{fault}` | {FAULTS[fault]}" in TEXT


def test_every_account_is_listed(tmp_path: Path) -> None:
    for account in Sandbox(tmp_path).describe().accounts:
        name = account.display_name if "@" not in account.name else account.name
        assert f"`{name}` |" in TEXT, name
